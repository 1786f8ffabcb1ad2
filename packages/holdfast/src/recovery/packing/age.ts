/**
 * Encryption to public keys: the age format, version 1 (age-encryption.org/v1), which the plain `age`
 * tool opens. The header, where the keys are, is the library's; the payload, where the bytes are, goes
 * through node:crypto, which is ten times as fast (docs/decisions/0020).
 *
 * Payload: a nonce of 16 bytes, then STREAM: chunks of 64 KiB sealed with ChaCha20-Poly1305 under
 * HKDF-SHA-256(file key, nonce, "payload"), the chunk's nonce being its number in 11 bytes and one that
 * is 1 for the last chunk only. A stream that was cut, or had chunks moved, does not open.
 *
 * It keeps no key longer than one file, and says which recipients it was given, never a private key. The
 * library is loaded with the first header: whoever packs nothing pays nothing for it.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { Stanza } from 'age-encryption';
import { HoldfastError } from '../../model/errors.ts';

const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const NONCE_BYTES = 16;
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES;
const CIPHER = 'chacha20-poly1305';
/** The stanza that says who wrote it: no recipient, so whoever does not know it passes over it. */
const SEAL_STANZA = 'holdfast-seal';
/** A stanza of X25519 has about 100 bytes, a post-quantum one about 1,600. */
const HEADER_BYTES_MAX = 64 * 1024;
const HEADER_BEGIN = 'age-encryption.org/v1\n';

export type Age = typeof import('age-encryption');

export function loadAge(): Promise<Age> {
  return import('age-encryption');
}

/** Who wrote a file, in its header: the name of a key, and a MAC by it. */
export interface HeaderSeal {
  readonly keyId: string;
  readonly mac: Uint8Array;
}

/** The file key is known to who writes the file and to who can open it, and to nobody else. */
export type HeaderSealer = (fileKey: Uint8Array) => HeaderSeal;

/** Before anything comes out of a file; throws when it is not to be used. Null: it has no seal. */
export type HeaderLook = (fileKey: Uint8Array, seal: HeaderSeal | null) => void;

export async function* encrypted(
  chunks: AsyncIterable<Uint8Array>,
  recipients: readonly string[],
  sealer: HeaderSealer | null = null,
): AsyncIterable<Uint8Array> {
  const { header, fileKey, nonce } = await newHeader(recipients, sealer);
  yield Buffer.concat([header, nonce]);
  const key = payloadKey(fileKey, nonce);
  const counter = new Uint8Array(12);
  const seal = (plain: Uint8Array, isLast: boolean): readonly Uint8Array[] => {
    if (isLast) counter[11] = 1;
    const cipher = createCipheriv(CIPHER, key, counter, { authTagLength: TAG_BYTES });
    const sealed = cipher.update(plain);
    cipher.final();
    countUp(counter);
    return [sealed, cipher.getAuthTag()];
  };
  // The last chunk is full or not, but never empty unless all is: so one is always held back.
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    held = held.length === 0 ? asBuffer(chunk) : Buffer.concat([held, chunk]);
    const parts: Uint8Array[] = [];
    let at = 0;
    for (; held.length - at > CHUNK_BYTES; at += CHUNK_BYTES) {
      parts.push(...seal(held.subarray(at, at + CHUNK_BYTES), false));
    }
    // A copy: what it is a view of is the caller's again.
    held = Buffer.from(held.subarray(at));
    if (parts.length > 0) yield Buffer.concat(parts);
  }
  yield Buffer.concat(seal(held, true));
}

/** `of`: what is opened, for the sentence of an error. */
export async function* decrypted(
  chunks: AsyncIterable<Uint8Array>,
  identities: readonly string[],
  of: string,
  look: HeaderLook = () => {},
): AsyncIterable<Uint8Array> {
  let opener: PayloadOpener | null = null;
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    held = held.length === 0 ? asBuffer(chunk) : Buffer.concat([held, chunk]);
    if (opener === null) {
      const headerBytes = headerLength(held);
      if (headerBytes === null && held.length > HEADER_BYTES_MAX) throw notAge(of);
      if (headerBytes === null || held.length < headerBytes + NONCE_BYTES) {
        held = Buffer.from(held);
        continue;
      }
      const { fileKey, seal } = await openHeader(held.subarray(0, headerBytes), identities, of);
      look(fileKey, seal);
      opener = new PayloadOpener(
        payloadKey(fileKey, held.subarray(headerBytes, headerBytes + NONCE_BYTES)),
        of,
      );
      held = held.subarray(headerBytes + NONCE_BYTES);
    }
    let at = 0;
    for (; held.length - at > SEALED_BYTES; at += SEALED_BYTES) {
      yield opener.open(held.subarray(at, at + SEALED_BYTES), false);
    }
    // A copy: what it is a view of is the caller's again.
    held = Buffer.from(held.subarray(at));
  }
  if (opener === null) throw notAge(of);
  yield opener.open(held, true);
}

