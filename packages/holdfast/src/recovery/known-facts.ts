/** What rules and their words are told of a target's recovery, out of a report of it. */
import type { RecoveryFacts } from '../model/recovery-facts.ts';
import type { VaultColour } from './vaults/vault.ts';

interface Reported {
  readonly facts: RecoveryFacts;
  readonly vaults: readonly { readonly colour: VaultColour }[];
}

/** A vault is green only once it refused every credential. */
export function knownFacts({ facts, vaults }: Reported): RecoveryFacts {
  return { ...facts, hasVaultOutside: vaults.some(({ colour }) => colour === 'green') };
}
