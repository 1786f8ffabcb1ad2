/**
 * A file of an incremental backup (`INCREMENTAL.<name>`; PostgreSQL 17, basebackup_incremental.h and
 * pg_combinebackup's reconstruct.c, learnt from and written anew), applied to the whole file before it:
 *
 *   magic, number of blocks, length in blocks that it was cut to (32 bits each, little end first)
 *   the number of each block, 32 bits each; where there are any, zeroes up to a multiple of 8 KiB
 *   the blocks, in that order
 *
 * What lies behind the length it was cut to is stale; what is neither there nor here is zeroes.
 * Everything it says is held against the format before anything is changed.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { HoldfastError } from '../../../model/errors.ts';

export const BLOCK_BYTES = 8192;
export const INCREMENT_PREFIX = 'INCREMENTAL.';
const MAGIC = 0xd3ae1f0d;
const HEAD_BYTES = 12;
/** A file of a relation has a gigabyte at most (RELSEG_SIZE). */
const BLOCKS_MAX = 131_072;
const COPIED_BLOCKS_MAX = 128;

interface Increment {
  readonly blocks: Uint32Array;
  readonly cutBlocks: number;
  /** Where the first block begins. */
  readonly begin: number;
}

/** `whole` becomes what it was when the increment was taken. Rejects with HF_RECOVERY_DAMAGED. */
export async function applyIncrement(increment: string, whole: string): Promise<void> {
  const from = await open(increment, 'r');
  try {
    const { begin, blocks, cutBlocks } = await readHead(from, increment);
    // It is there, or nothing can be made of it.
    const into = await open(whole, 'r+').catch((cause: unknown) => {
      throw damaged(increment, 'a whole file that it is an increment of', 'none', cause);
    });
    try {
      const { size } = await into.stat();
      const cutBytes = cutBlocks * BLOCK_BYTES;
      if (size !== cutBytes) await into.truncate(cutBytes);
      const buffer = Buffer.allocUnsafe(COPIED_BLOCKS_MAX * BLOCK_BYTES);
      for (let at = 0; at < blocks.length; ) {
        const count = runFrom(blocks, at);
        const bytes = buffer.subarray(0, count * BLOCK_BYTES);
        await readAll(from, bytes, begin + at * BLOCK_BYTES, increment);
        await writeAll(into, bytes, (blocks[at] ?? 0) * BLOCK_BYTES);
        at += count;
      }
    } finally {
      await into.close();
    }
  } finally {
    await from.close();
  }
}

async function readHead(file: FileHandle, name: string): Promise<Increment> {
  const { size } = await file.stat();
  if (size < HEAD_BYTES) throw damaged(name, 'an increment', `${size} bytes`);
  const head = Buffer.alloc(HEAD_BYTES);
  await readAll(file, head, 0, name);
  const count = head.readUInt32LE(4);
  const cutBlocks = head.readUInt32LE(8);
  if (head.readUInt32LE(0) !== MAGIC) throw damaged(name, 'an increment', 'another kind of file');
  if (count > BLOCKS_MAX || cutBlocks > BLOCKS_MAX) {
    throw damaged(name, `at most ${BLOCKS_MAX} blocks`, `${Math.max(count, cutBlocks)}`);
  }
  const listed = HEAD_BYTES + count * 4;
  const begin = count === 0 ? listed : Math.ceil(listed / BLOCK_BYTES) * BLOCK_BYTES;
  if (size !== begin + count * BLOCK_BYTES) {
    throw damaged(name, `${begin + count * BLOCK_BYTES} bytes`, `${size}`);
  }
  const numbers = Buffer.alloc(count * 4);
  await readAll(file, numbers, HEAD_BYTES, name);
  const blocks = Uint32Array.from({ length: count }, (_, at) => numbers.readUInt32LE(at * 4));
  if (blocks.some((block) => block >= BLOCKS_MAX)) {
    throw damaged(name, `blocks below ${BLOCKS_MAX}`, 'one beyond');
  }
  if (new Set(blocks).size !== count) throw damaged(name, 'each block once', 'one twice');
  return { blocks, cutBlocks, begin };
}

/** How many blocks from there on lie one behind the other. */
function runFrom(blocks: Uint32Array, at: number): number {
  let count = 1;
  const first = blocks[at] ?? 0;
  while (count < COPIED_BLOCKS_MAX && blocks[at + count] === first + count) count += 1;
  return count;
}

async function readAll(
  file: FileHandle,
  bytes: Uint8Array,
  place: number,
  name: string,
): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, place + at);
    if (bytesRead === 0) throw damaged(name, 'a whole increment', 'one that was cut');
    at += bytesRead;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, place: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, place + at)).bytesWritten;
  }
}

function damaged(name: string, expected: string, found: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected: `${expected} at ${name}`,
    found,
    hint: 'Restore an older recovery point, and take a new one.',
    ...(cause === undefined ? {} : { cause }),
  });
}
