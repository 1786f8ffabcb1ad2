/**
 * The flags of Linux file systems that stop even the owner: `+a` lets a folder or file only grow, `+i`
 * lets nothing change it (ioctl_iflags(2)). Setting and clearing them needs CAP_LINUX_IMMUTABLE, and
 * Node has no ioctl, so that /usr/bin/chattr is asked. Where there is none, or the file system knows no
 * flags, or the capability is missing, nothing is set, and `works` says so.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { promisify } from 'node:util';

const CHATTR = '/usr/bin/chattr';
const CHATTR_MS_MAX = 10_000;
const run = promisify(execFile);

export interface Flags {
  readonly works: boolean;
  /** Lets it only grow. */
  grow(path: string): Promise<void>;
  /** Nothing changes it any more. */
  freeze(path: string): Promise<void>;
  clear(path: string): Promise<void>;
}

export type OpenFlags = (folder: string) => Promise<Flags>;

export const NO_FLAGS: Flags = {
  works: false,
  grow: async () => {},
  freeze: async () => {},
  clear: async () => {},
};

/** Tries it on `folder`, a folder of ours that is to grow only. */
export const openFlags: OpenFlags = async (folder) => {
  try {
    accessSync(CHATTR, constants.X_OK);
    await set('+a', folder);
  } catch {
    return NO_FLAGS;
  }
  return {
    works: true,
    grow: (path) => set('+a', path),
    freeze: (path) => set('+i', path),
    clear: (path) => set('-ai', path),
  };
};

async function set(flags: string, path: string): Promise<void> {
  await run(CHATTR, [flags, '--', path], { timeout: CHATTR_MS_MAX });
}
