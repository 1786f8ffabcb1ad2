/**
 * What a vault that claims to be locked must withstand, and what one that lies must be found out by.
 * An implementation lends its ground, who is tried on it, and what must come out.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../model/clock.ts';
import { type ProofGround, proveBlastRadius, type SealedProof, type Suspect } from '../proof.ts';

export interface HostileWorld {
  readonly ground: ProofGround;
  readonly suspects: readonly Suspect[];
  end(): Promise<void>;
}

export const TEST_ACT_MS_MAX = 20_000;
const CANARY_MS = 24 * 60 * 60 * 1000;

export function proveWith(
  ground: ProofGround,
  suspects: readonly Suspect[],
  changes: { readonly canaryMs?: number; readonly signal?: AbortSignal } = {},
): Promise<SealedProof> {
  return proveBlastRadius({
    ground,
    suspects,
    clock: systemClock,
    sameAs: [],
    snapshots: [],
    canaryMs: CANARY_MS,
    actMsMax: TEST_ACT_MS_MAX,
    signal: new AbortController().signal,
    ...changes,
  });
}

export function hostileSuite(
  name: string,
  expected: 'PROVEN' | 'REFUTED',
  makeWorld: () => Promise<HostileWorld>,
): void {
  describe(`${name} under attack comes out ${expected}`, () => {
    let world: HostileWorld;
    let sealed: SealedProof;
    beforeAll(async () => {
      world = await makeWorld();
      sealed = await proveWith(world.ground, world.suspects);
      process.stdout.write(`${tableOf(name, sealed)}\n`);
    }, 240_000);
    afterAll(async () => {
      await world?.end();
    });

    it(`says ${expected} of the whole`, () => {
      expect(sealed.proof.why).not.toBe('');
      expect(sealed.proof.verdict).toBe(expected);
      expect(sealed.proof.isOutside).toBe(expected === 'PROVEN');
    });

    it('tried something with each credential that it could try', () => {
      const tried = sealed.proof.credentials.filter(({ acts }) => acts.length > 0);
      expect(tried.length).toBe(world.suspects.filter(({ trial }) => trial.kind === 'acts').length);
      expect(tried.length).toBeGreaterThan(0);
    });

    if (expected === 'PROVEN') {
      it('was refused by an answer about the act, and gave the bytes back each time', () => {
        for (const { name: who, verdict, acts } of sealed.proof.credentials) {
          for (const { act, outcome, bytes, answer } of acts) {
            const found = `${who} ${act}: ${outcome}, ${bytes}, ${answer}`;
            expect(['refused', 'harmless', 'no-key'], found).toContain(outcome);
            expect(bytes, found).toBe('whole');
          }
          expect(['PROVEN', 'NO KEY HERE']).toContain(verdict);
        }
      });

      it('has the canary still, when all have tried', async () => {
        const planted = await world.ground.plant(new Date(Date.now() + CANARY_MS));
        const signal = new AbortController().signal;
        expect(await world.ground.readBack(planted, signal)).toEqual({ kind: 'whole' });
        const wrong = { ...planted, sha256: '0'.repeat(64) };
        expect((await world.ground.readBack(wrong, signal)).kind).toBe('lost');
      });
    }
  });
}

function tableOf(name: string, { proof }: SealedProof): string {
  const lines = proof.credentials.flatMap(({ name: who, verdict, acts }) => [
    `  ${who}: ${verdict}`,
    ...acts.map(
      ({ act, outcome, bytes, answer }) =>
        `    ${act.padEnd(24)} ${outcome.padEnd(10)} bytes ${bytes.padEnd(8)} ${answer}`,
    ),
  ]);
  return [`${name}: ${proof.verdict}. ${proof.why}`, ...lines].join('\n');
}
