/**
 * Cuts a statement into coloured tokens: SQL, GraphQL or JSON. It judges nothing (the gateway did),
 * and each token is a piece of the text as it is: put together they are the text again, whatever it
 * holds. One pass, one sticky expression per language that cannot backtrack far.
 */

export type TokenKind = 'plain' | 'keyword' | 'danger' | 'string' | 'number' | 'comment' | 'name';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

export type Language = 'sql' | 'graphql' | 'json' | 'text';

const DANGER = words(
  'drop truncate delete destroy purge revoke grant alter cascade detach disable owner superuser',
);
const SQL = words(
  `select insert update merge create replace from into where set values and or not in is null join left right
  full inner outer cross lateral on using group by order having limit offset returning with recursive as distinct
  union all except intersect case when then else end exists between like ilike similar begin commit rollback
  savepoint release start transaction table view index schema database sequence function procedure trigger type
  domain role user policy column constraint primary foreign key references unique check default if only to of
  restrict materialized temporary temp do call execute prepare deallocate copy explain analyze vacuum reindex
  cluster lock comment security definer language returns add rename true false window over partition for each row
  statement before after instead enable always generated identity cast collate fetch cursor declare listen notify`,
);
const GRAPHQL = words('query mutation subscription fragment on true false null input type enum');
/** Of an operation's name: `volumeDelete`, `serviceDestroyAll`. */
const DANGER_IN_NAME = /delete|destroy|drop|purge|wipe|remove|truncate|revoke|reset/i;

const SQL_TOKEN =
  /(?<comment>--[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?)|(?<string>[eEbBxXnN]?'(?:[^']|'')*'?|\$(?<tag>[A-Za-z_]\w*)?\$)|(?<name>"(?:[^"]|"")*"?)|(?<number>\d[\d_.]*(?:[eE][+-]?\d+)?|\$\d+)|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(?<plain>[\s\S])/y;
const GRAPHQL_TOKEN =
  /(?<comment>#[^\n]*)|(?<string>"""(?:[^"]|"(?!""))*(?:""")?|"(?:[^"\\\n]|\\.)*"?)|(?<name>\$[A-Za-z_]\w*|@[A-Za-z_]\w*)|(?<number>-?\d[\d.]*(?:[eE][+-]?\d+)?)|(?<word>[A-Za-z_]\w*)|(?<plain>[\s\S])/y;
const JSON_TOKEN =
  /(?<name>"(?:[^"\\\n]|\\.)*"(?=\s{0,20}:))|(?<string>"(?:[^"\\\n]|\\.)*"?)|(?<number>-?\d[\d.]*(?:[eE][+-]?\d+)?)|(?<word>[A-Za-z_]\w*)|(?<plain>[\s\S])/y;

export function tokensOf(text: string, language: Language): readonly Token[] {
  switch (language) {
    case 'sql':
      return run(text, SQL_TOKEN, sqlWord);
    case 'graphql':
      return run(text, GRAPHQL_TOKEN, graphqlWord);
    case 'json':
      return run(text, JSON_TOKEN, (word) =>
        /^(true|false|null)$/.test(word) ? 'keyword' : 'plain',
      );
    case 'text':
      return text === '' ? [] : [{ kind: 'plain', text }];
    default:
      return language satisfies never;
  }
}

/** What it looks like. Only for colours: a wrong guess shows the same characters. */
export function languageOf(text: string): Language {
  const start = text.trimStart().slice(0, 400);
  if (/^[[{]\s*(["[\]}]|-?\d|\{)/.test(start)) return 'json';
  if (/^(query|mutation|subscription|fragment)\b[^;]*[{(]/.test(start)) return 'graphql';
  if (/^\{\s*\w+/.test(start)) return 'graphql';
  if (/^(GET|POST|PUT|PATCH|DELETE)\s+(\/|https?:)/.test(start))
    return /\{\s*"/.test(start) ? 'json' : 'text';
  return 'sql';
}

function sqlWord(word: string): TokenKind {
  const lower = word.toLowerCase();
  if (DANGER.has(lower)) return 'danger';
  return SQL.has(lower) ? 'keyword' : 'plain';
}

function graphqlWord(word: string): TokenKind {
  if (GRAPHQL.has(word)) return 'keyword';
  return DANGER_IN_NAME.test(word) ? 'danger' : 'plain';
}

function run(
  text: string,
  pattern: RegExp,
  wordKind: (word: string) => TokenKind,
): readonly Token[] {
  const found: Token[] = [];
  const push = (kind: TokenKind, piece: string): void => {
    const last = found.at(-1);
    if (last?.kind === kind) found[found.length - 1] = { kind, text: last.text + piece };
    else found.push({ kind, text: piece });
  };
  let at = 0;
  while (at < text.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) break;
    let piece = match[0];
    if (piece.startsWith('$') && piece.endsWith('$') && piece.length > 1) {
      const end = text.indexOf(piece, at + piece.length);
      piece = text.slice(at, end < 0 ? text.length : end + piece.length);
    }
    push(kindOf(match.groups ?? {}, wordKind), piece);
    at += piece.length;
  }
  if (at < text.length) push('plain', text.slice(at));
  return found;
}

function kindOf(
  groups: Readonly<Record<string, string | undefined>>,
  wordKind: (word: string) => TokenKind,
): TokenKind {
  if (groups['word'] !== undefined) return wordKind(groups['word']);
  if (groups['comment'] !== undefined) return 'comment';
  if (groups['string'] !== undefined) return 'string';
  if (groups['name'] !== undefined) return 'name';
  return groups['number'] !== undefined ? 'number' : 'plain';
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}
