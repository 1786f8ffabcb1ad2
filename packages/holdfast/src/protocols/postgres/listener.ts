/**
 * The PostgreSQL gateway: accepts connections, lets agents in, connects upstream as the target's role,
 * and hands both ends to a session. Order kept per connection:
 *
 *   door (TLS, token) -> may this token use this target? -> upstream login -> does the server read
 *   alike? -> search path -> greet the client -> session
 *
 * What it will not do: tell an unauthenticated caller which agents or targets exist, or greet a client
 * whose statements it could not judge (P8).
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { AgentDirectory, TokenVerifier } from '../../identity/agent-directory.ts';
import type { TokenUses } from '../../identity/token-uses.ts';
import type { SqlReader } from '../../languages/sql/sql-reading.ts';
import type { Clock } from '../../model/clock.ts';
import { ERRORS, type ErrorCode, HoldfastError, messageOf } from '../../model/errors.ts';
import { newId } from '../../model/ids.ts';
import type { SessionFacts } from '../../model/intent.ts';
import type { Target } from '../../model/target.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { AgentRole, TargetGuard } from '../../protection/target-guard.ts';
import type { ListenAddress, Protocol, SessionMatch } from '../protocol.ts';
import type { DoorOptions } from './admission.ts';
import { CancelKeys } from './cancel-keys.ts';
import { type DoorResult, hangUp, openDoor } from './door.ts';
import { backendKeyData, errorResponse, parameterStatus, readyForQuery } from './messages.ts';
import type { Permits } from './receipts.ts';
import { PostgresSession } from './session.ts';
import { connectUpstream, sendCancel, type Upstream, type UpstreamSpec } from './upstream.ts';
import { ServerError } from './upstream-login.ts';
import { askSearchPath, checkReadsAlike } from './upstream-session.ts';

export interface PostgresTarget {
  readonly target: Target;
  readonly upstream: UpstreamSpec;
  /** Null: the target is not protected by us. */
  readonly guard: TargetGuard | null;
}

export interface PostgresProtocolOptions {
  readonly listen: ListenAddress;
  readonly door: Omit<DoorOptions, 'clock' | 'directory'>;
  readonly directory: AgentDirectory;
  readonly targets: ReadonlyMap<string, PostgresTarget>;
  readonly pipeline: Pipeline;
  readonly reader: SqlReader;
  readonly clock: Clock;
  readonly unitBytesMax: number;
  /** Left out: last uses of tokens are not kept. */
  readonly uses?: TokenUses;
}

/** How often live sessions are held against the directory, in ms; revocations come by push besides. */
const LIVENESS_MS = 1_000;
/** Connections the system keeps waiting for accept. */
const BACKLOG = 511;

type Admitted = Extract<DoorResult, { kind: 'session' }>;

interface Live {
  readonly token: TokenVerifier;
  readonly up: Upward;
  readonly session: PostgresSession;
}

/** A login that succeeded. */
interface Connected {
  readonly role: AgentRole | null;
  readonly spec: UpstreamSpec;
  readonly upstream: Upstream;
}

interface Upward {
  readonly spec: UpstreamSpec;
  readonly upstream: Upstream;
  readonly guard: TargetGuard | null;
  /** The agent's own role, as it is logged in; null: the upstream's user is. */
  readonly role: string | null;
}

export function createPostgresProtocol(options: PostgresProtocolOptions): Protocol {
  return new PostgresGateway(options);
}

class PostgresGateway implements Protocol {
  readonly name = 'postgres';
  readonly #options: PostgresProtocolOptions;
  readonly #server: Server;
  readonly #keys: CancelKeys<Upward>;
  readonly #live = new Set<Live>();
  /** Connections before their session, so that `close` can end them. */
  readonly #waiting = new Set<Socket>();
  #liveness: NodeJS.Timeout | null = null;
  #closing = false;

