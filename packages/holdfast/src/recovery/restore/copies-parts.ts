/** What work on restored copies is handed in. */
import type { Clock } from '../../model/clock.ts';
import type { HoldfastEvent, Note } from '../../model/event.ts';
import type { Tell } from '../engines/engine.ts';
import type { StoredPoint } from '../recovery-point.ts';
import type { CopiedTarget, StandingTarget } from './copy.ts';
import type { InTurn } from './in-turn.ts';
import type { RestoreOrder } from './restore-target.ts';
import type { VaultView } from './vault-view.ts';

export interface CopiesParts {
  /** Null: nothing of it is kept here. Else its vaults, and which of its databases people work in. */
  readonly targetOf: (name: string) => CopiedTarget | null;
  readonly restore: (
    target: string,
    vault: string,
    order: Omit<RestoreOrder, 'target'>,
    tell: Tell,
    signal: AbortSignal,
  ) => Promise<StandingTarget>;
  readonly viewOf: (target: string, vault: string, asOf: Date) => Promise<VaultView>;
  /** When a drill of that very point passed, as its records say; null: none did. */
  readonly drilledAt: (
    target: string,
    vault: string,
    point: Pick<StoredPoint, 'id' | 'digest' | 'server'>,
  ) => Promise<string | null>;
  /** Copies are made in it, each in a folder of its own. */
  readonly folder: string;
  readonly inTurn: InTurn;
  /** Of previews: people who look do not wait for a backup, nor for each other's restores. */
  readonly lookInTurn: InTurn;
  readonly clock: Clock;
  readonly note: Note;
  /** As `note`, and durable when it resolves. */
  readonly record: (event: HoldfastEvent) => Promise<void>;
}