class PayloadOpener {
  readonly #key: Buffer;
  readonly #of: string;
  readonly #counter = new Uint8Array(12);
  #isFirst = true;

  constructor(key: Buffer, of: string) {
    this.#key = key;
    this.#of = of;
  }

  open(sealed: Buffer, isLast: boolean): Uint8Array {
    const plainBytes = sealed.length - TAG_BYTES;
    if (plainBytes < 0 || (plainBytes === 0 && !this.#isFirst)) throw notAge(this.#of);
    if (isLast) this.#counter[11] = 1;
    const decipher = createDecipheriv(CIPHER, this.#key, this.#counter, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAuthTag(sealed.subarray(plainBytes));
    const plain = decipher.update(sealed.subarray(0, plainBytes));
    try {
      decipher.final();
    } catch (cause) {
      throw notAge(this.#of, cause);
    }
    countUp(this.#counter);
    this.#isFirst = false;
    return plain;
  }
}

/** The library writes a header for nobody's bytes, and tells us the file key it has made for it. */
async function newHeader(
  recipients: readonly string[],
  sealer: HeaderSealer | null,
): Promise<{
  readonly header: Uint8Array;
  readonly fileKey: Uint8Array;
  readonly nonce: Uint8Array;
}> {
  if (recipients.length === 0) throw new Error('nobody to encrypt to');
  const { Encrypter, Stanza } = await loadAge();
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  let fileKey: Uint8Array | null = null;
  encrypter.addRecipient({
    wrapFileKey: (key): Stanza[] => {
      fileKey = Uint8Array.from(key);
      const seal = sealer?.(fileKey);
      return seal === undefined ? [] : [new Stanza([SEAL_STANZA, seal.keyId], seal.mac)];
    },
  });
  const whole = await encrypter.encrypt(new Uint8Array(0));
  const end = whole.length - TAG_BYTES - NONCE_BYTES;
  if (fileKey === null || headerLength(asBuffer(whole)) !== end) {
    throw new Error('the age library writes a header that was not expected');
  }
  // The nonce is the library's too, and was used for an empty payload that is thrown away.
  return { header: whole.subarray(0, end), fileKey, nonce: whole.subarray(end, end + NONCE_BYTES) };
}

async function openHeader(
  header: Uint8Array,
  identities: readonly string[],
  of: string,
): Promise<{ readonly fileKey: Uint8Array; readonly seal: HeaderSeal | null }> {
  const { Decrypter } = await loadAge();
  const decrypter = new Decrypter();
  let seal: HeaderSeal | null = null;
  // It opens nothing: it is shown the stanzas, before those that do.
  decrypter.addIdentity({
    unwrapFileKey: (stanzas: Stanza[]): null => {
      const [said, ...others] = stanzas.filter(({ args }) => args[0] === SEAL_STANZA);
      const keyId = said?.args[1];
      // Of several, nobody knows which one is meant: a seal that fits no key.
      if (said !== undefined) seal = { keyId: keyId ?? '', mac: said.body };
      if (others.length > 0) seal = { keyId: '', mac: new Uint8Array(0) };
      return null;
    },
  });
  try {
    for (const identity of identities) decrypter.addIdentity(identity);
    const fileKey = await decrypter.decryptHeader(header);
    return { fileKey, seal };
  } catch (cause) {
    throw new HoldfastError('HF_RECOVERY_KEY', {
      expected: `a private key that opens ${of}`,
      found: `${identities.length} ${identities.length === 1 ? 'key that does' : 'keys that do'} not`,
      hint: 'Give the private key (AGE-SECRET-KEY-...) of one of the recipients of the recovery point.',
      cause,
    });
  }
}

/** Up to and with the line of the MAC; null: not all of it is here. */
function headerLength(bytes: Buffer): number | null {
  const begin = HEADER_BEGIN.slice(0, bytes.length);
  if (!bytes.subarray(0, begin.length).equals(Buffer.from(begin))) return HEADER_BYTES_MAX + 1;
  const mac = bytes.indexOf('\n--- ');
  const end = mac < 0 ? -1 : bytes.indexOf('\n', mac + 1);
  return end < 0 ? null : end + 1;
}

function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
}

function countUp(counter: Uint8Array): void {
  for (let index = 10; index >= 0; index -= 1) {
    const next = ((counter[index] ?? 0) + 1) & 0xff;
    counter[index] = next;
    if (next !== 0) return;
  }
}

function asBuffer(bytes: Uint8Array): Buffer<ArrayBufferLike> {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function notAge(of: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected: `${of} as it was encrypted`,
    found: 'bytes that were changed, cut, or never were an age file',
    hint: 'Take another recovery point, or another version of the key in the vault.',
    ...(cause === undefined ? {} : { cause }),
  });
}
