/**
 * Checkpoints: C2SP tlog-checkpoint inside a C2SP signed-note, Ed25519 (algorithm byte 0x01).
 *
 *     <origin>\n<size, decimal>\n<root, base64>\n[extension lines\n]
 *     \n
 *     — <key name> <base64( key id, 4 bytes ‖ signature )>\n
 *
 * A verifier key is `<name>+<key id, 8 hex digits>+<base64( 0x01 ‖ public key )>`, where
 * key id = SHA-256( name ‖ 0x0A ‖ 0x01 ‖ public key )[:4]. The parser is strict: what it accepts has
 * one reading. Signatures by keys that were not given are passed over, as the specification asks.
 */
import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto';
import { HASH_BYTES } from './tree.ts';

export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Buffer;
}

interface NoteSignature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
}

export interface SignedCheckpoint extends Checkpoint {
  /** What the signatures are over. */
  readonly body: string;
  readonly signatures: readonly NoteSignature[];
}

export interface VerifierKey {
  readonly name: string;
  readonly keyId: Buffer;
  readonly publicKey: KeyObject;
  /** The one-line form. */
  readonly text: string;
}

const ED25519 = 0x01;
const ED25519_KEY_BYTES = 32;
const ED25519_SIGNATURE_BYTES = 64;
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const NOTE_CHARS_MAX = 65_536;
const SIGNATURE_LINE = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/;

export function checkpointBody(checkpoint: Checkpoint): string {
  return `${checkpoint.origin}\n${checkpoint.size}\n${checkpoint.root.toString('base64')}\n`;
}

export function signatureLine(name: string, keyId: Buffer, signature: Buffer): string {
  return `— ${name} ${Buffer.concat([keyId, signature]).toString('base64')}\n`;
}

function keyIdOf(name: string, publicKey: Uint8Array): Buffer {
  const input = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), publicKey]);
  return hash('sha256', input, 'buffer').subarray(0, 4);
}

/** Throws RangeError with one sentence when the text is no checkpoint. */
export function parseCheckpoint(note: string): SignedCheckpoint {
  if (note.length > NOTE_CHARS_MAX) throw new RangeError('the note is too long');
  if (hasControl(note)) throw new RangeError('the note holds a control character');
  const split = note.lastIndexOf('\n\n');
  if (split < 0) throw new RangeError('there is no empty line before the signatures');
  const body = note.slice(0, split + 1);
  const tail = note.slice(split + 2);
  if (!tail.endsWith('\n')) throw new RangeError('the last line does not end');
  const [origin, size, root, ...extensions] = body.slice(0, -1).split('\n');
  if (!origin) throw new RangeError('the origin is empty');
  if (size === undefined || !/^(0|[1-9][0-9]{0,15})$/.test(size)) {
    throw new RangeError('the size is not a plain decimal number');
  }
  const rootBytes = strictBase64(root ?? '', HASH_BYTES);
  if (extensions.some((line) => line === '')) throw new RangeError('an extension line is empty');
  const signatures = tail.slice(0, -1).split('\n').map(parseSignature);
  return { origin, size: BigInt(size), root: rootBytes, body, signatures };
}

function parseSignature(line: string): NoteSignature {
  const match = SIGNATURE_LINE.exec(line);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new RangeError('a signature line is not "— name base64"');
  }
  const bytes = strictBase64(match[2], null);
  if (bytes.length < 5) throw new RangeError('a signature is too short');
  return { name: match[1], keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) };
}

/** Throws RangeError with one sentence when the text is no Ed25519 verifier key. */
export function parseVerifierKey(text: string): VerifierKey {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text.trim());
  if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined) {
    throw new RangeError('a verifier key is "name+keyid+base64"');
  }
  const bytes = strictBase64(match[3], 1 + ED25519_KEY_BYTES);
  if (bytes[0] !== ED25519) throw new RangeError(`algorithm ${bytes[0]} is not Ed25519 (1)`);
  const key = verifierKeyOf(match[1], bytes.subarray(1));
  if (key.keyId.toString('hex') !== match[2]) {
    throw new RangeError(`the key id ${match[2]} does not belong to this key`);
  }
  return key;
}

export function verifierKeyOf(name: string, publicKey: Uint8Array): VerifierKey {
  const keyId = keyIdOf(name, publicKey);
  const material = Buffer.concat([Buffer.of(ED25519), publicKey]).toString('base64');
  return {
    name,
    keyId,
    publicKey: createPublicKey({
      key: Buffer.concat([SPKI_PREFIX, publicKey]),
      format: 'der',
      type: 'spki',
    }),
    text: `${name}+${keyId.toString('hex')}+${material}`,
  };
}

/**
 * - `valid`   signed by the key.
 * - `absent`  no signature claims to be by the key.
 * - `forged`  one claims to be, and is not.
 */
export function checkSignature(
  checkpoint: SignedCheckpoint,
  key: VerifierKey,
): 'valid' | 'absent' | 'forged' {
  const claimed = checkpoint.signatures.filter(
    ({ name, keyId }) => name === key.name && keyId.equals(key.keyId),
  );
  if (claimed.length === 0) return 'absent';
  const body = Buffer.from(checkpoint.body, 'utf8');
  const good = claimed.every(
    ({ signature }) =>
      signature.length === ED25519_SIGNATURE_BYTES && verify(null, body, key.publicKey, signature),
  );
  return good ? 'valid' : 'forged';
}

function hasControl(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  return /[\u0000-\u0009\u000b-\u001f\u007f]/.test(text);
}

/** Standard alphabet, padded, and the one encoding of its bytes. */
export function strictBase64(text: string, byteCount: number | null): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (text === '' || bytes.toString('base64') !== text) {
    throw new RangeError('a field is not strict base64');
  }
  if (byteCount !== null && bytes.length !== byteCount) {
    throw new RangeError(`a field holds ${bytes.length} bytes and not ${byteCount}`);
  }
  return bytes;
}
