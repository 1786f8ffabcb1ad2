/**
 * Which record belongs to which row. Exact ids first: a record that carries the id of a row belongs to
 * it; one that carries another id (of a payment) belongs to the row that a heavier record carries both
 * for. What is tied by a mail's word, or by address and time, is only suggested.
 *
 * It will not choose: two rows that could both be meant are both told so.
 */
import type { Interpreted } from './interpret.ts';
import type { Mapping } from './mapping/mapping.ts';
import type { SourceKind } from './source-record.ts';
import { plainOf, readPlain } from './values/value.ts';

export interface Entity {
  readonly key: string;
  readonly firm: Interpreted[];
  readonly suggested: Interpreted[];
  /** Records that could be of this row or of another. */
  readonly ambiguous: Interpreted[];
}

export interface Linked {
  readonly entities: ReadonlyMap<string, Entity>;
  readonly loose: readonly { readonly record: Interpreted; readonly why: string }[];
}

/** The heavier is believed first; a captured row is the database's own. */
export const WEIGHTS: Readonly<Record<SourceKind, number>> = {
  captured: 4,
  payments: 3,
  calendar: 2,
  mail: 1,
};

/** More rows than this of one address around one time: nobody can be meant. */
const SUGGESTED_MAX = 20;
/** Records of one address; of more, none is looked for by it: that is the address of a shop, or a flood. */
const ADDRESS_RECORDS_MAX = 1_000;

export function link(records: readonly Interpreted[], mapping: Mapping): Linked {
  const entities = new Map<string, Entity>();
  const rest: Interpreted[] = [];
  for (const record of records) {
    const key = keyOf(record, mapping);
    if (key === null) rest.push(record);
    else entityOf(entities, key).firm.push(record);
  }
  tellShared(entities);
  const ties = tiesOf(entities, mapping);
  const addresses = addressesOf(entities);
  const loose: { record: Interpreted; why: string }[] = [];
  for (const record of rest) {
    const why = place(record, { entities, ties, addresses, mapping });
    if (why !== null) loose.push({ record, why });
  }
  return { entities, loose };
}

/** The id of its row, as the key column has it. Null: it carries none that can be one. */
export function keyOf({ ids }: Pick<Interpreted, 'ids'>, { key }: Mapping): string | null {
  const id = ids.get(key.id);
  return id === undefined ? null : keyText(id, key.kind);
}

export function keyText(text: string, kind: Mapping['key']['kind']): string | null {
  const column = { name: '', kind, stored: 'minor', isCaseless: false, lines: 'one' } as const;
  const reading = readPlain(text, column);
  return reading.kind === 'value' ? plainOf(reading.value) : null;
}

function entityOf(entities: Map<string, Entity>, key: string): Entity {
  const known = entities.get(key);
  if (known !== undefined) return known;
  const made = { key, firm: [], suggested: [], ambiguous: [] };
  entities.set(key, made);
  return made;
}

/** One payment that is told of two rows paid for one of them, and nobody knows which. */
function tellShared(entities: ReadonlyMap<string, Entity>): void {
  const shared = new Map<string, Map<string, Interpreted[]>>();
  for (const { firm, key } of entities.values()) {
    for (const record of firm) {
      if (record.by.kind !== 'payments' || !record.identity.startsWith('id:')) continue;
      const name = `${record.by.source}\0${record.identity}`;
      const byKey = shared.get(name) ?? new Map<string, Interpreted[]>();
      shared.set(name, byKey);
      const own = byKey.get(key) ?? [];
      byKey.set(key, own);
      own.push(record);
    }
  }
  for (const byKey of shared.values()) {
    if (byKey.size < 2) continue;
    for (const [key, own] of byKey) {
      for (const record of own) entities.get(key)?.ambiguous.push(record);
    }
  }
}

/** Which rows the records of one weight tie an id to. */
type Ties = ReadonlyMap<string, ReadonlyMap<number, ReadonlySet<string>>>;

function tiesOf(entities: ReadonlyMap<string, Entity>, mapping: Mapping): Ties {
  const ties = new Map<string, Map<number, Set<string>>>();
  for (const { firm, key } of entities.values()) {
    for (const { by, ids } of firm) {
      for (const [name, id] of ids) {
        if (name === mapping.key.id) continue;
        const tie = ties.get(tieName(name, id)) ?? new Map<number, Set<string>>();
        ties.set(tieName(name, id), tie);
        const weight = WEIGHTS[by.kind];
        tie.set(weight, (tie.get(weight) ?? new Set()).add(key));
      }
    }
  }
  return ties;
}

function tieName(name: string, id: string): string {
  return `${name}\0${id}`;
}

interface Around {
  readonly entities: ReadonlyMap<string, Entity>;
  readonly ties: Ties;
  readonly addresses: Addresses;
  readonly mapping: Mapping;
}

/** Null: it has its place, or its places; otherwise why it has none. */
function place(record: Interpreted, around: Around): string | null {
  const { entities, mapping } = around;
  const tied = tiedTo(record, around.ties);
  const [only, ...others] = tied.keys;
  if (only !== undefined && others.length === 0) {
    const entity = entities.get(only);
    (tied.isFirm ? entity?.firm : entity?.suggested)?.push(record);
    return null;
  }
  if (others.length > 0) {
    for (const key of tied.keys) {
      const entity = entities.get(key);
      (tied.isFirm ? entity?.ambiguous : entity?.suggested)?.push(record);
    }
    return null;
  }
  const near = nearby(record, around.addresses, mapping.suggestWithinMs);
  if (near.length > SUGGESTED_MAX) return `like ${near.length} rows by address and time`;
  for (const key of near) entities.get(key)?.suggested.push(record);
  if (near.length > 0) return null;
  if (record.unreadIds.length > 0) return `its ${record.unreadIds.join(', ')} cannot be told`;
  return 'carries no id of a row';
}

function tiedTo({ ids }: Interpreted, ties: Ties): { keys: readonly string[]; isFirm: boolean } {
  const firm = new Set<string>();
  const said = new Set<string>();
  for (const [name, id] of ids) {
    const tie = [...(ties.get(tieName(name, id)) ?? [])].sort(([a], [b]) => b - a);
    const [weight, keys] = tie[0] ?? [0, new Set<string>()];
    for (const key of keys) (weight > WEIGHTS.mail ? firm : said).add(key);
  }
  return firm.size > 0 ? { keys: [...firm], isFirm: true } : { keys: [...said], isFirm: false };
}

type Addresses = ReadonlyMap<string, readonly { readonly key: string; readonly atMs: number }[]>;

function addressesOf(entities: ReadonlyMap<string, Entity>): Addresses {
  const addresses = new Map<string, { key: string; atMs: number }[]>();
  for (const { firm, key } of entities.values()) {
    for (const { atMs, email } of firm) {
      if (email === null || atMs === null) continue;
      const known = addresses.get(email) ?? [];
      known.push({ key, atMs });
      addresses.set(email, known);
    }
  }
  return addresses;
}

function nearby(
  { atMs, email }: Interpreted,
  addresses: Addresses,
  withinMs: number | null,
): readonly string[] {
  if (withinMs === null || email === null || atMs === null) return [];
  const own = addresses.get(email) ?? [];
  if (own.length > ADDRESS_RECORDS_MAX) return [];
  const near = own.filter((one) => Math.abs(one.atMs - atMs) <= withinMs);
  return [...new Set(near.map(({ key }) => key))];
}
