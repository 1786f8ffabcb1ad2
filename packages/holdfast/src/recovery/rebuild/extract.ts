/** Takes a text out of a record, as the mapping says. In linear time, with no pattern of anybody's. */
import type { Extract } from './mapping/mapping.ts';
import type { SourceRecord } from './source-record.ts';

/** `absent` is not `unread`: a record that says nothing of a field contradicts nobody. */
export type Taken =
  | { readonly kind: 'absent' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unread'; readonly why: string };

const ABSENT: Taken = { kind: 'absent' };

export function takeText(record: SourceRecord, { field, after, word }: Extract): Taken {
  const why = record.troubled.get(field);
  if (why !== undefined) return { kind: 'unread', why };
  const text = record.fields.get(field);
  if (text === undefined || text.trim() === '') return ABSENT;
  if (after !== null) return only(behind(text, after), `different texts behind ${after}`);
  if (word !== null) return only(words(text, word), `several words that begin with ${word}`);
  return { kind: 'text', text };
}

/** Said twice is said once; said differently is not said. */
function only(texts: readonly string[], why: string): Taken {
  const [text, ...more] = new Set(texts);
  if (text === undefined) return ABSENT;
  return more.length === 0 ? { kind: 'text', text } : { kind: 'unread', why };
}

/** Up to the end of each line that has the label, without the full stop of a sentence. */
function behind(text: string, label: string): string[] {
  const wanted = label.toLowerCase();
  return text.split(/\r\n|\n|\r/).flatMap((line) => {
    // A label in other letters may be longer than it was: look for it where both are the same.
    const at = line.toLowerCase().length === line.length ? line.toLowerCase().indexOf(wanted) : -1;
    if (at < 0) return [];
    const rest = line
      .slice(at + label.length)
      .trim()
      .replace(/[.,;!]$/, '');
    return rest === '' ? [] : [rest];
  });
}

function words(text: string, beginning: string): string[] {
  return text
    .split(/[^A-Za-z0-9_-]/)
    .filter((word) => word.startsWith(beginning) && word.length > beginning.length)
    .map((word) => word.replace(/[-_]+$/, ''));
}
