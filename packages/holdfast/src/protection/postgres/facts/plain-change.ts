/**
 * Whether a text is so plain that planning it runs nothing but the server's own code: one DELETE, UPDATE or
 * MERGE made of names, literals, operators and a short list of functions. A lexer and not the reader: the
 * reader says what a statement does when it runs, and what it calls harmless (a stable function of a table
 * given by name) may run when it is planned. In doubt the answer is no. Pure.
 *
 * What it cannot see is whether a name, an operator or a cast is a user's: `estimate.ts` asks the catalogs,
 * with the words that are found here.
 */
export interface PlainChange {
  /** Without its semicolon. */
  readonly text: string;
  /** Every name and word in it, folded as the server folds it: a function can be called by none other. */
  readonly words: readonly string[];
}

const TEXT_CHARS_MAX = 16 * 1024;
/** NAMEDATALEN - 1. */
const NAME_BYTES_MAX = 63;
/** Blanks are the server's own: others are letters to it. */
const TOKEN =
  /[ \t\n\r\f]+|'(?:[^'\\]|'')*'|"(?:[^"]|"")+"|\$\d+(?![\w$])|[A-Za-z_][A-Za-z0-9_$]*|\d+(?:\.\d+)?|[-+*/<>=~!@#%^|&?:.,()[\]]/y;
const BEGINS = /^[ \t\n\r\f]*(?:delete[ \t\n\r\f]+from|update|merge[ \t\n\r\f]+into)[ \t\n\r\f]/i;
const BLANKS = ' \t\n\r\f';

/** Grammar, or functions of pg_catalog that only compute on their arguments. */
const MAY_STAND_BEFORE_BRACKET: ReadonlySet<string> = new Set(
  (
    'in and or not where set values exists any some all on using when then else case between like ilike ' +
    'select from is as insert coalesce nullif greatest least lower upper length char_length abs round ' +
    'floor ceil trim btrim ltrim rtrim substring replace concat date_trunc extract now make_interval ' +
    'numeric decimal varchar char character timestamp timestamptz time interval array'
  ).split(' '),
);

/** Null: it is not plain. */
export function plainChange(statement: string): PlainChange | null {
  if (statement.length > TEXT_CHARS_MAX || !BEGINS.test(statement)) return null;
  const text = withoutEnd(statement);
  const words = new Set<string>();
  let before = '';
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const from = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) return null;
    const word = wordOf(token);
    // Two dashes, or a slash and a star, would be a comment; U& an escape; E'' may be one.
    const pair = text.slice(from, from + 2);
    if (pair === '--' || pair === '/*' || /^(?:u&|[ebx]')/i.test(pair)) return null;
    if (token === '(' && !mayOpen(before)) return null;
    // A longer one is cut by the server, and would mean another name.
    if (word !== null && Buffer.byteLength(word) > NAME_BYTES_MAX) return null;
    if (word !== null) words.add(word);
    if (token.trim() !== '') before = token;
  }
  return { text, words: [...words] };
}

export interface Token {
  readonly text: string;
  readonly from: number;
}

/** Of a text that is plain, without blanks. */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const from = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) return [];
    if (token.trim() !== '') tokens.push({ text: token, from });
  }
  return tokens;
}

/** Without the blanks at its end, and one semicolon. */
function withoutEnd(statement: string): string {
  let end = statement.length;
  const skip = (): void => {
    while (end > 0 && BLANKS.includes(statement[end - 1] ?? '')) end -= 1;
  };
  skip();
  if (statement[end - 1] === ';') end -= 1;
  skip();
  return statement.slice(0, end);
}

/** The name that a token is to the server; null: it is none. */
function wordOf(token: string): string | null {
  if (token.startsWith('"')) return token.slice(1, -1).replaceAll('""', '"');
  return /^[A-Za-z_]/.test(token) ? token.toLowerCase() : null;
}

function mayOpen(before: string): boolean {
  if (before.startsWith('"') || before.startsWith("'") || before === ']') return false;
  const isWord = /^[A-Za-z_]/.test(before);
  return !isWord || MAY_STAND_BEFORE_BRACKET.has(before.toLowerCase());
}
