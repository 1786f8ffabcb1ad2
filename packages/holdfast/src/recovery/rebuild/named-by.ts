/**
 * Rows that a record names which could not be read: a line of an export that is broken may be the refund
 * of what all others call paid, so what it names is not certain any more. Words of the text are compared
 * with ids that are known; nothing else of it is believed. Mail is left out: anybody can send a broken one.
 */
import type { Entity } from './link.ts';
import type { Provenance } from './source-record.ts';

export interface Unclear {
  readonly by: Provenance;
  readonly text: string;
}

/** By key of a row: the records that name it. */
export function namedBy(
  unclear: readonly Unclear[],
  entities: ReadonlyMap<string, Entity>,
): ReadonlyMap<string, readonly Provenance[]> {
  const heavy = unclear.filter(({ by }) => by.kind === 'payments' || by.kind === 'calendar');
  const named = new Map<string, Provenance[]>();
  if (heavy.length === 0) return named;
  const keysOf = idsOf(entities);
  for (const { by, text } of heavy) {
    const keys = new Set([...wordsOf(text)].flatMap((word) => keysOf.get(word) ?? []));
    for (const key of keys) addTo(named, key, by);
  }
  return named;
}

function idsOf(entities: ReadonlyMap<string, Entity>): ReadonlyMap<string, readonly string[]> {
  const keysOf = new Map<string, string[]>();
  for (const { firm, key } of entities.values()) {
    const ids = new Set([key, ...firm.flatMap((record) => [...record.ids.values()])]);
    for (const id of ids) addTo(keysOf, id, key);
  }
  return keysOf;
}

/** Cut at white space and quotes, and once more at all that is no letter of a usual id. */
function wordsOf(text: string): ReadonlySet<string> {
  return new Set([...text.split(/[\s"',;:=<>()[\]{}|\\]+/), ...text.split(/[^A-Za-z0-9_-]+/)]);
}

function addTo<T>(lists: Map<string, T[]>, name: string, one: T): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [one]);
  else list.push(one);
}
