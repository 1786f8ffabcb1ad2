/** Classes and rows are those of every provider; what only reads goes by a query at Railway. */
import type { OperationClass } from '../../catalogue.ts';

export { KIND_OF, type Operation } from '../../catalogue.ts';

export const CLASSES = [
  'destroys',
  'opaque',
  'interrupts',
  'grants',
  'runs',
  'ordinary',
] as const satisfies readonly OperationClass[];
