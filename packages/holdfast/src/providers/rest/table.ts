/**
 * Which operation is it? By method and path template, `{id}` standing for one whole segment. No pattern
 * is made of input: templates with as many segments are compared one by one, so the cost is that of the
 * table, whatever is sent. Of several that fit, the one whose first difference is literal.
 *
 * A segment that is a literal of the table but for its case makes the request ambiguous: some servers do
 * not look at case, and would take `/projects/AUTH/keys` for another operation than we do.
 */
import type { Segment } from './path.ts';

export interface Entry<Of> {
  readonly method: string;
  readonly template: string;
  readonly operation: Of;
}

export type Found<Of> =
  | {
      readonly kind: 'found';
      readonly operation: Of;
      readonly template: string;
      /** Values of the `{names}`, in the order of the path. */
      readonly parameters: ReadonlyMap<string, string>;
    }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'ambiguous'; readonly expected: string };

type Part =
  | { readonly kind: 'literal'; readonly text: string; readonly folded: string }
  | { readonly kind: 'parameter'; readonly name: string };

interface Row<Of> extends Entry<Of> {
  readonly parts: readonly Part[];
}

export class RestTable<Of> {
  /** By number of segments. */
  readonly #rows = new Map<number, Row<Of>[]>();

  /** Throws for a template that it cannot compare: half a segment, or a name twice. */
  constructor(entries: readonly Entry<Of>[]) {
    for (const entry of entries) {
      const parts = partsOf(entry.template);
      const row = { ...entry, parts };
      const rows = this.#rows.get(parts.length);
      if (rows === undefined) this.#rows.set(parts.length, [row]);
      else rows.push(row);
    }
  }

  find(method: string, segments: readonly Segment[]): Found<Of> {
    let best: Row<Of> | null = null;
    for (const row of this.#rows.get(segments.length) ?? []) {
      const fit = fitOf(row.parts, segments);
      if (fit.kind === 'but-for-case') return { kind: 'ambiguous', expected: fit.expected };
      if (fit.kind === 'fits' && row.method === method && isMoreLiteral(row, best)) best = row;
    }
    if (best === null) return { kind: 'not-found' };
    const { operation, parts, template } = best;
    const parameters = new Map<string, string>();
    parts.forEach((part, at) => {
      if (part.kind === 'parameter') parameters.set(part.name, segments[at]?.value ?? '');
    });
    return { kind: 'found', operation, template, parameters };
  }
}

type Fit =
  | { readonly kind: 'fits' }
  | { readonly kind: 'no' }
  /** It would fit a server that does not look at case. */
  | { readonly kind: 'but-for-case'; readonly expected: string };

function fitOf(parts: readonly Part[], segments: readonly Segment[]): Fit {
  let expected: string | null = null;
  for (let at = 0; at < parts.length; at += 1) {
    const part = parts[at];
    const raw = segments[at]?.raw ?? '';
    if (part?.kind !== 'literal' || part.text === raw) continue;
    if (part.folded !== raw.toLowerCase()) return { kind: 'no' };
    expected ??= part.text;
  }
  return expected === null ? { kind: 'fits' } : { kind: 'but-for-case', expected };
}

function isMoreLiteral<Of>(row: Row<Of>, than: Row<Of> | null): boolean {
  if (than === null) return true;
  for (let at = 0; at < row.parts.length; at += 1) {
    const mine = row.parts[at]?.kind;
    if (mine !== than.parts[at]?.kind) return mine === 'literal';
  }
  return false;
}

function partsOf(template: string): readonly Part[] {
  if (template === '/') return [];
  const names = new Set<string>();
  return template
    .slice(1)
    .split('/')
    .map((text): Part => {
      const name = /^\{([^{}]+)\}$/.exec(text)?.[1];
      if (name === undefined) {
        if (text !== '' && !/[{}]/.test(text)) {
          return { kind: 'literal', text, folded: text.toLowerCase() };
        }
        throw new Error(`${template}: expected {name} as a whole segment, found ${text || 'none'}`);
      }
      if (names.has(name)) throw new Error(`${template}: expected each name once, found ${name}`);
      names.add(name);
      return { kind: 'parameter', name };
    });
}
