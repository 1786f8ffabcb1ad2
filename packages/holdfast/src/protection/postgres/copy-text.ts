/** Fields of COPY's text format (PostgreSQL manual, COPY, "Text Format"). */

/** What stands for NULL. */
export const COPY_NULL = '\\N';

const ESCAPED = /\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)/gs;
const LETTERS: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** A backslash, and what it makes of what follows. Null: NULL. */
export function copyFieldOf(field: string): string | null {
  if (field === COPY_NULL) return null;
  if (!field.includes('\\')) return field;
  return field.replaceAll(ESCAPED, (_all, after: string) => {
    if (/^[0-7]/.test(after)) return String.fromCharCode(Number.parseInt(after, 8));
    if (/^x./.test(after)) return String.fromCharCode(Number.parseInt(after.slice(1), 16));
    return LETTERS[after] ?? after;
  });
}
