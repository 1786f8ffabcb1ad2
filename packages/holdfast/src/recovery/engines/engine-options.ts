/** What an engine needs to know of one target and one vault; the same whichever takes the points. */
import type { Clock } from '../../model/clock.ts';
import type { AdminConnection } from '../../protection/postgres/admin.ts';
import type { PointSeal } from '../point-seal.ts';
import type { Kept, Vault } from '../vaults/vault.ts';

export interface EngineOptions {
  /** As in the keys of the vault. */
  readonly target: string;
  readonly connection: AdminConnection;
  readonly vault: Vault;
  /** Public keys: age1... */
  readonly recipients: readonly string[];
  /** Private keys, for restores only; asked for at each. */
  readonly identities: () => readonly string[];
  /** How long what is stored now is kept. */
  readonly kept: () => Kept;
  /** What points are sealed with, and told by from others. */
  readonly seal: PointSeal;
  /** `a-z 0-9 _`; of this gateway, target and vault alone. */
  readonly slot: string;
  readonly clock: Clock;
  /** Folders with PostgreSQL's programs that the configuration names. */
  readonly binaries: readonly string[];
  /** Of ours, for what is in the works; others may pass through it. Swept at the start. */
  readonly folder: string;
}
