/**
 * Cursors: where a page ended, as text that means nothing to whoever carries it. It is checked when it
 * comes back, but not signed: it names a place in a list that its bearer may read anyhow.
 */
import { z } from 'zod';
import { HoldfastError } from '../model/errors.ts';

export interface Place {
  readonly at: Date;
  readonly id: string;
}

const PLACE = z.tuple([z.iso.datetime(), z.string().min(1).max(64)]);
const NAME = z.tuple([z.string().min(1).max(64)]);
const INDEX = z.tuple([z.number().int().min(0)]);

export function placeText({ at, id }: Place): string {
  return written([at.toISOString(), id]);
}

export function placeIn(cursor: string | undefined): Place | null {
  if (cursor === undefined) return null;
  const [at, id] = read(PLACE, cursor);
  return { at: new Date(at), id };
}

export function indexText(index: bigint): string {
  return written([Number(index)]);
}

export function indexIn(cursor: string | undefined): bigint | null {
  return cursor === undefined ? null : BigInt(read(INDEX, cursor)[0]);
}

/** A page of what was asked for with one more than fits: whether there is another page, that one says. */
export function pageOf<Item, View>(
  found: readonly Item[],
  limit: number,
  view: (item: Item) => View,
  placeOf: (item: Item) => Place,
): { items: View[]; next: string | null } {
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const next = found.length > limit && last !== undefined ? placeText(placeOf(last)) : null;
  return { items: shown.map(view), next };
}

/** A page of a list that is whole in memory, by name. */
export function pageByName<Item extends { readonly name: string }, View>(
  items: readonly Item[],
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
  view: (item: Item) => View,
): { items: View[]; next: string | null } {
  const after = cursor === undefined ? null : read(NAME, cursor)[0];
  const all = items.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const rest = after === null ? all : all.filter(({ name }) => name > after);
  const shown = rest.slice(0, limit);
  const last = shown.at(-1);
  const next = rest.length > limit && last !== undefined ? written([last.name]) : null;
  return { items: shown.map(view), next };
}

function written(value: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** HF_USAGE for what never was a cursor of ours. */
function read<T>(schema: z.ZodType<T>, cursor: string): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch {
    throw new HoldfastError('HF_USAGE', {
      expected: 'the `next` of a page before, as it came',
      found: 'something else',
      hint: 'Leave cursor out to begin with the newest.',
    });
  }
}
