/**
 * `unprotect` as people mean it: the target first, then what we know of it, so that a crash between
 * leaves agents shut out and the command to be given again. Where somebody took the wall down by hand,
 * it only says that this is meant.
 */
import type { TargetDatabase } from '../../target-database.ts';
import type { WallStore } from '../../wall-store.ts';
import {
  previewUnprotect,
  type Unprotection,
  type UnprotectOptions,
  unprotect,
} from './unprotect.ts';

export async function takeDown(
  db: TargetDatabase,
  walls: WallStore,
  options: UnprotectOptions,
): Promise<Unprotection> {
  const { target } = options;
  const stands = (await previewUnprotect(db, options)) !== null;
  const isGone = !stands && (await walls.isKnown(target));
  const done = isGone ? { steps: [], rolesLeft: [] } : await unprotect(db, options);
  await walls.takenBack(target);
  return done;
}
