/** Lets go of what a test's vault froze, as root of the host could; nothing where it cannot. */
import { spawnSync } from 'node:child_process';

export function clearFlags(folder: string): void {
  spawnSync('/usr/bin/chattr', ['-R', '-ai', '--', folder], { stdio: 'ignore' });
}
