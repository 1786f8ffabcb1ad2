/** One entry of the trail as one line for people. What it does not know it shows as it is. */
import type { ShownEntry } from '../trail/browse.ts';
import { cut, oneLine, type Paint } from './print.ts';

const TEXT_CHARS_MAX = 100;

export function entryLine({ index, json }: ShownEntry, paint: Paint): string {
  const entry = asRecord(JSON.parse(json));
  const time = text(entry['time']).replace('T', ' ').slice(0, 19);
  const head = `${String(index).padStart(6)}  ${paint.dim(time)}  `;
  return head + words(entry, paint);
}

function words(entry: Fields, paint: Paint): string {
  const kind = text(entry['kind']);
  switch (kind) {
    case 'decision': {
      const verdict = text(asRecord(entry['verdict'])['kind']);
      const agent = text(asRecord(entry['actor'])['name']);
      const target = text(asRecord(entry['target'])['name']);
      const hold = entry['hold'] === null ? '' : ` ${text(entry['hold'])}`;
      const said = cut(statement(entry['text']), TEXT_CHARS_MAX);
      return `${verdictWord(verdict, paint)}${hold}  ${agent} on ${target}: ${said}`;
    }
    case 'outcome': {
      const outcome = asRecord(entry['outcome']);
      const detail = text(outcome['tag']) || text(outcome['reason']) || text(outcome['message']);
      const of = paint.dim(`of ${String(entry['decision'])}`);
      return `${'outcome'.padEnd(9)}${of} ${text(outcome['kind'])}  ${cut(detail, TEXT_CHARS_MAX)}`;
    }
    case 'reads':
      return `${'reads'.padEnd(9)}${String(entry['total'])} harmless unit(s) forwarded`;
    default:
      return `${kind.padEnd(16)} ${text(entry['message'])}`;
  }
}

function verdictWord(verdict: string, paint: Paint): string {
  const word = verdict.padEnd(8);
  if (verdict === 'forward') return paint.green(word);
  return verdict === 'refuse' ? paint.red(word) : paint.yellow(word);
}

type Fields = Readonly<Record<string, unknown>>;

function asRecord(value: unknown): Fields {
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value))
    : {};
}

/** Whoever wrote it, on one line and harmless. */
function text(value: unknown): string {
  return typeof value === 'string' ? oneLine(value) : '';
}

/** A text that was cut is an object with its beginning. */
function statement(value: unknown): string {
  return text(typeof value === 'string' ? value : asRecord(value)['start']);
}
