import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../testing/manual-clock.ts';
import {
  type Act,
  type ActAnswer,
  type Canary,
  type ProofGround,
  proveBlastRadius,
  type ReadBack,
  type Suspect,
} from './proof.ts';
import type { LockControl } from './proof-shape.ts';

const REFUSED: ActAnswer = { kind: 'refused', words: '403' };
const DONE: ActAnswer = { kind: 'done', words: 'yes' };
const UNCLEAR: ActAnswer = { kind: 'unclear', words: '503' };
const NO_KEY: ActAnswer = { kind: 'no-key', words: 'unknown' };
const WHOLE: ReadBack = { kind: 'whole' };
const LOST: ReadBack = { kind: 'lost', words: '404' };
const CANARY: Canary = {
  ...{ key: 'canaries/1', version: 'v', sha256: 'f'.repeat(64), bytes: 3 },
  ...{ retainUntil: new Date('2026-12-01T00:00:00Z'), lockTrouble: null },
};

function act(answer: ActAnswer | 'throws', harmless: string | null = null): Act {
  return {
    ...{ id: 'delete', words: 'delete it', harmless },
    run: async () => {
      if (answer === 'throws') throw new Error('cut');
      return answer;
    },
  };
}

function suspect(name: string, ...acts: readonly Act[]): Suspect {
  return { name, kind: 's3', trial: { kind: 'acts', acts } };
}

function ground(readBack: ReadBack | 'throws', changes: Partial<Canary> = {}): ProofGround {
  return {
    ...{ vault: 'elsewhere', kind: 's3' },
    plant: async () => ({ ...CANARY, ...changes }),
    readBack: async () => {
      if (readBack === 'throws') throw new Error('cut');
      return readBack;
    },
  };
}

async function prove(
  on: ProofGround,
  suspects: readonly Suspect[],
  sameAs: readonly string[] = [],
) {
  return proveBlastRadius({
    ...{ ground: on, suspects, sameAs, clock: new ManualClock(), snapshots: ['nightly'] },
    ...{ canaryMs: 1_000, actMsMax: 1_000, signal: new AbortController().signal },
  });
}

