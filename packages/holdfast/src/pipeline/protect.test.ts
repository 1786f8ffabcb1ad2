import { describe, expect, it } from 'vitest';
import type { Deferral, Deferrals } from '../approvals/deferrals.ts';
import { ANYTHING, type Stop } from '../model/allowance.ts';
import type { Reading } from '../model/effect.ts';
import { HoldfastError } from '../model/errors.ts';
import { NOT_CONFIGURED } from '../model/recovery-facts.ts';
import type { Protection, Reversal } from '../model/reversal.ts';
import { UNPROTECTED } from '../model/reversal.ts';
import type { EnvironmentLevel } from '../model/target.ts';
import { anybody, FakeDesk, FakeRecorder, guardedTarget } from '../testing/fake-parts.ts';
import { effect, judgeOf, table, understood } from '../testing/policy-words.ts';
import { intentOf } from '../testing/trail-fixtures.ts';
import type { Exchange, Refusal } from './exchange.ts';
import { Pipeline } from './pipeline.ts';

const FULL: Protection = { level: 'full', trouble: null };
const LOST: Protection = { level: 'full', trouble: 'the vault store is full' };
const CAPTURE: Reversal = { kind: 'capture' };
const RENAME: Reversal = { kind: 'rename' };
const INVERSE: Reversal = { kind: 'inverse' };
const NONE: Reversal = { kind: 'none', reason: 'DROP DATABASE cannot be taken back' };

const ROWS = understood(
  effect('destroy', { verb: 'DELETE', object: table('cars'), reach: 'whole' }),
);
const DROP = understood(effect('destroy', { verb: 'DROP TABLE', object: table('cars') }));
const VARIABLE = effect('destroy', { verb: 'variableDelete', object: null, reach: 'rows' });
const KEPT = understood({ ...VARIABLE, hasInverse: true });
const UNKEPT = understood(VARIABLE);
const WRITE = understood(effect('write', { verb: 'UPDATE', object: table('cars') }));
const READ = understood(effect('read', { verb: 'SELECT', object: table('cars') }));

const PAUSED: Stop = { code: 'HF_AGENT_PAUSED', reason: 'It is paused', hint: 'Ask a person.' };

class FakeDeferrals implements Deferrals {
  waits: Deferral | null = null;
  scheduled: string[] = [];
  failure: Error | null = null;

  async standing(): Promise<Deferral | null> {
    return this.waits;
  }
  async schedule(...[intent, , , ticket]: Parameters<Deferrals['schedule']>): Promise<Deferral> {
    if (this.failure !== null) throw this.failure;
    this.scheduled.push(`${intent.text().toString()} ${ticket?.id ?? 'unsigned'}`);
    this.waits = { id: 'deferral_1', dueAt: new Date('2026-01-03T00:00:00Z') };
    return this.waits;
  }
}

interface Setting {
  readonly level?: EnvironmentLevel;
  readonly protection: Protection;
  readonly reversal: Reversal;
}

function world(reading: Reading, { level = 'guarded', protection, reversal }: Setting) {
  const target = { ...guardedTarget, environment: { name: `${level}-env`, level } };
  const recorder = new FakeRecorder();
  const desk = new FakeDesk();
  const deferrals = new FakeDeferrals();
  const said: Refusal[] = [];
  let forwarded = 0;
  const reversals: (string | undefined)[] = [];
  const decide = recorder.decide.bind(recorder);
  recorder.decide = (decision) => {
    reversals.push(decision.verdict.kind === 'protect' ? decision.verdict.reversal : undefined);
    return decide(decision);
  };
  const pipeline = new Pipeline({
    targets: { resolve: () => target },
    judge: judgeOf(),
    allowances: anybody,
    recoveryOf: () => NOT_CONFIGURED,
    desk,
    deferrals,
    recorder,
    holdWaitMs: 0,
  });
  const facts = { asked: 'main-db', searchPath: ['public'] };
  const intent = intentOf('the statement', reading);
  const send = async (now: Protection = protection): Promise<void> => {
    const exchange: Exchange = {
      intent,
      lasting: 'at-once',
      reversal: at.reversal,
      protection: now,
      locate: () => facts,
      forward: (report) => {
        forwarded += 1;
        report?.({ kind: 'done', tag: 'OK', transaction: 'ended' });
        return undefined;
      },
      refuse: (refusal) => said.push(refusal),
    };
    await pipeline.handle(exchange);
  };
  const codes = (): string[] => said.map(({ code }) => code);
  const at = {
    ...{ send, desk, deferrals, recorder, said, codes, reversals, reversal },
    forwarded: () => forwarded,
  };
  return at;
}

