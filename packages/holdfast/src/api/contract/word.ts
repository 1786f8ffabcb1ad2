/** A person's word: who says it, and the one-time code that proves that they are there. */
import { z } from 'zod';

export const CODE = z.string().regex(/^\d{6}$/, 'six digits');
export const NOTE = z.string().max(2_000);

/**
 * With a session it is the session's own person, and only they; from this machine's own command line
 * anybody who is named and proves it.
 */
export const WORD = {
  person: z.string().min(1).max(100),
  code: CODE,
};

/** The digest that was shown, or its beginning: at least eight characters of it. */
export const DIGEST_SHOWN = z.string().regex(/^[0-9a-f]{8,64}$/i, 'hex, 8 to 64 characters');
