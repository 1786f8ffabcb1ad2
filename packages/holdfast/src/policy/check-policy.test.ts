import { describe, expect, it } from 'vitest';
import { effect, judgeOf, scope, source, understood } from '../testing/policy-words.ts';
import { checkPolicy } from './check-policy.ts';
import { explainVerdict } from './explain.ts';
import { loadPolicy } from './policy.ts';
import { type PolicySource, sentenceOf } from './policy-source.ts';

const findings = (cedar: string, more: Partial<PolicySource> = {}): string[] =>
  checkPolicy(source(cedar, more)).findings.map((one) => `${one.severity} ${sentenceOf(one)}`);

const ANY = 'forbid (principal, action, resource);';

describe('checking a policy', () => {
  it('finds nothing in the presets alone', () => {
    expect(findings('')).toEqual([]);
  });

  const rows: readonly [story: string, cedar: string, finding: string][] = [
    [
      'text that is not Cedar, with its line',
      `@id("a") ${ANY}\nforbid (principal`,
      'error own.cedar:2: expected `!=`, `)`,',
    ],
    [
      'a rule without an id',
      ANY,
      'error own.cedar:1: expected @id("...") with lower-case letters, digits, dots and dashes, found a rule without @id. ',
    ],
    [
      'a misspelt annotation, which would have refused instead of held',
      `@id("a") @verdikt("hold") ${ANY}`,
      'found @verdikt. Did you mean @verdict?',
    ],
    ['a verdict that is none', `@id("a") @verdict("holt") ${ANY}`, 'Did you mean "hold"?'],
    [
      'people who sign no hold',
      `@id("a") @people("2") ${ANY}`,
      'found @people("2") with verdict refuse (none said). Only a hold waits for people.',
    ],
    ['no people at all', `@id("a") @verdict("hold") @people("0") ${ANY}`, 'found @people("0")'],
    [
      'a placeholder that is none',
      `@id("a") @reason("{veb}") ${ANY}`,
      'found {veb}. Did you mean {verb}?',
    ],
    ['@fixed, which is for presets', `@id("a") @fixed("mine") ${ANY}`, 'found @fixed.'],
    [
      'an attribute that the schema lacks',
      '\n@id("a") forbid (principal, action, resource) when { context.tabel == "x" };',
      'error own.cedar:2: expected a rule that fits the schema, found attribute `tabel`',
    ],
    [
      'an action that is none',
      '@id("a") forbid (principal, action == Action::"wirte", resource);',
      'did you mean `Action::"write"`?',
    ],
    [
      'a level that is none',
      '@id("a") forbid (principal, action, resource in Level::"seald");',
      'valid entity eids: "open", "guarded", "sealed"',
    ],
    [
      'a target that is not declared, so that the rule would never match',
      '@id("a") forbid (principal, action, resource == Target::"sealed-dv");',
      'error own.cedar:1: expected a declared target, found Target::"sealed-dv" in a. Did you mean "sealed-db"?',
    ],
    [
      'an environment that is not declared, inside a condition',
      '@id("a") forbid (principal, action, resource) when { resource in Environment::"prod" };',
      'expected a declared environment, found Environment::"prod" in a. It would never match',
    ],
    [
      'a word that reach never is',
      '@id("a") forbid (principal, action, resource) when { context.reach == "whle" };',
      'found "whle" in a. Did you mean "whole"?',
    ],
    [
      'a template',
      '@id("a") forbid (principal == ?principal, action, resource);',
      'found a template (?principal or ?resource)',
    ],
    [
      'an id used twice',
      `@id("a") ${ANY}\n@id("a") forbid (principal, action == Action::"read", resource);`,
      'error own.cedar:2: expected each id once, found a, used at own.cedar:1 too.',
    ],
    [
      'the id of a preset without replacing it',
      `@id("guarded.execute") ${ANY}`,
      'found guarded.execute, the id of a preset rule.',
    ],
    [
      'a permit, which changes nothing',
      '@id("a") permit (principal, action, resource);',
      'warning own.cedar:1: expected a rule that can decide, found a permits, and everything',
    ],
    [
      'a rule that says what another says',
      `@id("a") ${ANY}\n@id("b") @verdict("hold") ${ANY}`,
      'warning own.cedar:2: expected a rule that can decide, found b says the same as a.',
    ],
    [
      'a rule that can never match',
      '@id("a") forbid (principal, action, resource) when { false };',
      'warning own.cedar:1: expected a rule that fits the schema, found policy is impossible',
    ],
  ];
  it.each(rows)('finds %s', (_story, cedar, expected) => {
    const found = findings(cedar);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  it('keeps the order and the lines of a long file with letters beyond ASCII', () => {
    const lines = Array.from(
      { length: 12 },
      (_, index) => `@id("r${index}") @reason("${'é'.repeat(40)}") ${ANY} // ünïcödé`,
    );
    const { rules } = checkPolicy(source(lines.join('\n')));
    const own = rules.filter((one) => one.where.startsWith('own'));
    expect(own.map((one) => `${one.id} ${one.where}`)).toEqual(
      lines.map((_, index) => `r${index} own.cedar:${index + 1}`),
    );
    expect(findings([...lines, 'forbid ('].join('\n'))).toEqual([
      expect.stringContaining('own.cedar:13'),
    ]);
  });

  it('finds more names than a sweep could be tried with', () => {
    const names = Array.from({ length: 200 }, (_, index) => `"t${index}"`).join(', ');
    const cedar = `@id("a") forbid (principal, action, resource) when { [${names}].contains(context.name) };`;
    expect(findings(cedar)).toEqual([expect.stringContaining('found 200')]);
  });

  it('says all errors at once, and such a policy is not loaded', () => {
    const cedar = `@id("a") @verdikt("x") ${ANY}\n@id("B") ${ANY}`;
    expect(findings(cedar)).toHaveLength(2);
    expect(() => loadPolicy(source(cedar))).toThrow(/2 error\(s\)/);
  });
});

describe('replacing a preset rule', () => {
  const NARROW =
    '@id("guarded.execute") @verdict("hold") forbid' +
    ' (principal, action == Action::"execute", resource in Level::"guarded")' +
    ' unless { context.listed || context.schema == "pg_catalog" };';
  const call = (schema: string) =>
    understood(effect('execute', { object: { type: 'function', schema, name: 'lower' } }));

  it('loosens what it says, is warned about, and keeps its id', () => {
    const more = { replaces: ['guarded.execute'] };
    expect(findings(NARROW, more)).toEqual([
      expect.stringContaining('warning own.cedar:1: expected the preset rule guarded.execute'),
    ]);
    const judge = judgeOf(NARROW, more);
    expect(judge.judge(scope('guarded'), call('pg_catalog'), []).kind).toBe('forward');
    expect(judge.judge(scope('guarded'), call('app'), [])).toMatchObject({
      kind: 'hold',
      rule: 'guarded.execute',
    });
  });

  it.each([
    ['without a rule', '', ['guarded.execute'], 'expected a rule with @id("guarded.execute")'],
    ['of an unknown id', '', ['guarded.exec'], 'found guarded.exec.'],
    ['that is fixed', '', ['everywhere.unknown'], 'could-not-tell is never harmless'],
    [
      'by a permit',
      '@id("guarded.execute") permit (principal, action == Action::"read", resource);',
      ['guarded.execute'],
      'expected a forbid, found a permit',
    ],
  ])('is refused %s', (_story, cedar, replaces, expected) => {
    expect(findings(cedar, { replaces }).join('\n')).toContain(expected);
  });
});

describe('explaining', () => {
  it('shows the deciding rule, its Cedar, and each effect with its own verdict', () => {
    const cedar =
      '// about payments\n@id("payments.never") forbid (principal, action, resource)\nwhen { context.name == "payments" };';
    const drop = effect('destroy', {
      verb: 'DROP SCHEMA',
      object: { type: 'schema', schema: null, name: 'app' },
    });
    const reading = understood(effect('read'), drop);
    const explained = explainVerdict(judgeOf(cedar), scope('guarded'), reading);
    expect(explained).toMatchObject({
      verdict: { kind: 'refuse', rule: 'payments.never' },
      rule: { id: 'payments.never', where: 'own.cedar:2' },
      effects: [
        { verdict: { kind: 'forward' }, rule: { id: 'guarded.forward' }, reached: null },
        { verdict: { kind: 'refuse' }, reached: { schema: 'app', name: 'payments' } },
      ],
    });
    expect(explained.rule?.text).toMatch(/^@id\("payments.never"\) forbid/);
  });
});
