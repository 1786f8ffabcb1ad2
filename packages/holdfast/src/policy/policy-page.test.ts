/** docs/policy.md is what people copy from: its Cedar and YAML must work as they stand. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parsePolicyCases } from '../config/policy-cases.ts';
import { createSqlReader } from '../languages/sql/reader.ts';
import { PROVIDER_PROTECTION, UNPROTECTED } from '../model/reversal.ts';
import { effect, judgeOf, scope, source, table, understood } from '../testing/policy-words.ts';
import { checkPolicy } from './check-policy.ts';
import { runPolicyTests } from './policy-test.ts';
import { ATTRIBUTES, CLOSED_WORDS, RECOVERY_ATTRIBUTES } from './schema.ts';

const docs = readFileSync(new URL('../../../../docs/policy.md', import.meta.url), 'utf8');
const blocks = [...docs.matchAll(/```cedar\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
const [strict, rules, replacing] = blocks;
const declared = {
  environments: [{ name: 'production', people: 1 }],
  targets: [{ name: 'main-db', functionsAllowed: [] }],
};
const main = {
  ...scope('sealed'),
  target: {
    name: 'main-db',
    environment: { name: 'production', level: 'sealed' },
    protocol: 'postgres',
    resolvedBy: 'a test',
  },
} as const;

it('the rules load without a finding', () => {
  expect(blocks).toHaveLength(3);
  expect(checkPolicy(source(rules, declared)).findings).toEqual([]);
  const replaced = checkPolicy(source(replacing, { ...declared, replaces: ['guarded.execute'] }));
  expect(replaced.findings.map((one) => one.severity)).toEqual(['warning']);
});

it.each([
  ['payments, read', effect('read', { object: table('payments') }), 'refuse'],
  [
    'the schema that payments lies in',
    effect('destroy', {
      object: { type: 'schema', schema: null, name: 'public' },
      reach: 'cascade',
    }),
    'refuse',
  ],
  ['a delete with a condition', effect('write', { verb: 'DELETE' }), 'hold'],
  ['another table, read', effect('read'), 'forward'],
])('the rules do what the page says: %s', (_story, one, expected) => {
  expect(judgeOf(rules, declared).judge(main, understood(one), []).kind).toBe(expected);
});

it('its policy tests pass, read by the real SQL reader', async () => {
  const yaml = /```yaml\n(# policies\/main\.test\.yaml[\s\S]*?)```/.exec(docs)?.[1] ?? '';
  const cases = parsePolicyCases(yaml, 'docs/policy.md');
  const reader = await createSqlReader();
  const results = await runPolicyTests(cases, {
    protectionOf: async () => UNPROTECTED,
    judge: judgeOf(rules, declared),
    resolve: () => main.target,
    read: async (sql, searchPath) => {
      const bytes = Buffer.from(sql);
      return { reading: await reader.read(bytes, 0, bytes.length), searchPath };
    },
  });
  await reader.close();
  expect(results.map((one) => [one.name, one.differences])).toEqual([
    ['nobody drops the payments', []],
    ['deletes wait for three', []],
    ['a drop comes back from the trash', []],
    ['no drop for good without a proven point outside', []],
  ]);
});

it('the rule for variables at providers loads, and holds what would pass', () => {
  const page = readFileSync(new URL('../../../../docs/providers.md', import.meta.url), 'utf8');
  const variables = [...page.matchAll(/```cedar\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  expect(variables).toHaveLength(1);
  expect(checkPolicy(source(variables[0])).findings).toEqual([]);
  const variable = effect('destroy', {
    verb: 'variableDelete',
    object: { type: 'variable', schema: null, name: 'A' },
    reach: 'rows',
  });
  const kept = understood({ ...variable, hasInverse: true });
  const guarded = { ...scope('guarded'), protection: PROVIDER_PROTECTION };
  expect(judgeOf().judge(guarded, kept, []).kind).toBe('protect');
  expect(judgeOf(variables[0]).judge(guarded, kept, [])).toMatchObject({
    kind: 'hold',
    rule: 'own.variables',
  });
  expect(judgeOf().judge(guarded, understood(variable), []).kind).toBe('hold');
});

it('the rule that makes recovery strict refuses where none is configured, and nothing else', () => {
  expect(checkPolicy(source(strict, declared)).findings).toEqual([]);
  const judge = judgeOf(strict, declared);
  expect(judge.judge(main, understood(effect('destroy')), [])).toMatchObject({
    kind: 'refuse',
    rule: 'sealed.no-recovery',
    reason: expect.stringContaining('no proven recovery point is known'),
  });
  const good = {
    provenAgeMinutes: 5,
    outsideBlastRadius: true,
    rpoSeconds: 1,
    colour: 'green',
  } as const;
  const proven = { ...main, recovery: good };
  expect(judge.judge(proven, understood(effect('destroy')), []).kind).toBe('hold');
  expect(judge.judge(main, understood(effect('write')), []).kind).toBe('hold');
});

it('the page names every attribute and every word', () => {
  const words = Object.values(CLOSED_WORDS).flat().filter(Boolean);
  const facts = RECOVERY_ATTRIBUTES.map((one) => `\`resource.recovery.${one}\``);
  const missing = [
    ...facts,
    ...ATTRIBUTES.map((one) => `\`${one}\``),
    ...words.map((one) => `"${one}"`),
  ];
  expect(missing.filter((one) => !docs.includes(one))).toEqual([]);
});
