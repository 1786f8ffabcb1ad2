import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EFFECT_KINDS, type Effect, type Reading } from '../model/effect.ts';
import { JUDGED_ACTS_MAX, JUDGED_READ_CHARS_MAX } from '../model/limits.ts';
import type { Protection } from '../model/reversal.ts';
import type { EnvironmentLevel } from '../model/target.ts';
import { VERDICT_ORDER, type Verdict } from '../model/verdict.ts';
import {
  couldNotTell,
  effect,
  judgeOf,
  LEVELS,
  scope,
  source,
  table,
  understood,
} from '../testing/policy-words.ts';
import type { Signature } from './judge.ts';
import { loadPolicy } from './policy.ts';

const say = (verdict: Verdict): string =>
  [verdict.kind, ...(verdict.kind === 'hold' ? [verdict.people] : []), verdict.rule].join(' ');

const fn = (name: string, schema: string | null = null): Partial<Effect> => ({
  object: { type: 'function', schema, name },
});

describe('what each level says to each kind of effect', () => {
  const judge = judgeOf();
  const rows: readonly [level: EnvironmentLevel, effect: Effect, expected: string][] = [
    ['open', effect('read'), 'forward open.forward'],
    ['open', effect('write'), 'forward open.forward'],
    ['open', effect('destroy'), 'forward open.forward'],
    ['open', effect('reshape'), 'forward open.forward'],
    ['open', effect('reshape', { additive: true }), 'forward open.forward'],
    ['open', effect('grant'), 'forward open.forward'],
    ['open', effect('execute', fn('purge')), 'forward open.forward'],
    ['open', effect('unknown'), 'hold 1 everywhere.unknown'],
    ['guarded', effect('read'), 'forward guarded.forward'],
    ['guarded', effect('write'), 'forward guarded.forward'],
    ['guarded', effect('destroy'), 'hold 1 guarded.destroy'],
    ['guarded', effect('reshape'), 'hold 1 guarded.reshape'],
    ['guarded', effect('reshape', { additive: true }), 'forward guarded.forward'],
    ['guarded', effect('grant'), 'hold 1 guarded.grant'],
    ['guarded', effect('execute', fn('purge')), 'hold 1 guarded.execute'],
    ['guarded', effect('execute', fn('recalculate', 'app')), 'forward guarded.forward'],
    ['guarded', effect('unknown'), 'hold 1 everywhere.unknown'],
    [
      'guarded',
      effect('destroy', { object: { type: 'database', schema: null, name: 'app' } }),
      'hold 1 guarded.database',
    ],
    [
      'guarded',
      effect('grant', { object: { type: 'role', schema: null, name: 'boss' } }),
      'hold 1 guarded.role',
    ],
    ['sealed', effect('read'), 'forward sealed.forward'],
    ['sealed', effect('write'), 'hold 1 sealed.write'],
    ['sealed', effect('destroy'), 'hold 2 sealed.destroy'],
    ['sealed', effect('reshape'), 'hold 2 sealed.reshape'],
    ['sealed', effect('reshape', { additive: true }), 'hold 2 sealed.reshape'],
    ['sealed', effect('grant'), 'hold 2 sealed.grant'],
    ['sealed', effect('execute', fn('recalculate', 'app')), 'hold 1 sealed.execute'],
    ['sealed', effect('unknown'), 'refuse sealed.unknown'],
  ];
  it.each(rows)('%s: %o', (level, one, expected) => {
    expect(say(judge.judge(scope(level), understood(one), []))).toBe(expected);
  });

  it('leaves no kind of effect without a row at any level', () => {
    const covered = new Set(rows.map(([level, one]) => `${level} ${one.kind}`));
    expect(covered.size).toBe(LEVELS.length * EFFECT_KINDS.length);
  });
});

const SIGNED: Signature = {
  personId: 'p',
  personName: 'p',
  method: 'totp',
  at: new Date(0),
};