describe('the protect arm', () => {
  it('forwards rows that are kept, without a hold, and names the reversal in the entry', async () => {
    const at = world(ROWS, { protection: FULL, reversal: CAPTURE });
    await at.send();
    expect([at.forwarded(), at.codes()]).toEqual([1, []]);
    expect(at.reversals).toEqual(['capture']);
  });

  it('holds a DROP, and once signed makes it reversible: that is not signed away', async () => {
    const at = world(DROP, { protection: FULL, reversal: RENAME });
    await at.send();
    expect([at.forwarded(), at.codes()]).toEqual([0, ['HF_HELD']]);
    at.desk.standing = 'signed';
    await at.send();
    expect([at.forwarded(), at.desk.consumed, at.reversals.at(-1)]).toEqual([1, 1, 'rename']);
  });

  it('does not let a word given for what can be taken back pass what cannot', async () => {
    const at = world(DROP, { protection: FULL, reversal: RENAME });
    await at.send();
    at.desk.standing = 'signed';
    // The wall was taken down in good order meanwhile, or the act became one that nothing takes back.
    at.reversal = { kind: 'none', reason: 'this target is not protected yet' };
    await at.send(UNPROTECTED);
    expect([at.forwarded(), at.desk.consumed, at.codes()]).toEqual([0, 0, ['HF_HELD', 'HF_HELD']]);
    expect(at.desk.annulled).toEqual(['it could be taken back by rename, and now it is none']);
    expect(at.said.at(-1)?.message).toContain('taken back by rename; now it is none');
    // A word for that very thing is one.
    at.desk.standing = 'waiting';
    await at.send(UNPROTECTED);
    at.desk.standing = 'signed';
    await at.send(UNPROTECTED);
    expect(at.forwarded()).toBe(1);
  });

  it('tells the agent what is not as it was signed, and which hold is open in its place', async () => {
    const at = world(DROP, { protection: FULL, reversal: RENAME });
    const changes = ['policy was 1, and is 2', 'it is frozen: stop'];
    at.desk.voided = { id: 'hold_0000000000000001', changes };
    await at.send();
    expect([at.forwarded(), at.codes()]).toEqual([0, ['HF_HELD']]);
    expect(at.said[0]).toMatchObject({
      message:
        'Hold hold_0000000000000001 counts no more: policy was 1, and is 2; it is frozen: stop.',
      detail: expect.stringContaining('Hold hold_0000000000000000 is open in its place'),
      hint: expect.stringContaining('holdfast holds show hold_0000000000000000'),
    });
  });

  it('puts off what nothing takes back, with its approval, and tells the same bytes so again', async () => {
    const at = world(DROP, { protection: FULL, reversal: NONE });
    at.desk.standing = 'signed';
    await at.send();
    await at.send();
    expect([at.forwarded(), at.desk.consumed]).toEqual([0, 1]);
    expect(at.deferrals.scheduled).toEqual(['the statement hold_0000000000000000']);
    expect(at.codes()).toEqual(['HF_DEFERRED', 'HF_DEFERRED']);
    expect(at.said[0]?.detail).toContain('deferral_1, due 2026-01-03T00:00:00.000Z');
    expect(at.said[0]?.hint).toContain('holdfast deferrals cancel deferral_1');
    expect(at.recorder.outcomes.at(-1)?.outcome.kind).toBe('not-forwarded');
  });

  it('keeps the approval when it cannot be put off as it was sent', async () => {
    const at = world(DROP, { protection: FULL, reversal: NONE });
    at.desk.standing = 'signed';
    at.deferrals.failure = new HoldfastError('HF_UNSUPPORTED', {
      expected: 'one simple statement',
      found: 'parameters',
      hint: 'Send the text.',
    });
    await at.send();
    expect([at.forwarded(), at.desk.consumed, at.codes()]).toEqual([0, 0, ['HF_UNSUPPORTED']]);
  });

  it('leaves an unprotected target as it was: hold, then forward', async () => {
    const at = world(ROWS, { protection: UNPROTECTED, reversal: NONE });
    await at.send();
    at.desk.standing = 'signed';
    await at.send();
    expect([at.forwarded(), at.codes()]).toEqual([1, ['HF_HELD']]);
    expect(at.reversals).toEqual([undefined, undefined]);
  });

  it('judges anew when the protection changes in the middle of a session', async () => {
    const at = world(ROWS, { protection: FULL, reversal: CAPTURE });
    await at.send();
    await at.send(UNPROTECTED);
    expect([at.forwarded(), at.codes()]).toEqual([1, ['HF_HELD']]);
  });
});

