/**
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), both sides, as functions over strings.
 *
 * The server side checks one proof against several verifiers that share a salt: an agent may hold
 * several live tokens. It always does the work for at least one, so that no tokens and a wrong token
 * cost the same. As in PostgreSQL the user name inside the exchange is ignored.
 *
 * It will not do: other hashes, an authorisation identity, SCRAM extensions (`m=`).
 */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { HoldfastError } from '../../model/errors.ts';
import { SCRAM_ITERATIONS_MAX } from '../../model/limits.ts';
import { saslprep } from './saslprep.ts';

export const SCRAM = 'SCRAM-SHA-256';
export const SCRAM_PLUS = 'SCRAM-SHA-256-PLUS';
export type ScramMechanism = typeof SCRAM | typeof SCRAM_PLUS;

const BINDING_TYPE = 'tls-server-end-point';
const KEY_BYTES = 32;

export interface ScramKeys {
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

const hmac = (key: Uint8Array, text: string): Buffer =>
  createHmac('sha256', key).update(text, 'utf8').digest();
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const pbkdf2Async = promisify(pbkdf2);

/** `Hi(Normalize(password), salt, i)` of RFC 5802 §3, on a thread of its own. */
const saltedPassword = (password: string, salt: Buffer, iterations: number): Promise<Buffer> =>
  pbkdf2Async(saslprep(password), salt, iterations, KEY_BYTES, 'sha256');

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, at) => byte ^ (b[at] ?? 0)));
}

// ---------------------------------------------------------------- server side

export interface ScramServerOptions<K extends ScramKeys> {
  readonly mechanism: ScramMechanism;
  readonly salt: Buffer;
  readonly iterations: number;
  /** Verifiers made with this salt and these iterations; empty for an unknown name. */
  readonly candidates: readonly K[];
  /** Our half of the nonce: printable ASCII without a comma. */
  readonly nonce: string;
  /** Hash of our certificate when there is TLS and -PLUS was offered; else null. */
  readonly binding: Buffer | null;
}

export type ScramOutcome<K> =
  | { readonly kind: 'proven'; readonly keys: K; readonly serverFinal: string }
  | { readonly kind: 'wrong' };

export interface ScramServer<K> {
  readonly serverFirst: string;
  /** Throws HF_PROTOCOL when the message is not one; `wrong` when the proof is. */
  finish(clientFinal: string): ScramOutcome<K>;
}

/** Throws HF_PROTOCOL when the client's first message cannot be gone on with. */
export function startScramServer<K extends ScramKeys>(
  options: ScramServerOptions<K>,
  clientFirst: string,
): ScramServer<K> {
  const first = readClientFirst(clientFirst, options);
  const nonce = `${first.nonce}${options.nonce}`;
  const serverFirst = `r=${nonce},s=${options.salt.toString('base64')},i=${options.iterations}`;
  const bindingInput = Buffer.concat([
    Buffer.from(first.header, 'utf8'),
    options.mechanism === SCRAM_PLUS && options.binding ? options.binding : Buffer.alloc(0),
  ]).toString('base64');
  return {
    serverFirst,
    finish(clientFinal) {
      const final = readClientFinal(clientFinal);
      if (final.binding !== bindingInput) {
        throw malformed('the channel binding of this connection', 'another one', BINDING_HINT);
      }
      if (final.nonce !== nonce) throw malformed('the nonce of this exchange', 'another one');
      const authMessage = `${first.bare},${serverFirst},${final.withoutProof}`;
      return prove(options.candidates, authMessage, final.proof);
    },
  };
}

/** Stands in where there is no candidate, so that the work is done all the same. */
const NOBODY: ScramKeys = {
  storedKey: Buffer.alloc(KEY_BYTES, 0xff),
  serverKey: Buffer.alloc(KEY_BYTES),
};

function prove<K extends ScramKeys>(
  candidates: readonly K[],
  authMessage: string,
  proof: Buffer,
): ScramOutcome<K> {
  const proves = ({ storedKey }: ScramKeys): boolean => {
    const clientKey = xor(proof, hmac(storedKey, authMessage));
    return timingSafeEqual(sha256(clientKey), storedKey);
  };
  let keys: K | null = null;
  for (const candidate of candidates) {
    if (proves(candidate)) keys = candidate;
  }
  if (candidates.length === 0) proves(NOBODY);
  if (!keys) return { kind: 'wrong' };
  const signature = hmac(keys.serverKey, authMessage).toString('base64');
  return { kind: 'proven', keys, serverFinal: `v=${signature}` };
}

function readClientFirst(
  message: string,
  options: { readonly mechanism: ScramMechanism; readonly binding: Buffer | null },
): { readonly header: string; readonly bare: string; readonly nonce: string } {
  const parts =
    /^((p=([A-Za-z0-9.-]+)|n|y),(a=[^,]*)?,)((?:m=[^,]*,)?n=[^,]*,r=([\x21-\x2B\x2D-\x7E]+)(?:,.*)?)$/.exec(
      message,
    );
  const [, header, flag, bindingType, authorization, bare, nonce] = parts ?? [];
  if (!header || !flag || !bare || !nonce) throw malformed('a SCRAM client-first-message', 'none');
  if (authorization) throw malformed('no authorisation identity', 'one');
  if (bare.startsWith('m=')) throw malformed('no mandatory SCRAM extension', 'one');
  if ((options.mechanism === SCRAM_PLUS) !== (bindingType !== undefined)) {
    throw malformed(`the channel binding flag of ${options.mechanism}`, flag);
  }
  if (bindingType !== undefined && bindingType !== BINDING_TYPE) {
    throw malformed(BINDING_TYPE, bindingType);
  }
  // "I could bind, but you cannot": we said we can, so somebody in between took it off the list.
  if (flag === 'y' && options.binding) {
    throw malformed(
      'channel binding, which was offered',
      'a client that was not told',
      BINDING_HINT,
    );
  }
  return { header, bare, nonce };
}

