/**
 * A source file on its way in: copied once into a folder of ours, named by its SHA-256, read-only, and
 * read from memory that was hashed. What the reviewer is shown and what was read are the same bytes, and
 * they can be looked at later, whatever became of the original.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, messageOf } from '../../../model/errors.ts';
import { REBUILD_SOURCE_BYTES_MAX } from '../../../model/limits.ts';

export interface KeptCopy {
  readonly sha256: string;
  readonly bytes: Buffer;
}

const READ_ONLY = 0o400;
const OWN_FOLDER = 0o700;

/** Of a regular file; `folder` is made when it is not there. */
export async function keepCopy(path: string, folder: string): Promise<KeptCopy> {
  const bytes = await wholeFile(path);
  return keepBytes(bytes, folder);
}

export async function keepBytes(bytes: Buffer, folder: string): Promise<KeptCopy> {
  if (bytes.length > REBUILD_SOURCE_BYTES_MAX) throw tooLarge('a file', bytes.length);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await mkdir(folder, { recursive: true, mode: OWN_FOLDER });
  const kept = join(folder, sha256);
  const before = await readFile(kept).catch(() => null);
  if (before !== null) {
    if (!before.equals(bytes)) throw changed(kept);
    return { sha256, bytes };
  }
  const unfinished = `${kept}.${process.pid}.part`;
  await rm(unfinished, { force: true });
  const file = await open(unfinished, 'wx', READ_ONLY);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, kept);
  return { sha256, bytes };
}

/** Rejects with HF_REBUILD_SOURCE when a copy is gone, or has other bytes than it is named by. */
export async function checkKept(
  sources: readonly { readonly file: string; readonly sha256: string }[],
  folder: string,
): Promise<void> {
  for (const { file, sha256 } of sources) {
    // Captured rows lie in the vault of undo data.
    if (sha256 === '') continue;
    const kept = join(folder, sha256);
    const bytes = await readFile(kept).catch(() => null);
    const found = bytes === null ? null : createHash('sha256').update(bytes).digest('hex');
    if (found === null) throw gone(file, kept);
    if (found !== sha256) throw changed(kept);
  }
}

async function wholeFile(path: string): Promise<Buffer> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new HoldfastError('HF_REBUILD_SOURCE', {
      expected: `a file ${JSON.stringify(path)} that can be read`,
      found: messageOf(cause),
      hint: 'Check the path.',
      cause,
    });
  });
  try {
    const { size } = await regular(file, path);
    if (size > REBUILD_SOURCE_BYTES_MAX) throw tooLarge(path, size);
    const bytes = Buffer.alloc(size + 1);
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled > size) throw tooLarge(path, filled);
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}

async function regular(file: Awaited<ReturnType<typeof open>>, path: string) {
  const stat = await file.stat();
  if (stat.isFile()) return stat;
  throw new HoldfastError('HF_REBUILD_SOURCE', {
    expected: `${JSON.stringify(path)} to be a file`,
    found: 'a folder, a device or a pipe',
    hint: 'Name the exported files themselves.',
  });
}

function tooLarge(name: string, bytes: number): HoldfastError {
  return new HoldfastError('HF_REBUILD_SOURCE', {
    expected: `at most ${REBUILD_SOURCE_BYTES_MAX} bytes, and no growing, in ${JSON.stringify(name)}`,
    found: `${bytes} bytes`,
    hint: 'Export a shorter time at once: every file is read whole, or not at all.',
  });
}

function gone(file: string, path: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_SOURCE', {
    expected: `the kept copy of ${JSON.stringify(file.slice(0, 200))} at ${JSON.stringify(path)}`,
    found: 'none that can be read',
    hint: 'Run it on the machine that proposed the rebuild; or propose it again.',
  });
}

function changed(path: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_SOURCE', {
    expected: `the kept copy ${JSON.stringify(path)} to have its own SHA-256`,
    found: 'other bytes',
    hint: 'Somebody changed it. Move it away, find out who, and start again.',
  });
}
