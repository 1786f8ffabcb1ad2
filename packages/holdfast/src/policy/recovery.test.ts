/** Recoverability as a precondition: what the presets say of what nothing takes back, by what could be brought back. */
import { describe, expect, it } from 'vitest';
import type { Effect } from '../model/effect.ts';
import {
  NEVER,
  NOT_CONFIGURED,
  NOT_LOOKED_AT,
  NOTHING_PROVEN,
  type RecoveryFacts,
} from '../model/recovery-facts.ts';
import type { Protection } from '../model/reversal.ts';
import type { EnvironmentLevel } from '../model/target.ts';
import type { Verdict } from '../model/verdict.ts';
import { effect, judgeOf, scope, source, table, understood } from '../testing/policy-words.ts';
import { CachedJudge } from './cached-judge.ts';
import { checkPolicy } from './check-policy.ts';
import { explainVerdict } from './explain.ts';
import type { Signature } from './judge.ts';
import { loadPolicy } from './policy.ts';

const GOOD: RecoveryFacts = {
  provenAgeMinutes: 1_560,
  outsideBlastRadius: true,
  rpoSeconds: 300,
  colour: 'green',
};
const FULL: Protection = { level: 'full', trouble: null };
const at = (level: EnvironmentLevel, recovery: RecoveryFacts, protection?: Protection) => ({
  ...scope(level, ['public'], 'cursor-backend', protection),
  recovery,
});
const say = (verdict: Verdict): string =>
  [verdict.kind, ...(verdict.kind === 'hold' ? [verdict.people] : []), verdict.rule].join(' ');
const people = (...ids: readonly string[]): Signature[] =>
  ids.map((id) => ({ personId: id, personName: id, method: 'totp', at: new Date(0) }));
const drop = effect('destroy', { verb: 'DROP TABLE', object: table('cars', 'public') });
const lost = effect('destroy', { verb: 'DROP TABLESPACE', object: null });