  constructor(options: PostgresProtocolOptions) {
    this.#options = options;
    this.#keys = new CancelKeys(options.clock);
    this.#server = createServer({ noDelay: true }, (socket) => {
      void this.#accept(socket);
    });
  }

  listen(): Promise<ListenAddress> {
    const { host, port } = this.#options.listen;
    return new Promise((done, fail) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) =>
        fail(cannotListen(host, port, cause)),
      );
      this.#server.listen({ host, port, backlog: BACKLOG }, () => {
        const address = this.#server.address();
        this.#liveness = setInterval(() => this.lookAgain(), LIVENESS_MS).unref();
        done({ host, port: address !== null && typeof address === 'object' ? address.port : port });
      });
    });
  }

  endSessions(match: SessionMatch): number {
    let ended = 0;
    for (const { token, session } of this.#live) {
      if (match.tokenId !== undefined && match.tokenId !== token.tokenId) continue;
      if (match.agentId !== undefined && match.agentId !== token.agentId) continue;
      const why = this.#options.directory.whyEnded(token);
      const known = why?.code === match.reason ? why : null;
      session.end(
        match.reason,
        known?.message ?? `${ERRORS[match.reason].title}.`,
        known?.hint ?? ASK_FOR_TOKEN,
      );
      ended++;
    }
    return ended;
  }

  lookAgain(): void {
    for (const { token, session, up } of this.#live) {
      const change = changeOf(up);
      if (change !== null) session.end(change.code, change.words, 'Connect again.');
      const { directory } = this.#options;
      if (directory.isLive(token.tokenId)) continue;
      const why = directory.whyEnded(token);
      const code = why?.code ?? 'HF_TOKEN_REVOKED';
      session.end(code, why?.message ?? `${ERRORS[code].title}.`, why?.hint ?? ASK_FOR_TOKEN);
    }
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#liveness !== null) clearInterval(this.#liveness);
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    for (const socket of this.#waiting) socket.destroy();
    for (const { session } of this.#live) {
      session.end('HF_UPSTREAM_LOST', 'Holdfast is stopping.', 'Reconnect when it is up again.');
    }
    await closed;
  }

  async #accept(socket: Socket): Promise<void> {
    this.#waiting.add(socket);
    socket.once('close', () => this.#waiting.delete(socket));
    const source = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
    try {
      const { door, directory, clock } = this.#options;
      const guest = await openDoor(socket, { ...door, directory, clock });
      if (guest.kind === 'cancel') {
        // libpq waits for the end of this connection to know that its cancel was passed on.
        await this.#cancel(guest.processId, guest.secret, source).finally(() => {
          hangUp(guest.socket);
        });
      } else if (guest.kind === 'closed') this.#noteRefused(source, guest.code, guest.reason);
      else await this.#admit(guest, source);
    } catch (cause) {
      this.#noteRefused(source, 'HF_INTERNAL', cause instanceof Error ? cause.message : 'unknown');
      socket.destroy();
    } finally {
      this.#waiting.delete(socket);
    }
  }

  async #admit(guest: Admitted, source: string): Promise<void> {
    try {
      const found = this.#targetFor(guest);
      const { guard } = found;
      const { role, spec, upstream } = await this.#connect(found, guest);
      try {
        checkReadsAlike(upstream.parameters);
        const searchPath = await askSearchPath(upstream.socket);
        const up: Upward = { spec, upstream, guard, role: role?.user ?? null };
        this.#begin(guest, source, up, searchPath);
      } catch (cause) {
        upstream.socket.destroy();
        throw cause;
      }
    } catch (cause) {
      const error = asHoldfastError(cause);
      guest.socket.write(
        errorResponse({
          severity: 'FATAL',
          code: ERRORS[error.code].sqlstate,
          message: error.message,
          hint: error.hint,
        }),
      );
      // Paused, it would never see the caller's own end and stay open.
      hangUp(guest.socket);
      this.#noteRefused(source, error.code, error.message, guest);
    }
  }

  /** A password that was changed since it was read (by the agent, by another gateway) is had anew, once. */
  async #connect({ guard, upstream }: PostgresTarget, guest: Admitted): Promise<Connected> {
    const { clock } = this.#options;
    const connect = async (role: AgentRole | null): Promise<Connected> => {
      const spec = role === null ? upstream : asRole(upstream, role);
      return { role, spec, upstream: await connectUpstream(spec, guest.parameters, clock) };
    };
    const role = await roleOf(guard, guest, null);
    try {
      return await connect(role);
    } catch (cause) {
      if (role === null || !isPasswordRefused(cause)) throw cause;
      return await connect(await roleOf(guard, guest, role));
    }
  }

  #targetFor(guest: Admitted): PostgresTarget {
    const { token, targetName } = guest;
    const found = this.#options.targets.get(targetName);
    const mayUse =
      found !== undefined &&
      token.environment === found.target.environment.name &&
      (token.targets.length === 0 || token.targets.includes(targetName));
    if (found !== undefined && mayUse) return found;
    // One answer for both, so that a token does not learn which other targets exist.
    throw new HoldfastError('HF_TARGET_FORBIDDEN', {
      expected: `a target of environment ${token.environment} that this token is for`,
      found: `"${targetName}"`,
      hint: 'Use the connection string you were given, or ask a person: holdfast agents token.',
    });
  }

  #begin(guest: Admitted, source: string, up: Upward, searchPath: readonly string[]): void {
    const { clock, pipeline, reader, unitBytesMax, uses } = this.#options;
    const { token, targetName } = guest;
    const use = uses?.begin(token.tokenId, source, 'postgres') ?? { isUsed: true };
    const { upstream } = up;
    const key = this.#keys.issue(up);
    const facts: SessionFacts = {
      id: newId('session', clock),
      protocol: 'postgres',
      source,
      client: guest.applicationName,
    };
    const session = new PostgresSession({
      client: guest.socket,
      server: upstream.socket,
      clientLeftover: guest.leftover,
      serverLeftover: upstream.leftover,
      actor: { kind: 'agent', id: token.agentId, name: token.agentName, tokenId: token.tokenId },
      facts,
      target: { asked: targetName, searchPath },
      settings: guest.parameters,
      pipeline,
      reader,
      unitBytesMax,
      guard: up.guard,
      permits: permitsOf(up),
      use,
      cancelUpstream: () =>
        void sendCancel(up.spec, upstream.processId, upstream.secretKey).catch(() => {}),
      onEnd: () => {
        this.#keys.release(key.processId);
        this.#live.delete(live);
        uses?.end(use);
      },
    });
    const live: Live = { token, up, session };
    this.#live.add(live);
    const { agentName: agent, tokenId } = token;
    pipeline.note({
      kind: 'session-opened',
      facts: {
        session: facts.id,
        agent,
        token: tokenId,
        target: targetName,
        source,
        client: facts.client,
        role: up.role,
        upstreamPid: upstream.processId,
        protection: up.guard?.protection.level ?? 'none',
      },
      message: `${agent} opened a session on ${targetName}`,
    });
    const status = [...upstream.parameters].map(([name, value]) => parameterStatus(name, value));
    session.start(
      Buffer.concat([...status, backendKeyData(key.processId, key.secret), readyForQuery('I')]),
    );
    // The token or the wall may have changed while it logged in.
    this.lookAgain();
  }

  async #cancel(processId: number, secret: Uint8Array, source: string): Promise<void> {
    const up = this.#keys.find(processId, secret);
    this.#options.pipeline.note({
      kind: 'cancel-requested',
      facts: { source, matched: up !== null },
      message: up === null ? 'cancel request with a key that is not ours' : 'cancel passed on',
    });
    if (up === null) return;
    await sendCancel(up.spec, up.upstream.processId, up.upstream.secretKey).catch(() => {});
  }

  #noteRefused(source: string, code: ErrorCode, reason: string, guest?: Admitted): void {
    this.#options.pipeline.note({
      kind: 'session-refused',
      facts: {
        source,
        code,
        agent: guest?.token.agentName ?? null,
        target: guest?.targetName ?? null,
      },
      message: reason,
    });
  }
}

