/**
 * Every operation of Neon's API has a row, named by method and path. What has none is not harmless: it
 * is held. A test walks Neon's own description and says what is new there, or gone.
 */
import type { Operation } from '../../catalogue.ts';
import { DESTROYS } from './destroys.ts';
import { GRANTS } from './grants.ts';
import { INTERRUPTS } from './interrupts.ts';
import { ORDINARY, READS } from './ordinary.ts';

export const OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ...DESTROYS,
  ...INTERRUPTS,
  ...GRANTS,
  ...ORDINARY,
  ...READS,
]);
