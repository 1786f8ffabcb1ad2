/** What really happened to a forwarded intent. Each decision has exactly one; `unknown` is one. */
export type Outcome =
  /** Upstream completed it. `tag` is upstream's own word (`DELETE 12`). */
  | {
      readonly kind: 'done';
      readonly tag: string;
      /** `open`: inside a transaction that may still roll back; `ended`: on its own, or committed. */
      readonly transaction: 'open' | 'ended';
    }
  /**
   * Upstream answered with an error. What it had completed before is in `message`; of that, only what
   * the unit itself had committed by then took effect.
   */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  /** Never forwarded: refused, held, or the client went away first. */
  | { readonly kind: 'not-forwarded'; readonly reason: string }
  /** Forwarded, and the answer never came. It may or may not have happened. */
  | { readonly kind: 'unknown'; readonly reason: string };
