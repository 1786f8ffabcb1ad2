/**
 * A restored state becomes the live one, by quorum: the tables that people chose become, row by row, what
 * they were in the copy (but for rows that the order keeps as they are now), in one captured transaction of the live target (`write-back.ts`), so that the
 * promotion itself can be taken back. The order:
 *
 *   previewed -> proposed, with what it would do to each table in numbers -> signed by enough -> the very same
 *     point and goal restored anew -> written, unless it would now do more to any one table than was signed
 *
 * What is signed are facts that lie in the vault (point, goal, as of when it is read) and bounds in numbers, of
 * each table by itself: few rows lost in one do not make room for more in another. Never a running copy,
 * which somebody may have changed since. What it will not do: change structure, replace a server, or
 * promote what cannot be taken back. Where the live server is gone, its restored cluster is kept and people
 * lead their connection there themselves (`RestoredTarget.keep`).
 */
import { z } from 'zod';
import type { ActRunner } from '../../approvals/proposals.ts';
import type { ProposedAct } from '../../approvals/proposed-act.ts';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import { jsonOf } from '../../model/json.ts';
import { ENTRY_TEXT_CHARS_MAX } from '../../model/limits.ts';
import type { Target } from '../../model/target.ts';
import { oneLine } from '../../model/text.ts';
import type { TargetDatabase } from '../../protection/target-database.ts';
import type { RestoreGoal } from '../engines/engine.ts';
import type { StoredPoint } from '../recovery-point.ts';
import type { RestoreWish } from './choose-point.ts';
import type { RestoredTarget } from './restore-target.ts';
import { shown, type TableName } from './table-facts.ts';
import { type WriteBackOrder, type WriteBackReport, writeBack } from './write-back.ts';

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
export type PromotionFacts = Readonly<z.output<typeof FACTS>>;

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
  readonly order: Pick<WriteBackOrder, 'changed' | 'extra'>;
  /** A preview of whole tables. */
  readonly preview: WriteBackReport;
}

const TABLES_NAMED_MAX = 10;

