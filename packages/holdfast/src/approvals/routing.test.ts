import { describe, expect, it } from 'vitest';
import { NOTICE } from '../testing/notices.ts';
import type { Notice } from './notice.ts';
import { deliveriesOf, type Route, type Routing } from './routing.ts';

const NOW = new Date('2026-11-21T23:30:00Z');
const ROUTE: Route = { kinds: null, environments: null, importance: null, to: ['a'], escalate: [] };
const NIGHT = { fromMinute: 22 * 60, toMinute: 7 * 60, zone: 'UTC' };

function routing(routes: readonly Route[], night = false, urgent = false): Routing {
  return {
    channels: ['a', 'b', 'c'].map((name) => ({ name, quietHours: night ? NIGHT : null, urgent })),
    routes,
    escalateAfterMs: 60_000,
    digestEveryMs: 3_600_000,
  };
}

function told(plan: Routing, notice: Notice = NOTICE, escalation = 0): string[] {
  return deliveriesOf(plan, notice, escalation, NOW).map(
    ({ channel, dueAt, importance }) =>
      `${channel} ${importance} ${dueAt.toISOString().slice(11, 16)}`,
  );
}

const SIGNAL: Notice = { ...NOTICE, kind: 'vault-trouble', environment: null };

describe('a notice goes', () => {
  it.each<readonly [string, readonly Route[], Notice, readonly string[]]>([
    ['by a route for all', [ROUTE], NOTICE, ['a now 23:30']],
    ['by its kind', [{ ...ROUTE, kinds: ['hold-opened'] }], NOTICE, ['a now 23:30']],
    ['not by another kind', [{ ...ROUTE, kinds: ['hold-decided'] }], NOTICE, []],
    ['by its environment', [{ ...ROUTE, environments: ['production'] }], NOTICE, ['a now 23:30']],
    ['not by another one', [{ ...ROUTE, environments: ['staging'] }], NOTICE, []],
    [
      'not by an environment when it has none',
      [{ ...ROUTE, environments: ['production'] }],
      SIGNAL,
      [],
    ],
    [
      'to each channel once',
      [ROUTE, { ...ROUTE, to: ['a', 'b', 'a'] }],
      NOTICE,
      ['a now 23:30', 'b now 23:30'],
    ],
    [
      'as important as the route says',
      [{ ...ROUTE, importance: 'soon' }],
      NOTICE,
      ['a soon 23:30'],
    ],
    [
      'as important as the most important route says',
      [{ ...ROUTE, importance: 'digest' }, ROUTE, { ...ROUTE, importance: 'soon' }],
      NOTICE,
      ['a now 23:30'],
    ],
    ['with the next digest', [{ ...ROUTE, importance: 'digest' }], NOTICE, ['a digest 00:00']],
    ['nowhere to a channel that there is not', [{ ...ROUTE, to: ['z'] }], NOTICE, []],
  ])('%s', (_story, routes, notice, channels) => {
    expect(told(routing(routes), notice)).toEqual(channels);
  });
});

describe('by night', () => {
  it.each<readonly [string, Partial<Notice>, Partial<Route>, boolean, string]>([
    ['it waits', {}, {}, false, 'a now 07:00'],
    ['it goes when it is needed now in a sealed environment', {}, {}, true, 'a now 23:30'],
    [
      'not of a guarded one',
      { environment: { name: 'x', level: 'guarded' } },
      {},
      true,
      'a now 07:00',
    ],
    ['not when it is not needed now', { importance: 'soon' }, {}, true, 'a soon 07:00'],
    ['not when a route says so', {}, { importance: 'soon' }, true, 'a soon 07:00'],
    ['a digest waits, too', {}, { importance: 'digest' }, true, 'a digest 07:00'],
  ])('%s', (_story, notice, route, urgent, channel) => {
    expect(told(routing([{ ...ROUTE, ...route }], true, urgent), { ...NOTICE, ...notice })).toEqual(
      [channel],
    );
  });
});

describe('an escalation', () => {
  const steps: Route = { ...ROUTE, kinds: ['hold-opened'], escalate: [['b'], ['b', 'c']] };

  it('goes to the list whose turn it is, and at the end to none', () => {
    expect([1, 2, 3].map((turn) => told(routing([steps]), NOTICE, turn).length)).toEqual([1, 2, 0]);
  });

  it('goes the way the hold went, and by a route of its own name', () => {
    const own: Route = { ...ROUTE, kinds: ['hold-escalated'], to: ['a'], escalate: [['c']] };
    const elsewhere: Route = { ...steps, environments: ['staging'] };
    const proposals: Route = { ...steps, kinds: ['proposal-opened'] };
    expect(told(routing([own]), NOTICE, 1)).toEqual(['c now 23:30']);
    expect(told(routing([elsewhere]), NOTICE, 1)).toEqual([]);
    expect(told(routing([proposals]), NOTICE, 1)).toEqual([]);
  });
});
