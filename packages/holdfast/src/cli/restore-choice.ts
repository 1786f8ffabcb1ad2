/** Which rows a `holdfast restore` means, and what becomes of them: options, read and checked. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../model/errors.ts';
import { jsonOf } from '../model/json.ts';
import { momentOf } from '../protection/undo/selection.ts';
import {
  KEYS_MAX,
  type PromotionWords,
  type WishWords,
  WRITE_BACK_ORDER,
  type WriteBackWords,
} from '../recovery/restore/copy-shape.ts';
import { usageError } from './usage.ts';

export interface MomentWords {
  readonly at?: string;
  readonly point?: string;
}

export interface RowWords {
  readonly table?: readonly string[];
  readonly keys?: string;
  readonly keysFrom?: string;
  readonly setBack?: boolean;
  readonly deleteExtra?: boolean;
  readonly preview?: boolean;
  readonly apply?: boolean;
  readonly promote?: boolean;
}

/** What is to be done with rows; null: nothing, it is only brought back. */
export type RowWish =
  | { readonly kind: 'preview' | 'apply'; readonly words: WriteBackWords }
  | { readonly kind: 'promote'; readonly words: PromotionWords };

export function momentWish({ at, point }: MomentWords, now: Date): WishWords {
  if (at !== undefined && point !== undefined) {
    throw usageError('--at or --point', 'both', 'Say one of them.');
  }
  if (point !== undefined) return { kind: 'point', id: point };
  if (at === undefined) return { kind: 'newest' };
  const moment = momentOf(at, now);
  if (moment !== null) return { kind: 'at', at: moment.toISOString() };
  throw usageError('--at as 14:00 or 2026-11-21T14:00Z', at, 'Times are UTC.');
}

/** Null: the vault as it is. */
export function asOfWish({ asOf }: { readonly asOf?: string }, now: Date): string | null {
  if (asOf === undefined) return null;
  const moment = momentOf(asOf, now);
  if (moment === null) {
    throw usageError('--as-of as 14:00 or 2026-11-21T14:00Z', asOf, 'Times are UTC.');
  }
  if (moment <= now) return moment.toISOString();
  throw usageError('--as-of as a time that is over', asOf, 'Times are UTC.');
}

export function rowWishOf(words: RowWords, wish: WishWords): RowWish | null {
  const said = (['preview', 'apply', 'promote'] as const).filter((one) => words[one] === true);
  const [kind] = said;
  const tables = (words.table ?? []).map(tableOf);
  if (kind === undefined && tables.length === 0) return withoutRows(words);
  if (kind === undefined || said.length > 1) {
    throw usageError(
      'one of --preview, --apply and --promote beside --table',
      said.length === 0 ? 'none' : said.map((one) => `--${one}`).join(' '),
      'Look with --preview first.',
    );
  }
  if (tables.length === 0) {
    throw usageError(`--table beside --${kind}`, 'none', '--table public.bookings');
  }
  const keys = keysOf(words);
  if (keys !== null && tables.length > 1) {
    throw usageError('keys of one table', `${tables.length} tables`, 'Name one table.');
  }
  const choice = {
    changed: words.setBack === true ? 'set-back' : 'keep',
    extra: words.deleteExtra === true ? 'delete' : 'keep',
  } as const;
  if (kind !== 'promote') {
    const order = { tables: tables.map((table) => ({ ...table, keys })), ...choice };
    return { kind, words: checked(order) };
  }
  if (keys !== null) {
    throw usageError('whole tables to promote', 'keys', 'Write keys back with --apply.');
  }
  if (wish.kind === 'newest') {
    throw usageError(
      '--at or --point beside --promote',
      'neither',
      'All there is grows, and is nothing that can be signed.',
    );
  }
  return { kind, words: { tables, ...choice } };
}

function withoutRows({ deleteExtra, keys, keysFrom, setBack }: RowWords): null {
  const named = { '--keys': keys, '--keys-from': keysFrom, '--set-back': setBack };
  const all = { ...named, '--delete-extra': deleteExtra };
  const [stray] = Object.entries(all).filter(([, value]) => value !== undefined);
  if (stray === undefined) return null;
  throw usageError(`--table beside ${stray[0]}`, 'none', '--table public.bookings');
}

function checked(order: z.input<typeof WRITE_BACK_ORDER>): WriteBackWords {
  const read = WRITE_BACK_ORDER.safeParse(order);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw usageError(
    `tables, and at most ${KEYS_MAX} keys`,
    issue === undefined ? 'others' : `${issue.path.join('.')}: ${issue.message}`,
    'Mend it; nothing was done.',
  );
}

/** `bookings` is public's; "odd.schema"."odd ""name""" as SQL writes them. */
export function tableOf(text: string): { readonly schema: string; readonly name: string } {
  const part = '("(?:[^"]|"")+"|[^".]+)';
  const read = new RegExp(`^(?:${part}\\.)?${part}$`, 's').exec(text);
  if (read === null) {
    throw usageError(
      '--table as schema.name',
      text,
      'Quote what has dots: \'"odd.schema"."name"\'',
    );
  }
  const [, schema = 'public', name = ''] = read;
  return { schema: plain(schema), name: plain(name) };
}

function plain(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word;
}

const KEY = z.array(z.coerce.string());

function keysOf({ keys, keysFrom }: RowWords): string[][] | null {
  if (keys !== undefined && keysFrom !== undefined) {
    throw usageError('--keys or --keys-from', 'both', 'Say one of them.');
  }
  if (keys !== undefined) return keys.startsWith('[') ? listed(keys) : keys.split(',').map(single);
  if (keysFrom === undefined) return null;
  const lines = linesOf(resolve(keysFrom));
  return lines.map((line) =>
    line.startsWith('[') ? (listed(`[${line}]`)[0] ?? []) : single(line),
  );
}

function single(text: string): string[] {
  return [text.trim()];
}

/** Of a key with several columns: `[["x","1"],["y","2"]]`. */
function listed(text: string): string[][] {
  const read = z.array(KEY).safeParse(jsonOf(text));
  if (read.success) return read.data;
  throw usageError('keys as JSON: [["x","1"],["y","2"]]', text.slice(0, 100), 'Quote each value.');
}

function linesOf(path: string): string[] {
  try {
    const text = readFileSync(path, 'utf8');
    return text.split(/\r?\n/).filter((line) => line.trim() !== '');
  } catch (error) {
    throw usageError(`keys in ${path}, one a line`, messageOf(error), 'Name another file.');
  }
}
