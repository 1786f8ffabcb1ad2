/**
 * LZ4 frames in a row, which the plain `lz4` tool opens (LZ4 frame format 1.6.4). Each chunk of at most a
 * mebibyte is a frame of its own, of one block, so that memory stays flat.
 *
 * A server that packs its base backup itself writes one frame of many blocks, which is stored as it came.
 *
 * What is opened comes from a vault: a frame that is like neither, or a block that would open to more than
 * theirs, is refused. It carries no checksum: what lies around it, age, authenticates every byte.
 */
import { HoldfastError } from '../../model/errors.ts';
import { BlockPacker, blockBytesMax } from './lz4-block.ts';
import { BlockOpener } from './lz4-open.ts';

export const FRAME_PLAIN_BYTES = 1024 * 1024;
/** Magic number, blocks that are independent and of at most 4 MiB, and the checksum of that. */
const HEADER = Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73);
/** As a server of 15 to 18 begins its own: blocks of at most 256 KiB that reach back into those before. */
const SERVER_HEADER = Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x40, 0x50, 0x77);
const SERVER_BLOCK_BYTES = 256 * 1024;
/** How far a match reaches back (LZ4 block format). */
const LINKED_BYTES = 64 * 1024;
const SIZE_BYTES = 4;
const END_BYTES = 4;
/** In the size of a block that is stored as it is. */
const STORED_FLAG = 0x8000_0000;
/**
 * Of an opener's memory: first what has come of a block, then what it opens to. In whole cache lines: what
 * begins off a word goes into memory that threads share byte by byte, at a third of a second a gigabyte.
 */
const HELD_BYTES = Math.ceil((SIZE_BYTES + blockBytesMax(FRAME_PLAIN_BYTES)) / 64) * 64;
/** With what a block may reach back to before it. */
const PLAIN_BYTES = LINKED_BYTES + FRAME_PLAIN_BYTES;
const SPARE_MAX = 4;
const spare: BlockOpener[] = [];

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
  const opener = new FrameOpener();
  try {
    for await (const chunk of chunks) yield* opener.open(chunk);
    opener.end();
  } finally {
    opener.close();
  }
}

/**
 * Opens what comes in pieces of any size. Every declared length is bounded before it is waited for. To be
 * closed, as its memory is the next one's then.
 */
export class FrameOpener {
  readonly #blocks = spare.pop() ?? new BlockOpener(HELD_BYTES + PLAIN_BYTES);
  readonly #held = this.#blocks.memory.subarray(0, HELD_BYTES);
  readonly #plain = this.#blocks.memory.subarray(HELD_BYTES, HELD_BYTES + PLAIN_BYTES);
  #heldBytes = 0;
  #plainBytes = 0;
  #blockPlainMax = 0;
  #isInside = false;
  #isLinked = false;

  /** Each piece is valid until the next one is asked for. */
  *open(chunk: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < chunk.length; ) {
      const wanted = this.#wantedBytes();
      const taken = Math.min(wanted - this.#heldBytes, chunk.length - at);
      this.#held.set(chunk.subarray(at, at + taken), this.#heldBytes);
      this.#heldBytes += taken;
      at += taken;
      if (this.#heldBytes < wanted || this.#wantedBytes() > this.#heldBytes) continue;
      const bytes = this.#heldBytes;
      this.#heldBytes = 0;
      if (!this.#isInside) this.#begin(this.#held.subarray(0, bytes));
      else if (bytes === SIZE_BYTES) this.#isInside = false;
      else yield this.#block(bytes, this.#held.readUInt32LE(0) >= STORED_FLAG);
    }
  }

  /** All has come. */
  end(): void {
    if (this.#heldBytes > 0 || this.#isInside) throw damaged('whole frames to the end');
  }

  close(): void {
    if (spare.length < SPARE_MAX) spare.push(this.#blocks);
  }

  /** Of the header; or of a block's size, and then of the block with it. */
  #wantedBytes(): number {
    if (!this.#isInside) return HEADER.length;
    if (this.#heldBytes < SIZE_BYTES) return SIZE_BYTES;
    const bytes = this.#held.readUInt32LE(0) & 0x7fff_ffff;
    const isOver = !this.#isLinked && this.#plainBytes > 0;
    if (isOver && bytes > 0) throw damaged('a frame of one block');
    if (bytes > blockBytesMax(this.#blockPlainMax)) throw damaged('a block of bounded size');
    return SIZE_BYTES + bytes;
  }

  #begin(header: Buffer): void {
    this.#isLinked = header.equals(SERVER_HEADER);
    if (!this.#isLinked && !header.equals(HEADER)) throw damaged('an LZ4 frame of ours');
    this.#blockPlainMax = this.#isLinked ? SERVER_BLOCK_BYTES : FRAME_PLAIN_BYTES;
    this.#plainBytes = 0;
    this.#isInside = true;
  }

  /** `end`: of the block among what is held. */
  #block(end: number, isStored: boolean): Uint8Array {
    const plain = this.#plain;
    if (this.#plainBytes + this.#blockPlainMax > plain.length) {
      plain.copyWithin(0, this.#plainBytes - LINKED_BYTES, this.#plainBytes);
      this.#plainBytes = LINKED_BYTES;
    }
    const start = this.#plainBytes;
    const limit = start + this.#blockPlainMax;
    let bytes = end - SIZE_BYTES;
    if (!isStored) {
      const [from, to] = [HELD_BYTES + start, HELD_BYTES + limit];
      bytes = this.#blocks.open(SIZE_BYTES, end, from, to, HELD_BYTES);
    } else if (start + bytes <= limit) plain.set(this.#held.subarray(SIZE_BYTES, end), start);
    else bytes = -1;
    if (bytes < 0) throw damaged('a block that opens to a mebibyte at most');
    this.#plainBytes = start + bytes;
    return plain.subarray(start, start + bytes);
  }
}

function damaged(expected: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected,
    found: 'other bytes',
    hint: 'Take another recovery point; what lies under this key was not written by Holdfast.',
  });
}