describe('a write with a condition, to a table whose rows are not kept', () => {
  const judge = judgeOf();
  const of = (protection: Protection, verb: string, name = 'far') => {
    const one = effect('write', { verb, object: table(name, 'public'), reach: 'rows' });
    const where = { ...scope('guarded'), protection };
    return [[], [SIGNED]].map((signatures) => say(judge.judge(where, understood(one), signatures)));
  };
  const names = new Set(['public.far']);
  const kept: Protection = { level: 'full', trouble: null, uncaptured: names, lost: names };

  it.each(['UPDATE', 'DELETE', 'MERGE UPDATE', 'MERGE DELETE'])(
    '%s is held, then put off',
    (verb) => {
      expect(of(kept, verb)).toEqual(['hold 1 guarded.lost', 'protect guarded.protect-lost']);
    },
  );

  it('what adds rows, another table, one that is only new, and no protection hold nobody up', () => {
    const passes = ['forward guarded.forward', 'forward guarded.forward'];
    expect(of(kept, 'INSERT')).toEqual(passes);
    expect(of(kept, 'UPDATE', 'near')).toEqual(passes);
    expect(of({ level: 'no-fence', trouble: null, uncaptured: names }, 'UPDATE')).toEqual(passes);
    expect(of({ level: 'none', trouble: null }, 'DELETE')).toEqual(passes);
  });
});

describe('on a protected target in a guarded environment', () => {
  const judge = judgeOf();
  const kept = { ...scope('guarded'), protection: { level: 'full', trouble: null } } as const;
  const one = (kind: Effect['kind'], verb: string, rest: Partial<Effect> = {}): Effect =>
    effect(kind, { verb, object: table('cars', 'public'), reach: 'whole', ...rest });
  const index = { type: 'index', schema: null, name: 'i' } as const;
  const rows: readonly [effect: Effect, expected: string, signed: string][] = [
    [one('reshape', 'ALTER TABLE RENAME'), 'protect guarded.protect', 'protect guarded.protect'],
    [one('reshape', 'ALTER COLUMN RENAME'), 'protect guarded.protect', 'protect guarded.protect'],
    [
      one('reshape', 'ALTER TABLE ALTER COLUMN TYPE'),
      'protect guarded.protect',
      'protect guarded.protect',
    ],
    [one('destroy', 'DROP INDEX', { object: index }), 'protect guarded.protect', ''],
    [one('destroy', 'DELETE'), 'protect guarded.protect', ''],
    [
      one('destroy', 'DROP INDEX', { object: index, reach: 'cascade' }),
      'hold 1 guarded.destroy',
      '',
    ],
    [
      one('reshape', 'ALTER TABLE DROP CONSTRAINT', { reach: 'cascade' }),
      'hold 1 guarded.reshape',
      'protect guarded.protect',
    ],
    [one('reshape', 'ALTER TABLE SET UN LOGGED'), 'hold 1 guarded.reshape', ''],
    [one('reshape', 'ALTER TABLE DISABLE TRIGGER'), 'hold 1 guarded.reshape', ''],
    [one('reshape', 'ALTER TABLE DISABLE TRIGGER ALL'), 'hold 1 guarded.reshape', ''],
    [one('reshape', 'ALTER TRIGGER RENAME'), 'hold 1 guarded.reshape', ''],
    [one('reshape', 'ALTER FUNCTION', fn('f')), 'hold 1 guarded.reshape', ''],
    [one('reshape', 'CREATE RULE'), 'hold 1 guarded.reshape', ''],
    [one('destroy', 'DROP TABLE'), 'hold 1 guarded.destroy', 'protect guarded.protect'],
    [one('destroy', 'ALTER TABLE DROP COLUMN'), 'hold 1 guarded.destroy', ''],
    [one('destroy', 'DROP TYPE'), 'hold 1 guarded.destroy', ''],
    [one('destroy', 'TRUNCATE'), 'hold 1 guarded.destroy', ''],
    [one('grant', 'GRANT'), 'hold 1 guarded.grant', 'protect guarded.protect'],
  ];
  it.each(rows)('%o: %s, and signed: %s', (effect, expected, after) => {
    expect(say(judge.judge(kept, understood(effect), []))).toBe(expected);
    const signature: Signature = {
      personId: 'p',
      personName: 'ada',
      method: 'totp',
      at: new Date(0),
    };
    if (after !== '') expect(say(judge.judge(kept, understood(effect), [signature]))).toBe(after);
    // Without protection each of them waits for a person.
    expect(judge.judge(scope('guarded'), understood(effect), []).kind).toBe('hold');
  });
});

