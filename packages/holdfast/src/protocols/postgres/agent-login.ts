/**
 * An agent proves that it holds a live token: by SCRAM (the token never crosses the wire), or by
 * showing it (`token`, for clients without SCRAM; only where nobody can listen in).
 *
 * An unknown agent, a wrong token, an expired and a revoked one get the same exchange and the same
 * words: who is not in learns nothing about who exists. Who holds a good token of an agent that is
 * paused, or outside its hours, is told so.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { AgentDirectory, TokenVerifier } from '../../identity/agent-directory.ts';
import type { Clock } from '../../model/clock.ts';
import { ERRORS, type ErrorCode, HoldfastError } from '../../model/errors.ts';
import { LOGIN_MESSAGE_BYTES_MAX } from '../../model/limits.ts';
import {
  authenticationCleartextPassword,
  authenticationOk,
  authenticationSasl,
  authenticationSaslContinue,
  authenticationSaslFinal,
} from './messages.ts';
import { SCRAM, SCRAM_PLUS, startScramServer } from './scram.ts';
import { readMessage, type Wire } from './wire.ts';

/** Why a caller is not let in, as it is told. */
export class LoginRefused extends Error {
  readonly code: ErrorCode;
  readonly sqlstate: string;
  readonly hint: string;

  constructor(code: ErrorCode, facts: { message: string; hint: string; sqlstate?: string }) {
    super(facts.message);
    this.name = 'LoginRefused';
    this.code = code;
    this.sqlstate = facts.sqlstate ?? ERRORS[code].sqlstate;
    this.hint = facts.hint;
  }
}

export interface AgentLogin {
  readonly user: string;
  readonly directory: AgentDirectory;
  readonly auth: 'scram' | 'token';
  /** TLS, or a caller on this machine. */
  readonly isPrivate: boolean;
  /** `endPointHash` of our certificate when there is TLS; null: -PLUS is not offered. */
  readonly binding: Buffer | null;
  readonly clock: Clock;
}

/** Ends with AuthenticationOk written, or throws LoginRefused or HoldfastError. */
export async function loginAgent(wire: Wire, login: AgentLogin): Promise<TokenVerifier> {
  const token = login.auth === 'scram' ? await scram(wire, login) : await shown(wire, login);
  wire.write(authenticationOk());
  return token;
}

async function scram(wire: Wire, login: AgentLogin): Promise<TokenVerifier> {
  const offered = login.binding === null ? [SCRAM] : [SCRAM_PLUS, SCRAM];
  wire.write(authenticationSasl(offered));
  const { mechanism, data } = readInitialResponse(await loginMessage(wire));
  if ((mechanism !== SCRAM && mechanism !== SCRAM_PLUS) || !offered.includes(mechanism)) {
    throw new HoldfastError('HF_PROTOCOL', {
      expected: offered.join(' or '),
      found: 'another SASL mechanism',
      hint: 'Use a PostgreSQL client that speaks SCRAM-SHA-256.',
    });
  }
  await login.directory.freshen();
  const { salt, iterations, tokens } = login.directory.credentialsOf(login.user);
  const nonce = login.clock.random(18).toString('base64');
  const server = startScramServer(
    { mechanism, salt, iterations, candidates: tokens, nonce, binding: login.binding },
    data,
  );
  wire.write(authenticationSaslContinue(server.serverFirst));
  const outcome = server.finish((await loginMessage(wire)).toString('utf8'));
  if (outcome.kind === 'wrong') throw notAccepted(login.user);
  refuseEnded(outcome.keys, login);
  wire.write(authenticationSaslFinal(outcome.serverFinal));
  return outcome.keys;
}

async function shown(wire: Wire, login: AgentLogin): Promise<TokenVerifier> {
  if (!login.isPrivate) {
    throw new LoginRefused('HF_AUTH_FAILED', {
      sqlstate: '28000',
      message: 'a token is not taken in clear over the network',
      hint: 'Connect with TLS: sslmode=require or better.',
    });
  }
  wire.write(authenticationCleartextPassword());
  const body = await loginMessage(wire);
  if (body.indexOf(0) !== body.length - 1) {
    throw new HoldfastError('HF_PROTOCOL', {
      expected: 'a password message with one string',
      found: 'something else',
      hint: 'Use a PostgreSQL client library.',
    });
  }
  await login.directory.freshen();
  const hash = createHash('sha256').update(body.subarray(0, -1)).digest();
  let found: TokenVerifier | null = null;
  for (const token of login.directory.credentialsOf(login.user).tokens) {
    if (timingSafeEqual(hash, token.tokenHash)) found = token;
  }
  if (!found) throw notAccepted(login.user);
  refuseEnded(found, login);
  return found;
}

/** Who proved that the token is theirs is told when it is the agent that is stopped, and why. */
function refuseEnded(token: TokenVerifier, { directory, clock, user }: AgentLogin): void {
  if (directory.isLive(token.tokenId) && token.expiresAt > clock.now()) return;
  const why = directory.whyEnded(token);
  if (why === null || why.code === 'HF_TOKEN_REVOKED' || why.code === 'HF_TOKEN_EXPIRED') {
    throw notAccepted(user);
  }
  const { code, hint, message } = why;
  throw new LoginRefused(code, { message, hint, sqlstate: '28000' });
}

const notAccepted = (user: string): LoginRefused =>
  new LoginRefused('HF_AUTH_FAILED', {
    message: `Holdfast did not accept agent "${user.slice(0, 63)}" with this token`,
    hint:
      'The name or the token may be mistyped, or the token expired or revoked. ' +
      'Ask a person for a new one: holdfast agents token NAME.',
  });

async function loginMessage(wire: Wire): Promise<Buffer> {
  const { tag, body } = await readMessage(wire.feed, LOGIN_MESSAGE_BYTES_MAX);
  if (tag === 'p') return body;
  throw new HoldfastError('HF_PROTOCOL', {
    expected: 'a login message ("p")',
    found: `a message ${JSON.stringify(tag)} before the login was done`,
    hint: 'Send nothing else before AuthenticationOk.',
  });
}

/** Mechanism NUL, Int32 length, data. Without data (-1) SCRAM cannot begin. */
function readInitialResponse(body: Buffer): { readonly mechanism: string; readonly data: string } {
  const end = body.indexOf(0);
  const start = end + 5;
  if (end < 0 || start > body.length || body.readInt32BE(end + 1) !== body.length - start) {
    throw new HoldfastError('HF_PROTOCOL', {
      expected: 'a SASLInitialResponse',
      found: 'something else',
      hint: 'Use a PostgreSQL client that speaks SCRAM-SHA-256; this server asks for it.',
    });
  }
  return { mechanism: body.toString('latin1', 0, end), data: body.toString('utf8', start) };
}
