/** MACs over rows of our own tables: what the rooms that read and write them are handed. */

export const ROW_KINDS = [
  'person',
  'session',
  'invite',
  'recovery',
  'sso',
  'device',
  'ceremony',
  'agent',
  'token',
  'intent',
  'push',
] as const;
export type RowKind = (typeof ROW_KINDS)[number];

/** Flat: what of a row must not be put there by hand. */
export type RowFacts = Readonly<
  Record<string, string | null | Date | Buffer | readonly string[] | undefined>
>;

/** Which row it is. */
export interface ForeignRow {
  readonly kind: RowKind;
  readonly id: string;
}

export interface RowMacs {
  mac(kind: RowKind, id: string, facts: RowFacts): string;
  /** False: somebody else wrote it, or changed it since. It counts as not there. */
  fits(kind: RowKind, id: string, facts: RowFacts, mac: string | null): boolean;
}
