/**
 * What each credential tried in a proof and was answered, as plain data and cut: a storage may answer at any
 * length, and whoever can write into a vault may have written it. Whoever shows it makes it inert.
 */
import { z } from 'zod';

const CREDENTIALS_MAX = 50;
const ACTS_MAX = 30;
const CHARS_MAX = 400;

/** Whether it was the lock that refused, and nothing else; UNKNOWN where that was not tried, with why. */
export const CONTROL_SHAPE = z.object({
  verdict: z.enum(['PROVEN', 'REFUTED', 'UNKNOWN']),
  /** One sentence. */
  why: z.string(),
});
export type LockControl = Readonly<z.output<typeof CONTROL_SHAPE>>;

/** Of a proof from before it was tried. */
export const CONTROL_UNTRIED: LockControl = {
  verdict: 'UNKNOWN',
  why: 'Not tried by the newest proof: it was made by an older Holdfast.',
};

export const TRIED_SHAPE = z.object({
  name: z.string(),
  kind: z.string(),
  /** PROVEN, REFUTED, UNKNOWN or NO KEY HERE: of this credential alone. */
  verdict: z.string(),
  /** One sentence. */
  why: z.string(),
  acts: z.array(
    z.object({
      /** What was tried. */
      words: z.string(),
      /** refused, succeeded, harmless, no-key or unclear. */
      outcome: z.string(),
      /** What the storage answered. */
      answer: z.string(),
    }),
  ),
});
export type Tried = z.output<typeof TRIED_SHAPE>;

export function triedOf(credentials: readonly Readonly<Given>[]): readonly Tried[] {
  return credentials.slice(0, CREDENTIALS_MAX).map(({ acts, kind, name, verdict, why }) => ({
    ...{ name: cut(name), kind: cut(kind), verdict: cut(verdict), why: cut(why) },
    acts: acts.slice(0, ACTS_MAX).map(({ answer, outcome, words }) => ({
      ...{ words: cut(words), outcome: cut(outcome), answer: cut(answer) },
    })),
  }));
}

interface Given extends Omit<Tried, 'acts'> {
  readonly acts: readonly Readonly<Tried['acts'][number]>[];
}

function cut(text: string): string {
  return text.length <= CHARS_MAX ? text : `${text.slice(0, CHARS_MAX)} …`;
}
