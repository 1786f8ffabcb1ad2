/**
 * A rebuild into the live database, by quorum: the very rows that were put into the restored copy and stand
 * there, in one captured transaction of the live target, so that the promotion is an undo item, and a batch
 * that is taken back by its id. In this order:
 *
 *   put into the copy, checked -> proposed, with digest, table, counts, sums -> signed by enough -> the
 *     proposal with its choices is still the one whose digest was signed -> put in -> noted
 *
 * What it will not do: put in other rows than were signed, into a table that is not captured, or where a
 * batch of the rebuild stands already.
 */
import { z } from 'zod';
import type { ActRunner } from '../../approvals/proposals.ts';
import type { ProposedAct } from '../../approvals/proposed-act.ts';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import type { Signed } from '../../model/signed.ts';
import type { Target } from '../../model/target.ts';
import { cut, oneLine } from '../../model/text.ts';
import { lesserSessions } from '../../protection/postgres/undo/lesser-session.ts';
import type { TargetDatabase, TargetSession } from '../../protection/target-database.ts';
import { checkCaptured } from '../restore/write-back/check-captured.ts';
import { type ApplyReport, apply } from './apply.ts';
import { standingIn } from './batches.ts';
import type { RebuildAssertion } from './checks.ts';
import type { MoneySum, Override, RebuildPlan } from './plan.ts';
import { outOfView } from './rebuild-journal.ts';
import type { Rebuilds, Standing } from './rebuilds.ts';
import { type RollbackReport, rollback } from './rollback.ts';
import { notedOf, putting, settle, wasCutOff } from './settle.ts';

/** What is signed. `rows` is the most that may be put in. */
const FACTS = z.strictObject({
  rebuild: z.string(),
  /** Of the proposal with every choice in it. */
  digest: z.string(),
  schema: z.string(),
  table: z.string(),
  rows: z.int(),
  /** Of the same rows in the restored copy. */
  batch: z.string(),
  choices: z.int(),
  overrides: z.int(),
  /** `amount_cents: 123400 EUR`, in the smallest unit. */
  money: z.array(z.string()),
});
export type RebuildPromotionFacts = Readonly<z.output<typeof FACTS>>;

const OVERRIDES_SHOWN_MAX = 10;
const OVERRIDE_CHARS_MAX = 300;
const NAMES_SHOWN_MAX = 10;
const MONEY_MAX = 20;

/** HF_REBUILD_STATE for what is not in the copy as it stands, or stands in the live target already. */
export function promotionOf(standing: Standing, target: Target): ProposedAct {
  const { plan, proposal, rebuild } = standing;
  const batch = rehearsed(standing, plan.digest);
  notYetLive(standing);
  const facts: RebuildPromotionFacts = {
    rebuild: rebuild.id,
    digest: plan.digest,
    schema: proposal.schema,
    table: proposal.table,
    rows: plan.rows,
    batch,
    choices: proposal.reviews.length,
    overrides: plan.overrides.length,
    money: plan.money.slice(0, MONEY_MAX).map(({ minor, ...sum }) => `${nameOf(sum)} ${minor}`),
  };
  return {
    kind: 'promote-rebuild',
    target,
    facts,
    words: wordsOf(standing, plan, batch),
    reason: 'It puts rows into the live database that nobody of those who wrote them wrote there.',
  };
}

function nameOf({ column, currency }: Omit<MoneySum, 'minor'>): string {
  return `${column}: ${currency}`;
}

/** What was overridden stands first: the end of a text that is too long is what is cut. */
function wordsOf(
  { cutOff, proposal, rebuild }: Standing,
  plan: RebuildPlan,
  batch: string,
): string {
  const named = plan.reviewers.slice(0, NAMES_SHOWN_MAX);
  const { overrides } = plan;
  const left = overrides.length - OVERRIDES_SHOWN_MAX;
  return [
    `At most ${plan.rows} rows are put into ${oneLine(plan.table)} of ${rebuild.target}, as in the restored copy of ${rebuild.facts.at}${outOfView(rebuild.facts.asOf)} (${batch}). Nothing that is there is changed.`,
    ...(overrides.length === 0
      ? []
      : [`Money that a person took otherwise than a payment says, or that none backs:`]),
    ...overrides.slice(0, OVERRIDES_SHOWN_MAX).map(overrideWords),
    ...(left > 0 ? [`  and ${left} more`] : []),
    ...plan.money.map(({ column, currency, minor, rows }) =>
      oneLine(`${column}: ${minor} ${currency} in the smallest unit, in ${rows} rows`),
    ),
    named.length === 0
      ? 'Nobody chose anything: all of it is as its sources say.'
      : `${proposal.reviews.length} choices by ${oneLine(named.map(({ name }) => name).join(', '))}.`,
    `Of ${plan.sources.length} files; left out are ${plan.counts.CONFLICT} in conflict, ${plan.counts.INCOMPLETE} incomplete, ${plan.counts.LEFT_OUT} by choice, ${plan.counts.EXISTS} that were there.`,
    `One captured transaction, which can be undone, or taken back as a batch.`,
    ...(wasCutOff({ cutOff }, 'live')
      ? [
          'A promotion before this one was cut off. What it put in is recognised, and not put in twice.',
        ]
      : []),
  ].join('\n');
}

function overrideWords({ against, name, row, took, why }: Override): string {
  const words = `  ${row}: ${took}, although ${against}. ${name}: “${why}”`;
  return cut(oneLine(words), OVERRIDE_CHARS_MAX);
}

