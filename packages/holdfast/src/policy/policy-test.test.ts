import { expect, it } from 'vitest';
import { UNPROTECTED } from '../model/reversal.ts';
import { DeclaredTargets } from '../targets/declared-targets.ts';
import { effect, judgeOf, understood } from '../testing/policy-words.ts';
import { type PolicyCase, runPolicyTests } from './policy-test.ts';

const targets = new DeclaredTargets(
  [{ name: 'guarded-db', protocol: 'postgres', environment: 'guarded-env' }],
  [{ name: 'guarded-env', level: 'guarded' }],
);

/** Stands in for the SQL reader: `destroy cars`. */
const read = (sql: string, searchPath: readonly string[]) => ({
  reading: understood(effect(sql.startsWith('destroy') ? 'destroy' : 'read')),
  searchPath,
});

const row = (
  name: string,
  target: string,
  sql: string,
  expected: Partial<PolicyCase['expect']>,
  protection: PolicyCase['protection'] = null,
) => ({
  name,
  target,
  agent: 'cursor-backend',
  sql,
  searchPath: ['public'],
  protection,
  recovery: null,
  expect: { verdict: 'forward', rule: null, people: null, undo: null, ...expected } as const,
});

it('judges each case as the gateway would, and says how it differs', async () => {
  const results = await runPolicyTests(
    [
      row('reads pass', 'guarded-db', 'read', {}),
      row('drops wait', 'guarded-db', 'destroy', { verdict: 'hold', rule: 'guarded.destroy' }),
      row('drops wait twice', 'guarded-db', 'destroy', { verdict: 'hold', undo: 'defer' }, 'full'),
      row('else not', 'guarded-db', 'destroy', { verdict: 'hold', undo: 'rename' }),
      row('undeclared is sealed', 'other-db', 'destroy', { verdict: 'hold', people: 2 }),
      row('a wrong hope', 'guarded-db', 'destroy', { verdict: 'forward', people: 3 }),
    ],
    {
      judge: judgeOf(),
      resolve: (facts) => targets.resolve(facts),
      protectionOf: async () => UNPROTECTED,
      read,
    },
  );
  expect(results.map((one) => [one.name, one.differences])).toEqual([
    ['reads pass', []],
    ['drops wait', []],
    ['drops wait twice', []],
    ['else not', ['expected undo rename, found none']],
    ['undeclared is sealed', []],
    ['a wrong hope', ['expected verdict forward, found hold', 'expected people 3, found 1']],
  ]);
});
