/** What was put off is decided again when it is due, with what is known of the target's recovery then. */
import { expect, it } from 'vitest';
import { cardOf, NO_EXTRAS } from './approvals/card.ts';
import type { DeferralRecord } from './approvals/deferral.ts';
import { redecideWith } from './deferring.ts';
import { createSqlReader } from './languages/sql/reader.ts';
import { ANYTHING } from './model/allowance.ts';
import { NOTHING_PROVEN, type RecoveryFacts } from './model/recovery-facts.ts';
import type { EnvironmentLevel } from './model/target.ts';
import { guardedTarget } from './testing/fake-parts.ts';
import { effect, judgeOf, understood } from './testing/policy-words.ts';
import { intentOf } from './testing/trail-fixtures.ts';

const GREEN: RecoveryFacts = {
  provenAgeMinutes: 60,
  outsideBlastRadius: true,
  rpoSeconds: 2,
  colour: 'green',
};
const SQL = 'DROP TABLESPACE far';

/** Signed by `people`, and due now. */
async function due(level: EnvironmentLevel, people: readonly string[], recovery: RecoveryFacts) {
  const target = { ...guardedTarget, environment: { name: `${level}-env`, level } };
  const intent = intentOf(SQL, understood(effect('destroy', { verb: 'DROP TABLESPACE' })));
  const verdict = { kind: 'hold', rule: 'a', reason: 'b', people: people.length } as const;
  const deferral: DeferralRecord = {
    id: 'def_1',
    card: cardOf(intent, target, verdict, null, NO_EXTRAS),
    holdId: null,
    acts: [Buffer.from(SQL)],
    searchPath: ['public'],
    scheduledAt: new Date(0),
    dueTickMs: 0n,
    state: 'scheduled',
    statement: Buffer.from(SQL),
    parameters: [],
    request: null,
    signatures: people.map((id) => ({
      personId: id,
      personName: id,
      method: 'totp',
      at: new Date(0),
    })),
    signed: null,
    decidedAt: null,
    decidedBy: null,
    note: null,
  };
  const reader = await createSqlReader();
  try {
    const redecide = redecideWith({
      reader,
      judge: judgeOf(),
      targets: { resolve: () => target },
      providers: new Map(),
      protectionOf: () => ({ level: 'full', trouble: null }),
      recoveryOf: () => recovery,
      agents: { allowanceOf: () => ANYTHING, freshen: async () => {} },
      ownerOf: async () => ({ kind: 'owner', owner: 'app' }),
    });
    return (await redecide(deferral)).verdict;
  } finally {
    await reader.close();
  }
}

it('runs while recovery is as it was', async () => {
  expect((await due('sealed', ['ada', 'bo'], GREEN)).kind).toBe('protect');
  expect((await due('guarded', ['ada'], GREEN)).kind).toBe('protect');
});

it('sealed: is refused, with the reason, when recovery is red as it is due', async () => {
  expect(await due('sealed', ['ada', 'bo'], NOTHING_PROVEN)).toMatchObject({
    kind: 'refuse',
    rule: 'sealed.recovery',
    reason: expect.stringContaining('no recovery point of it is proven'),
  });
});

it('guarded: wants a second person when recovery is red as it is due', async () => {
  expect(await due('guarded', ['ada'], NOTHING_PROVEN)).toMatchObject({
    kind: 'hold',
    people: 2,
    rule: 'guarded.recovery-red',
  });
});
