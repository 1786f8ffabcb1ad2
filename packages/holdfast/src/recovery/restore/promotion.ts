/**
 * A restored state becomes the live one, by quorum: the tables that people chose become, row by row, what
 * they were in the copy, but for rows that the order keeps as they are now. The order:
 *
 *   previewed -> proposed, with what it would do to each table in numbers -> signed by enough -> carried out
 *     (`promote.ts`)
 *
 * What is signed are facts that lie in the vault (point, goal, as of when it is read) and bounds in numbers, of
 * each table by itself: few rows lost in one do not make room for more in another. Never a running copy,
 * which somebody may have changed since. What it will not do: change structure, replace a server, or
 * promote what cannot be taken back. Where the live server is gone, its restored cluster is kept and people
 * lead their connection there themselves (`RestoredTarget.keep`).
 */
import { z } from 'zod';
import type { ProposedAct } from '../../approvals/proposed-act.ts';
import { jsonOf } from '../../model/json.ts';
import { ENTRY_TEXT_CHARS_MAX } from '../../model/limits.ts';
import type { Target } from '../../model/target.ts';
import { oneLine } from '../../model/text.ts';
import type { RestoreGoal } from '../engines/engine.ts';
import type { StoredPoint } from '../recovery-point.ts';
import { tablesText } from './copy-orders.ts';
import type { ReportWords } from './copy-shape.ts';
import { shown, type TableName } from './table-facts.ts';
import type { WrittenHow } from './write-back/written-table.ts';
import { state } from './write-refusals.ts';

const COUNT = z.int().nonnegative();
/** Schema and name; the most rows that may be put in again, set back, and deleted. */
const TABLE = z.tuple([z.string(), z.string(), COUNT, COUNT, COUNT]);

/** What is signed. */
const FACTS = z.strictObject({
  database: z.string(),
  vault: z.string(),
  /** The vault as it was then; null: as it is when it is carried out. */
  asOf: z.iso.datetime().nullable(),
  point: z.string(),
  /** SHA-256 of its point.json: what was looked at is what is restored. */
  pointDigest: z.string(),
  systemIdentifier: z.string(),
  /** Of the goal; both null: all the WAL there was is not a fixed state, and is not promoted. */
  at: z.iso.datetime().nullable(),
  lsn: z.string().nullable(),
  /** A `TABLE` each, as JSON texts. */
  tables: z.array(z.string()),
  changed: z.enum(['keep', 'set-back']),
  extra: z.enum(['keep', 'delete']),
});
type PromotionFacts = Readonly<z.output<typeof FACTS>>;

export interface PromotionPlan {
  readonly target: Target;
  readonly database: string;
  readonly vault: string;
  /** The vault was read as it was then; null: as it is. */
  readonly asOf: string | null;
  readonly point: StoredPoint;
  readonly goal: RestoreGoal;
  /** When a drill of this very point passed; null: none did, so nobody has shown that it is what it says. */
  readonly drilledAt: string | null;
  /** By this installation; null: nobody here can tell. */
  readonly isSealed: boolean | null;
  readonly order: WrittenHow;
  /** A preview of whole tables. */
  readonly preview: ReportWords;
}

/** Rejects with HF_RESTORE_STATE what could not be carried out, or says nothing fixed. */
export function promotionOf(plan: PromotionPlan): ProposedAct {
  const { asOf, database, goal, order, point, preview, target, vault } = plan;
  if (goal.at === null && goal.lsn === null) {
    throw state(
      'a moment or a position',
      'all the WAL there is, which grows',
      'Restore to a moment.',
    );
  }
  const [first] = preview.wouldFail;
  if (first !== undefined)
    throw state('a promotion that would go through', first, 'See the preview.');
  const words = wordsOf(plan);
  if (words.length > ENTRY_TEXT_CHARS_MAX) {
    throw state(
      `words of at most ${ENTRY_TEXT_CHARS_MAX} characters, that whoever signs reads whole`,
      `${words.length}, for ${preview.tables.length} tables`,
      'Propose them in several parts.',
    );
  }
  const facts: PromotionFacts = {
    database,
    vault,
    asOf,
    point: point.id,
    pointDigest: point.digest,
    systemIdentifier: point.server.systemIdentifier,
    at: goal.at?.toISOString() ?? null,
    lsn: goal.lsn,
    tables: preview.tables.map(({ deleted, inserted, name, schema, setBack }) =>
      JSON.stringify([schema, name, inserted, setBack, deleted]),
    ),
    ...order,
  };
  return {
    kind: 'promote-restore',
    target,
    facts,
    words,
    reason: 'It writes over what stands in the live database now.',
  };
}

