/** Folders that nothing can be written into; each is opened again by what its function returns. */
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { scratchFolder } from './scratch-folder.ts';

/** It does not hold root off. */
export function withoutWriting(folder: string): () => void {
  chmodSync(folder, 0o500);
  return () => chmodSync(folder, 0o700);
}

/** Mounted over itself: only what goes through this path is read-only. Needs the right to mount. */
export function mountedReadOnly(folder: string): () => void {
  const run = (program: string, ...words: readonly string[]) =>
    execFileSync(program, words, { stdio: 'pipe' });
  run('mount', '--bind', folder, folder);
  const undo = () => void run('umount', '--lazy', folder);
  try {
    run('mount', '-o', 'remount,bind,ro', folder);
    return undo;
  } catch (error) {
    undo();
    throw error;
  }
}

/** Root in a container often may not. */
export function triedToMount(): boolean {
  const folder = scratchFolder('mount');
  try {
    mountedReadOnly(folder)();
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
