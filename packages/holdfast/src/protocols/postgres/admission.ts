/**
 * From the first byte to an agent that is let in, over any wire: sockets are `door.ts`.
 *
 * Order: encryption (an SSLRequest, a GSSENCRequest, or TLS at once; each at most once), then a
 * startup packet or a cancel request, then what of the packet may pass, then the proof of the token.
 * Nothing of the agent's is acted on before. Everything together is bound by `loginMsMax`; each
 * length is bounded before it is believed. A refusal is a FATAL ErrorResponse, then the end.
 *
 * It will not: speak GSSAPI or protocol 2, start replication, take bytes that came in clear behind an
 * SSLRequest for bytes of the TLS session (CVE-2021-23214), or say which of name and token was wrong.
 */
import type { SecureContext } from 'node:tls';
import type { AgentDirectory, TokenVerifier } from '../../identity/agent-directory.ts';
import type { Clock } from '../../model/clock.ts';
import { ERRORS, type ErrorCode, HoldfastError, messageOf } from '../../model/errors.ts';
import { STARTUP_BYTES_MAX, STARTUP_MS_MAX } from '../../model/limits.ts';
import { LoginRefused, loginAgent } from './agent-login.ts';
import { FeedEnded } from './byte-feed.ts';
import { errorResponse, negotiateProtocolVersion } from './messages.ts';
import { type FirstPacket, parseFirstPacket, type StartupParameter } from './startup.ts';
import { readStartupParameters, type StartupWish } from './startup-parameters.ts';
import type { Wire } from './wire.ts';

export interface DoorOptions {
  readonly directory: AgentDirectory;
  /** Null: no TLS, an SSLRequest is answered "N". */
  readonly tls: SecureContext | null;
  readonly auth: 'scram' | 'token';
  /** Who may come in without TLS. A token is shown in clear from loopback only, whatever this says. */
  readonly plaintext: 'loopback' | 'anywhere';
  readonly clock: Clock;
  readonly loginMsMax?: number;
}

/** A wire that can still become an encrypted one. */
export interface DoorWire extends Wire {
  readonly isLoopback: boolean;
  /** `head`: bytes already read that belong to the handshake. Rejects when it fails. */
  encrypt(head: Buffer, alpnRequired: boolean): Promise<SecureWire>;
}

export interface SecureWire extends Wire {
  /** `endPointHash` of the certificate we showed. */
  readonly binding: Buffer | null;
}

export type Admission =
  | {
      readonly kind: 'session';
      readonly token: TokenVerifier;
      readonly agentName: string;
      /** The `database` of the startup packet, or the user name. */
      readonly targetName: string;
      /** To be sent upstream: judged, expanded from `options`, with the pinned ones. */
      readonly parameters: readonly StartupParameter[];
      readonly applicationName: string;
      readonly searchPath: string | null;
      /** Always 0: newer clients were negotiated down. */
      readonly protocolMinor: 0;
      readonly secure: boolean;
      /** Bytes that came behind the last login message. */
      readonly leftover: Buffer;
    }
  | { readonly kind: 'cancel'; readonly processId: number; readonly secret: Buffer }
  | {
      readonly kind: 'closed';
      readonly code: ErrorCode;
      readonly sqlstate: string;
      /** One sentence, for an entry. */
      readonly reason: string;
      /** Whether the caller sent anything at all: a port check does not. */
      readonly spoke: boolean;
      /** What it said of itself before it was refused; its own words. */
      readonly agentName: string | null;
      readonly targetName: string | null;
      readonly applicationName: string | null;
    };

/** What is known of a caller while it is still at the door. */
interface Caller {
  /** Null while a TLS handshake runs: nothing can be said then. */
  wire: Wire | null;
  binding: Buffer | null;
  secure: boolean;
  spoke: boolean;
  wish: StartupWish | null;
}

/** The door over any wire. Never rejects; does not close. */
export async function admit(wire: DoorWire, options: DoorOptions): Promise<Admission> {
  const caller: Caller = { wire, binding: null, secure: false, spoke: false, wish: null };
  const loginMsMax = options.loginMsMax ?? STARTUP_MS_MAX;
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, fail) => {
    timer = setTimeout(() => {
      fail(
        new LoginRefused('HF_PROTOCOL', {
          sqlstate: '08P01',
          message: `the login was not finished within ${loginMsMax} ms`,
          hint: 'Send the whole startup packet and answer each request.',
        }),
      );
    }, loginMsMax);
  });
  try {
    return await Promise.race([converse(wire, caller, options), tooLate]);
  } catch (error) {
    return turnAway(caller, error);
  } finally {
    clearTimeout(timer);
  }
}

async function converse(wire: DoorWire, caller: Caller, options: DoorOptions): Promise<Admission> {
  const packet = await firstPacket(wire, caller, options);
  if (packet.kind === 'cancel') return packet;
  const wish = readStartupParameters(packet.parameters);
  if (wish.kind === 'refused') throw new LoginRefused(wish.code, wish);
  caller.wish = wish;
  const line = caller.wire ?? wire;
  if (packet.minor > 0 || wish.unrecognized.length > 0) {
    line.write(negotiateProtocolVersion(wish.unrecognized));
  }
  if (!caller.secure && !wire.isLoopback && options.plaintext === 'loopback') {
    throw new LoginRefused('HF_AUTH_FAILED', {
      sqlstate: '28000',
      message: 'from another machine, Holdfast is reached with TLS only',
      hint: 'Connect with sslmode=require or better.',
    });
  }
  const token = await loginAgent(line, {
    user: wish.user,
    directory: options.directory,
    auth: options.auth,
    isPrivate: caller.secure || wire.isLoopback,
    binding: caller.binding,
    clock: options.clock,
  });
  return {
    kind: 'session',
    token,
    agentName: wish.user,
    targetName: wish.database,
    parameters: wish.parameters,
    applicationName: wish.applicationName,
    searchPath: wish.searchPath,
    protocolMinor: 0,
    secure: caller.secure,
    leftover: line.feed.takeRest(),
  };
}

