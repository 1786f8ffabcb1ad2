/**
 * LZ4 frames in a row, which the plain `lz4` tool opens (LZ4 frame format 1.6.4). Each chunk of at most a
 * mebibyte is a frame of its own, of one block, so that memory stays flat.
 *
 * What is opened comes from a vault: a frame that is not like ours, or would open to more than one of
 * ours, is refused. It carries no checksum: what lies around it, age, authenticates every byte.
 */
import { HoldfastError } from '../../model/errors.ts';
import { BlockPacker, blockBytesMax, openBlock } from './lz4-block.ts';

export const FRAME_PLAIN_BYTES = 1024 * 1024;
/** Magic number, blocks that are independent and of at most 4 MiB, and the checksum of that. */
const HEADER = Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73);
const SIZE_BYTES = 4;
const END_BYTES = 4;
/** In the size of a block that is stored as it is. */
const STORED_FLAG = 0x8000_0000;

/** `chunks`: each at most FRAME_PLAIN_BYTES. What comes out is valid until the next one is asked for. */
export async function* compressed(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const packer = new BlockPacker();
  const begin = HEADER.length + SIZE_BYTES;
  const frame = Buffer.alloc(begin + blockBytesMax(FRAME_PLAIN_BYTES) + END_BYTES);
  frame.set(HEADER);
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue;
    const packedBytes = packer.pack(chunk, frame.subarray(begin));
    const isStored = packedBytes >= chunk.length;
    const bytes = isStored ? chunk.length : packedBytes;
    if (isStored) frame.set(chunk, begin);
    frame.writeUInt32LE(isStored ? bytes + STORED_FLAG : bytes, HEADER.length);
    frame.writeUInt32LE(0, begin + bytes);
    yield frame.subarray(0, begin + bytes + END_BYTES);
  }
}

/** What comes out is valid until the next one is asked for. */
export async function* decompressed(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const plain = new Uint8Array(FRAME_PLAIN_BYTES);
  for await (const { block, isStored } of framesOf(chunks)) {
    const bytes = isStored ? block.length : openBlock(block, plain);
    if (bytes < 0 || bytes > FRAME_PLAIN_BYTES)
      throw damaged('a block that opens to a mebibyte at most');
    yield isStored ? block : plain.subarray(0, bytes);
  }
}

interface Frame {
  readonly block: Buffer;
  readonly isStored: boolean;
}

/** Every declared length is bounded before it is waited for. */
async function* framesOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Frame> {
  const begin = HEADER.length + SIZE_BYTES;
  const held = Buffer.alloc(2 * (begin + blockBytesMax(FRAME_PLAIN_BYTES) + END_BYTES));
  let heldBytes = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const taken = Math.min(chunk.length - at, held.length - heldBytes);
      held.set(chunk.subarray(at, at + taken), heldBytes);
      heldBytes += taken;
      at += taken;
      let used = 0;
      for (;;) {
        const frame = frameIn(held.subarray(used, heldBytes));
        if (frame === null) break;
        used += begin + frame.block.length + END_BYTES;
        yield frame;
      }
      held.copyWithin(0, used, heldBytes);
      heldBytes -= used;
    }
  }
  if (heldBytes > 0) throw damaged('whole frames to the end');
}

/** Null: not all of it is here. */
function frameIn(bytes: Buffer): Frame | null {
  const head = Math.min(bytes.length, HEADER.length);
  if (!bytes.subarray(0, head).equals(HEADER.subarray(0, head)))
    throw damaged('an LZ4 frame of ours');
  const begin = HEADER.length + SIZE_BYTES;
  if (bytes.length < begin) return null;
  const stated = bytes.readUInt32LE(HEADER.length);
  const size = stated & 0x7fff_ffff;
  if (size === 0 || size > blockBytesMax(FRAME_PLAIN_BYTES))
    throw damaged('a block of bounded size');
  if (bytes.length < begin + size + END_BYTES) return null;
  if (bytes.readUInt32LE(begin + size) !== 0) throw damaged('a frame of one block');
  return { block: bytes.subarray(begin, begin + size), isStored: stated >= STORED_FLAG };
}

function damaged(expected: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected,
    found: 'other bytes',
    hint: 'Take another recovery point; what lies under this key was not written by Holdfast.',
  });
}
