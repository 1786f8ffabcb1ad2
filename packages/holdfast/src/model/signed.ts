/**
 * A person's word for an act that one person may do alone: taking something back, keeping it longer, calling a
 * deferral off. By a one-time code, or by a session in which they proved of late that they are there. Never for
 * a yes or a no to a hold or a proposal: that is signed itself, each time.
 */
export type Signed =
  | { readonly kind: 'code'; readonly person: string; readonly code: string }
  | {
      readonly kind: 'proved';
      readonly person: string;
      readonly personId: string;
      readonly sessionId: string;
    };

/** Who spoke, as it was found under the locks. */
export interface Spoken {
  readonly name: string;
  /** How, for the trail: `totp`; or `session`, with how and in which session it was proved. */
  readonly facts: Readonly<Record<string, string>>;
}
