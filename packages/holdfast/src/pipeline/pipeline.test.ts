import { describe, expect, it } from 'vitest';
import type { Reading } from '../model/effect.ts';
import { NOT_CONFIGURED } from '../model/recovery-facts.ts';
import { UNPROTECTED } from '../model/reversal.ts';
import { anybody, FakeDesk, FakeRecorder, oneTarget, simpleJudge } from '../testing/fake-parts.ts';
import { intentOf } from '../testing/trail-fixtures.ts';
import type { DecisionRef } from '../trail/recorder.ts';
import type { Exchange, Refusal } from './exchange.ts';
import { Pipeline } from './pipeline.ts';

const WRITE: Reading = {
  kind: 'understood',
  effects: [
    { kind: 'write', verb: 'UPDATE', object: null, reach: 'rows', additive: false, why: null },
  ],
};
const COMMIT: Reading = { kind: 'understood', effects: [] };

const FACTS = { asked: 'main-db', searchPath: ['public'] };

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

it('answers no although recording the no fails in a way nobody thought of', async () => {
  const recorder = new FakeRecorder();
  recorder.decide = () => Promise.reject(new TypeError('a fault of ours'));
  const said: Refusal[] = [];
  const exchange: Exchange = {
    intent: intentOf('drop table t', DROP),
    lasting: 'at-once',
    protection: UNPROTECTED,
    reversal: { kind: 'none', reason: 'a test' },
    locate: () => FACTS,
    forward: () => expect.unreachable('nothing may be forwarded'),
    refuse: (refusal) => said.push(refusal),
  };
  const parts = {
    targets: oneTarget,
    judge: simpleJudge,
    allowances: anybody,
    recoveryOf: () => NOT_CONFIGURED,
    desk: new FakeDesk(),
    deferrals: null,
    recorder,
  };
  await new Pipeline({ ...parts, holdWaitMs: 0 }).handle(exchange);
  expect(said.map(({ code }) => code)).toEqual(['HF_HELD']);
});

/** Writes down, and is durable when it was asked to wait. */
class JottingRecorder extends FakeRecorder {
  readonly calls: string[] = [];
  isFailing = false;
  #count = 0;
  #durable = 0;

  override jot(): DecisionRef {
    this.#count += 1;
    return { index: null };
  }
  override durable(): Promise<void> | null {
    if (this.#durable === this.#count) return null;
    this.calls.push(`wait for ${this.#count}`);
    if (this.isFailing) return Promise.reject(new Error('no disk'));
    this.#durable = this.#count;
    return Promise.resolve();
  }
  override hasten(): void {
    this.calls.push(`hasten ${this.#count}`);
  }
}

describe('what a transaction wrote down', () => {
  const world = () => {
    const recorder = new JottingRecorder();
    const desk = new FakeDesk();
    const parts = {
      targets: oneTarget,
      judge: simpleJudge,
      allowances: anybody,
      recoveryOf: () => NOT_CONFIGURED,
      desk,
      deferrals: null,
      recorder,
    };
    const pipeline = new Pipeline({ ...parts, holdWaitMs: 0 });
    const forwarded: string[] = [];
    const send = async (text: string, reading: Reading): Promise<void> => {
      await pipeline.handle({
        intent: intentOf(text, reading),
        lasting: text === 'commit' ? 'at-once' : 'on-commit',
        protection: UNPROTECTED,
        reversal: { kind: 'none', reason: 'a test' },
        locate: () => FACTS,
        forward: () => {
          forwarded.push(text);
          return undefined;
        },
        refuse: ({ code }) => forwarded.push(code),
      });
    };
    const transaction = async (writes: number): Promise<string[]> => {
      for (let at = 0; at < writes; at += 1) await send('update', WRITE);
      await send('commit', COMMIT);
      return recorder.calls.splice(0);
    };
    return { recorder, forwarded, send, transaction };
  };

  it('begins to be durable with the write that was the last one the time before', async () => {
    const { transaction } = world();
    expect(await transaction(3)).toEqual(['wait for 3']);
    expect(await transaction(3)).toEqual(['hasten 6', 'wait for 6']);
    expect(await transaction(5)).toEqual(['hasten 9', 'wait for 11']);
    expect(await transaction(0)).toEqual([]);
    expect(await transaction(2)).toEqual(['wait for 13']);
  });

  it('is waited for by COMMIT whatever was guessed, and again when the wait failed', async () => {
    const { forwarded, recorder, send, transaction } = world();
    await transaction(1);
    await send('update', WRITE);
    recorder.isFailing = true;
    await send('commit', COMMIT);
    await send('commit', COMMIT);
    recorder.isFailing = false;
    await send('commit', COMMIT);
    expect(forwarded.slice(2)).toEqual([
      'update',
      'HF_TRAIL_UNAVAILABLE',
      'HF_TRAIL_UNAVAILABLE',
      'commit',
    ]);
  });
});

it('judges each actor by itself, though both lend the same facts of a place', async () => {
  const judged: string[] = [];
  const pipeline = new Pipeline({
    targets: oneTarget,
    judge: {
      version: 'a test',
      beneath: () => null,
      judge: ({ actor }) => {
        judged.push(actor.name);
        return { kind: 'forward', rule: 'a test', reason: 'a test' };
      },
    },
    allowances: anybody,
    recoveryOf: () => NOT_CONFIGURED,
    desk: new FakeDesk(),
    deferrals: null,
    recorder: new FakeRecorder(),
    holdWaitMs: 0,
  });
  const intent = intentOf('update', WRITE);
  for (const name of ['cursor', 'claude', 'cursor']) {
    await pipeline.handle({
      intent: { ...intent, actor: { kind: 'agent', id: `agent_${name}`, name, tokenId: name } },
      lasting: 'at-once',
      protection: UNPROTECTED,
      reversal: { kind: 'none', reason: 'a test' },
      locate: () => FACTS,
      forward: () => undefined,
      refuse: () => expect.unreachable('nothing is refused'),
    });
  }
  expect(judged).toEqual(['cursor', 'claude', 'cursor']);
});
