/** The calls that the vault's process answers, as they go over the wire. There are no others. */
import { z } from 'zod';
import { ERRORS, type ErrorCode, HoldfastError, messageOf } from '../../../model/errors.ts';
import type { StoredObject } from '../vault.ts';
import type { StoreLook } from './store.ts';
import { diskFailure } from './troubles.ts';

const HEAD = z.object({ number: z.int().nonnegative(), hash: z.string() });
const TIME = z.coerce.date();
const SEEN = z.object({ head: HEAD.nullable(), keptAt: z.string() });

export const CALL = z.discriminatedUnion('method', [
  /** Before any other; null: nothing was seen of it yet, so that it may be a new one. */
  z.object({ method: z.literal('open'), seen: SEEN.nullable() }),
  z.object({ method: z.literal('put'), key: z.string(), retainUntil: TIME }),
  z.object({ method: z.literal('get'), key: z.string(), version: z.string() }),
  z.object({ method: z.literal('list'), prefix: z.string(), asOf: TIME.nullable() }),
  z.object({ method: z.literal('stat'), key: z.string(), version: z.string() }),
  z.object({ method: z.literal('look') }),
  z.object({ method: z.literal('holds'), head: HEAD }),
]);
export type Call = z.input<typeof CALL>;

const OBJECT = z.object({
  key: z.string(),
  version: z.string(),
  bytes: z.number(),
  sha256: z.string().nullable(),
  storedAt: TIME,
  retainUntil: TIME.nullable(),
});
export function objectOf(sent: unknown): StoredObject {
  return OBJECT.parse(sent);
}

const OPENED = z.object({ isForReading: z.boolean(), head: HEAD });
export type Opened = z.output<typeof OPENED>;
export function openedOf(sent: unknown): Opened {
  return OPENED.parse(sent);
}

const LOOK = z.object({
  troubles: z.array(z.string()),
  readOnly: z.string().nullable(),
  isFrozen: z.boolean(),
  freeBytes: z.string(),
  objects: z.number(),
  device: z.string(),
  user: z.number().nullable(),
  head: HEAD,
});
export function lookToSend(look: StoreLook): unknown {
  return { ...look, freeBytes: String(look.freeBytes) };
}
export function lookOf(sent: unknown): StoreLook {
  const look = LOOK.parse(sent);
  return { ...look, freeBytes: BigInt(look.freeBytes) };
}

export const HOLDS = z.enum(['yes', 'no', 'retired']);

const FAILURE = z.object({
  code: z.string(),
  expected: z.string(),
  found: z.string(),
  hint: z.string(),
});

export function failureToSend(error: unknown): unknown {
  if (error instanceof HoldfastError) {
    const { code, expected, found, hint } = error;
    return { code, expected, found, hint };
  }
  const failure = diskFailure(error, 'the disk of the vault to do what was asked');
  if (failure !== null) return failureToSend(failure);
  return {
    code: 'HF_INTERNAL',
    expected: 'the vault to do what was asked',
    found: messageOf(error),
    hint: 'Nothing was stored by this. Report it.',
  };
}

export function errorOf(sent: unknown): HoldfastError {
  const { code, ...facts } = FAILURE.parse(sent);
  return new HoldfastError(isCode(code) ? code : 'HF_INTERNAL', facts);
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
