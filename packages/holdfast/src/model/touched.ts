/** What an act touches, as it was found at the target itself. For the facts of a card. */

/** A number, and whether it was counted or is what the server's statistics say. */
export interface Measured {
  readonly value: number;
  readonly how: 'exact' | 'estimate';
}

/** One thing that the act touches, with all of what it holds. */
export interface TouchedObject {
  /** `public.bookings`; a volume's or a service's name. As it is there: a stranger may have named it. */
  readonly name: string;
  /** `table`, `view`, `volume`, ... */
  readonly type: string;
  readonly rows: Measured | null;
  readonly bytes: Measured | null;
}

/**
 * - `goes`    it is destroyed as well
 * - `rows`    rows of it change or go
 * - `breaks`  it stays and fails
 * - `stops`   because of it the act itself is refused by the target, as it was written
 */
export const DEPENDENT_WHATS = ['goes', 'rows', 'breaks', 'stops'] as const;

/** Something else that is changed because of it, or that stands in its way. */
export interface Dependent {
  readonly name: string;
  readonly type: string;
  readonly what: (typeof DEPENDENT_WHATS)[number];
}

/** Of a sentence that says what was not told: only for want of time, so that a later look may tell. */
export const LATE_WORDS = 'did not answer within';

/** Several numbers as one: exact only when each of them is. */
export function sumOf(parts: readonly Measured[]): Measured {
  const value = parts.reduce((sum, part) => sum + part.value, 0);
  return { value, how: parts.every(({ how }) => how === 'exact') ? 'exact' : 'estimate' };
}
