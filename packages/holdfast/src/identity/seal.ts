/**
 * Secrets at rest (TOTP seeds, credentials, passwords of agents' roles, what undoes a change at a provider),
 * sealed with AES-256-GCM under one key that lies in a file, or is given by a program (`seal-program.ts`), and
 * never in the database: a stolen dump opens nothing.
 *
 *     version 1 (1 byte) | nonce (12) | tag (16) | ciphertext
 *
 * The associated data is `holdfast/seal/1|kind|id`: a sealed value moved to another record does not
 * open there. Nonces are random; at the thousands of secrets of an installation, far from the 2^32
 * that NIST SP 800-38D §8.3 allows one key.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../model/clock.ts';
import { HoldfastError, hasCode } from '../model/errors.ts';

/** What a sealed secret belongs to. */
export interface SealedRecord {
  readonly kind: 'person' | 'agent-role' | 'credential' | 'undo' | 'push-key';
  readonly id: string;
}

const VERSION = 1;
export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

export class Seal {
  readonly #key: Buffer;
  readonly #clock: Clock;

  constructor(key: Buffer, clock: Clock) {
    if (key.length !== KEY_BYTES) throw badKey('the key given', `${key.length} bytes`);
    this.#key = key;
    this.#clock = clock;
  }

  close(secret: Buffer, record: SealedRecord): Buffer {
    const nonce = this.#clock.random(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(aadOf(record));
    const text = Buffer.concat([cipher.update(secret), cipher.final()]);
    return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), text]);
  }

  /** A key of its own for each purpose (HKDF-SHA256, RFC 5869): what it makes opens nothing sealed. */
  derive(purpose: string): Buffer {
    const info = `holdfast/derive/1|${purpose}`;
    return Buffer.from(hkdfSync('sha256', this.#key, Buffer.alloc(0), info, KEY_BYTES));
  }

  /** HF_SEAL when the key is another one, or the bytes are not what was sealed for this record. */
  open(sealed: Buffer, record: SealedRecord): Buffer {
    if (sealed.length < HEAD_BYTES || sealed[0] !== VERSION) {
      throw notOpened(record, `${sealed.length} bytes of version ${sealed[0] ?? 'none'}`);
    }
    const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
    const tag = sealed.subarray(1 + NONCE_BYTES, HEAD_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(aadOf(record)).setAuthTag(tag);
    try {
      return Buffer.concat([decipher.update(sealed.subarray(HEAD_BYTES)), decipher.final()]);
    } catch {
      throw notOpened(record, 'bytes that this key did not seal for it');
    }
  }
}

/**
 * Reads the key file, or makes it (mode 0600) when there is none. Text: 32 bytes in base64.
 * HF_SEAL when others may read it or it holds no key.
 */
export function loadSealKey(file: string, clock: Clock): Buffer {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  makeKeyFile(file, clock);
  return readSealKey(file);
}

/** Of a file that somebody else has put there: HF_SEAL when it is not there, too. */
export function readSealKey(file: string): Buffer {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw badKey(file, 'no such file');
  const { mode } = found;
  if ((mode & 0o077) !== 0) {
    throw new HoldfastError('HF_SEAL', {
      expected: `the key file ${file} to be readable by its owner only`,
      found: `mode ${(mode & 0o777).toString(8)}`,
      hint: `chmod 600 ${file}, and think about who may have read it.`,
    });
  }
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
  if (key.length !== KEY_BYTES) throw badKey(file, `${key.length} bytes`);
  return key;
}

/** By link, so that of two processes one makes the key and none reads half of it. */
function makeKeyFile(file: string, clock: Clock): void {
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) return;
  const fresh = `${file}.${clock.random(6).toString('hex')}`;
  writeFileSync(fresh, `${clock.random(KEY_BYTES).toString('base64')}\n`, { mode: 0o600 });
  try {
    linkSync(fresh, file);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(fresh, { force: true });
  }
}

function aadOf(record: SealedRecord): Buffer {
  return Buffer.from(`holdfast/seal/1|${record.kind}|${record.id}`, 'utf8');
}

function badKey(where: string, found: string): HoldfastError {
  return new HoldfastError('HF_SEAL', {
    expected: `${KEY_BYTES} bytes in base64 in ${where}`,
    found,
    hint: 'Put the right key back; a new key cannot open what the old one sealed.',
  });
}

function notOpened(record: SealedRecord, found: string): HoldfastError {
  return new HoldfastError('HF_SEAL', {
    expected: `what was sealed for ${record.kind} ${record.id}`,
    found,
    hint:
      'Every Holdfast of one database needs the same seal key: seal.key in its key folder ' +
      '(HOLDFAST_KEY_FOLDER), or what holdfast.yaml says under seal.key. When it is lost, people enrol anew.',
  });
}
