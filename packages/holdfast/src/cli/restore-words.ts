/** What a restore would write back or has written, in lines. Names and keys are strangers' text, and inert. */
import type { ReportWords } from '../recovery/restore/copy-shape.ts';
import { fromNow, oneLine, type Paint } from './print.ts';

const KEYS_NAMED_MAX = 5;

/** Whose the point is that it came back from, and whether a drill has shown that it comes back. */
export function pointLines(
  { drilledAt, isSealed }: { readonly drilledAt: string | null; readonly isSealed: boolean | null },
  now: Date,
  paint: Paint,
): readonly string[] {
  return [
    drilledAt === null
      ? paint.yellow('No drill of this point is known here to have passed.')
      : `${isSealed === null ? 'It came back' : 'Proven'} ${fromNow(new Date(drilledAt), now)} ${isSealed === null ? 'in' : 'by'} a drill of this point.`,
    ...(isSealed === true ? [] : [paint.yellow(isSealed === null ? NOT_TOLD : NOT_SEALED)]),
  ];
}

const NOT_TOLD =
  'It is sealed with a key that is not here: nobody can tell whether the point is of your own Holdfast.';
const NOT_SEALED =
  'It has no seal of this Holdfast: whoever can write into the vault may have made it.';

export function writeBackLines(report: ReportWords, paint: Paint): readonly string[] {
  const isDone = report.id !== null;
  return [
    ...report.tables.map((table) => tableLine(table, isDone)),
    ...report.notes.map((note) => paint.dim(oneLine(note))),
    ...report.wouldFail.map((why) => paint.red(`It would be refused: ${oneLine(why)}`)),
    isDone
      ? `Written back in one transaction (${oneLine(report.id ?? '')}); take it back with holdfast undo.`
      : 'Nothing was changed.',
  ];
}

function tableLine(table: ReportWords['tables'][number], isDone: boolean): string {
  const { conflictKeys, conflicts, deleted, extraKept, inserted, setBack } = table;
  const did = isDone ? '' : 'would be ';
  const parts = [
    `${inserted} ${did}put in again`,
    `${setBack} ${did}set back`,
    `${deleted} ${did}deleted`,
    ...(conflicts === 0 ? [] : [`${conflicts} kept with other values${keysText(conflictKeys)}`]),
    ...(extraKept === 0 ? [] : [`${extraKept} kept that came since`]),
  ];
  return `${oneLine(`${table.schema}.${table.name}`)}: ${parts.join(', ')}.`;
}

function keysText(keys: readonly (readonly (string | null)[])[]): string {
  if (keys.length === 0) return '';
  const named = keys
    .slice(0, KEYS_NAMED_MAX)
    .map((key) => key.map((one) => one ?? 'null').join(' / '));
  return ` (${oneLine(named.join(', '))}${keys.length > named.length ? ' …' : ''})`;
}
