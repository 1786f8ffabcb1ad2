/** What is kept of a request that is taken back by its inverse, and when its state is read again. */
import { expect, it } from 'vitest';
import { INVERSE_FRESH_MS } from '../../model/limits.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Inverse, InverseToKeep } from '../../protection/inverse.ts';
import type { ProviderAct } from '../../providers/provider.ts';
import { guardedTarget } from '../../testing/fake-parts.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { HttpExchange } from './exchange.ts';

const inverseWith = (before: string | null): Inverse => ({
  changes: [{ at: { name: 'A' }, title: 'variable A', before, after: 'new' }],
  notRestored: [],
});

function actWith(inverse: Inverse | null, place = 'railway/a/b', seen = 'seen'): ProviderAct {
  const effect = {
    kind: 'destroy',
    verb: 'variableDelete',
    object: null,
    reach: 'rows',
    additive: false,
    why: null,
  } as const;
  const act = {
    place: { asked: place, searchPath: [] },
    reaches: [],
    evidence: [Buffer.from(seen)],
  };
  if (inverse === null) {
    const reading = { kind: 'understood', effects: [effect] } as const;
    return { ...act, reading, reversal: { kind: 'none', reason: 'nothing does' } };
  }
  const effects = [{ ...effect, hasInverse: true as const }];
  return {
    ...act,
    reading: { kind: 'understood', effects },
    reversal: { kind: 'inverse' },
    inverse,
  };
}

function world({ again, canKeep = true }: { again?: ProviderAct | Error; canKeep?: boolean } = {}) {
  const clock = new ManualClock();
  const kept: InverseToKeep[] = [];
  const settled: string[] = [];
  const act = actWith(inverseWith('x'));
  const exchange = new HttpExchange({
    actor: { kind: 'agent', id: 'agent_1', name: 'cursor', tokenId: 'token_1' },
    session: { id: 'session_1', protocol: 'http', source: '', client: 'curl' },
    act,
    place: act.place,
    provider: 'railway',
    headers: () => [['if-match', '"7"']],
    asked: { method: 'POST', path: '/', search: '', mediaType: '', body: Buffer.of() },
    keeper: {
      keep: async (what) => {
        if (!canKeep) throw new Error('no room');
        kept.push(what);
        return {
          id: 'undo_1',
          settle: async ({ kind }: Outcome) => {
            settled.push(kind);
          },
        };
      },
    },
    clock,
    readAgain: async () => {
      if (again instanceof Error) throw again;
      return again ?? actWith(inverseWith('y'));
    },
    forward: async (report) => report?.({ kind: 'done', tag: '200', transaction: 'ended' }),
    refuse: () => {},
  });
  return { clock, exchange, kept, settled };
}

const beforeOf = (kept: readonly InverseToKeep[]): (string | null | undefined)[] =>
  kept.map(({ inverse }) => inverse.changes[0]?.before);

it('keeps once what was read, and says what came of it', async () => {
  const { exchange, kept, settled } = world();
  expect([await exchange.keep(guardedTarget), await exchange.keep(guardedTarget)]).toEqual([
    true,
    true,
  ]);
  expect(beforeOf(kept)).toEqual(['x']);
  await exchange.forward(null);
  expect(settled).toEqual(['done']);
});

it('reads the state again when the request waited for people', async () => {
  const { clock, exchange, kept } = world();
  clock.pass(INVERSE_FRESH_MS + 1);
  expect(await exchange.keep(guardedTarget)).toBe(true);
  expect(beforeOf(kept)).toEqual(['y']);
});

it.each([
  ['has no state that can be read', actWith(null)],
  ['is somewhere else', actWith(inverseWith('y'), 'railway/a/c')],
  ['rests on something else', actWith(inverseWith('y'), 'railway/a/b', 'other')],
])('keeps nothing when what waited now %s', async (_story, again) => {
  const { clock, exchange, kept } = world({ again });
  clock.pass(INVERSE_FRESH_MS + 1);
  expect(await exchange.keep(guardedTarget)).toBe(false);
  expect(kept).toEqual([]);
  expect(exchange.reversal).toMatchObject({
    kind: 'none',
    reason: expect.stringContaining('waited'),
  });
  expect(exchange.reading.effects.some(({ hasInverse }) => hasInverse)).toBe(false);
});

it('is from then on what nothing takes back when it cannot be kept', async () => {
  const { exchange } = world({ canKeep: false });
  expect(await exchange.keep(guardedTarget)).toBe(false);
  expect(exchange.reversal).toMatchObject({
    kind: 'none',
    reason: expect.stringContaining('no room'),
  });
  expect(await exchange.keep(guardedTarget)).toBe(false);
});

it('leaves nothing of what is refused after it was kept', async () => {
  const { exchange, settled } = world();
  await exchange.keep(guardedTarget);
  exchange.refuse({ code: 'HF_HELD', message: '', detail: '', hint: '', position: null });
  expect(settled).toEqual(['not-forwarded']);
});

const acts = (exchange: HttpExchange): string[] =>
  exchange.acts().map((act) => Buffer.from(act).toString());

it('signs its headers', () => {
  expect(acts(world().exchange)[0]).toMatch(/\0if-match:"7"$/);
});

it('is what it was when it has not waited, and is not asked for again', async () => {
  const { exchange } = world({ again: new Error('nobody asks') });
  expect(await exchange.freshen()).toBeNull();
  expect(acts(exchange).at(-1)).toBe('seen');
});

it('is after a wait what it is then: other evidence is another digest', async () => {
  const { clock, exchange } = world({ again: actWith(null, 'railway/a/b', 'other') });
  clock.pass(INVERSE_FRESH_MS + 1);
  expect(await exchange.freshen()).toBeNull();
  expect(acts(exchange).at(-1)).toBe('other');
  expect(exchange.reversal.kind).toBe('none');
});

it.each([
  ['acts elsewhere', actWith(null, 'railway/a/c'), 'elsewhere'],
  ['is not the token’s any more', new Error('another environment'), 'another environment'],
])('says so when after a wait it %s', async (_story, again, why) => {
  const { clock, exchange } = world({ again });
  clock.pass(INVERSE_FRESH_MS + 1);
  expect(await exchange.freshen()).toContain(why);
  expect(acts(exchange).at(-1)).toBe('seen');
});
