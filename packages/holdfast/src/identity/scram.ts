/**
 * The server's half of a SCRAM-SHA-256 credential (RFC 5802 §3, RFC 7677), so that an agent proves
 * its token to the gateway without sending it, and a stolen table logs nobody in.
 *
 * 4096 iterations, PostgreSQL's own number. Iterations slow down guessing a password that a person
 * chose; a token is 256 random bits and cannot be guessed at any speed, so more would cost each login
 * and buy nothing.
 */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

export const SCRAM_ITERATIONS = 4096;
export const SCRAM_SALT_BYTES = 16;

export interface ScramKeys {
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** Tokens are ASCII, which SASLprep (RFC 4013) leaves as it is. */
export function scramKeysOf(token: string, salt: Buffer): ScramKeys {
  const salted = pbkdf2Sync(token, salt, SCRAM_ITERATIONS, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  return {
    storedKey: createHash('sha256').update(clientKey).digest(),
    serverKey: createHmac('sha256', salted).update('Server Key').digest(),
  };
}

/** A salt for a name nobody has: always the same one, and not to be told from a real one. */
export function madeUpSalt(key: Buffer, name: string): Buffer {
  const digest = createHmac('sha256', key).update('holdfast/salt/1|').update(name).digest();
  return digest.subarray(0, SCRAM_SALT_BYTES);
}

/** What PostgreSQL keeps of a password, and takes in its place (`ALTER ROLE ... PASSWORD`). */
export function scramVerifier(password: string, salt: Buffer): string {
  const { storedKey, serverKey } = scramKeysOf(password, salt);
  const head = `SCRAM-SHA-256$${SCRAM_ITERATIONS}:${salt.toString('base64')}`;
  return `${head}$${storedKey.toString('base64')}:${serverKey.toString('base64')}`;
}
