/**
 * LZ4 frames in a row, as the plain `lz4` tool writes and reads them (LZ4 frame format 1.6.4). Each
 * chunk of at most a mebibyte is a frame of its own, so that several are packed and opened at a time on
 * the threads of the library, and a damaged one is found where it is.
 *
 * What is opened comes from a vault: a frame that could open to more than a frame of ours is refused
 * before it is opened.
 */
import lz4 from 'lz4-napi';
import { HoldfastError } from '../../model/errors.ts';
import { inOrder } from './in-order.ts';

export const FRAME_PLAIN_BYTES = 1024 * 1024;
const FRAMES_AT_ONCE = 4;
const MAGIC = 0x184d2204;
const BLOCK_BYTES: Readonly<Record<number, number>> = {
  4: 64 * 1024,
  5: 256 * 1024,
  6: 1024 * 1024,
  7: 4 * 1024 * 1024,
};
/** A frame of ours opens to 1 MiB; what `lz4` itself would pack again has blocks of 4 MiB. */
const FRAME_OPENED_BYTES_MAX = 8 * 1024 * 1024;
const FRAME_PACKED_BYTES_MAX = FRAME_OPENED_BYTES_MAX + 64 * 1024;

/** `chunks`: each at most FRAME_PLAIN_BYTES, and left alone until its frame came out. */
export function compressed(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return inOrder(chunks, FRAMES_AT_ONCE, (chunk) =>
    lz4.compressFrame(chunk, { contentChecksum: false }),
  );
}

export function decompressed(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return inOrder(framesOf(chunks), FRAMES_AT_ONCE, async (frame) => {
    try {
      return await lz4.decompressFrame(frame);
    } catch (cause) {
      throw damaged('a frame that opens', cause);
    }
  });
}

/** Cuts a stream into its frames; every declared length is bounded before it is waited for. */
async function* framesOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let parts: Uint8Array[] = [];
  let heldBytes = 0;
  let wanted = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes < wanted) continue;
    let held = Buffer.concat(parts);
    for (;;) {
      const look = lookAtFrame(held);
      wanted = look.wanted;
      if (look.end === null) break;
      yield held.subarray(0, look.end);
      held = held.subarray(look.end);
    }
    if (wanted > FRAME_PACKED_BYTES_MAX) throw damaged('frames of bounded size');
    parts = [held];
    heldBytes = held.length;
  }
  if (heldBytes > 0) throw damaged('whole frames to the end');
}

interface FrameLook {
  readonly end: number | null;
  /** Not worth looking again before so many bytes are there. */
  readonly wanted: number;
}

function lookAtFrame(bytes: Buffer): FrameLook {
  const short = (wanted: number): FrameLook => ({ end: null, wanted });
  if (bytes.length < 7) return short(7);
  const flags = bytes.readUInt8(4);
  const blockBytes = BLOCK_BYTES[(bytes.readUInt8(5) >> 4) & 7];
  if (bytes.readUInt32LE(0) !== MAGIC || flags >> 6 !== 1 || blockBytes === undefined) {
    throw damaged('an LZ4 frame');
  }
  const blockTail = flags & 0x10 ? 4 : 0;
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0);
  for (let opened = 0; ; opened += blockBytes) {
    if (bytes.length < at + 4) return short(at + 4);
    const size = bytes.readUInt32LE(at) & 0x7fff_ffff;
    at += 4;
    if (size === 0) break;
    if (size > blockBytes || opened + blockBytes > FRAME_OPENED_BYTES_MAX) {
      throw damaged('a frame that opens to a bounded size');
    }
    at += size + blockTail;
  }
  const end = at + (flags & 0x04 ? 4 : 0);
  return bytes.length < end ? short(end) : { end, wanted: end };
}

function damaged(expected: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected,
    found: 'other bytes',
    hint: 'Take another recovery point; what lies under this key was not written by Holdfast.',
    ...(cause === undefined ? {} : { cause }),
  });
}
