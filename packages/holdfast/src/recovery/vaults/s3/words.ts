/** What an S3 vault protects from, word for word; green only while a proof says that the lock holds. */
import { HoldfastError } from '../../../model/errors.ts';
import type { VaultColour, VaultLook } from '../vault.ts';

export interface S3State {
  readonly isVersioned: boolean;
  readonly isLocked: boolean;
  /** Of what is put without a retention of its own. */
  readonly defaultMode: string | null;
  readonly failure: unknown;
}

export type Proven = 'PROVEN' | 'REFUTED' | 'UNKNOWN' | null;

export function lookOfS3(state: S3State, proven: Proven): VaultLook {
  const troubles = troublesOf(state, proven);
  return {
    colour: colourOf(troubles, proven),
    protectsFrom: [
      'agents, and everything that goes through Holdfast: nothing there can ask for a deletion',
      'the loss of the database, of its volume and of the host it runs on',
      ...(proven === 'PROVEN'
        ? ['every credential that was tried on it: none could delete, shorten or unlock']
        : []),
    ],
    doesNotProtectFrom: [
      'whoever operates the storage itself, beneath its API (of a server of your own: root on it)',
      'the closing of the account by its provider, or an unpaid bill',
      ...(proven === 'PROVEN'
        ? []
        : ['whatever was not tried yet: no proof says that the lock holds']),
    ],
    troubles,
    freeBytes: null,
    objects: null,
  };
}

function colourOf(troubles: readonly string[], proven: Proven): VaultColour {
  if (troubles.length > 0) return 'red';
  return proven === 'PROVEN' ? 'green' : 'amber';
}

function troublesOf(state: S3State, proven: Proven): readonly string[] {
  const { failure } = state;
  if (failure !== null) {
    const found = failure instanceof HoldfastError ? failure.found : String(failure);
    return [`The bucket does not say whether it is locked (${found}).`];
  }
  return [
    ...(state.isVersioned ? [] : ['The bucket keeps no versions: what is written over is gone.']),
    ...(state.isLocked ? [] : ['The bucket has no Object Lock.']),
    ...(state.isLocked && state.defaultMode !== 'COMPLIANCE'
      ? ['The bucket has lost its default retention, or never had one in COMPLIANCE mode.']
      : []),
    ...(proven === 'REFUTED' ? ['A credential could destroy in it: see the proof.'] : []),
  ];
}
