/** The classes that Railway's mutations have: what only reads goes by a query there. */
import type { OperationClass } from '../../catalogue.ts';

export const CLASSES = [
  'destroys',
  'opaque',
  'interrupts',
  'grants',
  'runs',
  'ordinary',
] as const satisfies readonly OperationClass[];
