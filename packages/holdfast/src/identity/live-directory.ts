/**
 * The directory of agents in memory. It reads the store whole at `start` and again whenever it is
 * told to look (a notice, a reconnect, the poll), and says which tokens have ended since.
 *
 * Between two looks a token can only end by its own clock, which `isLive` reads each time. When the
 * store is away the last known state stands; `ageMs` says how old it is.
 */
import type { Clock } from '../model/clock.ts';
import { DIRECTORY_FRESHEN_MS_MAX } from '../model/limits.ts';
import type { AgentCredentials, AgentDirectory, TokenVerifier } from './agent-directory.ts';
import type { AgentSnapshot, AgentStore } from './agent-store.ts';
import { madeUpSalt, SCRAM_ITERATIONS } from './scram.ts';

export interface EndedToken {
  readonly tokenId: string;
  readonly agentId: string;
  readonly reason: 'HF_TOKEN_REVOKED' | 'HF_TOKEN_EXPIRED';
}

export interface LiveDirectoryParts {
  readonly store: AgentStore;
  readonly clock: Clock;
  /** A look failed; the next one is on its way. */
  readonly trouble?: (error: unknown) => void;
}

interface Agent {
  readonly salt: Buffer;
  readonly tokens: readonly TokenVerifier[];
}

const SALT_KEY = 'made-up-salt';

export class LiveDirectory implements AgentDirectory {
  readonly #parts: LiveDirectoryParts;
  readonly #ended = new Set<(ended: EndedToken) => void>();
  readonly #saltKey: Buffer;
  #agents: ReadonlyMap<string, Agent> = new Map();
  #tokens: ReadonlyMap<string, TokenVerifier> = new Map();
  #byHash: ReadonlyMap<string, TokenVerifier> = new Map();
  /** Live when last looked at, and not yet said to have ended. */
  readonly #watched = new Map<string, TokenVerifier>();
  #lookedAtMs = 0;
  #looking: Promise<void> | null = null;
  #lookAgain = false;

  private constructor(parts: LiveDirectoryParts, saltKey: Buffer) {
    this.#parts = parts;
    this.#saltKey = saltKey;
  }

  /** Rejects when the store cannot be read: a gateway without identities does not open. */
  static async start(parts: LiveDirectoryParts): Promise<LiveDirectory> {
    const saltKey = await parts.store.sharedSecret(SALT_KEY, parts.clock.random(32));
    const directory = new LiveDirectory(parts, saltKey);
    await directory.#read();
    directory.#watchLive();
    return directory;
  }

  async freshen(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, DIRECTORY_FRESHEN_MS_MAX);
    });
    await Promise.race([this.look(), late]);
    clearTimeout(timer);
  }

  credentialsOf(agentName: string): AgentCredentials {
    const agent = this.#agents.get(agentName);
    return {
      salt: agent?.salt ?? madeUpSalt(this.#saltKey, agentName),
      iterations: SCRAM_ITERATIONS,
      tokens: agent?.tokens.filter((token) => this.#isTimely(token)) ?? [],
    };
  }

  /** For protocols in which the token itself is shown; null when no live one has this SHA-256. */
  byHash(hash: Buffer): TokenVerifier | null {
    const token = this.#byHash.get(hash.toString('hex'));
    return token !== undefined && this.#isTimely(token) ? token : null;
  }

  isLive(tokenId: string): boolean {
    const token = this.#tokens.get(tokenId);
    return token !== undefined && this.#isTimely(token);
  }

  /** Called once for each token that was live at one look and is not at the next. */
  onEnded(handler: (ended: EndedToken) => void): () => void {
    this.#ended.add(handler);
    return () => this.#ended.delete(handler);
  }

  /** How old the state in memory is. */
  ageMs(): number {
    return this.#parts.clock.monotonicMs() - this.#lookedAtMs;
  }

  /** Reads the store again; never rejects. A look asked for during a look follows it. */
  look(): Promise<void> {
    if (this.#looking !== null) {
      this.#lookAgain = true;
      return this.#looking;
    }
    this.#looking = this.#lookUntilQuiet().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #lookUntilQuiet(): Promise<void> {
    do {
      this.#lookAgain = false;
      try {
        await this.#read();
      } catch (error) {
        this.#parts.trouble?.(error);
      }
      this.#sayWhatEnded();
    } while (this.#lookAgain);
  }

  async #read(): Promise<void> {
    const { clock, store } = this.#parts;
    const startedMs = clock.monotonicMs();
    const snapshot = await store.snapshot(clock.now());
    [this.#agents, this.#tokens] = index(snapshot);
    this.#byHash = new Map(
      [...this.#tokens.values()].map((token) => [token.tokenHash.toString('hex'), token]),
    );
    this.#lookedAtMs = startedMs;
  }

  /** Also after a failed look: a token may have run out meanwhile. */
  #sayWhatEnded(): void {
    for (const token of [...this.#watched.values()]) {
      if (this.isLive(token.tokenId)) continue;
      this.#watched.delete(token.tokenId);
      const reason = this.#isTimely(token) ? 'HF_TOKEN_REVOKED' : 'HF_TOKEN_EXPIRED';
      for (const handler of this.#ended) {
        handler({ tokenId: token.tokenId, agentId: token.agentId, reason });
      }
    }
    this.#watchLive();
  }

  #watchLive(): void {
    for (const token of this.#tokens.values()) {
      if (this.#isTimely(token)) this.#watched.set(token.tokenId, token);
    }
  }

  #isTimely(token: TokenVerifier): boolean {
    return token.expiresAt.getTime() > this.#parts.clock.now().getTime();
  }
}

function index(snapshot: AgentSnapshot): [Map<string, Agent>, Map<string, TokenVerifier>] {
  const names = new Map(snapshot.agents.map(({ id, name }) => [id, name]));
  const tokens = new Map<string, TokenVerifier>();
  const byAgent = new Map<string, TokenVerifier[]>();
  for (const token of snapshot.tokens) {
    const { agentId, id } = token;
    const agentName = names.get(agentId);
    if (agentName === undefined) continue;
    // Not by a spread: each look would give them another hidden class, and each of those makes V8 throw
    // away what it had compiled for every request.
    const verifier: TokenVerifier = {
      tokenId: id,
      agentId,
      agentName,
      tokenHash: token.tokenHash,
      storedKey: token.storedKey,
      serverKey: token.serverKey,
      environment: token.environment,
      targets: token.targets,
      expiresAt: token.expiresAt,
    };
    tokens.set(id, verifier);
    byAgent.set(agentId, [...(byAgent.get(agentId) ?? []), verifier]);
  }
  const agents = snapshot.agents.map(({ id, name, salt }): [string, Agent] => {
    return [name, { salt, tokens: byAgent.get(id) ?? [] }];
  });
  return [new Map(agents), tokens];
}