/** Rejects with HF_RESTORE_STATE what could not be carried out, or says nothing fixed. */
export function promotionOf(plan: PromotionPlan): ProposedAct {
  const { asOf, database, goal, order, point, preview, target, vault } = plan;
  if (goal.at === null && goal.lsn === null) {
    throw cannot(
      'a moment or a position',
      'all the WAL there is, which grows',
      'Restore to a moment.',
    );
  }
  const [first] = preview.wouldFail;
  if (first !== undefined)
    throw cannot('a promotion that would go through', first, 'See the preview.');
  const words = wordsOf(plan);
  if (words.length > ENTRY_TEXT_CHARS_MAX) {
    throw cannot(
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
  const named = preview.tables.slice(0, TABLES_NAMED_MAX).map((table) => oneLine(shown(table)));
  const more = preview.tables.length - named.length;
  const when = `at ${goal.at?.toISOString() ?? `position ${goal.lsn}`} (${oneLine(point.id)} in ${oneLine(vault)}${asOf === null ? '' : ` as it was at ${asOf}`})`;
  const what = `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''} of ${oneLine(database)}`;
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
function boundWords({ tables }: WriteBackReport): readonly string[] {
  const changing = tables.filter((table) => sumsText(table) !== null);
  const still = tables.length - changing.length;
  return [
    ...changing.map((table) => `  ${oneLine(shown(table))}: ${sumsText(table)}`),
    ...(still === 0 ? [] : [`  nothing in ${still} table${still === 1 ? '' : 's'}`]),
  ];
}

/** Null: none. */
function sumsText({ deleted, inserted, setBack }: Sums): string | null {
  if (inserted + setBack + deleted === 0) return null;
  return `${inserted} rows put in again, ${setBack} set back, ${deleted} deleted`;
}

/** Null: nothing is left as it is now. */
function staysWords(
  { changed, extra }: PromotionPlan['order'],
  { tables }: WriteBackReport,
): string | null {
  const sum = (of: 'conflicts' | 'extraKept'): number =>
    tables.reduce((all, table) => all + table[of], 0);
  const staying = [
    ...(changed === 'keep' ? [`${sum('conflicts')} with other values`] : []),
    ...(extra === 'keep' ? [`${sum('extraKept')} newer`] : []),
  ];
  return staying.length === 0 ? null : `${staying.join(' and ')} stay as they are`;
}

interface Sums {
  readonly inserted: number;
  readonly setBack: number;
  readonly deleted: number;
}

function sumsOf({ tables }: WriteBackReport): Sums {
  const sum = (of: keyof Sums): number => tables.reduce((all, table) => all + table[of], 0);
  return { inserted: sum('inserted'), setBack: sum('setBack'), deleted: sum('deleted') };
}

type PromotedCopy = Pick<RestoredTarget, 'database' | 'discard' | 'point'>;

export interface PromotionParts {
  /** Restores anew, to be looked at; whoever asked discards it. */
  readonly restore: (
    target: string,
    from: { readonly vault: string; readonly asOf: Date | null },
    wish: RestoreWish,
  ) => Promise<PromotedCopy>;
  /** The live target by Holdfast's own credential; closed by us. */
  readonly open: (target: string, database: string) => TargetDatabase;
  /** What was written goes to the vault of undo data now. Null: the drain does it within a second. */
  readonly drainOnce: ((target: string) => Promise<unknown>) | null;
  /** Told what was committed, before anything else that may fail. */
  readonly written: (report: WriteBackReport) => void;
  readonly clock: Clock;
  readonly statementMsMax: number;
}

/** Rejects when nothing was changed, since it is one transaction of the target; with HF_RESTORE_UNKNOWN when nobody knows. */
export function promoteRestoreRunner(parts: PromotionParts): ActRunner {
  return async ({ facts, target }) => {
    const signed = signedOf(facts);
    const { vault } = signed;
    const asOf = signed.asOf === null ? null : new Date(signed.asOf);
    const copy = await parts.restore(target, { vault, asOf }, wishOf(signed));
    try {
      mustBeSigned(copy.point, signed);
      const report = await promote(parts, target, signed, copy);
      parts.written(report);
      // What is done is done, whatever cannot be drained, closed or removed after it.
      await parts.drainOnce?.(target).catch(() => {});
      const { deleted, inserted, setBack } = sumsOf(report);
      const stays = staysWords(signed, report);
      const what = `${signed.tables.length} table(s) of ${target}`;
      const became = stays === null ? `${what} are what they were` : `Into ${what}`;
      const left = stays === null ? '' : `; ${stays}`;
      return `${became}: ${inserted} rows put in again, ${setBack} set back, ${deleted} deleted${left} (${report.id}). It is an undo item.`;
    } finally {
      await copy.discard().catch(() => {});
    }
  };
}

async function promote(
  { clock, open, statementMsMax }: PromotionParts,
  target: string,
  signed: Signed,
  copy: PromotedCopy,
): Promise<WriteBackReport> {
  const restored = copy.database(signed.database, statementMsMax);
  const live = open(target, signed.database);
  try {
    return await writeBack(
      {
        tables: signed.tables.map(({ name, schema }) => ({ schema, name, keys: null })),
        changed: signed.changed,
        extra: signed.extra,
        mode: 'apply',
      },
      {
        restored,
        live,
        clock,
        onProgress: () => {},
        beforeCommit: (report) => atMost(report, signed),
      },
    );
  } finally {
    await Promise.allSettled([restored.close(), live.close()]);
  }
}

/** From the signed point: a goal alone leads to another one as soon as there is one that is nearer. */
function wishOf({
  at,
  lsn,
  point,
  pointDigest,
}: Pick<PromotionFacts, 'at' | 'lsn' | 'point' | 'pointDigest'>): RestoreWish {
  const from = { id: point, digest: pointDigest };
  if (at !== null) return { kind: 'at', at: new Date(at), from };
  if (lsn !== null) return { kind: 'lsn', lsn, from };
  throw cannot('a moment or a position', 'neither', 'Propose it anew.');
}

/** A point that somebody put in its place since would bring back other rows for the same goal. */
function mustBeSigned(
  { digest, id, server }: StoredPoint,
  { point, pointDigest, systemIdentifier }: Omit<PromotionFacts, 'tables'>,
): void {
  const hint = 'Nothing was changed. Propose it anew, and see what it would do.';
  if (server.systemIdentifier !== systemIdentifier) {
    throw cannot(
      `the cluster of ${point} (${systemIdentifier})`,
      `another one: ${server.systemIdentifier}`,
      hint,
    );
  }
  if (id !== point || digest !== pointDigest) {
    throw cannot(
      `the point that was signed, ${point} (${pointDigest.slice(0, 16)}…)`,
      `${id} (${digest.slice(0, 16)}…)`,
      hint,
    );
  }
}

function atMost(report: WriteBackReport, { tables }: Signed): void {
  for (const now of report.tables) {
    const bound = tables.find(({ name, schema }) => name === now.name && schema === now.schema);
    for (const of of ['inserted', 'setBack', 'deleted'] as const) {
      const most = bound?.[of] ?? 0;
      if (now[of] <= most) continue;
      throw cannot(
        `at most ${most} rows of ${oneLine(shown(now))} ${DONE[of]}, as was signed`,
        `${now[of]}: the live database has changed since`,
        'Nothing was changed. Look at the preview again, and propose that.',
      );
    }
  }
}

const DONE = { inserted: 'put in again', setBack: 'set back', deleted: 'deleted' } as const;

interface Signed extends Omit<PromotionFacts, 'tables'> {
  readonly tables: readonly (TableName & Sums)[];
}

/** HF_RESTORE_STATE for what another version of Holdfast let people sign: it had other bounds. */
function signedOf(facts: unknown): Signed {
  const read = FACTS.safeParse(facts);
  const tables = (read.data?.tables ?? []).map((text) => TABLE.safeParse(jsonOf(text)));
  const bounds = tables.flatMap(({ data }) => {
    if (data === undefined) return [];
    const [schema, name, inserted, setBack, deleted] = data;
    return [{ schema, name, inserted, setBack, deleted }];
  });
  if (read.success && bounds.length === tables.length) return { ...read.data, tables: bounds };
  throw cannot(
    'a promotion with the most rows of each table by itself',
    'another, as an older Holdfast proposed it',
    'Nothing was changed. Propose it anew, and let it be signed.',
  );
}

function cannot(expected: string, found: string, hint: string): HoldfastError {
  return new HoldfastError('HF_RESTORE_STATE', { expected, found, hint });
}
