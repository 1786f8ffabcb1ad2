/**
 * The acts on files that a local vault is made of, each of which may be the last one before a crash.
 * They stand behind one interface, so that a test can end the process, or the disk, before any of them.
 */
import { constants } from 'node:fs';
import { access, type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises';
import { hasCode } from '../../../model/errors.ts';

export interface Disk {
  /** To be read, and written at its end; fails when it exists. */
  create(path: string): Promise<FileHandle>;
  /** All of `bytes`, or it rejects; then some of them may stand there. */
  write(file: FileHandle, bytes: Uint8Array): Promise<void>;
  sync(file: FileHandle): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** One folder; the one above it exists. */
  makeFolder(path: string): Promise<void>;
  /** What was made or renamed in it is durable afterwards. */
  syncFolder(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** The code by which the system refuses to let us write into the folder; null: it lets us. */
  refusal(path: string): Promise<Refusal | null>;
}

/** Read-only for everybody (access(2)); for us; frozen. */
const REFUSALS = ['EROFS', 'EACCES', 'EPERM'] as const;
export type Refusal = (typeof REFUSALS)[number];

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

export const realDisk: Disk = {
  create: (path) =>
    open(
      path,
      constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL,
      FILE_MODE,
    ),
  write: async (file, bytes) => {
    let at = 0;
    while (at < bytes.length) {
      const { bytesWritten } = await file.write(bytes, at);
      at += bytesWritten;
    }
  },
  sync: (file) => file.datasync(),
  rename,
  makeFolder: async (path) => {
    await mkdir(path, { mode: FOLDER_MODE });
  },
  syncFolder: async (path) => {
    const folder = await open(path, constants.O_RDONLY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
  remove: unlink,
  refusal: async (path) => {
    try {
      await access(path, constants.W_OK);
      return null;
    } catch (error) {
      const refusal = REFUSALS.find((code) => hasCode(error, code));
      if (refusal === undefined) throw error;
      return refusal;
    }
  },
};