describe('on sealed, what nothing takes back', () => {
  const judge = judgeOf();
  const rows: readonly [story: string, facts: RecoveryFacts, expected: string, said: string][] = [
    ['at the limits of all', GOOD, 'hold 2 sealed.destroy', 'destroys'],
    [
      'a minute too old',
      { ...GOOD, provenAgeMinutes: 1_561 },
      'refuse sealed.recovery',
      '26 h 1 min old',
    ],
    [
      'a second too much',
      { ...GOOD, rpoSeconds: 301 },
      'refuse sealed.recovery',
      '301 s of changes',
    ],
    [
      'within reach',
      { ...GOOD, outsideBlastRadius: false },
      'refuse sealed.recovery',
      'inside its blast',
    ],
    ['red all the same', { ...GOOD, colour: 'red' }, 'refuse sealed.recovery', 'recovery is red'],
    [
      'nothing proven',
      NOTHING_PROVEN,
      'refuse sealed.recovery',
      'no recovery point of it is proven',
    ],
    [
      'ten days to lose',
      { ...GOOD, rpoSeconds: 864_109 },
      'refuse sealed.recovery',
      '10 days of changes would be lost',
    ],
    ['no WAL', { ...GOOD, rpoSeconds: NEVER }, 'refuse sealed.recovery', 'lost is not known'],
    ['not configured', NOT_CONFIGURED, 'hold 2 sealed.destroy', 'destroys'],
    ['no number', { ...GOOD, provenAgeMinutes: Number.NaN }, 'refuse policy.error', 'failed'],
    ['half a second', { ...GOOD, rpoSeconds: 0.5 }, 'refuse policy.error', 'failed'],
  ];
  it.each(rows)('%s', (_story, facts, expected, said) => {
    for (const signatures of [[], people('ada', 'bo', 'cy')]) {
      const verdict = judge.judge(at('sealed', facts), understood(drop), signatures);
      const isHeld = expected.startsWith('hold') && signatures.length > 0;
      expect(say(verdict)).toBe(isHeld ? 'forward sealed.destroy' : expected);
      expect(verdict.reason).toContain(said);
    }
  });

  it('says what was asked for', () => {
    const verdict = judge.judge(at('sealed', NOTHING_PROVEN), understood(drop), []);
    expect(verdict.reason).toContain('at most 26 h old and with at most 300 s to lose');
  });

  const TAKE =
    'now (holdfast recovery backup sealed-db, then holdfast recovery drill sealed-db), then ask again.';
  const INSIDE: RecoveryFacts = { ...GOOD, outsideBlastRadius: false, colour: 'amber' };
  const hints: readonly [story: string, facts: RecoveryFacts, hint: string][] = [
    ['nothing proven', NOTHING_PROVEN, `Take a point ${TAKE}`],
    [
      'nothing proven, a vault outside',
      { ...NOTHING_PROVEN, hasVaultOutside: true },
      `Take a point ${TAKE}`,
    ],
    [
      'only inside, a vault outside',
      { ...INSIDE, hasVaultOutside: true },
      `Take a point in the vault outside ${TAKE}`,
    ],
    [
      'too old',
      { ...GOOD, provenAgeMinutes: 1_561 },
      'Drill its newest point (holdfast recovery drill sealed-db), or take one first (holdfast recovery backup sealed-db), then ask again.',
    ],
    [
      'too much to lose',
      { ...GOOD, rpoSeconds: 301 },
      'See that holdfast up runs and what keeps changes from its vault (holdfast recovery status sealed-db), then ask again.',
    ],
    [
      'red for another reason',
      { ...GOOD, colour: 'red' },
      'Mend what holdfast recovery status sealed-db says is red, then ask again.',
    ],
    [
      'nobody looked',
      NOT_LOOKED_AT,
      'See how its recovery stands (holdfast recovery status sealed-db): a running gateway (holdfast up) knows it within a minute.',
    ],
  ];
  it.each(hints)('says what to do about it: %s', (_story, facts, hint) => {
    expect(judge.judge(at('sealed', facts), understood(drop), [])).toMatchObject({
      kind: 'refuse',
      hint,
    });
  });

  it.each([
    ['nothing proven', { ...NOTHING_PROVEN, hasVaultOutside: false }],
    ['proven within reach', { ...INSIDE, hasVaultOutside: false }],
  ])('with no vault outside, more points are no help: %s', (_story, facts) => {
    const verdict = judge.judge(at('sealed', facts), understood(drop), []);
    const hint = verdict.kind === 'refuse' ? verdict.hint : '';
    expect(hint).toMatch(/^None of its vaults is shown to lie outside/);
    expect(hint).toContain('Add a vault elsewhere (docs/recovery.md');
    expect(hint).toMatch(/holdfast recovery prove sealed-db.*Then take a point.*ask again\.$/);
  });

  it('does not say as a fact what nobody looked at', () => {
    const { reason } = judge.judge(at('sealed', NOT_LOOKED_AT), understood(drop), []);
    expect(reason).toContain('how its recovery stands was not looked at');
    expect(reason).not.toContain('is proven');
  });

  const others: readonly [
    story: string,
    effect: Effect,
    protection: Protection | undefined,
    expected: string,
  ][] = [
    ['a drop that goes to the trash', drop, FULL, 'hold 2 sealed.destroy'],
    ['what is protected and not taken back', lost, FULL, 'refuse sealed.recovery'],
    [
      'a reshape',
      effect('reshape', { verb: 'ALTER TABLE RENAME' }),
      undefined,
      'refuse sealed.recovery',
    ],
    [
      'one that only adds',
      effect('reshape', { additive: true }),
      undefined,
      'hold 2 sealed.reshape',
    ],
    ['rows that a condition picks', effect('write'), undefined, 'hold 1 sealed.write'],
    ['a read', effect('read'), undefined, 'forward sealed.forward'],
  ];
  it.each(others)('with nothing proven: %s', (_story, one, protection, expected) => {
    const where = at('sealed', NOTHING_PROVEN, protection);
    expect(say(judge.judge(where, understood(one), []))).toBe(expected);
  });

  it('beside harmless things it is refused whole', () => {
    const reading = understood(effect('read'), drop, effect('reshape', { additive: true }));
    expect(judge.judge(at('sealed', NOTHING_PROVEN), reading, []).kind).toBe('refuse');
  });
});

