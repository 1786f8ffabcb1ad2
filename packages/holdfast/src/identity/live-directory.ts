/**
 * The directory of agents in memory. It reads the store whole at `start` and again whenever it is
 * told to look (a notice, a reconnect, the poll), and says which tokens have ended since.
 *
 * Between two looks a token can only end by the clock: its own, or its agent's hours and expiry
 * (`agent-standing.ts`), which `isLive` reads each time. When the store is away the last known state
 * stands; `ageMs` says how old it is.
 */
import type { Allowance } from '../model/allowance.ts';
import type { Clock } from '../model/clock.ts';
import { ERRORS } from '../model/errors.ts';
import { DIRECTORY_FRESHEN_MS_MAX } from '../model/limits.ts';
import type {
  AgentCredentials,
  AgentDirectory,
  Allowances,
  EndCode,
  Ended,
  TokenVerifier,
} from './agent-directory.ts';
import { effectiveScope, tokenTargets } from './agent-scope.ts';
import { AgentStanding } from './agent-standing.ts';
import type { AgentOwner, AgentRecord, AgentSnapshot, AgentStore } from './agent-store.ts';
import { madeUpSalt, SCRAM_ITERATIONS } from './scram.ts';

export interface EndedToken {
  readonly tokenId: string;
  readonly agentId: string;
  readonly reason: EndCode;
}

export interface LiveDirectoryParts {
  readonly store: Pick<AgentStore, 'snapshot' | 'sharedSecret'>;
  readonly clock: Clock;
  /** A look failed; the next one is on its way. */
  readonly trouble?: (error: unknown) => void;
}

interface Agent {
  readonly salt: Buffer;
  readonly tokens: readonly TokenVerifier[];
}

/** What one look saw. */
interface Seen {
  readonly agents: ReadonlyMap<string, Agent>;
  readonly tokens: ReadonlyMap<string, TokenVerifier>;
  readonly byHash: ReadonlyMap<string, TokenVerifier>;
  /** By the agent's id. */
  readonly standings: ReadonlyMap<string, AgentStanding>;
  /** Ids of tokens that are for nothing their agent may. */
  readonly beyond: ReadonlySet<string>;
  /** Ids of people who answer for agents, by the agent's id. */
  readonly owners: ReadonlyMap<string, string>;
}

const SALT_KEY = 'made-up-salt';

const UNKNOWN_AGENT: Allowance = {
  stop: {
    code: 'HF_AGENT_EXPIRED',
    reason: 'Holdfast knows no such agent any more',
    hint: 'Stop here and tell whoever gave you the task; do not look for another way in.',
  },
  environments: new Set(),
  targets: new Set(),
  effectKinds: new Set(),
};

export class LiveDirectory implements AgentDirectory, Allowances {
  readonly #parts: LiveDirectoryParts;
  readonly #ended = new Set<(ended: EndedToken) => void>();
  readonly #saltKey: Buffer;
  #agents: Seen['agents'] = new Map();
  #tokens: Seen['tokens'] = new Map();
  #byHash: Seen['byHash'] = new Map();
  #standings: Seen['standings'] = new Map();
  #beyond: Seen['beyond'] = new Set();
  #owners: Seen['owners'] = new Map();
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

  /** For protocols in which the token itself is shown; null when no timely one has this SHA-256. */
  byHash(hash: Buffer): TokenVerifier | null {
    const token = this.#byHash.get(hash.toString('hex'));
    return token !== undefined && this.#isTimely(token) ? token : null;
  }