describe('what could not be read', () => {
  const judge = judgeOf();
  const rows = [
    ['syntax-error', 'refuse everywhere.syntax-error', 'refuse everywhere.syntax-error'],
    ['too-large', 'refuse everywhere.unreadable', 'refuse everywhere.unreadable'],
    ['too-complex', 'refuse everywhere.unreadable', 'refuse everywhere.unreadable'],
    ['timeout', 'refuse everywhere.unreadable', 'refuse everywhere.unreadable'],
    ['nul-byte', 'refuse everywhere.unreadable', 'refuse everywhere.unreadable'],
    ['invalid-utf8', 'refuse everywhere.unreadable', 'refuse everywhere.unreadable'],
    ['lexing-setting', 'refuse everywhere.unreadable', 'refuse everywhere.unreadable'],
    ['unknown-statement', 'hold 1 everywhere.unknown', 'refuse sealed.unknown'],
    ['unknown-prepared-statement', 'refuse everywhere.unprepared', 'refuse everywhere.unprepared'],
    ['reader-failed', 'hold 1 everywhere.unknown', 'refuse sealed.unknown'],
  ] as const;
  it.each(rows)('%s', (code, milder, sealed) => {
    expect(say(judge.judge(scope('open'), couldNotTell(code), []))).toBe(milder);
    expect(say(judge.judge(scope('guarded'), couldNotTell(code), []))).toBe(milder);
    // In a sealed environment two rules refuse; the first of them gives the words.
    const { kind } = judge.judge(scope('sealed'), couldNotTell(code), []);
    expect(kind).toBe(sealed.split(' ')[0]);
  });

  it("carries the parser's own words to the agent", () => {
    expect(judge.judge(scope('open'), couldNotTell('syntax-error'), [])).toEqual({
      kind: 'refuse',
      rule: 'everywhere.syntax-error',
      reason: 'the SQL could not be read: near "x" (syntax-error)',
      hint: 'Correct the text and send it again.',
    });
  });

  it('is never softened by what was recognised beside it', () => {
    const reading = couldNotTell('unknown-statement', effect('read'));
    expect(judge.judge(scope('open'), reading, []).kind).toBe('hold');
  });

  it('does not hide something worse that was recognised', () => {
    const reading = couldNotTell('unknown-statement', effect('destroy'));
    const strict = judgeOf(
      '@id("x") forbid (principal, action == Action::"destroy", resource);',
    ).judge(scope('open'), reading, []);
    expect(say(strict)).toBe('refuse x');
  });
});

describe('the strictest stands', () => {
  it('of several effects', () => {
    const reading = understood(effect('read'), effect('destroy'), effect('write'));
    expect(say(judgeOf().judge(scope('guarded'), reading, []))).toBe('hold 1 guarded.destroy');
  });

  it.each([
    ['refuse over hold', '', 'refuse own'],
    ['hold with more people', '@verdict("hold") @people("3")', 'hold 3 own'],
    ['the preset over a milder protect', '@verdict("protect")', 'hold 1 guarded.destroy'],
    ['the own rule of two alike', '@verdict("hold") @people("1")', 'hold 1 own'],
  ])('of several rules: %s', (_story, annotations, expected) => {
    const judge = judgeOf(
      `@id("own") ${annotations} forbid (principal, action == Action::"destroy", resource);`,
    );
    expect(say(judge.judge(scope('guarded'), understood(effect('destroy')), []))).toBe(expected);
  });

  it('and a permit of the user does not loosen it', () => {
    const judge = judgeOf('@id("own.permit") permit (principal, action, resource);');
    expect(judge.judge(scope('guarded'), understood(effect('destroy')), []).kind).toBe('hold');
  });
});

describe('a rule that fails', () => {
  // Cedar skips a forbid that errs and would allow: integers overflow although they pass validation.
  const ERRS = '@id("errs") forbid (principal, action == Action::"write", resource) when ';
  it('refuses instead of being skipped', () => {
    const judge = judgeOf(`${ERRS} { 9223372036854775807 + 1 == 0 };`);
    const verdict = judge.judge(scope('open'), understood(effect('write')), []);
    expect(say(verdict)).toBe('refuse policy.error');
    expect(verdict.reason).toContain('errs');
    expect(judge.judge(scope('open'), understood(effect('read')), []).kind).toBe('forward');
  });

  it('refuses although another rule would only hold', () => {
    const judge = judgeOf(`${ERRS} { 9223372036854775807 + 1 == 0 };`);
    const verdict = judge.judge(scope('sealed'), understood(effect('write')), []);
    expect(say(verdict)).toBe('refuse policy.error');
  });

  it('refuses when judging itself throws', () => {
    const policy = loadPolicy(source());
    const judge = judgeOf();
    const broken = { ...effect('read'), object: null, kind: 'no such kind' };
    expect(policy.version).toBe(judge.version);
    // A kind that does not exist comes in through data only; nothing may be forwarded for it.
    const reading: Reading = JSON.parse(JSON.stringify(understood(effect('read'))));
    Object.assign(reading.effects[0] ?? {}, broken);
    expect(judge.judge(scope('open'), reading, []).kind).toBe('refuse');
  });
});

