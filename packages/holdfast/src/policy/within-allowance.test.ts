/** What the agent itself may not, beneath every preset: no rule and no signature gives it back. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Allowance, ANYTHING } from '../model/allowance.ts';
import { EFFECT_KINDS, type EffectKind, type Reading } from '../model/effect.ts';
import { UNPROTECTED } from '../model/reversal.ts';
import { refusalByPolicy } from '../pipeline/refusals.ts';
import {
  couldNotTell,
  effect,
  judgeOf,
  LEVELS,
  scope,
  understood,
} from '../testing/policy-words.ts';
import type { Scope, Signature } from './judge.ts';

const within = (more: Partial<Allowance>, level: (typeof LEVELS)[number] = 'open'): Scope =>
  scope(level, ['public'], 'cursor', UNPROTECTED, { ...ANYTHING, ...more });
const only = (...kinds: readonly EffectKind[]): Partial<Allowance> => ({
  effectKinds: new Set(kinds),
});
const stop = {
  code: 'HF_AGENT_PAUSED',
  reason: 'agent cursor was paused by ana',
  hint: 'Stop.',
} as const;
const SIGNED: readonly Signature[] = ['ana', 'ben', 'eve'].map((personId) => ({
  personId,
  personName: personId,
  method: 'totp',
  at: new Date(0),
}));

describe('kinds of effects', () => {
  const rows: readonly [string, Partial<Allowance>, Reading, string | null][] = [
    ['one of them', only('read', 'write'), understood(effect('write')), null],
    ['another', only('read', 'write'), understood(effect('destroy')), 'agent.effect-kinds'],
    [
      'another among several',
      only('read'),
      understood(effect('read'), effect('grant')),
      'agent.effect-kinds',
    ],
    [
      'what could not be told',
      only('read', 'write'),
      couldNotTell('unknown-statement'),
      'agent.effect-kinds',
    ],
    [
      'what could not be told, with all it did recognise',
      only('read'),
      couldNotTell('reader-failed', effect('read')),
      'agent.effect-kinds',
    ],
    ['an effect nobody knows', only('read'), understood(effect('unknown')), 'agent.effect-kinds'],
    [
      'what adds only',
      only('read'),
      understood(effect('reshape', { additive: true })),
      'agent.effect-kinds',
    ],
    ['BEGIN, which does nothing', only('write'), understood(), null],
    ['none at all', only(), understood(effect('read')), 'agent.effect-kinds'],
    [
      'no verb to hide behind',
      only('read'),
      understood(effect('destroy', { verb: '' })),
      'agent.effect-kinds',
    ],
  ];
  it.each(rows)('%s', (_story, allowance, reading, rule) => {
    const verdict = judgeOf().judge(within(allowance), reading, []);
    if (rule === null) expect(verdict.kind).toBe('forward');
    else expect(verdict).toMatchObject({ kind: 'refuse', rule });
  });

  it('refuses in words that say what to do instead, with a code of its own', () => {
    const reading = understood(effect('destroy', { verb: 'DROP TABLE\u001b[2J' }));
    const verdict = judgeOf().judge(within(only('read', 'write')), reading, []);
    if (verdict.kind !== 'refuse') throw new Error('not refused');
    const refusal = refusalByPolicy(verdict, reading);
    expect(refusal.code).toBe('HF_AGENT_EFFECT');
    expect(refusal.message).toBe(
      'Holdfast refused this: agent cursor may not ask for destroy (DROP TABLE [2J); it may read, write.',
    );
    expect(refusal.hint).toContain('Leave this part to a person');
    expect(refusal.hint).toContain('Do not try to reach the same result by another');
  });

  it('leaves a fault of the text its own code, but for one who may nothing', () => {
    const reading = couldNotTell('syntax-error');
    const codeFor = (allowance: Partial<Allowance>): string => {
      const verdict = judgeOf().judge(within(allowance), reading, []);
      if (verdict.kind !== 'refuse') throw new Error('not refused');
      return refusalByPolicy(verdict, reading).code;
    };
    expect(codeFor(only('read'))).toBe('HF_SYNTAX');
    expect(codeFor({ stop })).toBe('HF_AGENT_PAUSED');
  });
});

describe('where, and whether at all', () => {
  const rows: readonly [string, Partial<Allowance>, string | null][] = [
    ['its environment', { environments: new Set(['open-env']) }, null],
    ['another environment', { environments: new Set(['staging']) }, 'agent.scope'],
    ['no environment', { environments: new Set() }, 'agent.scope'],
    ['its target', { targets: new Set(['open-db']) }, null],
    ['another target', { targets: new Set(['main-db']) }, 'agent.scope'],
    ['paused', { stop }, 'agent.paused'],
    ['expired', { stop: { ...stop, code: 'HF_AGENT_EXPIRED' } }, 'agent.expired'],
    ['outside its hours', { stop: { ...stop, code: 'HF_AGENT_HOURS' } }, 'agent.hours'],
  ];
  it.each(rows)('%s', (_story, allowance, rule) => {
    for (const reading of [understood(effect('read')), understood()]) {
      const verdict = judgeOf().judge(within(allowance), reading, []);
      if (rule === null) expect(verdict.kind).toBe('forward');
      else expect(verdict).toMatchObject({ kind: 'refuse', rule });
    }
  });

  it('is looked at again when it changes, although the same was judged before', () => {
    const judge = judgeOf();
    const reading = understood(effect('read'));
    expect(judge.judge(within({}), reading, []).kind).toBe('forward');
    expect(judge.judge(within({ stop }), reading, []).kind).toBe('refuse');
    expect(judge.judge(within({}), reading, []).kind).toBe('forward');
  });
});

it('makes nothing milder, whatever the policy, the level and who signed (property)', () => {
  const judge = judgeOf('@id("own.permit") permit (principal, action, resource);');
  const kinds = fc.subarray([...EFFECT_KINDS]);
  const asked = fc.array(fc.constantFrom(...EFFECT_KINDS), { maxLength: 4 });
  fc.assert(
    fc.property(kinds, asked, fc.constantFrom(...LEVELS), (may, wants, level) => {
      const reading = understood(...wants.map((kind) => effect(kind)));
      const bare = judge.judge(within({}, level), reading, SIGNED);
      const limited = judge.judge(within(only(...may), level), reading, SIGNED);
      const isWithin = wants.every((kind) => may.includes(kind));
      expect(limited.kind).toBe(isWithin ? bare.kind : 'refuse');
    }),
  );
});
