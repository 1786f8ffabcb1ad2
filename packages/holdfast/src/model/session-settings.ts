/**
 * The settings of a SQL session that the same bytes may mean other rows under, as part of the first of
 * `Intent.acts()`: behind the mark of the search path (pipeline/path-mark.ts), which holds no text behind a
 * second pair of NULs of its own.
 *
 *     mark                                       nothing was set: as it always was
 *     schemas NUL NUL said NUL NUL JSON          [["app.tenant","42"], ["role",null,"3 of session_..."]]
 *
 * JSON writes every NUL of a value as an escape, so none can be taken for one between the parts. Pure.
 */
import { createHash } from 'node:crypto';
import { httpActIn } from './http-request.ts';

export interface SessionSetting {
  /** In lower case. */
  readonly name: string;
  /** Null: it was set, and nobody can tell to what. */
  readonly value: string | null;
  /** Where the value is not known, what makes this time like no other; else ''. */
  readonly once: string;
}

export interface SessionMark {
  /** The mark of the search path, as it is without settings. */
  readonly path: Buffer;
  /** Sorted by name. */
  readonly settings: readonly SessionSetting[];
}

/** As the server compares names of settings: A to Z alone, and no blank is too many (guc_name_compare). */
export function settingName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

const BETWEEN = '\0\0';
/** Of one name or value on a card. */
const SHOWN_CHARS_MAX = 60;
/** More than these nobody reads, and no approval is good under them. */
export const SETTINGS_SHOWN_MAX = 20;
const HASH_CHARS = 16;

export function markWith(path: Buffer, settings: readonly SessionSetting[]): Buffer {
  if (settings.length === 0) return path;
  const sorted = settings.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const entries = sorted.map(({ name, once, value }) =>
    value === null ? [name, null, once] : [name, value],
  );
  const text = path.toString('utf8');
  const isAny = text.startsWith('\0');
  // Where the path was said as it was judged the mark has one part: the second says so.
  const parts = isAny || text.includes(BETWEEN) ? '' : `${BETWEEN}${text}`;
  return Buffer.concat([path, Buffer.from(`${parts}${BETWEEN}${JSON.stringify(entries)}`)]);
}

/** Of the acts of an intent; of a request to a provider, and of what has no mark before it, nothing was set. */
export function sessionMarkOf(acts: readonly Buffer[]): SessionMark {
  const [mark, ...others] = acts;
  const isMarked = mark !== undefined && others.length > 0 && httpActIn(acts) === null;
  return isMarked ? sessionMarkIn(mark) : { path: Buffer.alloc(0), settings: [] };
}

/** Of what `markWith` made; any other mark is one of a path alone. */
export function sessionMarkIn(mark: Uint8Array): SessionMark {
  const whole = Buffer.from(mark.buffer, mark.byteOffset, mark.length);
  const at = whole.lastIndexOf(`${BETWEEN}[[`);
  const settings = at < 0 ? null : settingsOf(whole.toString('utf8', at + BETWEEN.length));
  if (settings === null) return { path: whole, settings: [] };
  const path = whole.subarray(0, at);
  const { judged, more, said } = pathParts(path);
  const isSame = judged !== '' && judged === said && !more;
  return { path: isSame ? Buffer.from(judged) : path, settings };
}

/** By whoever runs it later: values are known, and none says as whom. */
export function canBeSetAgain(settings: readonly SessionSetting[]): boolean {
  return settings.every(({ name, value }) => value !== null && !IDENTITIES.has(name));
}

const IDENTITIES: ReadonlySet<string> = new Set(['role', 'session_authorization']);

/**
 * `role = (not known), app.tenant = '42'`; '' when nothing was set. First what says as whom and what is somebody's
 * own, since an agent may set any number of others to push it off; of those that are not shown, a hash.
 */