describe('the verdict on a blast radius', () => {
  const good = suspect('writer', act(REFUSED), act(REFUSED));
  const loginOfDb: Suspect = { name: 'db', kind: 'postgres', trial: { kind: 'no-key', why: 'x' } };
  const untried: Suspect = { name: 'cloud', kind: 'aws', trial: { kind: 'untried', why: 'x' } };

  it.each<[string, ProofGround, readonly Suspect[], string]>([
    ['all refused, all read back', ground(WHOLE), [good], 'PROVEN'],
    ['beside a login that opens nothing here', ground(WHOLE), [good, loginOfDb], 'PROVEN'],
    ['a harmless yes', ground(WHOLE), [suspect('o', act(REFUSED), act(DONE, 'marker'))], 'PROVEN'],
    ['one act succeeded', ground(WHOLE), [suspect('o', act(REFUSED), act(DONE))], 'REFUTED'],
    ['refused, and gone all the same', ground(LOST), [good], 'REFUTED'],
    ['a harmless yes, and gone', ground(LOST), [suspect('o', act(DONE, 'marker'))], 'REFUTED'],
    ['no answer, and gone', ground(LOST), [suspect('o', act('throws'))], 'REFUTED'],
    ['not locked from the start', ground(WHOLE, { lockTrouble: 'GOVERNANCE' }), [good], 'REFUTED'],
    [
      'one act without an answer',
      ground(WHOLE),
      [suspect('o', act(REFUSED), act(UNCLEAR))],
      'UNKNOWN',
    ],
    ['an act that broke', ground(WHOLE), [suspect('o', act(REFUSED), act('throws'))], 'UNKNOWN'],
    ['refused, and not read back', ground('throws'), [good], 'UNKNOWN'],
    ['a credential that cannot be tried', ground(WHOLE), [good, untried], 'UNKNOWN'],
    ['nobody was tried', ground(WHOLE), [], 'UNKNOWN'],
    ['only logins that open nothing', ground(WHOLE), [loginOfDb], 'UNKNOWN'],
    ['only keys that nobody knows', ground(WHOLE), [suspect('o', act(NO_KEY))], 'UNKNOWN'],
    [
      'known half of the time',
      ground(WHOLE),
      [good, suspect('o', act(NO_KEY), act(REFUSED))],
      'UNKNOWN',
    ],
    ['nothing but harmless', ground(WHOLE), [suspect('o', act(DONE, 'marker'))], 'UNKNOWN'],
    ['no acts at all', ground(WHOLE), [suspect('o')], 'UNKNOWN'],
    ['one is refuted, one is open', ground(WHOLE), [untried, suspect('o', act(DONE))], 'REFUTED'],
  ])('%s', async (_story, on, suspects, expected) => {
    const { proof } = await prove(on, suspects);
    expect(proof.verdict, proof.why).toBe(expected);
    expect(proof.isOutside).toBe(expected === 'PROVEN');
  });

  it('is UNKNOWN without a canary, and tries nothing', async () => {
    let tries = 0;
    const counting: Act = {
      ...act(REFUSED),
      run: async () => {
        tries += 1;
        return REFUSED;
      },
    };
    const broken = { ...ground(WHOLE), plant: () => Promise.reject(new Error('full')) };
    const { proof } = await prove(broken, [suspect('o', counting)]);
    expect(proof).toMatchObject({ verdict: 'UNKNOWN', canary: null });
    expect(proof.why).toContain('full');
    expect(tries).toBe(0);
  });

  it('is not outside what it shares with the target, however well it is locked', async () => {
    const { proof } = await prove(ground(WHOLE), [good], ['the same account']);
    expect(proof).toMatchObject({
      verdict: 'PROVEN',
      isOutside: false,
      sameAs: ['the same account'],
    });
    expect(proof.sameBlastRadius[0]).toContain('not counted');
  });

  it('is plain data whose digest is that of its canonical text, and repeats', async () => {
    const first = await prove(ground(WHOLE), [good]);
    const second = await prove(ground(WHOLE), [good]);
    expect(first.json).toBe(second.json);
    expect(first.digest).toBe(createHash('sha256').update(first.json).digest('hex'));
    expect(JSON.parse(first.json)).toEqual(first.proof);
  });

  it.each<[string, LockControl | 'throws', string]>([
    ['that deleted what is locked', { verdict: 'REFUTED', why: 'It went.' }, 'REFUTED'],
    ['that could not be run', { verdict: 'UNKNOWN', why: 'No keys.' }, 'PROVEN'],
    ['that broke', 'throws', 'PROVEN'],
    ['that showed the lock', { verdict: 'PROVEN', why: 'It was the lock.' }, 'PROVEN'],
  ])('with a control %s is told as it is', async (_, control, verdict) => {
    const on: ProofGround = {
      ...ground(WHOLE),
      control: async () => {
        if (control === 'throws') throw new Error('cut');
        return control;
      },
    };
    const { proof } = await prove(on, [good]);
    expect(proof.verdict).toBe(verdict);
    // Never proven by silence.
    expect(proof.control?.verdict).toBe(control === 'throws' ? 'UNKNOWN' : control.verdict);
    expect(proof.isOutside).toBe(verdict === 'PROVEN');
  });

  it('has no control where nothing is locked', async () => {
    expect((await prove(ground(WHOLE), [good])).proof.control).toBeNull();
  });

  it('does not wait for an act that never ends', async () => {
    const hanging: Act = { ...act(REFUSED), run: () => new Promise(() => {}) };
    const { proof } = await proveBlastRadius({
      ...{ ground: ground(WHOLE), suspects: [suspect('o', hanging)], sameAs: [], snapshots: [] },
      ...{ clock: new ManualClock(), canaryMs: 1_000, actMsMax: 30 },
      signal: new AbortController().signal,
    });
    expect(proof.verdict).toBe('UNKNOWN');
  });
});
