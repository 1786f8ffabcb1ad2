/**
 * The way to a target: connect, encrypt as `sslmode` says, log in, hand over the socket paused.
 *
 * `sslmode` means what libpq documents: `prefer` goes on in clear only when the server says it has no
 * TLS (never after a failed handshake); `require` does not look at the certificate, unless there is a
 * `ca`, then it is `verify-ca`; Unix sockets know no TLS. Everything together is bound by
 * `connectTimeoutMs`.
 *
 * It will not use what a server sent before TLS stood (CVE-2021-23222), nor retry.
 */
import { createConnection, type NetConnectOpts, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import { UPSTREAM_LOGIN_BYTES_MAX } from '../../model/limits.ts';
import { FeedEnded } from './byte-feed.ts';
import { isLoopback } from './loopback.ts';
import { cancelRequest, sslRequest } from './messages.ts';
import type { StartupParameter } from './startup.ts';
import { endPointHash, startTls } from './tls.ts';
import {
  authenticateUpstream,
  type UpstreamGreeting,
  type UpstreamLogin,
} from './upstream-login.ts';
import { type AttachedWire, attachWire, type Wire } from './wire.ts';

export type SslMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** `path`: a Unix socket, whole, with its `.s.PGSQL.5432`. */
export type UpstreamAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export interface UpstreamSpec {
  readonly address: UpstreamAddress;
  readonly user: string;
  readonly password: () => string | null;
  readonly database: string;
  readonly sslmode: SslMode;
  /** PEM of the authorities to trust; null: Node's own list, for verify-full only. */
  readonly ca: string | null;
  readonly connectTimeoutMs: number;
}

export interface Upstream extends UpstreamGreeting {
  /** Paused, without listeners but one idle 'error' one (see `AttachedWire.detach`). */
  readonly socket: Socket | TLSSocket;
}

/**
 * How a plain connection is opened; a hook, because Node takes an `onread` buffer only when a socket
 * is made. Its owner then pushes chunks into the wire's feed until `connectUpstream` has resolved.
 */
export type OpenSocket = (where: NetConnectOpts) => {
  readonly socket: Socket;
  readonly wire: AttachedWire;
};

const openByEvents: OpenSocket = (where) => {
  const socket = createConnection(where);
  return { socket, wire: attachWire(socket, WAITING_BYTES_MAX) };
};

const WAITING_BYTES_MAX = UPSTREAM_LOGIN_BYTES_MAX * 2;

/** Throws HF_UPSTREAM_UNREACHABLE, HF_UPSTREAM_REFUSED or HF_CONFIG_INVALID. */
export async function connectUpstream(
  spec: UpstreamSpec,
  parameters: readonly StartupParameter[],
  clock: Clock,
  open: OpenSocket = openByEvents,
): Promise<Upstream> {
  return await withinTime(spec, open, async (line) => {
    await openLine(line, spec);
    const { socket, wire } = line.current();
    const greeting = await authenticateUpstream(wire, loginOf(spec, socket, clock), parameters);
    wire.detach();
    // A last chunk may have come between ReadyForQuery and the detaching.
    const late = wire.feed.takeRest();
    return { ...greeting, socket, leftover: Buffer.concat([greeting.leftover, late]) };
  });
}

function loginOf(spec: UpstreamSpec, socket: Socket | TLSSocket, clock: Clock): UpstreamLogin {
  const secure = socket instanceof TLSSocket;
  const certificate = secure ? socket.getPeerCertificate().raw : undefined;
  return {
    user: spec.user,
    database: spec.database,
    password: spec.password,
    isPrivate: secure || spec.address.kind === 'unix' || isLoopback(socket.remoteAddress),
    binding: certificate ? endPointHash(certificate) : null,
    clock,
  };
}

/** Asks the server to cancel; resolves when it has taken note and closed. Bounded in time. */
export async function sendCancel(
  spec: UpstreamSpec,
  processId: number,
  secretKey: Uint8Array,
): Promise<void> {
  await withinTime(spec, openByEvents, async (line) => {
    await openLine(line, spec);
    const { socket, wire } = line.current();
    wire.write(cancelRequest(processId, secretKey));
    // The server answers nothing and closes; a byte from it would be a fault we can ignore.
    await wire.feed.read(1).catch(() => undefined);
    socket.destroy();
  });
}

/** Whether to go on with TLS: the server's "S" or "N", or no question at all. */
async function askForTls(wire: Wire, spec: UpstreamSpec): Promise<boolean> {
  if (spec.sslmode === 'disable' || spec.address.kind === 'unix') return false;
  wire.write(sslRequest());
  const answer = (await wire.feed.read(1)).toString('latin1');
  if (answer === 'S') {
    if (wire.feed.buffered === 0) return true;
    throw refused('nothing between the consent to TLS and TLS', 'bytes in clear', INTRUDER);
  }
  if (answer !== 'N') throw refused('"S" or "N" to an SSLRequest', JSON.stringify(answer), NOT_PG);
  if (spec.sslmode === 'prefer') return false;
  throw refused(`TLS, as sslmode ${spec.sslmode} asks`, 'a server without TLS', NO_TLS);
}

/** The connection as it grows from a plain socket to a TLS one; the newest is what to close. */
class Line {
  #now: { readonly socket: Socket | TLSSocket; readonly wire: AttachedWire };
  /** Why the line was given up, once it was. */
  failure: Error | null = null;

  constructor(socket: Socket, wire: AttachedWire) {
    this.#now = { socket, wire };
  }

  current(): { readonly socket: Socket | TLSSocket; readonly wire: AttachedWire } {
    return this.#now;
  }

  async encrypt(spec: UpstreamSpec): Promise<void> {
    const raw = this.#now.socket;
    this.#now.wire.detach();
    const host = spec.address.kind === 'tcp' ? spec.address.host : 'localhost';
    const secure = await startTls(raw, { host, ca: spec.ca, verify: checkOf(spec) });
    this.#now = { socket: secure, wire: attachWire(secure, WAITING_BYTES_MAX) };
    if (this.failure) this.fail(this.failure);
  }

  fail(error: Error): void {
    this.failure = error;
    this.#now.wire.feed.end(error);
    this.#now.socket.destroy();
  }
}

function checkOf(spec: UpstreamSpec): 'nothing' | 'authority' | 'authority-and-host' {
  if (spec.sslmode === 'verify-full') return 'authority-and-host';
  if (spec.sslmode === 'verify-ca') return 'authority';
  return spec.sslmode === 'require' && spec.ca !== null ? 'authority' : 'nothing';
}

async function openLine(line: Line, spec: UpstreamSpec): Promise<void> {
  await connected(line.current().socket);
  if (!(await askForTls(line.current().wire, spec))) return;
  try {
    await line.encrypt(spec);
  } catch (cause) {
    if (line.failure) throw line.failure;
    const found = messageOf(cause);
    throw new HoldfastError('HF_UPSTREAM_REFUSED', {
      expected: `a certificate that sslmode ${spec.sslmode} accepts`,
      found,
      hint: "Give the authority of the server's certificate as ca, and its own name as host.",
      cause,
    });
  }
}

function connected(socket: Socket): Promise<void> {
  return new Promise((done, fail) => {
    const settle = (error?: Error): void => {
      socket.off('connect', settle).off('error', settle).off('close', closed);
      if (error) fail(error);
      else done();
    };
    const closed = (): void => settle(new FeedEnded());
    socket.on('connect', settle).on('error', settle).on('close', closed);
  });
}

/** Runs `work` on a new socket under one deadline; on any failure the socket is destroyed. */
async function withinTime<T>(
  spec: UpstreamSpec,
  open: OpenSocket,
  work: (line: Line) => Promise<T>,
): Promise<T> {
  if (spec.sslmode === 'verify-ca' && spec.ca === null) {
    throw new HoldfastError('HF_CONFIG_INVALID', {
      expected: 'a ca for sslmode verify-ca',
      found: 'none: any public authority could then vouch for any host',
      hint: 'Give the ca, or use verify-full.',
    });
  }
  const { address } = spec;
  const { socket, wire } = open(
    address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
  );
  socket.setNoDelay(true);
  const line = new Line(socket, wire);
  const timer = setTimeout(() => {
    line.fail(unreachable(spec, `no answer within ${spec.connectTimeoutMs} ms`));
  }, spec.connectTimeoutMs);
  try {
    return await work(line);
  } catch (cause) {
    line.current().socket.destroy();
    socket.destroy();
    if (cause instanceof HoldfastError) throw cause;
    const found = messageOf(cause);
    throw unreachable(spec, found, cause);
  } finally {
    clearTimeout(timer);
  }
}

function unreachable(spec: UpstreamSpec, found: string, cause?: unknown): HoldfastError {
  const { address } = spec;
  const where = address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
  return new HoldfastError('HF_UPSTREAM_UNREACHABLE', {
    expected: `a PostgreSQL server at ${where}`,
    found,
    hint: 'Check that the server runs and that this machine may reach it.',
    cause,
  });
}

const INTRUDER = 'Somebody may sit between Holdfast and the server: check the network path.';
const NOT_PG = 'Check that the address is that of a PostgreSQL server.';
const NO_TLS = 'Switch ssl on in the server, or set sslmode to prefer or disable.';

function refused(expected: string, found: string, hint: string): HoldfastError {
  return new HoldfastError('HF_UPSTREAM_REFUSED', { expected, found, hint });
}
