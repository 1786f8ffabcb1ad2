/**
 * A vault as it was at a time: each listing ends there, whatever was hidden, written over or added since. So
 * a restore reads points, what they build on, WAL and changes of one and the same moment. What has gone by
 * the vault's own clock since is gone here, too. It stores nothing, and closes nothing.
 */
import { HoldfastError } from '../../model/errors.ts';
import type { EngineKind } from '../recovery-point.ts';
import type { Vault, VaultKind } from './vault.ts';

export function viewAsOf(vault: Vault, asOf: Date): Vault {
  return {
    name: vault.name,
    kind: vault.kind,
    put: async () => {
      throw new HoldfastError('HF_VAULT_REFUSED', {
        expected: `something to read in ${vault.name} as of ${asOf.toISOString()}`,
        found: 'something to store',
        hint: 'What was cannot be added to.',
      });
    },
    get: (object) => vault.get(object),
    list: (prefix, then) => vault.list(prefix, then === null || then > asOf ? asOf : then),
    stat: async (object) => {
      const found = await vault.stat(object);
      return found === null || found.storedAt > asOf ? null : found;
    },
    look: () => vault.look(),
    close: async () => {},
  };
}

/** Whose word it is when something was stored: a sentence, for whoever relies on it. */
export function viewWords(kind: VaultKind, engine: EngineKind): string {
  if (engine === 'pgbackrest') {
    return 'Only the record of the point is of then: its bytes lie in the repository of pgBackRest, as they are now.';
  }
  switch (kind) {
    case 'local':
      return 'When something was stored says the vault’s own process; nothing there is ever written over, so what came later is left out.';
    case 's3':
      return 'When something was stored says the object store, to the second; markers and versions of later are passed over.';
    case 'restic':
      return 'The server keeps no dates: each record says itself when it was stored, and whoever has the password could have said earlier.';
    default:
      return kind satisfies never;
  }
}
