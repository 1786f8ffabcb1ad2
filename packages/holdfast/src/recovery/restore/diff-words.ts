/** A diff in sentences, for people: what is gone first. Names and keys are strangers' text, and inert. */
import { oneLine } from '../../model/text.ts';
import type { PartDifference } from './catalog.ts';
import type { Diff, TableDifference } from './diff.ts';
import type { KeyTexts } from './row-buckets.ts';
import { shown } from './table-facts.ts';

const KEYS_NAMED_MAX = 5;
const TEXT_CHARS_MAX = 120;

export function sentencesOfDiff(diff: Diff): readonly string[] {
  const lone = diff.lone.map((table) => {
    const where =
      table.side === 'restored' ? 'is not in the live database' : 'is in the live database only';
    return `${oneLine(shown(table))} ${where} (${counted(table.rows, 'row')}).`;
  });
  const parts = diff.structure.filter(
    ({ kind, of }) => kind !== 'table' || !diff.lone.some((one) => sameTable(one, of)),
  );
  return [
    ...lone,
    ...diff.tables.map(tableSentence),
    ...parts.map(partSentence),
    diff.equalTables === 0
      ? 'No table has the same rows on both sides.'
      : `${counted(BigInt(diff.equalTables), 'table')} with ${counted(diff.equalRows, 'row')} ${diff.equalTables === 1 ? 'is' : 'are'} the same on both sides.`,
  ];
}

function sameTable(table: { readonly schema: string; readonly name: string }, of: string): boolean {
  return of.replaceAll('"', '') === shown(table).replaceAll('"', '');
}

function tableSentence(table: TableDifference): string {
  const { keys, leftOut } = table;
  const name = oneLine(shown(table));
  const out =
    leftOut.length === 0 ? '' : ` Not compared: ${leftOut.map((one) => oneLine(one)).join(', ')}.`;
  if (keys === null) {
    return `${name} has ${counted(table.liveRows, 'row')} for ${table.restoredRows} restored, with other contents; without a key they cannot be told apart.${out}`;
  }
  const words = [
    some(keys.missing, 'missing', keys.missingKeys),
    some(keys.changed, 'changed', keys.changedKeys),
    some(keys.extra, 'only in the live one', keys.extraKeys),
  ].filter((one) => one !== null);
  return `${name}: ${words.join('; ')}. ${counted(table.liveRows, 'row')} for ${table.restoredRows} restored.${out}`;
}

function some(count: bigint, what: string, keys: readonly KeyTexts[]): string | null {
  if (count === 0n) return null;
  const named = keys.slice(0, KEYS_NAMED_MAX).map(keyWords);
  const more = count > BigInt(named.length) ? ' …' : '';
  return named.length === 0 ? `${count} ${what}` : `${count} ${what} (${named.join(', ')}${more})`;
}

function keyWords(key: KeyTexts): string {
  return oneLine(key.map((one) => one ?? 'null').join(' / ')).slice(0, TEXT_CHARS_MAX);
}

function partSentence({ kind, live, name, of, restored }: PartDifference): string {
  const what = oneLine(kind === 'table' ? `Table ${of}` : `The ${kind} ${name} of ${of}`);
  if (live === null) return `${what} is not there any more.`;
  if (restored === null) return `${what} is new.`;
  return `${what} was ${short(restored)}, and is ${short(live)}.`;
}

function short(definition: string): string {
  const text = oneLine(definition);
  return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX)}…`;
}

function counted(count: bigint, what: string): string {
  return `${count} ${what}${count === 1n ? '' : 's'}`;
}