describe('when undo data cannot be taken out of the target', () => {
  it.each([
    ['guarded', 'rows that would be kept', ROWS, ['HF_PROTECTION_LOST'], 0],
    ['guarded', 'a plain write', WRITE, [], 1],
    ['guarded', 'a read', READ, [], 1],
    ['sealed', 'a DROP, before anybody signs', DROP, ['HF_PROTECTION_LOST'], 0],
    ['sealed', 'a read', READ, [], 1],
    ['sealed', 'a plain write, which people sign', WRITE, [], 1],
  ] as const)('%s: %s', async (level, _what, reading, codes, forwarded) => {
    const at = world(reading, { level, protection: LOST, reversal: CAPTURE });
    at.desk.standing = 'signed';
    await at.send();
    expect([at.codes(), at.forwarded()]).toEqual([codes, forwarded]);
    expect(at.said.every(({ message }) => message.includes('the vault store is full'))).toBe(true);
  });

  it('a signed DROP is not forwarded, and the approval is kept', async () => {
    const at = world(DROP, { protection: LOST, reversal: RENAME });
    at.desk.standing = 'signed';
    await at.send();
    expect([at.forwarded(), at.desk.consumed, at.codes()]).toEqual([0, 0, ['HF_PROTECTION_LOST']]);
  });
});