describe('signatures', () => {
  const judge = judgeOf();
  const by = (personId: string): Signature => ({
    personId,
    personName: personId,
    method: 'totp',
    at: new Date(0),
  });
  const rows = [
    ['nobody', [], 'hold 2 sealed.destroy'],
    ['one of two', ['ada'], 'hold 2 sealed.destroy'],
    ['the same person twice', ['ada', 'ada'], 'hold 2 sealed.destroy'],
    ['two people', ['ada', 'bob'], 'forward sealed.destroy'],
  ] as const;
  it.each(rows)('%s', (_story, people, expected) => {
    const verdict = judge.judge(scope('sealed'), understood(effect('destroy')), people.map(by));
    expect(say(verdict)).toBe(expected);
  });

  it('soften no refusal, and are not remembered', () => {
    const here = scope('sealed');
    const held = understood(effect('destroy'));
    const all = ['ada', 'bob', 'eve'].map(by);
    expect(judge.judge(here, couldNotTell('syntax-error'), all).kind).toBe('refuse');
    expect(judge.judge(here, held, all).kind).toBe('forward');
    expect(judge.judge(here, held, []).kind).toBe('hold');
  });

  it('of as many people as the environment asks for, where it asks for more', () => {
    const environments = LEVELS.map((level) => ({ name: `${level}-env`, people: 3 }));
    const verdict = judgeOf('', { environments }).judge(
      scope('sealed'),
      understood(effect('write')),
      [by('ada'), by('bob')],
    );
    expect(say(verdict)).toBe('hold 3 sealed.write');
  });
});

