import { expect, it } from 'vitest';
import { DeclaredTargets } from './declared-targets.ts';

const targets = new DeclaredTargets(
  [
    { name: 'staging-db', protocol: 'postgres', environment: 'staging' },
    { name: 'lost-db', protocol: 'postgres', environment: 'typo' },
  ],
  [{ name: 'staging', level: 'guarded' }],
);

it.each([
  ['declared', 'staging-db', 'staging', 'guarded', 'declared in holdfast.yaml'],
  ['in an undeclared environment', 'lost-db', 'typo', 'sealed', 'typo is not declared'],
  ['undeclared', 'main-db', 'undeclared', 'sealed', 'not declared in holdfast.yaml'],
  ['of another case', 'Staging-DB', 'undeclared', 'sealed', 'not declared in holdfast.yaml'],
  ['called like a field of objects', '__proto__', 'undeclared', 'sealed', 'not declared'],
])('a target %s', (_story, asked, environment, level, why) => {
  const found = targets.resolve({ asked, searchPath: [] });
  expect(found.name).toBe(asked);
  expect(found.environment).toEqual({ name: environment, level });
  expect(found.resolvedBy).toContain(why);
});