  isLive(tokenId: string): boolean {
    const token = this.#tokens.get(tokenId);
    if (token === undefined || !this.#isTimely(token)) return false;
    if (this.#beyond.size > 0 && this.#beyond.has(tokenId)) return false;
    return this.allowanceOf(token.agentId).stop === null;
  }

  whyEnded(token: Pick<TokenVerifier, 'tokenId' | 'agentId' | 'expiresAt'>): Ended | null {
    const known = this.#tokens.get(token.tokenId);
    if (!this.#isTimely(known ?? token)) return ended('HF_TOKEN_EXPIRED', ASK_FOR_TOKEN);
    if (known === undefined) return ended('HF_TOKEN_REVOKED', ASK_FOR_TOKEN);
    const { stop } = this.allowanceOf(known.agentId);
    if (stop !== null) {
      return { code: stop.code, message: `Holdfast stops here: ${stop.reason}.`, hint: stop.hint };
    }
    return this.#beyond.has(token.tokenId) ? ended('HF_AGENT_SCOPE', ASK_FOR_TOKEN) : null;
  }

  allowanceOf(agentId: string): Allowance {
    const standing = this.#standings.get(agentId);
    return standing === undefined ? UNKNOWN_AGENT : standing.allowance(this.#parts.clock);
  }

  /** The person who answers for the agent; for a sub-agent without one, its parent's. Null: nobody who is here. */
  ownerOf(agentId: string): string | null {
    return this.#owners.get(agentId) ?? null;
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
    const seen = index(await store.snapshot(clock.now()), this.#standings);
    this.#agents = seen.agents;
    this.#tokens = seen.tokens;
    this.#byHash = seen.byHash;
    this.#standings = seen.standings;
    this.#beyond = seen.beyond;
    this.#owners = seen.owners;
    this.#lookedAtMs = startedMs;
  }

  /** Also after a failed look: a token may have run out meanwhile. */
  #sayWhatEnded(): void {
    for (const token of [...this.#watched.values()]) {
      const why = this.whyEnded(token);
      if (why === null) continue;
      this.#watched.delete(token.tokenId);
      for (const handler of this.#ended) {
        handler({ tokenId: token.tokenId, agentId: token.agentId, reason: why.code });
      }
    }
    this.#watchLive();
  }

  #watchLive(): void {
    for (const token of this.#tokens.values()) {
      if (this.isLive(token.tokenId)) this.#watched.set(token.tokenId, token);
    }
  }

  #isTimely(token: Pick<TokenVerifier, 'expiresAt'>): boolean {
    return token.expiresAt.getTime() > this.#parts.clock.now().getTime();
  }
}

const ASK_FOR_TOKEN = 'Ask a person for a new token: holdfast agents token NAME.';

function ended(code: EndCode, hint: string): Ended {
  return { code, message: `${ERRORS[code].title}.`, hint };
}

/** `before`: what stands as it stood keeps its object, by which judges remember. */
function index(snapshot: AgentSnapshot, before: Seen['standings']): Seen {
  const byId = new Map(snapshot.agents.map((agent) => [agent.id, agent]));
  const standings = new Map<string, AgentStanding>();
  for (const agent of snapshot.agents) {
    const fresh = new AgentStanding(agent.name, effectiveScope(agent, byId));
    const known = before.get(agent.id);
    standings.set(agent.id, known?.isLike(fresh) === true ? known : fresh);
  }
  const tokens = new Map<string, TokenVerifier>();
  const byHash = new Map<string, TokenVerifier>();
  const byAgent = new Map<string, TokenVerifier[]>();
  const beyond = new Set<string>();
  for (const token of snapshot.tokens) {
    const { agentId, id } = token;
    const agentName = byId.get(agentId)?.name;
    const standing = standings.get(agentId);
    if (agentName === undefined || standing === undefined) continue;
    const targets = tokenTargets(standing.scope, token.environment, token.targets);
    if (targets === null) beyond.add(id);
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
      targets: targets ?? token.targets,
      expiresAt: token.expiresAt,
    };
    tokens.set(id, verifier);
    byHash.set(token.tokenHash.toString('hex'), verifier);
    byAgent.set(agentId, [...(byAgent.get(agentId) ?? []), verifier]);
  }
  const agents = snapshot.agents.map(({ id, name, salt }): [string, Agent] => {
    return [name, { salt, tokens: byAgent.get(id) ?? [] }];
  });
  return { agents: new Map(agents), tokens, byHash, standings, beyond, owners: ownersOf(byId) };
}

/** Who was removed answers for nothing: they may be back under another name, or whoever signs may be. */
function isOwned(agent: AgentRecord): agent is AgentRecord & { readonly owner: AgentOwner } {
  return agent.owner?.isRemoved === false;
}

/** As the statement that uses an approval up has it (store/hold-store.ts, OWNER_NOW). */
function ownersOf(byId: ReadonlyMap<string, AgentRecord>): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const agent of byId.values()) {
    const seen = new Set<string>();
    let at: AgentRecord | undefined = agent;
    while (at !== undefined && !isOwned(at) && at.parentId !== null && !seen.has(at.id)) {
      seen.add(at.id);
      at = byId.get(at.parentId);
    }
    if (at !== undefined && isOwned(at)) owners.set(agent.id, at.owner.id);
  }
  return owners;
}