export function settingsText(settings: readonly SessionSetting[]): string {
  const ordered = settings.toSorted((a, b) => rankOf(a) - rankOf(b));
  const shown = ordered.slice(0, SETTINGS_SHOWN_MAX).map(({ name, value }) => {
    const said = value === null ? '(not known)' : `'${shortened(value).replaceAll("'", "''")}'`;
    return `${name === '*' ? 'any other' : shortened(name)} = ${said}`;
  });
  const rest = ordered.slice(SETTINGS_SHOWN_MAX);
  if (rest.length === 0) return shown.join(', ');
  const hash = createHash('sha256').update(JSON.stringify(rest)).digest('hex');
  return `${shown.join(', ')}, and ${rest.length} more (SHA-256 ${hash.slice(0, HASH_CHARS)})`;
}

function rankOf({ name }: SessionSetting): number {
  if (name === '*') return 0;
  if (IDENTITIES.has(name)) return 1;
  return name.includes('.') ? 2 : 3;
}

/**
 * The order in which names are looked up is the one that was said last: nothing has taken that back since, and it
 * was set by what is in the mark. Else two things are said of it, and it is run by neither.
 */
export function isPathAsSaid({ path, settings }: SessionMark): boolean {
  const { judged, more, said } = pathParts(path);
  const set = settings.find(({ name }) => name === 'search_path');
  if (set === undefined) return said === null || more || said === '';
  const names = set.value === null ? null : pathNames(set.value);
  return names !== null && names.join('\0') === (said ?? judged);
}

interface PathParts {
  /** Schemas, NUL between them. */
  readonly judged: string;
  /** Null: as it was judged. Empty: it was set to nothing that can be told. */
  readonly said: string | null;
  /** It is no mark of a path alone. */
  readonly more: boolean;
}

/** Of the mark of a search path, as `pathMark` lays it out. */
export function pathParts(path: Buffer): PathParts {
  const [judged = '', said = null, ...others] = path.toString('utf8').split(BETWEEN);
  return { judged, said, more: others.length > 0 };
}

/** What names without a schema may mean. */
export interface NamePath {
  /** Empty: nobody can tell, so any schema. */
  readonly schemas: readonly string[];
  /** The first schema that has the name is meant; false: each that has it may be. */
  readonly isInOrder: boolean;
}

/** As far as a mark says where names lead. Empty, or with a NUL in front, it is any schema. */
export function namePathIn(mark: Uint8Array | undefined): NamePath {
  const { path } = sessionMarkIn(mark ?? Buffer.alloc(0));
  if (path.length === 0 || path[0] === 0) return { schemas: [], isInOrder: false };
  const { judged, said } = pathParts(path);
  return { schemas: judged.split('\0'), isInOrder: said === null };
}

const BLANK = '[ \\t\\n\\r\\f\\v]*';
const PATH_NAME = new RegExp(
  `${BLANK}(?:"((?:[^"]|"")*)"|([^", \\t\\n\\r\\f\\v][^, \\t\\n\\r\\f\\v]*))${BLANK}(,|$)`,
  'y',
);

/** As the server takes a value of `search_path` apart (SplitIdentifierString); null: it would refuse it. */
export function pathNames(value: string): readonly string[] | null {
  const names: string[] = [];
  if (new RegExp(`^${BLANK}$`).test(value)) return names;
  PATH_NAME.lastIndex = 0;
  for (;;) {
    const found = PATH_NAME.exec(value);
    if (found === null) return null;
    const [, quoted, plain, comma] = found;
    const name = quoted === undefined ? settingName(plain ?? '') : quoted.replaceAll('""', '"');
    // A schema with an empty name there is none.
    if (name !== '') names.push(name);
    if (comma === '') return names;
  }
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/gu, ' ');
  if (line.length <= SHOWN_CHARS_MAX) return line;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, HASH_CHARS);
  return `${line.slice(0, SHOWN_CHARS_MAX)}... (SHA-256 ${hash})`;
}

function settingsOf(text: string): readonly SessionSetting[] | null {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(found)) return null;
  const settings: SessionSetting[] = [];
  for (const entry of found) {
    if (!Array.isArray(entry)) return null;
    const [name, value, once]: readonly unknown[] = entry;
    if (typeof name !== 'string') return null;
    if (typeof value === 'string') settings.push({ name, value, once: '' });
    else if (value === null && typeof once === 'string') settings.push({ name, value, once });
    else return null;
  }
  return settings;
}