describe('names', () => {
  const NEVER =
    '@id("payments.never") forbid (principal, action, resource)' +
    ' when { context.schema == "public" && context.name == "payments" };';
  const schema = (name: string): Partial<Effect> => ({
    object: { type: 'schema', schema: null, name },
  });
  const column = (name: string): Partial<Effect> => ({
    object: { type: 'column', schema: null, name },
  });
  const role = (name: string): Partial<Effect> => ({
    object: { type: 'role', schema: null, name },
  });
  const rows: readonly [story: string, path: readonly string[], one: Effect, hit: boolean][] = [
    ['qualified', [], effect('read', { object: table('payments', 'public') }), true],
    ['qualified elsewhere', ['public'], effect('read', { object: table('payments', 'x') }), false],
    ['found by the path', ['app', 'public'], effect('read', { object: table('payments') }), true],
    ['not on the path', ['app'], effect('read', { object: table('payments') }), false],
    ['path not known', [], effect('read', { object: table('payments') }), true],
    ['path with $user', ['$user'], effect('read', { object: table('payments') }), true],
    ['another table', [], effect('read', { object: table('cars') }), false],
    ['the schema it lies in', ['x'], effect('destroy', schema('public')), true],
    ['another schema', ['x'], effect('destroy', schema('app')), false],
    ['the database', ['x'], effect('destroy', { object: null }), true],
    ['a cascade', ['public'], effect('destroy', { reach: 'cascade' }), true],
    ['a grant on all', ['x'], effect('grant', { ...schema('public'), reach: 'whole' }), true],
    ['a new schema', ['x'], effect('reshape', { ...schema('public'), additive: true }), false],
    ['a column of it', ['public'], effect('destroy', column('payments.amount')), true],
    ['a column with a dot', ['public'], effect('destroy', column('payments.a.b')), true],
    ['a column of another', ['public'], effect('destroy', column('cars.payments')), false],
    ['a column of who knows', ['public'], effect('destroy', column('amount')), true],
    ['another role, put on', ['x'], effect('grant', { ...role('bob'), reach: 'unknown' }), false],
    ['all that a role owns', ['x'], effect('destroy', { ...role('bob'), reach: 'whole' }), true],
    ['SELECT 1', [], effect('read', { object: null, reach: 'none' }), false],
    ['a dump of all', [], effect('read', { object: null, reach: 'whole' }), true],
    ['another table by condition', ['public'], effect('write'), false],
  ];
  it.each(rows)('a rule on public.payments: %s', (_story, path, one, hit) => {
    const verdict = judgeOf(NEVER).judge(scope('open', path), understood(one), []);
    expect(say(verdict)).toBe(hit ? 'refuse payments.never' : 'forward open.forward');
  });

  it('a name that cannot be pinned fits every condition that excludes schemas', () => {
    const judge = judgeOf(
      '@id("only.scratch") forbid (principal, action, resource) unless { context.schema == "scratch" };',
    );
    const reading = understood(effect('write', { object: table('cars') }));
    expect(judge.judge(scope('open', []), reading, []).kind).toBe('refuse');
    expect(judge.judge(scope('open', ['scratch']), reading, []).kind).toBe('forward');
  });

  it('a rule that compares the whole context sees all of it', () => {
    const judge = judgeOf(
      '@id("whole") forbid (principal, action, resource) when { context == {verb: "DROP", ' +
        'objectType: "table", schema: "public", name: "cars", reach: "whole", additive: false, ' +
        'listed: false, protected: false, reversal: "none", lost: false, code: ""} };',
    );
    const one = effect('destroy', { verb: 'DROP', object: table('cars', 'public') });
    const other = effect('destroy', { verb: 'DROP', object: table('vans', 'public') });
    expect(say(judge.judge(scope('open'), understood(one), []))).toBe('refuse whole');
    expect(judge.judge(scope('open'), understood(other), []).kind).toBe('forward');
  });

  it('an unqualified system table is found in pg_catalog, whatever the path', () => {
    const judge = judgeOf(
      '@id("no.catalog") forbid (principal, action, resource) when { context.schema == "pg_catalog" };',
    );
    const reading = understood(effect('read', { object: table('pg_authid') }));
    expect(judge.judge(scope('open', ['public']), reading, []).kind).toBe('refuse');
  });

  const functions: readonly [string, readonly string[], Partial<Effect>, boolean][] = [
    ['as listed', [], fn('recalculate', 'app'), true],
    ['of the same name elsewhere', [], fn('recalculate', 'public'), false],
    ['unqualified, path says app', ['app'], fn('recalculate'), true],
    ['unqualified, path may mean another', ['public', 'app'], fn('recalculate'), false],
    ['unqualified, path not known', [], fn('recalculate'), false],
    ['listed bare', [], fn('anywhere', 'x'), true],
    ['a quoted name that looks qualified', [], fn('app.recalculate'), false],
  ];
  it.each(functions)('functions.allow: %s', (_story, path, one, listed) => {
    const verdict = judgeOf().judge(scope('guarded', path), understood(effect('execute', one)), []);
    expect(verdict.kind).toBe(listed ? 'forward' : 'hold');
  });
});

describe('agents', () => {
  const judge = judgeOf(
    '@id("reader") forbid (principal == Agent::"reporter", action in Action::"change", resource);' +
      '@id("barred") forbid (principal == Agent::"gone", action, resource);',
  );
  it.each([
    ['reporter', effect('write'), 'refuse reader'],
    ['reporter', effect('read'), 'forward open.forward'],
    ['other', effect('write'), 'forward open.forward'],
    ['gone', effect('read'), 'refuse barred'],
  ])('%s: %o', (agent, one, expected) => {
    expect(say(judge.judge(scope('open', [], agent), understood(one), []))).toBe(expected);
  });

  it('that are barred may not send an empty text either', () => {
    expect(judge.judge(scope('open', [], 'gone'), understood(), []).kind).toBe('refuse');
    expect(judge.judge(scope('open', [], 'other'), understood(), []).kind).toBe('forward');
  });
});

