/**
 * How everything of a recovery point is stored: LZ4 frames, then age to the recipients. By hand:
 * `age -d -i key.txt base.tar.lz4.age | lz4 -d | tar -x`.
 */
import { createHash } from 'node:crypto';
import { HoldfastError } from '../../model/errors.ts';
import { decrypted, encrypted, type HeaderLook, type HeaderSealer } from './age.ts';
import { compressed, decompressed, FRAME_PLAIN_BYTES } from './lz4-frames.ts';

/** The manifest of a million files has half of it. */
const UNPACKED_BYTES_MAX = 256 * 1024 * 1024;

export interface PlainFacts {
  readonly plainBytes: number;
  readonly plainSha256: string;
}

export interface Packed extends PlainFacts {
  readonly body: AsyncIterable<Uint8Array>;
}

/** `chunks`: each at most FRAME_PLAIN_BYTES; done with when the next one is asked for. */
export function packed(
  chunks: AsyncIterable<Uint8Array>,
  recipients: readonly string[],
  sealer: HeaderSealer | null = null,
): AsyncIterable<Uint8Array> {
  return encrypted(compressed(chunks), recipients, sealer);
}

/** What comes out is valid until the next one is asked for. */
export function unpacked(
  chunks: AsyncIterable<Uint8Array>,
  identities: readonly string[],
  of: string,
  look?: HeaderLook,
): AsyncIterable<Uint8Array> {
  return decompressed(decrypted(chunks, identities, of, look));
}

/** For what fits into memory. */
export function packBytes(
  bytes: Uint8Array,
  recipients: readonly string[],
  sealer: HeaderSealer | null = null,
): Packed {
  return {
    body: packed(cut(bytes), recipients, sealer),
    plainBytes: bytes.length,
    plainSha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

export interface UnpackLimits {
  readonly bytesMax?: number;
  readonly look?: HeaderLook;
}

/**
 * For what fits into memory. A few stored bytes may open to as many as somebody likes: what is larger than
 * `bytesMax` rejects with HF_RECOVERY_DAMAGED before it is all there.
 */
export async function unpackBytes(
  chunks: AsyncIterable<Uint8Array>,
  identities: readonly string[],
  of: string,
  { bytesMax = UNPACKED_BYTES_MAX, look }: UnpackLimits = {},
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of unpacked(chunks, identities, of, look)) {
    bytes += part.length;
    if (bytes > bytesMax) throw tooLarge(of, bytesMax);
    parts.push(new Uint8Array(part));
  }
  return Buffer.concat(parts);
}

function tooLarge(of: string, bytesMax: number): HoldfastError {
  return new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected: `at most ${bytesMax} bytes in ${of}`,
    found: 'more',
    hint: 'It is none of ours: look at who can write into the vault.',
  });
}

async function* cut(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += FRAME_PLAIN_BYTES) {
    yield bytes.subarray(at, at + FRAME_PLAIN_BYTES);
  }
}
