/** What pulling from one target needs to know; the same for its backups, its WAL and its restores. */
import type { Clock } from '../../../model/clock.ts';
import type { AdminConnection } from '../../../protection/postgres/admin.ts';
import type { Kept, Vault } from '../../vaults/vault.ts';

export interface PullOptions {
  /** As in the keys of the vault. */
  readonly target: string;
  /** Of a role with REPLICATION that may also read the catalogs. */
  readonly connection: AdminConnection;
  readonly vault: Vault;
  /** Public keys: age1... */
  readonly recipients: readonly string[];
  /** Private keys, for restores only; asked for at each. */
  readonly identities: () => readonly string[];
  /** How long what is stored now is kept. */
  readonly kept: () => Kept;
  /** `a-z 0-9 _`; of this gateway alone. */
  readonly slot: string;
  /** A point with pages that the server itself finds corrupted is taken all the same. */
  readonly acceptsCorruptPages: boolean;
  readonly clock: Clock;
}