/** Only what is set back and deleted, too, becomes what it was: what stays is said, to who signs it. */
function wordsOf(plan: PromotionPlan): string {
  const { asOf, database, goal, order, point, preview, vault } = plan;
  const when = `at ${goal.at?.toISOString() ?? `position ${goal.lsn}`} (${oneLine(point.id)} in ${oneLine(vault)}${asOf === null ? '' : ` as it was at ${asOf}`})`;
  const what = `${tablesText(preview)} of ${oneLine(database)}`;
  const stays = staysWords(order, preview);
  return [
    stays === null
      ? `${what} become what they were ${when}.`
      : `${what}: rows that are missing are put in again as they were ${when}; ${stays}.`,
    'In one transaction that can be undone, and at most, in each table by itself:',
    ...boundWords(preview),
    ...provenWords(plan),
    ...preview.notes,
  ].join('\n');
}

function provenWords({ drilledAt, isSealed }: PromotionPlan): readonly string[] {
  const maker = isSealed === true ? '' : ': whoever can write into the vault may have made it';
  if (drilledAt === null) return [`No drill of this point is known here to have passed${maker}.`];
  const drilled = `A drill of this point passed at ${oneLine(drilledAt)}.`;
  return isSealed === true ? [drilled] : [drilled, 'It has no seal of this Holdfast.'];
}

/** A line for each table in which anything would happen. */
function boundWords({ tables }: ReportWords): readonly string[] {
  const changing = tables.filter((table) => table.inserted + table.setBack + table.deleted > 0);
  const still = tables.length - changing.length;
  return [
    ...changing.map((table) => `  ${oneLine(shown(table))}: ${rowsText(table)}`),
    ...(still === 0 ? [] : [`  nothing in ${still} table${still === 1 ? '' : 's'}`]),
  ];
}

export function rowsText({ deleted, inserted, setBack }: Bounds): string {
  return `${inserted} rows put in again, ${setBack} set back, ${deleted} deleted`;
}

/** Null: nothing is left as it is now. */
export function staysWords({ changed, extra }: WrittenHow, { tables }: ReportWords): string | null {
  const sum = (of: 'conflicts' | 'extraKept'): number =>
    tables.reduce((all, table) => all + table[of], 0);
  const staying = [
    ...(changed === 'keep' ? [`${sum('conflicts')} with other values`] : []),
    ...(extra === 'keep' ? [`${sum('extraKept')} newer`] : []),
  ];
  return staying.length === 0 ? null : `${staying.join(' and ')} stay as they are`;
}

interface Bounds {
  readonly inserted: number;
  readonly setBack: number;
  readonly deleted: number;
}

export interface SignedPromotion extends Omit<PromotionFacts, 'tables'> {
  /** The most rows of each. */
  readonly tables: readonly (TableName & Bounds)[];
}

/** HF_RESTORE_STATE for what another version of Holdfast let people sign: it had other bounds. */
export function signedOf(facts: unknown): SignedPromotion {
  const read = FACTS.safeParse(facts);
  const tables = (read.data?.tables ?? []).map((text) => TABLE.safeParse(jsonOf(text)));
  const bounds = tables.flatMap(({ data }) => {
    if (data === undefined) return [];
    const [schema, name, inserted, setBack, deleted] = data;
    return [{ schema, name, inserted, setBack, deleted }];
  });
  if (read.success && bounds.length === tables.length) return { ...read.data, tables: bounds };
  throw state(
    'a promotion with the most rows of each table by itself',
    'another, as an older Holdfast proposed it',
    'Nothing was changed. Propose it anew, and let it be signed.',
  );
}
