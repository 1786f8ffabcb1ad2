/** What has waited on the wire for people is looked at again, all of it, before anything of it passes. */
import { expect, it } from 'vitest';
import type { Reading } from '../model/effect.ts';
import { NOT_CONFIGURED } from '../model/recovery-facts.ts';
import type { Protection, Reversal } from '../model/reversal.ts';
import type { EnvironmentLevel } from '../model/target.ts';
import {
  anybody,
  FakeDesk,
  FakeRecorder,
  guardedTarget,
  simpleJudge,
} from '../testing/fake-parts.ts';
import { intentOf } from '../testing/trail-fixtures.ts';
import type { Exchange, Refusal } from './exchange.ts';
import { Pipeline } from './pipeline.ts';

const FULL: Protection = { level: 'full', trouble: null };
const RENAME: Reversal = { kind: 'rename' };
const DROP: Reading = {
  kind: 'understood',
  effects: [
    {
      kind: 'destroy',
      verb: 'DROP TABLE',
      object: null,
      reach: 'whole',
      additive: false,
      why: null,
    },
  ],
};

interface Standing {
  protection: Protection;
  reversal: Reversal;
  target: string;
  text: string;
  trouble: string | null;
}

/** Signed while it waits, with `meanwhile` in between. */
async function waited(meanwhile: (now: Standing) => void, level: EnvironmentLevel = 'sealed') {
  const now: Standing = {
    protection: FULL,
    reversal: RENAME,
    target: 'main-db',
    text: 'drop table t',
    trouble: null,
  };
  const desk = new FakeDesk();
  const recorder = new FakeRecorder();
  const said: Refusal[] = [];
  let forwarded = 0;
  let fresh = 0;
  let facts = { asked: now.target, searchPath: [] };
  desk.standing = 'signed';
  desk.meanwhile = () => {
    meanwhile(now);
    facts = { ...facts, asked: now.target };
  };
  const pipeline = new Pipeline({
    targets: {
      resolve: ({ asked }) => ({
        ...guardedTarget,
        name: asked,
        environment: { name: 'production', level },
      }),
    },
    judge: simpleJudge,
    allowances: anybody,
    recoveryOf: () => NOT_CONFIGURED,
    desk,
    deferrals: null,
    recorder,
    holdWaitMs: 1_000,
  });
  const exchange: Exchange = {
    get intent() {
      return intentOf(now.text, DROP);
    },
    get protection() {
      return now.protection;
    },
    get reversal() {
      return now.reversal;
    },
    lasting: 'at-once',
    locate: () => facts,
    freshen: async () => {
      fresh += 1;
      return now.trouble;
    },
    forward: () => {
      forwarded += 1;
      return undefined;
    },
    refuse: (refusal) => said.push(refusal),
  };
  await pipeline.handle(exchange);
  return { desk, fresh, forwarded, said: said.map(({ code, message }) => `${code}: ${message}`) };
}

it('passes when all is as it was', async () => {
  const { desk, forwarded, fresh, said } = await waited(() => {});
  expect({ forwarded, fresh, said, consumed: desk.consumed }).toEqual({
    forwarded: 1,
    fresh: 1,
    said: [],
    consumed: 1,
  });
  expect(desk.after.map(({ takingBack, target }) => [target.name, takingBack.reversal])).toEqual([
    ['main-db', 'rename'],
  ]);
});

it('does not pass on sealed when what would take it back was lost while it waited', async () => {
  const { desk, forwarded, said } = await waited((now) => {
    now.protection = { level: 'full', trouble: 'the vault is away' };
  });
  expect([forwarded, desk.consumed]).toEqual([0, 0]);
  expect(said).toEqual([expect.stringMatching(/^HF_PROTECTION_LOST: .*the vault is away/)]);
});

it('nor when the target’s own disk has no room for what would be kept, wherever it is', async () => {
  const { forwarded, said } = await waited((now) => {
    now.protection = { level: 'full', trouble: 'the vault is full', isFull: true };
  }, 'guarded');
  expect([forwarded, said.length]).toEqual([0, 1]);
});

it('does not pass as what could be taken back when it no longer can', async () => {
  const { desk, forwarded, said } = await waited((now) => {
    now.reversal = { kind: 'none', reason: 'its rows are not kept now' };
  });
  expect([forwarded, desk.consumed]).toEqual([0, 0]);
  expect(said).toEqual([expect.stringMatching(/^HF_HELD: .*taken back by rename; now it is none/)]);
  expect(desk.annulled).toHaveLength(1);
});

it('asks the desk about what would run now, not about what was sent then', async () => {
  const { desk } = await waited((now) => {
    now.target = 'other-db';
    now.text = 'drop table another';
  });
  expect(desk.after.map(({ intent, target }) => [target.name, intent.text().toString()])).toEqual([
    ['other-db', 'drop table another'],
  ]);
});

it('does not pass when it cannot be told any more what it was judged by', async () => {
  const { desk, forwarded, said } = await waited((now) => {
    now.trouble = 'it acts elsewhere than it did';
  });
  expect([forwarded, desk.consumed]).toEqual([0, 0]);
  expect(desk.annulled).toEqual(['it acts elsewhere than it did']);
  expect(said).toEqual([expect.stringContaining('it acts elsewhere than it did')]);
});
