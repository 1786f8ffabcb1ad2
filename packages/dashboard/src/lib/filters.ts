/** Filters of a page as they stand in its address: only what is set, and only what is known. */

export interface TrailFilters {
  readonly kind?: string;
  readonly agent?: string;
  readonly target?: string;
  readonly hold?: string;
  readonly verdict?: Verdict;
  /** Anywhere in the statement or the sentence. */
  readonly text?: string;
  /** An entry to show. */
  readonly at?: number;
}

const VERDICTS = ['forward', 'protect', 'hold', 'refuse'] as const;
type Verdict = (typeof VERDICTS)[number];

const FILTER_CHARS_MAX = 200;

export function trailFilters(search: Readonly<Record<string, unknown>>): TrailFilters {
  const at = Number(search['at']);
  const verdict = VERDICTS.find((one) => one === search['verdict']);
  return {
    ...text('text', search),
    ...(verdict === undefined ? {} : { verdict }),
    ...text('kind', search),
    ...text('agent', search),
    ...text('target', search),
    ...text('hold', search),
    ...(search['at'] !== undefined && Number.isSafeInteger(at) && at >= 0 ? { at } : {}),
  };
}

/** A choice out of a list; undefined when the address says nothing, or something else. */
export function oneOf<T extends string>(choices: readonly T[], value: unknown): T | undefined {
  return choices.find((choice) => choice === value);
}

/** `?a=1&b=x`, without what is not set; '' when nothing is. */
export function queryText(
  values: Readonly<Record<string, string | number | undefined | null>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== '') query.set(name, String(value));
  }
  const words = query.toString();
  return words === '' ? '' : `?${words}`;
}

function text<K extends string>(
  name: K,
  search: Readonly<Record<string, unknown>>,
): { [key in K]?: string } {
  const value = search[name];
  const found: { [key in K]?: string } = {};
  if (typeof value === 'string' && value !== '') found[name] = value.slice(0, FILTER_CHARS_MAX);
  if (typeof value === 'number') found[name] = String(value);
  return found;
}
