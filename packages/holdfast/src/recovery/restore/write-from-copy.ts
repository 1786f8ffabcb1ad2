/** Rows of a copy back into its live target: shown, or written, with its begin and its end in the trail. */
import type { Clock } from '../../model/clock.ts';
import { isOutcomeUnknown, messageOf } from '../../model/errors.ts';
import type { Spoken } from '../../model/signed.ts';
import { onBothSides } from './both-sides.ts';
import type { CopiesParts } from './copies-parts.ts';
import { type Copy, factsOf, nameOf } from './copy.ts';
import { tablesText } from './copy-orders.ts';
import type { ReportWords, WriteBackWords } from './copy-shape.ts';
import { sumsOf } from './write-back/report.ts';
import { type WriteBackOrder, writeBack } from './write-back/write-back.ts';

export function previewFrom(copy: Copy, words: WriteBackWords, clock: Clock): Promise<ReportWords> {
  return carriedOut(copy, { ...words, mode: 'preview' }, clock);
}

/** What is about to be written is durable in the trail before anything is. */
export async function writeFrom(
  copy: Copy,
  words: WriteBackWords,
  by: Spoken,
  { clock, note, record }: Pick<CopiesParts, 'clock' | 'note' | 'record'>,
): Promise<ReportWords> {
  const target = nameOf(copy);
  const { changed, extra } = words;
  const facts = { ...factsOf(copy), by: by.name, tables: tablesText(words), changed, extra };
  await record({
    kind: 'restore-writing',
    facts: { ...facts, ...by.facts },
    message: `${by.name} writes rows of ${facts.tables} back into ${target}, from ${copy.id}.`,
  });
  const order: WriteBackOrder = { ...words, mode: 'apply' };
  const report = await carriedOut(copy, order, clock).catch(async (error: unknown) => {
    const reason = messageOf(error);
    await note({
      kind: isOutcomeUnknown(error) ? 'restore-unknown' : 'restore-not-written',
      facts: { ...facts, reason },
      message: isOutcomeUnknown(error)
        ? `Whether rows were written back into ${target} is not known: ${reason}`
        : `Nothing was written back into ${target}: ${reason}`,
    });
    throw error;
  });
  const sums = sumsOf(report);
  await note({
    kind: 'restore-written-back',
    facts: { ...facts, write: report.id, ...sums },
    message: `${by.name} wrote rows of ${facts.tables} back into ${target}: ${sums.inserted} put in again, ${sums.setBack} set back, ${sums.deleted} deleted (${report.id}).`,
  });
  return report;
}

function carriedOut(copy: Copy, order: WriteBackOrder, clock: Clock): Promise<ReportWords> {
  return onBothSides(copy, (restored, live) => writeBack(order, { restored, live, clock }));
}
