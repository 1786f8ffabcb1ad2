/**
 * A person's word: who says it, and what proves that they are there. With a session it is the session's own
 * person, and only they; from this machine's own command line anybody who is named and proves it.
 */
import { z } from 'zod';
import { COMMENT_CHARS_MAX, DIGEST_SHOWN_CHARS_MIN } from '../../model/limits.ts';
import { ASSERTED, DESCRIPTOR } from './webauthn.ts';

export const CODE = z.string().regex(/^\d{6}$/, 'six digits');
export const NOTE = z.string().max(2_000);

/** By a one-time code. */
export const WORD = {
  person: z.string().min(1).max(100),
  code: CODE,
};

/**
 * By a one-time code; or, with neither, as the session's own person, who must have proved within
 * PROVED_MS_MAX that they are there. For what one person may do alone.
 */
export const WORD_OR_PROOF = {
  person: WORD.person.optional(),
  code: CODE.optional(),
};

/** The six words that were shown, or the digest, or its beginning. */
const SHOWN = z.string().min(DIGEST_SHOWN_CHARS_MIN).max(120);
const SAID = {
  digestShown: SHOWN.nullable().default(null),
  /** Why; for the others and for the trail. */
  comment: z.string().max(COMMENT_CHARS_MAX).default(''),
  /** What the card wants typed, where it goes for good. */
  typedName: z.string().max(400).nullable().default(null),
};

/** A yes or a no to a hold or a proposal: by code, or by a passkey over its challenge. */
export const DECISION = z.union([
  z.strictObject({ ...WORD, ...SAID }),
  z.strictObject({ assertion: ASSERTED, ...SAID }),
]);

export const CHALLENGE_QUERY = z.strictObject({ decision: z.enum(['approve', 'deny']) });

/** For `navigator.credentials.get`: the challenge is the SHA-256 of what is signed (docs/approvals.md). */
export const CHALLENGE = z.object({
  options: z.object({
    challenge: z.string(),
    rpId: z.string(),
    timeout: z.number().int(),
    allowCredentials: z.array(DESCRIPTOR),
    userVerification: z.literal('required'),
  }),
  /** What is signed, as canonical JSON: who asks sees for themselves that it is what they looked at. */
  binding: z.string(),
});
