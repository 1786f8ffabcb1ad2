/**
 * What a vault has in common with the target that it is to outlive: each sentence is a way in which they
 * die together. A fact that one of the two does not tell says nothing, in neither direction.
 */

/** Where something lies; null: not known, or there is no such thing. */
export interface Whereabouts {
  readonly host: string | null;
  /** Of the file system, on that host. */
  readonly device: string | null;
  readonly volume: string | null;
  /** Of the provider that is paid. */
  readonly account: string | null;
  readonly project: string | null;
  readonly endpoint: string | null;
}

export const NOWHERE: Whereabouts = {
  host: null,
  device: null,
  volume: null,
  account: null,
  project: null,
  endpoint: null,
};

const SENTENCES: readonly (readonly [keyof Whereabouts, string])[] = [
  ['host', 'on the same host'],
  ['device', 'on the same device'],
  ['volume', 'on the same volume'],
  ['account', 'in the same account'],
  ['project', 'in the same project'],
  ['endpoint', 'at the same endpoint'],
];

/** Empty: nothing that is known. A device is compared on one host only. */
export function sameAs(target: Whereabouts, vault: Whereabouts): readonly string[] {
  return SENTENCES.flatMap(([fact, words]) => {
    const value = target[fact];
    if (value === null || value !== vault[fact]) return [];
    if (fact === 'device' && target.host !== vault.host) return [];
    return [`Vault and target are ${words} (${value}): one act can take both.`];
  });
}
