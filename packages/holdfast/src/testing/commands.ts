/** Programs that some tests need and npm does not bring. */
import { spawnSync } from 'node:child_process';

/** Null when it runs; else why not, for `ctx.skip`. `debianPackage`: where it comes from. */
export function missingCommand(name: string, debianPackage = name): string | null {
  if (spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0) return null;
  return `${name} is not installed (Debian: ${debianPackage})`;
}
