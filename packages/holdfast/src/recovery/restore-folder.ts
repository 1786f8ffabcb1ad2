/** The folder that something is restored into: nothing there is written over. */
import { existsSync, readdirSync } from 'node:fs';
import { HoldfastError } from '../model/errors.ts';

/** Whether it was there. Throws HF_RECOVERY_FOLDER when there is something in it. */
export function mustBeEmpty(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const entries = readdirSync(folder).length;
  if (entries === 0) return true;
  throw new HoldfastError('HF_RECOVERY_FOLDER', {
    expected: `${folder} to be empty`,
    found: `${entries} ${entries === 1 ? 'entry' : 'entries'}`,
    hint: 'Restore into a new folder; Holdfast writes over nothing.',
  });
}