describe('what an inverse operation takes back', () => {
  interface Wish {
    readonly level?: EnvironmentLevel;
    readonly canKeep: boolean;
    readonly isStubborn?: boolean;
    /** What happens in the moment it is kept. */
    readonly meanwhile?: 'nothing' | 'paused' | 'lost';
    readonly signed?: boolean;
    readonly rules?: string;
  }

  const HELD_ALL_THE_SAME = `
    @id("own.variables") @verdict("hold") @people("1") @reason("variables are for people")
    forbid (principal, action, resource) when { context.verb == "variableDelete" };`;

  const ONLY_TAKEN_BACK = `
    @id("own.lost") @verdict("hold") @people("1") @reason("what is lost is for people")
    forbid (principal, action == Action::"destroy", resource)
    unless { context.reversal == "inverse" };`;

  /** As HTTP lends it: what cannot be kept is from then on an act that nothing takes back. */
  async function sent({
    level = 'guarded',
    canKeep,
    isStubborn = false,
    meanwhile = 'nothing',
    signed = false,
    rules,
  }: Wish) {
    const target = { ...guardedTarget, environment: { name: `${level}-env`, level } };
    const recorder = new FakeRecorder();
    const desk = new FakeDesk();
    const deferrals = new FakeDeferrals();
    const order: string[] = [];
    const decide = recorder.decide.bind(recorder);
    recorder.decide = (decision) => {
      const { verdict } = decision;
      order.push(verdict.kind === 'protect' ? `protect by ${verdict.reversal}` : verdict.kind);
      return decide(decision);
    };
    const pipeline = new Pipeline({
      targets: { resolve: () => target },
      judge: signed ? judgeOf(HELD_ALL_THE_SAME) : judgeOf(rules),
      allowances: { allowanceOf: () => allowance },
      recoveryOf: () => NOT_CONFIGURED,
      desk,
      deferrals,
      recorder,
      holdWaitMs: 0,
    });
    let allowance = ANYTHING;
    let protection = FULL;
    const send = async (): Promise<void> => {
      const facts = { asked: 'railway/a/b', searchPath: [] };
      let isLost = false;
      const exchange: Exchange = {
        get intent() {
          return intentOf('the request', isLost ? UNKEPT : KEPT);
        },
        get reversal() {
          return isLost ? NONE : INVERSE;
        },
        lasting: 'at-once',
        get protection() {
          return protection;
        },
        locate: () => facts,
        keep: async () => {
          order.push('keep');
          if (meanwhile === 'paused') allowance = { ...ANYTHING, stop: PAUSED };
          if (meanwhile === 'lost') protection = { ...LOST, isFull: true };
          isLost = !canKeep && !isStubborn;
          return canKeep;
        },
        forward: (report) => {
          order.push('forward');
          report?.({ kind: 'done', tag: '200', transaction: 'ended' });
          return undefined;
        },
        refuse: ({ code }) => order.push(code),
      };
      await pipeline.handle(exchange);
    };
    await send();
    if (signed) {
      desk.standing = 'signed';
      await send();
    }
    return order;
  }

  it.each<readonly [story: string, wish: Wish, expected: readonly string[]]>([
    ['is kept, recorded, sent', { canKeep: true }, ['keep', 'protect by inverse', 'forward']],
    ['is held when it cannot be kept', { canKeep: false }, ['keep', 'hold', 'HF_HELD']],
    [
      'is refused when it still says it could',
      { canKeep: false, isStubborn: true },
      ['keep', 'refuse', 'HF_PROTECTION_LOST'],
    ],
    [
      'is kept where nothing asks for it',
      { level: 'open', canKeep: true },
      ['keep', 'forward', 'forward'],
    ],
    [
      'passes there all the same',
      { level: 'open', canKeep: false },
      ['keep', 'forward', 'forward'],
    ],
    [
      'is judged again where it passed only because it could be taken back, and then cannot be kept',
      { level: 'open', canKeep: false, rules: ONLY_TAKEN_BACK },
      ['keep', 'hold', 'HF_HELD'],
    ],
    [
      'waits for people in a sealed environment',
      { level: 'sealed', canKeep: true },
      ['hold', 'HF_HELD'],
    ],
    [
      'waits for people where a rule says so, and is kept then',
      { canKeep: true, signed: true },
      ['hold', 'HF_HELD', 'keep', 'protect by inverse', 'forward'],
    ],
    [
      'is not what they signed for when it cannot be kept',
      { canKeep: false, signed: true },
      ['hold', 'HF_HELD', 'keep', 'hold', 'HF_HELD'],
    ],
    [
      'is refused, signed or not, when it cannot be kept and still says it could',
      { canKeep: false, isStubborn: true, signed: true },
      ['hold', 'HF_HELD', 'keep', 'refuse', 'HF_PROTECTION_LOST'],
    ],
    [
      'does not pass, signed or not, when its agent is paused while it is kept',
      { canKeep: true, signed: true, meanwhile: 'paused' },
      ['hold', 'HF_HELD', 'keep', 'refuse', 'HF_AGENT_PAUSED'],
    ],
    [
      'nor when what would take it back is lost while it is kept',
      { canKeep: true, signed: true, meanwhile: 'lost' },
      ['hold', 'HF_HELD', 'keep', 'refuse', 'HF_PROTECTION_LOST'],
    ],
  ])('%s', async (_story, wish, expected) => {
    const order = await sent(wish);
    expect(order).toEqual(expected);
  });
});
