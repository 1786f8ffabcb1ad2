/** What dumping one target needs to know; the same for its dumps, its changes and its restores. */
import type { ServerFacts } from '../engine.ts';
import type { EngineOptions } from '../engine-options.ts';

export type DumpOptions = EngineOptions;

export interface DumpServer extends ServerFacts {
  /** Why no changes can be decoded; null: they can be tried. */
  readonly noChanges: string | null;
}
