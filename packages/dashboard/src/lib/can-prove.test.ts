import { expect, it } from 'vitest';
import { canProve } from './can-prove.ts';

function self(hasCodes: boolean, ...suspended: boolean[]) {
  return { hasCodes, passkeys: suspended.map((isSuspended) => ({ isSuspended })) };
}

it.each([
  ['codes', self(true), true],
  ['a passkey', self(false, false), true],
  ['a passkey that was suspended', self(false, true), false],
  ['neither', self(false), false],
])('somebody with %s', (_, who, can) => {
  expect(canProve(who)).toBe(can);
});
