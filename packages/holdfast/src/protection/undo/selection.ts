/** Which items are meant: by id, by who, by when, by target. Words of the command line, parsed and checked. */
import { HoldfastError } from '../../model/errors.ts';
import { UNDO_ITEMS_MAX } from '../../model/limits.ts';
import type { UndoItem, UndoState } from '../undo-item.ts';
import type { UndoStore } from '../undo-store.ts';
import { CHOICES, type Decision } from './undo-report.ts';

export interface Selection {
  readonly ids: readonly string[];
  readonly target?: string;
  readonly agentName?: string;
  readonly role?: string;
  readonly since?: Date;
  readonly until?: Date;
  /** Those older than this one: id of the last item of a page before. */
  readonly after?: string;
}

const PAGE = 500;

/**
 * Newest first; at most `limit`, or all there are: of those, HF_LIMIT when they are more than one undo
 * takes, because half of what somebody asked for is not it. HF_UNDO_UNKNOWN for an id that is none.
 */
export async function selectItems(
  store: UndoStore,
  selection: Selection,
  states: readonly UndoState[],
  limit: number | 'all' = 'all',
): Promise<readonly UndoItem[]> {
  if (selection.ids.length > 0) return byId(store, selection.ids);
  const { target, role, since, until, agentName } = selection;
  const found: UndoItem[] = [];
  const most = limit === 'all' ? UNDO_ITEMS_MAX + 1 : limit;
  let after = selection.after;
  for (;;) {
    const page = await store.list({
      states,
      limit: Math.min(PAGE, most - found.length),
      ...(agentName === undefined ? {} : { agentName }),
      ...(target === undefined ? {} : { target }),
      ...(role === undefined ? {} : { role }),
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
      ...(after === undefined ? {} : { after }),
    });
    found.push(...page);
    after = page.at(-1)?.id;
    if (limit === 'all' && found.length >= most) throw tooMany();
    if (page.length < PAGE || found.length >= most || after === undefined) return found;
  }
}

function tooMany(): HoldfastError {
  return new HoldfastError('HF_LIMIT', {
    expected: `at most ${UNDO_ITEMS_MAX} items in one undo`,
    found: 'more than that; nothing was changed',
    hint: 'Narrow it by --since and --until, the newest first.',
  });
}

async function byId(store: UndoStore, ids: readonly string[]): Promise<readonly UndoItem[]> {
  const items: UndoItem[] = [];
  for (const id of new Set(ids)) {
    const item = await store.find(id);
    if (item === null) {
      throw new HoldfastError('HF_UNDO_UNKNOWN', {
        expected: 'the id of an undo item',
        found: `no item ${id}`,
        hint: 'See `holdfast undo list`.',
      });
    }
    items.push(item);
  }
  return items;
}

/** `14:00` (today, UTC; yesterday when that is still to come) or ISO 8601. Null: neither. */
export function momentOf(text: string, now: Date): Date | null {
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(text);
  if (clock === null) {
    if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return null;
    // Without a zone, UTC: the times we print are.
    const iso = /(Z|[+-]\d{2}:?\d{2})$/.test(text) || text.length === 10 ? text : `${text}Z`;
    const parsed = new Date(iso.replace(' ', 'T'));
    return Number.isNaN(parsed.getTime()) ? null : parsed;
  }
  const [, hours = '0', minutes = '0', seconds = '0'] = clock;
  const day = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  const at = day + ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return new Date(at > now.getTime() ? at - 86_400_000 : at);
}

/** `ours`, `public.bookings=skip`, `public.bookings:id=42=theirs`. Null: none of these. */
export function decisionOf(text: string): Decision | null {
  const cut = text.lastIndexOf('=');
  const choice = CHOICES.find((one) => one === text.slice(cut + 1));
  if (choice === undefined) return null;
  if (cut < 0) return { table: null, key: null, choice };
  const where = text.slice(0, cut);
  const colon = where.indexOf(':');
  if (colon < 0) return { table: where, key: null, choice };
  return { table: where.slice(0, colon), key: where.slice(colon + 1), choice };
}

/** `id=42`, or `plane=A1,num=7`. Null: no such pairs. */
export function keyOf(text: string): readonly { name: string; value: string }[] | null {
  const pairs = text.split(/,(?=[^,=]+=)/).map((pair) => {
    const cut = pair.indexOf('=');
    return { name: pair.slice(0, cut), value: pair.slice(cut + 1), isPair: cut > 0 };
  });
  if (pairs.some(({ isPair }) => !isPair)) return null;
  return pairs.map(({ name, value }) => ({ name, value }));
}
