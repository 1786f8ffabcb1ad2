/**
 * Every mutation of Fly's GraphQL has a row, and every operation of its Machines API that is known. What
 * has none is not harmless: it is held. A test walks Fly's own schema and says what is new, or gone.
 */
import type { Operation } from '../../catalogue.ts';
import { DESTROYS } from './destroys.ts';
import { GRANTS } from './grants.ts';
import { INTERRUPTS, RUNS } from './interrupts.ts';
import { ORDINARY } from './ordinary.ts';

export { MACHINES } from './machines.ts';

export const MUTATIONS: ReadonlyMap<string, Operation> = new Map([
  ...DESTROYS,
  ...INTERRUPTS,
  ...GRANTS,
  ...RUNS,
  ...ORDINARY,
]);
