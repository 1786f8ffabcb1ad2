/**
 * The members of a JSON object as they are written: for who has to send a part of a text on to the letter,
 * where reading it and writing it again would round its numbers.
 */
import { endOfString } from './json-text.ts';

const SPACE_OR_COMMA = ' \t\n\r,';

/** Of a text that `JSON.parse` has taken for an object. Null: a name stands in it twice. */
export function membersOf(text: string): ReadonlyMap<string, string> | null {
  const members = new Map<string, string>();
  let at = text.indexOf('{') + 1;
  for (;;) {
    while (at < text.length && SPACE_OR_COMMA.includes(text.charAt(at))) at += 1;
    if (text[at] !== '"') return members;
    const nameEnd = endOfString(text, at);
    const name: unknown = JSON.parse(text.slice(at, nameEnd + 1));
    const start = text.indexOf(':', nameEnd) + 1;
    at = endOfValue(text, start);
    if (typeof name !== 'string' || members.has(name)) return null;
    members.set(name, text.slice(start, at).trim());
  }
}

/** The place of the comma or bracket behind it. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    switch (text[at]) {
      case '"':
        at = endOfString(text, at);
        break;
      case '{':
      case '[':
        depth += 1;
        break;
      case '}':
      case ']':
        if (depth === 0) return at;
        depth -= 1;
        break;
      case ',':
        if (depth === 0) return at;
        break;
    }
  }
  return text.length;
}
