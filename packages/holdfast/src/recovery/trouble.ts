/** An error as plain data, for files and answers, and back. */
import { z } from 'zod';
import { ERRORS, type ErrorCode, HoldfastError, messageOf } from '../model/errors.ts';

export const TROUBLE = {
  code: z.string(),
  expected: z.string(),
  found: z.string(),
  hint: z.string(),
};
const TROUBLE_SHAPE = z.object(TROUBLE);
export type Trouble = Readonly<z.output<typeof TROUBLE_SHAPE>>;

export function troubleOf(error: unknown): Trouble {
  if (error instanceof HoldfastError) {
    const { code, expected, found, hint } = error;
    return { code, expected, found, hint };
  }
  return {
    code: 'HF_INTERNAL',
    expected: 'the work to be done',
    found: messageOf(error),
    hint: 'See the log of the gateway.',
  };
}

/** A code of another version reads as HF_INTERNAL. */
export function errorOf({ code, expected, found, hint }: Trouble): HoldfastError {
  return new HoldfastError(isCode(code) ? code : 'HF_INTERNAL', { expected, found, hint });
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