type Startup = Extract<FirstPacket, { kind: 'startup' | 'cancel' }>;

/** Settles encryption on the way; returns the packet that says what the caller wants. */
async function firstPacket(wire: DoorWire, caller: Caller, options: DoorOptions): Promise<Startup> {
  const asked = new Set<'ssl' | 'gssenc'>();
  while (true) {
    const line: Wire = caller.wire ?? wire;
    const head = await line.feed.read(1);
    caller.spoke = true;
    if (head[0] === TLS_HANDSHAKE && !caller.secure && asked.size === 0) {
      if (!options.tls) throw new LoginRefused('HF_UNSUPPORTED', NO_TLS_HERE);
      await encrypt(wire, caller, Buffer.concat([head, line.feed.takeRest()]), true);
      continue;
    }
    const packet = parseFirstPacket(await packetBody(line, head));
    switch (packet.kind) {
      case 'startup':
      case 'cancel':
        return packet;
      case 'malformed':
        throw new LoginRefused('HF_PROTOCOL', { message: packet.why, hint: USE_A_CLIENT });
      case 'other-protocol':
        throw new LoginRefused('HF_UNSUPPORTED', {
          message: `unsupported frontend protocol ${packet.major}.${packet.minor}: Holdfast speaks 3.0`,
          hint: USE_A_CLIENT,
        });
      case 'ssl':
      case 'gssenc': {
        if (asked.has(packet.kind) || caller.secure) {
          throw new LoginRefused('HF_PROTOCOL', {
            message: 'encryption was asked for twice',
            hint: USE_A_CLIENT,
          });
        }
        asked.add(packet.kind);
        if (packet.kind === 'gssenc' || !options.tls) line.write(Buffer.from('N'));
        else await acceptTls(wire, caller);
      }
    }
  }
}

async function acceptTls(wire: DoorWire, caller: Caller): Promise<void> {
  if (wire.feed.buffered > 0) {
    throw new LoginRefused('HF_PROTOCOL', {
      message: 'received unencrypted data after an SSL request',
      hint: 'Wait for the answer. If your client does, somebody sits between it and Holdfast.',
    });
  }
  wire.write(Buffer.from('S'));
  await encrypt(wire, caller, Buffer.alloc(0), false);
}

async function encrypt(
  wire: DoorWire,
  caller: Caller,
  head: Buffer,
  alpnRequired: boolean,
): Promise<void> {
  caller.wire = null;
  const secure = await wire.encrypt(head, alpnRequired);
  caller.wire = secure;
  caller.binding = secure.binding;
  caller.secure = true;
}

async function packetBody(line: Wire, head: Buffer): Promise<Buffer> {
  const length = Buffer.concat([head, await line.feed.read(3)]).readInt32BE(0);
  if (length < 8 || length > STARTUP_BYTES_MAX) {
    throw new LoginRefused('HF_PROTOCOL', {
      message: `invalid length of startup packet: ${length}`,
      hint: `A startup packet has 8 to ${STARTUP_BYTES_MAX} bytes. ${USE_A_CLIENT}`,
    });
  }
  return await line.feed.read(length - 4);
}

function turnAway(caller: Caller, error: unknown): Extract<Admission, { kind: 'closed' }> {
  const said = describe(error, caller);
  if (said.tell) {
    caller.wire?.write(
      errorResponse({
        severity: 'FATAL',
        code: said.sqlstate,
        message: said.reason,
        ...(said.hint === null ? {} : { hint: said.hint }),
      }),
    );
  }
  return {
    kind: 'closed',
    code: said.code,
    sqlstate: said.sqlstate,
    reason: said.reason,
    spoke: caller.spoke,
    agentName: caller.wish?.user ?? null,
    targetName: caller.wish?.database ?? null,
    applicationName: caller.wish?.applicationName ?? null,
  };
}

interface Said {
  readonly code: ErrorCode;
  readonly sqlstate: string;
  readonly reason: string;
  readonly hint: string | null;
  readonly tell: boolean;
}

function describe(error: unknown, caller: Caller): Said {
  if (error instanceof LoginRefused || error instanceof HoldfastError) {
    const { code, message: reason, hint } = error;
    const sqlstate = error instanceof LoginRefused ? error.sqlstate : ERRORS[code].sqlstate;
    return { code, sqlstate, reason, hint, tell: true };
  }
  const protocol = { code: 'HF_PROTOCOL', sqlstate: ERRORS.HF_PROTOCOL.sqlstate } as const;
  if (error instanceof FeedEnded) {
    return {
      ...protocol,
      reason: 'the caller went away before it was let in',
      hint: null,
      tell: false,
    };
  }
  const message = messageOf(error);
  if (caller.wire === null) {
    return { ...protocol, reason: `TLS failed: ${message}`, hint: null, tell: false };
  }
  return { ...protocol, reason: `the connection broke: ${message}`, hint: null, tell: false };
}

/** The content type of the first TLS record; a startup packet begins with a zero byte. */
const TLS_HANDSHAKE = 0x16;
const USE_A_CLIENT = 'Use a PostgreSQL client of version 7.4 or later.';
const NO_TLS_HERE = {
  message: 'this Holdfast was started without TLS',
  hint: 'Connect with sslmode=disable, or have a person switch TLS on.',
};