/** A role that cannot be had is no reason to let the agent in as somebody else. */
async function roleOf(
  guard: TargetGuard | null,
  { token }: Admitted,
  refused: AgentRole | null,
): Promise<AgentRole | null> {
  if (guard === null) return null;
  return await guard.roleFor({ id: token.agentId, name: token.agentName }, refused);
}

function isPasswordRefused(cause: unknown): boolean {
  const said = cause instanceof HoldfastError ? cause.cause : cause;
  return said instanceof ServerError && said.sqlstate === '28P01';
}

/** What ends a session whose target is protected since, or is not any more; null: it may go on. */
function changeOf({
  guard,
  role,
}: Upward): { readonly code: ErrorCode; readonly words: string } | null {
  if (guard === null) return null;
  const isProtected = guard.protection.level !== 'none';
  if (isProtected === (role !== null)) return null;
  return isProtected
    ? {
        code: 'HF_PROTECTION_CHANGED',
        words: 'This target is protected now: you get a role of your own.',
      }
    : { code: 'HF_PROTECTION_CHANGED', words: 'The protection of this target is gone.' };
}

function asRole(spec: UpstreamSpec, { user, password }: AgentRole): UpstreamSpec {
  return { ...spec, user, password: () => password };
}

function permitsOf({ guard, role, upstream }: Upward): Permits | null {
  if (guard === null || role === null) return null;
  return { guard, session: { role, pid: upstream.processId } };
}

const ASK_FOR_TOKEN = 'Stop, and ask a person for a new token: holdfast agents token.';

function asHoldfastError(cause: unknown): HoldfastError {
  if (cause instanceof HoldfastError) return cause;
  return new HoldfastError('HF_INTERNAL', {
    expected: 'a session',
    found: messageOf(cause),
    hint: 'Nothing was forwarded. Report this as a fault of Holdfast.',
    cause,
  });
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', {
    expected: `to listen on ${host}:${port}`,
    found: cause.code ?? cause.message,
    hint: 'Stop what uses the port, or set another in holdfast.yaml: listen.port.',
    cause,
  });
}
