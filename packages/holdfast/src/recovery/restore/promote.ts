/**
 * A promotion that enough people signed is carried out: the very same point and goal are restored anew, in their
 * turn, and written in one captured transaction of the live target (`write-back/`), so that the promotion itself can
 * be taken back; unless it would now do more to any one table than was signed (`promotion.ts`).
 */
import { join } from 'node:path';
import { isOutcomeUnknown, messageOf } from '../../model/errors.ts';
import type { HoldfastEvent } from '../../model/event.ts';
import { newId } from '../../model/ids.ts';
import { RESTORE_STATEMENT_MS_MAX } from '../../model/limits.ts';
import { oneLine } from '../../model/text.ts';
import type { StoredPoint } from '../recovery-point.ts';
import type { RestoreWish } from './choose-point.ts';
import type { CopiesParts } from './copies-parts.ts';
import type { CopiedTarget, StandingTarget } from './copy.ts';
import { vaultOf } from './copy-orders.ts';
import type { ReportWords } from './copy-shape.ts';
import { turn } from './in-turn.ts';
import { rowsText, type SignedPromotion, signedOf, staysWords } from './promotion.ts';
import { shown } from './table-facts.ts';
import { sumsOf } from './write-back/report.ts';
import { writeBack } from './write-back/write-back.ts';
import { state } from './write-refusals.ts';

type PromotedCopy = Pick<StandingTarget, 'database' | 'discard' | 'point'>;

export interface PromoteParts extends Pick<CopiesParts, 'clock' | 'folder' | 'inTurn' | 'note'> {
  readonly restore: (...order: Parameters<CopiesParts['restore']>) => Promise<PromotedCopy>;
}

interface Proposed {
  readonly proposalId: string;
  readonly facts: unknown;
}

/**
 * One sentence of what was done. Rejects when nothing was changed, since it is one transaction of the target; with
 * HF_RESTORE_UNKNOWN when nobody knows.
 */
export async function promote(
  of: CopiedTarget,
  { facts, proposalId }: Proposed,
  parts: PromoteParts,
  signal: AbortSignal,
): Promise<string> {
  const { inTurn, note } = parts;
  const target = of.target.name;
  const told = async (event: HoldfastEvent): Promise<void> => {
    try {
      await note(event);
    } catch {
      // What is done is done, and the end of the proposal says so, too: nobody would know it better for an error.
    }
  };
  const { report, said } = await turn(inTurn, signal, () =>
    carriedOut(of, facts, parts, signal),
  ).catch(async (error: unknown) => {
    if (isOutcomeUnknown(error)) await told(unknownEnd(target, proposalId, messageOf(error)));
    throw error;
  });
  await told({
    kind: 'restore-promoted',
    facts: { target, proposal: proposalId, write: report.id, ...sumsOf(report) },
    message: said,
  });
  return said;
}

async function carriedOut(
  of: CopiedTarget,
  facts: unknown,
  { clock, folder, restore }: PromoteParts,
  signal: AbortSignal,
): Promise<{ readonly report: ReportWords; readonly said: string }> {
  const signed = signedOf(facts);
  const target = of.target.name;
  const vault = vaultOf(of, signed.vault);
  const order = {
    wish: wishOf(signed),
    asOf: signed.asOf === null ? null : new Date(signed.asOf),
    folder: join(folder, newId('restore', clock)),
    isKept: false,
  };
  const copy = await restore(target, vault, order, () => {}, signal);
  try {
    mustBeSigned(copy.point, signed);
    const report = await written(of, signed, copy, clock);
    const stays = staysWords(signed, report);
    const what = `${signed.tables.length} table(s) of ${target}`;
    const became = stays === null ? `${what} are what they were` : `Into ${what}`;
    const left = stays === null ? '' : `; ${stays}`;
    const said = `${became}: ${rowsText(sumsOf(report))}${left} (${report.id}). It is an undo item.`;
    return { report, said };
  } finally {
    await copy.discard().catch(() => {});
  }
}

async function written(
  { database, open, target }: CopiedTarget,
  signed: SignedPromotion,
  copy: PromotedCopy,
  clock: PromoteParts['clock'],
): Promise<ReportWords> {
  if (signed.database !== database) {
    const expected = `the database ${database} of ${target.name}`;
    throw state(expected, signed.database, 'Propose it anew.');
  }
  const restored = copy.database(database, RESTORE_STATEMENT_MS_MAX);
  const live = open();
  try {
    const tables = signed.tables.map(({ name, schema }) => ({ schema, name, keys: null }));
    const { changed, extra } = signed;
    return await writeBack(
      { tables, changed, extra, mode: 'apply' },
      { restored, live, clock, beforeCommit: (report) => atMost(report, signed) },
    );
  } finally {
    await Promise.allSettled([restored.close(), live.close()]);
  }
}

/** From the signed point: a goal alone leads to another one as soon as there is one that is nearer. */
function wishOf({ at, lsn, point, pointDigest }: SignedPromotion): RestoreWish {
  const from = { id: point, digest: pointDigest };
  if (at !== null) return { kind: 'at', at: new Date(at), from };
  if (lsn !== null) return { kind: 'lsn', lsn, from };
  throw state('a moment or a position', 'neither', 'Propose it anew.');
}

/** A point that somebody put in its place since would bring back other rows for the same goal. */
function mustBeSigned(
  { digest, id, server }: StoredPoint,
  { point, pointDigest, systemIdentifier }: SignedPromotion,
): void {
  const hint = 'Nothing was changed. Propose it anew, and see what it would do.';
  if (server.systemIdentifier !== systemIdentifier) {
    throw state(
      `the cluster of ${point} (${systemIdentifier})`,
      `another one: ${server.systemIdentifier}`,
      hint,
    );
  }
  if (id !== point || digest !== pointDigest) {
    throw state(
      `the point that was signed, ${point} (${pointDigest.slice(0, 16)}…)`,
      `${id} (${digest.slice(0, 16)}…)`,
      hint,
    );
  }
}

const DONE = { inserted: 'put in again', setBack: 'set back', deleted: 'deleted' } as const;

function atMost(report: ReportWords, { tables }: SignedPromotion): void {
  for (const now of report.tables) {
    const bound = tables.find(({ name, schema }) => name === now.name && schema === now.schema);
    for (const of of ['inserted', 'setBack', 'deleted'] as const) {
      const most = bound?.[of] ?? 0;
      if (now[of] <= most) continue;
      throw state(
        `at most ${most} rows of ${oneLine(shown(now))} ${DONE[of]}, as was signed`,
        `${now[of]}: the live database has changed since`,
        'Nothing was changed. Look at the preview again, and propose that.',
      );
    }
  }
}

function unknownEnd(target: string, proposal: string, reason: string): HoldfastEvent {
  return {
    kind: 'restore-unknown',
    facts: { target, proposal, reason },
    message: `Whether ${target} was promoted as ${proposal} says is not known: ${reason}`,
  };
}
