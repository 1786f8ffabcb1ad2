/**
 * How an effect is taken back (DESIGN §2). Filled by `protection/` once it exists; a protocol that
 * cannot tell says `none` with the reason, aloud.
 */
export type Reversal =
  | { readonly kind: 'capture' }
  | { readonly kind: 'rename' }
  | { readonly kind: 'defer'; readonly untilMs: number }
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'none'; readonly reason: string };