describe('on guarded', () => {
  const judge = judgeOf();
  it.each([
    [{ ...GOOD, colour: 'red' } as const, drop, undefined, 'hold 2 guarded.recovery-red'],
    [{ ...GOOD, colour: 'amber' } as const, drop, undefined, 'hold 1 guarded.destroy'],
    [NOT_CONFIGURED, drop, undefined, 'hold 1 guarded.destroy'],
    [NOTHING_PROVEN, drop, FULL, 'hold 1 guarded.destroy'],
    [NOTHING_PROVEN, lost, FULL, 'hold 2 guarded.recovery-red'],
    [NOTHING_PROVEN, effect('write'), undefined, 'forward guarded.forward'],
  ])('%o: %o', (facts, one, protection, expected) => {
    expect(say(judge.judge(at('guarded', facts, protection), understood(one), []))).toBe(expected);
  });

  it('one signature given while it was green is not enough when it is red', () => {
    const green = judge.judge(at('guarded', GOOD), understood(drop), people('ada'));
    const red = judge.judge(at('guarded', NOTHING_PROVEN), understood(drop), people('ada'));
    expect([green.kind, red.kind]).toEqual(['forward', 'hold']);
    expect(
      judge.judge(at('guarded', NOTHING_PROVEN), understood(drop), people('ada', 'bo')).kind,
    ).toBe('forward');
  });
});

describe('the cache', () => {
  /** Counts what is put to Cedar. */
  function counting(cedar = '') {
    const policy = loadPolicy(source(cedar));
    let asked = 0;
    const { evaluator } = policy;
    const evaluate = evaluator.evaluate.bind(evaluator);
    evaluator.evaluate = (...question) => {
      asked += 1;
      return evaluate(...question);
    };
    return { judge: new CachedJudge(policy), asked: () => asked };
  }

  it('shares no answer across changed facts where a rule looks at them', () => {
    const { judge } = counting();
    const reading = understood(drop);
    const kinds = [GOOD, NOTHING_PROVEN, GOOD, { ...GOOD, rpoSeconds: 301 }, NOT_CONFIGURED].map(
      (facts) => judge.judge(at('sealed', facts), reading, []).kind,
    );
    expect(kinds).toEqual(['hold', 'refuse', 'hold', 'refuse', 'hold']);
  });

  it('puts no read to Cedar again when they change', () => {
    const { asked, judge } = counting();
    const read = understood(effect('read'));
    for (let minute = 0; minute < 50; minute += 1) {
      const facts = { ...GOOD, provenAgeMinutes: minute };
      expect(judge.judge(at('sealed', facts), read, []).kind).toBe('forward');
    }
    expect(asked()).toBe(1);
  });

  it('but does where a rule of the user’s asks of reads', () => {
    const { asked, judge } = counting(
      '@id("x") forbid (principal, action, resource) when { resource.recovery.red };',
    );
    const read = understood(effect('read'));
    const kinds = [GOOD, NOTHING_PROVEN, GOOD].map(
      (facts) => judge.judge(at('open', facts), read, []).kind,
    );
    expect([kinds, asked()]).toEqual([['forward', 'refuse', 'forward'], 2]);
  });
});

it('policy explain shows the rule, and the figures', () => {
  const told = explainVerdict(
    judgeOf(),
    at('sealed', { ...GOOD, rpoSeconds: 900 }),
    understood(drop),
  );
  expect(told.rule?.text).toContain('resource.recovery.provenAgeMinutes <= 1560');
  expect(told.verdict.reason).toContain('900 s of changes would be lost');
  const held = explainVerdict(judgeOf(), at('sealed', NOT_CONFIGURED), understood(drop));
  expect(held.takingBack?.reason).toContain('no proven recovery point is known outside');
  const kept = explainVerdict(judgeOf(), at('sealed', NOT_CONFIGURED, FULL), understood(drop));
  expect(kept.takingBack).toEqual({ level: 'full', reversal: 'rename', reason: '' });
});

it('a rule that misspells a fact does not load', () => {
  const rule = '@id("x") forbid (principal, action, resource) when { resource.recovery.proven };';
  expect(checkPolicy(source(rule)).findings.map(({ severity }) => severity)).toContain('error');
});