export interface PromotionParts {
  readonly rebuilds: Rebuilds;
  /** The live target by Holdfast's own credential; closed by us. HF_TARGET_UNKNOWN. */
  readonly open: (target: string) => TargetDatabase;
  readonly assertionsOf: (target: string) => readonly RebuildAssertion[];
  readonly clock: Clock;
}

/** Rejects when nothing was changed, or says in the error what was: it is one transaction of the target. */
export function promoteRebuildRunner(parts: PromotionParts): ActRunner {
  return async ({ facts, people, target }) => {
    const signed = FACTS.parse(facts);
    const standing = await parts.rebuilds.show(signed.rebuild);
    mustBeSigned(standing, signed, target);
    const by = people.join(', ');
    const report = await putting(parts.rebuilds, standing, 'live', by, () =>
      promote(parts, standing, by),
    );
    const before = report.isRecognised ? ' by a promotion before this one, which was cut off' : '';
    const words = `${report.inserted} rows were put into ${signed.schema}.${signed.table} of ${target} as ${report.batch}${before}`;
    try {
      await parts.rebuilds.done(signed.rebuild, 'live', report, by);
    } catch (cause) {
      throw new Error(
        `${words}, and that could not be kept: ${messageOf(cause)}. It is an undo item.`,
        { cause },
      );
    }
    const skipped = report.skipped === 0 ? '' : `; ${report.skipped} had come meanwhile`;
    return `${oneLine(words)}${skipped}. It is an undo item.`;
  };
}

async function promote(
  { assertionsOf, clock, open }: PromotionParts,
  { digest, proposal, rebuild }: Standing,
  person: string,
): Promise<ApplyReport> {
  const live = open(rebuild.target);
  try {
    return await apply({
      scratch: live,
      // Code of the live database's users runs with their rights, not with the admin's.
      lesser: async (session) => (await lesserSessions(session)).rows,
      before: capturedOnly(proposal.schema, proposal.table, `holdfast rebuild ${rebuild.id}`),
      // The journal has none there: what stands was cut off before it was written down.
      whenThere: 'recognise',
      proposal,
      digest,
      assertions: assertionsOf(rebuild.target),
      isDryRun: false,
      person,
      clock,
    });
  } finally {
    await live.close();
  }
}

/** The session is named for the undo item; the table is one that capture sees. */
function capturedOnly(
  schema: string,
  name: string,
  application: string,
): (session: TargetSession, oid: string) => Promise<void> {
  return async (session, oid) => {
    await session.query(`select set_config('application_name', $1, true)`, [application]);
    await session.query('set local row_security = off');
    await checkCaptured(session, { schema, name, oid });
  };
}

/** What lies between signing and now: somebody chose otherwise, took the copy's batch back, or was quicker. */
function mustBeSigned(standing: Standing, signed: RebuildPromotionFacts, target: string): void {
  const { digest, rebuild } = standing;
  if (digest !== signed.digest || rebuild.target !== target) {
    throw state(
      `the proposal that was signed, ${signed.digest.slice(0, 16)}…`,
      `another one, ${digest.slice(0, 16)}…: somebody chose differently since`,
      'Nothing was changed. Put it into the copy as it is now, and propose that.',
    );
  }
  if (rehearsed(standing, digest) !== signed.batch) {
    throw state(
      `${signed.batch} in the restored copy`,
      'another batch',
      'Nothing was changed. Propose it anew.',
    );
  }
  notYetLive(standing);
}

function rehearsed({ batches, rebuild }: Standing, digest: string): string {
  const there = standingIn(batches, 'copy');
  if (there !== undefined && there.digest === digest) return there.batch;
  throw state(
    `${rebuild.id} to be in the restored copy, as it is now`,
    there === undefined ? 'that it is not' : `${there.batch}, of before somebody chose`,
    `Put it in first: holdfast recovery rebuild apply ${rebuild.id} --apply.`,
  );
}

function notYetLive({ batches, rebuild }: Standing): void {
  const there = standingIn(batches, 'live');
  if (there === undefined) return;
  throw state(
    `${rebuild.id} not to be in the live target yet`,
    `that it is, as ${there.batch}`,
    `Take it back first: holdfast recovery rebuild rollback ${rebuild.id} --from live.`,
  );
}

/**
 * The live batch by one person's word, who may take back what passed, and proves that before anything is locked or
 * noted. What was cut off before is looked for then, and is noted as it is found.
 */
export async function takeBackLive(
  { open, rebuilds }: Pick<PromotionParts, 'open' | 'rebuilds'>,
  id: string,
  changed: 'refuse' | 'keep',
  signed: Signed,
): Promise<RollbackReport> {
  const person = await rebuilds.prove(id, signed);
  const standing = await rebuilds.show(id);
  const { proposal, rebuild } = standing;
  const { schema, table } = proposal;
  const live = open(rebuild.target);
  const by = {
    before: capturedOnly(schema, table, `holdfast rebuild rollback ${id}`),
    lesser: async (session: TargetSession) => (await lesserSessions(session)).rows,
  };
  try {
    await settle(rebuilds, standing, 'live', person.name, (look) => look({ ...by, scratch: live }));
    const batch = await rebuilds.beginTakingBack(id, 'live', person);
    const noted = notedOf(standing, batch);
    const report = await rollback({
      ...by,
      database: live,
      batch: batch.batch,
      books: batch.books,
      ...(noted === undefined ? {} : { noted }),
      changed,
      person: person.name,
    });
    await rebuilds.takenBack(id, 'live', report, person.name);
    return report;
  } finally {
    await live.close();
  }
}

function state(expected: string, found: string, hint: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', { expected, found, hint });
}
