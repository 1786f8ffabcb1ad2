/** What the server itself says no with, before a handler is asked: each in our words, and in one shape. */
import type { z } from 'zod';
import type { Principal } from '../identity/principal.ts';
import { HoldfastError } from '../model/errors.ts';
import { API_BODY_BYTES_MAX } from '../model/limits.ts';

/** HF_USAGE: not as the contract describes it. */
export function given(schema: z.ZodType, value: unknown, where: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.join('.') || 'it';
  throw new HoldfastError('HF_USAGE', {
    expected: `what /v1/openapi.json describes ${where}`,
    found: `${place}: ${issue?.message ?? 'something else'}`.slice(0, 500),
    hint: 'Mend the request; nothing was done.',
  });
}

/** What the framework itself refuses, in our words. */
export function known(error: unknown): unknown {
  if (error instanceof HoldfastError) return error;
  const status = statusOf(error);
  if (status === undefined || status >= 500 || !(error instanceof Error)) return error;
  return new HoldfastError(status === 413 ? 'HF_LIMIT' : 'HF_USAGE', {
    expected: `a request as /v1/openapi.json describes it, of at most ${API_BODY_BYTES_MAX} bytes`,
    found: error.message.slice(0, 200),
    hint: 'Mend the request; nothing was done.',
  });
}

export function statusOf(error: unknown): number | undefined {
  if (error instanceof HoldfastError || typeof error !== 'object' || error === null)
    return undefined;
  return 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined;
}

export function notSignedIn(): HoldfastError {
  return new HoldfastError('HF_SIGN_IN', {
    expected: 'a session of a person',
    found: 'none that is open',
    hint: 'Sign in on the dashboard, or with holdfast login.',
  });
}

export function notForAgents(): HoldfastError {
  return new HoldfastError('HF_FORBIDDEN', {
    expected: 'a person',
    found: 'an agent with its token',
    hint: 'Ask a person. There is no other way for an agent to decide, and looking for one is recorded.',
  });
}

export function forbidden(principal: Principal, permission: string): HoldfastError {
  const found =
    principal.kind === 'person'
      ? `${principal.name}, who is ${principal.roles.join(', ') || 'nobody yet'}`
      : 'the machine itself, where only a person can';
  return new HoldfastError('HF_FORBIDDEN', {
    expected: `somebody who may ${permission}`,
    found,
    hint: 'Ask an owner; docs/roles.md has the table.',
  });
}
