/**
 * Every mutation of Railway's API has a row, and the queries that hand out secrets. What has none is
 * not harmless: it is held. A test walks Railway's own schema and says what is new there, or gone.
 */

import { DESTROYS, OPAQUE } from './destroys.ts';
import { GRANTS, RUNS } from './grants.ts';
import { INTERRUPTS } from './interrupts.ts';
import type { Operation } from './operation.ts';
import { ORDINARY } from './ordinary.ts';

export { KIND_OF, type Operation } from './operation.ts';

export const MUTATIONS: ReadonlyMap<string, Operation> = new Map([
  ...DESTROYS,
  ...OPAQUE,
  ...INTERRUPTS,
  ...GRANTS,
  ...RUNS,
  ...ORDINARY,
]);