describe('bounds and sharing', () => {
  const NAMED =
    '@id("named") forbid (principal, action, resource) when { context.name == "payments" };';
  it('a unit that asks too much that is new is refused, not judged in part', () => {
    const many = Array.from({ length: JUDGED_ACTS_MAX + 1 }, (_, index) =>
      effect('read', { object: table(`t${index}`, 'public') }),
    );
    const verdict = judgeOf(NAMED).judge(scope('open'), understood(...many), []);
    expect(say(verdict)).toBe('refuse policy.too-many-acts');
  });

  it('names that no rule looks at are one question', () => {
    const many = Array.from({ length: 5 * JUDGED_ACTS_MAX }, (_, index) =>
      effect('read', { object: table(`t${index}`, 'public') }),
    );
    expect(judgeOf().judge(scope('open'), understood(...many), []).kind).toBe('forward');
  });

  it('control characters of a name do not reach the reason', () => {
    const one = effect('destroy', { object: table('cars\u001b[2J\u202e\nApproved') });
    const { reason } = judgeOf().judge(scope('guarded'), understood(one), []);
    expect(reason).toContain('cars [2J Approved');
  });

  it('the version changes with whatever a verdict can depend on', () => {
    const versions = [
      source(),
      source('@id("a") forbid (principal, action, resource);'),
      source('', { environments: [] }),
      source('', { targets: [] }),
    ].map((one) => loadPolicy(one).version);
    expect(new Set(versions).size).toBe(versions.length);
    expect(loadPolicy(source()).version).toBe(versions[0]);
  });
});

it('adding an effect or a rule never makes a verdict milder (property)', () => {
  const judge = judgeOf();
  const stricter = judgeOf(
    '@id("own") @verdict("hold") forbid (principal, action, resource) when { context.name like "c*" };',
  );
  const effects = fc.array(
    fc.record({
      kind: fc.constantFrom(...EFFECT_KINDS),
      additive: fc.boolean(),
      reach: fc.constantFrom('none', 'rows', 'whole', 'cascade', 'unknown'),
      name: fc.constantFrom('cars', 'payments', 'recalculate'),
      schema: fc.constantFrom(null, 'public', 'app'),
    }),
    { minLength: 1, maxLength: 4 },
  );
  const rank = (verdict: Verdict): number => VERDICT_ORDER.indexOf(verdict.kind);
  fc.assert(
    fc.property(fc.constantFrom(...LEVELS), effects, (level, list) => {
      const all = list.map(({ name, schema, ...rest }) =>
        effect(rest.kind, { ...rest, object: table(name, schema) }),
      );
      const whole = judge.judge(scope(level), understood(...all), []);
      for (const one of all) {
        expect(rank(whole)).toBeGreaterThanOrEqual(
          rank(judge.judge(scope(level), understood(one), [])),
        );
      }
      expect(rank(stricter.judge(scope(level), understood(...all), []))).toBeGreaterThanOrEqual(
        rank(whole),
      );
    }),
    { numRuns: 100 },
  );
});

describe('what only reads and names no object', () => {
  const read = (verb: string, rest: Partial<Effect> = {}): Effect =>
    effect('read', { verb, object: null, reach: 'none', why: null, ...rest });
  const rules =
    '@id("no-secrets") @reason("{verb} is not for {agent}") @hint("Ask a person.") ' +
    'forbid (principal, action == Action::"read", resource) when { context.verb == "secrets" };';
  const judge = (): ReturnType<typeof judgeOf> => judgeOf(rules);

  it('has the same verdict again, as another reading', () => {
    const one = judge();
    const here = scope('open');
    const first = one.judge(here, understood(read('deployments')), []);
    expect(one.judge(here, understood(read('deployments')), [])).toBe(first);
  });

  it.each<[string, Reading]>([
    ['another verb', understood(read('secrets'))],
    ['another verb beside it', understood(read('deployments'), read('secrets'))],
    ['names that run together', understood(read('deploymentssecrets'), read('secrets'))],
  ])('has its own with %s', (_what, reading) => {
    const one = judge();
    const here = scope('open');
    const before = one.judge(here, understood(read('deployments')), []);
    expect(one.judge(here, reading, []).kind).not.toBe(before.kind);
    expect(one.judge(here, understood(read('deployments')), [])).toBe(before);
  });

  it('is not kept by names that an agent makes as long as it likes', () => {
    const one = judge();
    const here = scope('open');
    const long = 'x'.repeat(JUDGED_READ_CHARS_MAX + 1);
    const first = one.judge(here, understood(read(long)), []);
    expect(first.kind).toBe('forward');
    expect(one.judge(here, understood(read(long)), [])).not.toBe(first);
  });

  it('is said in the words of its own scope', () => {
    const one = judge();
    const reasonFor = (agent: string): string =>
      one.judge(scope('open', ['public'], agent), understood(read('secrets')), []).reason;
    expect(reasonFor('cursor')).toBe('secrets is not for cursor');
    expect(reasonFor('claude')).toBe('secrets is not for claude');
  });
});
