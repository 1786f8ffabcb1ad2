/** What a local vault protects from, word for word as people read it. Never better than amber. */
import type { VaultLook } from '../vault.ts';
import type { StoreLook } from './store.ts';

export interface Surroundings {
  /** Data folders of targets that are on the device of the vault. */
  readonly sameDevice: readonly string[];
  /** The user Holdfast itself runs as. */
  readonly ownUser: number | null;
}

export function lookOfLocal(look: StoreLook, around: Surroundings): VaultLook {
  const isOwnUser = look.user !== null && look.user !== around.ownUser;
  const isApart = around.sameDevice.length === 0;
  const protectsFrom = [
    'agents, and everything that goes through Holdfast: nothing there can ask for a deletion',
    'a superuser of the database, and DROP, DELETE and TRUNCATE in it',
    ...(isApart ? ['the loss or wipe of the volume that the database lies on'] : []),
    ...(isOwnUser ? ['whoever takes over the user that Holdfast runs as'] : []),
    ...(look.isFrozen
      ? ['deletion and change of finished files by any user without CAP_LINUX_IMMUTABLE']
      : []),
  ];
  const doesNotProtectFrom = [
    'root on this host, who can do anything to it',
    'the loss of this host, of its disks or of the account it is rented with',
    ...(isApart ? [] : ['the loss or wipe of the volume that the database lies on']),
    ...(isOwnUser ? [] : ['whoever takes over the user that Holdfast runs as']),
    ...(look.isFrozen
      ? []
      : ['deletion by the vault’s own user: files cannot be frozen here (chattr +i)']),
  ];
  const troubles = [
    ...around.sameDevice.map(
      (folder) =>
        `The vault lies on the same device as the data of the target (${folder}): they die together.`,
    ),
    ...look.troubles,
  ];
  // What lies there is as good as it was; that nothing comes after it shows in the age of the newest WAL.
  const closed =
    look.readOnly === null
      ? []
      : [
          `${look.readOnly}: nothing is stored there until it is mounted writable. What lies there counts, and can be drilled and restored.`,
        ];
  return {
    colour: troubles.length > 0 ? 'red' : 'amber',
    protectsFrom,
    doesNotProtectFrom,
    troubles: [...troubles, ...closed],
    freeBytes: look.freeBytes,
    objects: look.objects,
  };
}
