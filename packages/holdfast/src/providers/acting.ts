/** What is the same for every provider once a request is read: the act, and what came of it. */
import { type Effect, isHarmless, type Reading } from '../model/effect.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Inverse } from '../protection/inverse.ts';
import type { Estate, Whereabouts } from './inventory.ts';
import { type Called, declaredIn, targetFactsOf } from './placing.ts';
import type { ProviderAct, ProviderOptions } from './provider.ts';

const WORST_FIRST = ['destroy', 'unknown', 'execute', 'grant', 'reshape', 'write'];

function worstOf(reading: Reading): Effect | null {
  const found = reading.effects.filter(({ kind }) => kind !== 'read');
  return (
    found.toSorted((a, b) => WORST_FIRST.indexOf(a.kind) - WORST_FIRST.indexOf(b.kind))[0] ?? null
  );
}

export interface ActParts {
  readonly called: Called;
  readonly placeOf: ProviderOptions['placeOf'];
  readonly reading: Reading;
  readonly where: Whereabouts<Estate>;
  /** What was looked up for it, besides the request itself. */
  readonly evidence: readonly Uint8Array[];
  /** What takes it back, or why nothing does; left out: no operation does. */
  readonly inverse?: InverseFound;
}

type Placed = Pick<ProviderAct, 'place' | 'reaches' | 'byCall'>;

/** Of what only reads, by what was found for it: an inventory has one provider, and finds the same again. */
const placedReads = new WeakMap<ActParts['where'], Placed>();

function placedOf({ called, placeOf, where }: ActParts, isRead: boolean): Placed {
  const known = isRead ? placedReads.get(where) : undefined;
  if (known !== undefined) return known;
  const declared = declaredIn(where, placeOf);
  const placed = {
    place: targetFactsOf(called, where, declared, isRead),
    reaches: declared.flatMap(({ place }) => (place === null ? [] : [place])),
    byCall: where.byCall
      .filter((ids) => ids.length > 0)
      .map((ids) =>
        declared.flatMap(({ id, place }) => (place !== null && ids.includes(id) ? [place] : [])),
      ),
  };
  if (isRead) placedReads.set(where, placed);
  return placed;
}

/** A refusal to say is a sentence that completes "nothing takes it back: ...". */
export type InverseFound =
  | { readonly kind: 'found'; readonly inverse: Inverse }
  | { readonly kind: 'none'; readonly why: string };

export function actOf(parts: ActParts): ProviderAct {
  const { called, evidence, reading } = parts;
  const isRead = isHarmless(reading);
  const act = { ...placedOf(parts, isRead), evidence };
  if (parts.inverse?.kind === 'found' && reading.kind === 'understood') {
    const { inverse } = parts.inverse;
    return { ...act, reading: marked(reading), reversal: { kind: 'inverse' }, inverse };
  }
  const why = parts.inverse?.kind === 'none' ? parts.inverse.why : null;
  const reason = why ?? reasonOf(called, reading, isRead);
  return { ...act, reading, reversal: { kind: 'none', reason } };
}

/** Each effect is taken back: it is all of them or none. */
function marked(reading: Reading): Reading {
  const effects = reading.effects.map((one): Effect => ({ ...one, hasInverse: true }));
  return { ...reading, effects };
}

/** As it is judged when the state before cannot be kept. */
export function withoutInverse(act: ProviderAct, reason: string): ProviderAct {
  const { inverse: _inverse, ...rest } = act;
  const effects = act.reading.effects.map(({ hasInverse: _hasInverse, ...one }): Effect => one);
  return { ...rest, reading: { ...act.reading, effects }, reversal: { kind: 'none', reason } };
}

function reasonOf({ title }: Called, reading: Reading, isRead: boolean): string {
  if (isRead) return 'it only reads';
  const worst = reading.kind === 'could-not-tell' ? null : worstOf(reading);
  if (worst === null) return 'nobody can tell what it would do';
  return `${title} takes ${worst.verb} back by no operation`;
}

/** By the status alone: an API that says errors with a good one has to look further. */
export function outcomeByStatus({ title }: Called, status: number, text: string): Outcome {
  if (status >= 500) return { kind: 'unknown', reason: `${title} answered ${status}` };
  if (status >= 400) return { kind: 'failed', code: String(status), message: text.slice(0, 500) };
  return { kind: 'done', tag: String(status), transaction: 'ended' };
}

/** Of GraphQL: an answer with errors and a good status did not do what was asked; in part it may have. */
export function outcomeOfGraphql(called: Called, status: number, text: string): Outcome {
  const outcome = outcomeByStatus(called, status, text);
  const message = outcome.kind === 'done' ? firstGraphqlError(text) : null;
  return message === null ? outcome : { kind: 'failed', code: 'errors', message };
}

/** The first error of a GraphQL answer; null: there is none. */
function firstGraphqlError(text: string): string | null {
  try {
    const answers: unknown = JSON.parse(text);
    for (const one of Array.isArray(answers) ? answers : [answers]) {
      const message = one?.errors?.[0]?.message;
      if (message !== undefined) return String(message).slice(0, 500);
    }
    return null;
  } catch {
    return text.includes('"errors"')
      ? 'an answer with errors, too long to be looked at whole'
      : null;
  }
}