function readClientFinal(message: string): {
  readonly binding: string;
  readonly nonce: string;
  readonly withoutProof: string;
  readonly proof: Buffer;
} {
  const parts =
    /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2B\x2D-\x7E]+)(?:,.*)?),p=([A-Za-z0-9+/=]+)$/.exec(message);
  const [, withoutProof, binding, nonce, proofText] = parts ?? [];
  const proof = Buffer.from(proofText ?? '', 'base64');
  if (!withoutProof || !binding || !nonce || proof.length !== KEY_BYTES) {
    throw malformed('a SCRAM client-final-message', 'none');
  }
  return { binding, nonce, withoutProof, proof };
}

const BINDING_HINT =
  'The TLS connection may end at somebody in between. Connect directly, with sslmode=verify-full.';

function malformed(expected: string, found: string, hint?: string): HoldfastError {
  return new HoldfastError('HF_PROTOCOL', {
    expected,
    found,
    hint: hint ?? 'Use a PostgreSQL client that speaks SCRAM-SHA-256.',
  });
}

// ---------------------------------------------------------------- client side

export interface ScramClientOptions {
  readonly mechanism: ScramMechanism;
  readonly password: string;
  /** Printable ASCII without a comma. */
  readonly nonce: string;
  /** Hash of the server's certificate when there is TLS that can be bound to, else null. */
  readonly binding: Buffer | null;
  /** PostgreSQL takes the user name from the startup packet; empty there, set in RFC vectors. */
  readonly user?: string;
}

export interface ScramClient {
  readonly clientFirst: string;
  /** Throws HF_UPSTREAM_REFUSED when the server's message cannot be trusted or read. */
  answer(serverFirst: string): Promise<ScramAnswer>;
}

export interface ScramAnswer {
  readonly clientFinal: string;
  /** Throws HF_UPSTREAM_REFUSED unless the server proves that it knows the password's verifier. */
  verify(serverFinal: string): void;
}

export function startScramClient(options: ScramClientOptions): ScramClient {
  const plus = options.mechanism === SCRAM_PLUS;
  // RFC 5802 §6: y says "I could, you did not offer", so that taking -PLUS off the list is noticed.
  const flag = plus ? `p=${BINDING_TYPE}` : options.binding ? 'y' : 'n';
  const header = `${flag},,`;
  const bare = `n=${escapeName(options.user ?? '')},r=${options.nonce}`;
  const binding = Buffer.concat([
    Buffer.from(header, 'utf8'),
    plus && options.binding ? options.binding : Buffer.alloc(0),
  ]).toString('base64');
  return {
    clientFirst: `${header}${bare}`,
    async answer(serverFirst) {
      const { nonce, salt, iterations } = readServerFirst(serverFirst, options.nonce);
      const salted = await saltedPassword(options.password, salt, iterations);
      const clientKey = hmac(salted, 'Client Key');
      const withoutProof = `c=${binding},r=${nonce}`;
      const authMessage = `${bare},${serverFirst},${withoutProof}`;
      const proof = xor(clientKey, hmac(sha256(clientKey), authMessage)).toString('base64');
      const expected = hmac(hmac(salted, 'Server Key'), authMessage);
      return {
        clientFinal: `${withoutProof},p=${proof}`,
        verify: (serverFinal) => verifySignature(serverFinal, expected),
      };
    },
  };
}

const escapeName = (name: string): string => name.replaceAll('=', '=3D').replaceAll(',', '=2C');

function readServerFirst(
  message: string,
  ours: string,
): { readonly nonce: string; readonly salt: Buffer; readonly iterations: number } {
  const parts = /^r=([\x21-\x2B\x2D-\x7E]+),s=([A-Za-z0-9+/=]+),i=([1-9][0-9]{0,9})(?:,.*)?$/.exec(
    message,
  );
  const [, nonce, salt, rounds] = parts ?? [];
  if (!nonce || !salt || !rounds) throw untrusted('a SCRAM server-first-message', 'none');
  if (!nonce.startsWith(ours) || nonce.length === ours.length) {
    throw untrusted('a nonce that goes on from ours', 'another one');
  }
  const iterations = Number(rounds);
  if (iterations > SCRAM_ITERATIONS_MAX) {
    throw untrusted(`at most ${SCRAM_ITERATIONS_MAX} SCRAM iterations`, rounds);
  }
  return { nonce, salt: Buffer.from(salt, 'base64'), iterations };
}

function verifySignature(serverFinal: string, expected: Buffer): void {
  const [, text] = /^v=([A-Za-z0-9+/=]+)(?:,.*)?$/.exec(serverFinal) ?? [];
  const signature = Buffer.from(text ?? '', 'base64');
  if (signature.length !== KEY_BYTES || !timingSafeEqual(signature, expected)) {
    throw untrusted('the signature of a server that knows this password', 'a wrong one');
  }
}

function untrusted(expected: string, found: string): HoldfastError {
  return new HoldfastError('HF_UPSTREAM_REFUSED', {
    expected,
    found,
    hint: 'This may not be the server you mean: check its address, and use sslmode verify-full.',
  });
}
