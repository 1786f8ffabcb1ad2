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
/** Of one value, and of all, on a card. */
const SHOWN_CHARS_MAX = 60;
const SHOWN_MAX = 20;

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

/** Of what `markWith` made; any other mark is one of a path alone. */
export function sessionMarkIn(mark: Uint8Array): SessionMark {
  const whole = Buffer.from(mark.buffer, mark.byteOffset, mark.length);
  const at = whole.lastIndexOf(`${BETWEEN}[[`);
  const settings = at < 0 ? null : settingsOf(whole.toString('utf8', at + BETWEEN.length));
  if (settings === null) return { path: whole, settings: [] };
  const path = whole.subarray(0, at);
  const [judged, said, ...more] = path.toString('utf8').split(BETWEEN);
  const isSame = judged !== undefined && judged !== '' && judged === said && more.length === 0;
  return { path: isSame ? Buffer.from(judged) : path, settings };
}

/** By whoever runs it later: values are known, and none says as whom. */
export function canBeSetAgain(settings: readonly SessionSetting[]): boolean {
  return settings.every(({ name, value }) => value !== null && !IDENTITIES.has(name));
}

const IDENTITIES: ReadonlySet<string> = new Set(['role', 'session_authorization']);

/** `app.tenant = '42', role = (not known)`; '' when nothing was set. */
export function settingsText(settings: readonly SessionSetting[]): string {
  const shown = settings.slice(0, SHOWN_MAX).map(({ name, value }) => {
    const said = value === null ? '(not known)' : `'${shortened(value).replaceAll("'", "''")}'`;
    return `${name === '*' ? 'any other' : shortened(name)} = ${said}`;
  });
  const more = settings.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/gu, ' ');
  return line.length > SHOWN_CHARS_MAX ? `${line.slice(0, SHOWN_CHARS_MAX)}...` : line;
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
