import { describe, expect, it } from 'vitest';
import { NEVER, NOTHING_PROVEN } from '../model/recovery-facts.ts';
import type { DrillResult } from './drills/drill-result.ts';
import { verdictOf } from './drills/drill-result.ts';
import type { StoredPoint } from './recovery-point.ts';
import { factsOf, standingOf, type VaultEvidence } from './standing.ts';

const NOW = new Date('2026-11-28T12:00:00Z');
const HOUR_MS = 3_600_000;
const PROMISE = { rpoMs: 60_000, rtoMs: 15 * 60_000, provenAgeMsMax: 24 * HOUR_MS };

function ago(ms: number): string {
  return new Date(NOW.getTime() - ms).toISOString();
}

const digestOf = (id: string): string => id.repeat(64).slice(0, 64);

function point(id: string, ageMs: number): StoredPoint {
  return {
    format: 'holdfast/point/1',
    id,
    target: 'main-db',
    engine: 'pull',
    server: {
      version: 150_020,
      systemIdentifier: '7',
      walSegmentBytes: 16_777_216,
      hasChecksums: true,
    },
    wal: { timeline: 1, startLsn: '0/2000028', endLsn: '0/2000100' },
    startedAt: ago(ageMs + 60_000),
    endedAt: ago(ageMs),
    files: [],
    prior: null,
    recipients: [],
    previous: null,
    digest: digestOf(id),
  };
}

function drill(of: string, ageMs: number, verdict: DrillResult['verdict']): DrillResult {
  return {
    format: 'holdfast/drill/1',
    id: `d-${of}-${ageMs}`,
    target: 'main-db',
    vault: 'offsite',
    point: of,
    pointDigest: digestOf(of),
    goal: { at: null, lsn: '0/2000100' },
    startedAt: ago(ageMs + 10_000),
    endedAt: ago(ageMs),
    phases: null,
    rtoMs: 6_000,
    rpoMs: null,
    checks: [{ name: 'tables', end: 'passed', said: 'All 3 tables hash alike.' }],
    verdict,
    isolation: 'no network',
    server: '15.20',
  };
}

/** Unless it is said otherwise, everything leads on from every point. */
function vault(changes: Partial<VaultEvidence> = {}): VaultEvidence {
  const found = {
    vault: 'offsite',
    colour: 'green',
    proof: 'proven',
    points: [point('a', HOUR_MS)],
    drills: [drill('a', HOUR_MS / 2, 'passed')],
    durableAt: new Date(NOW.getTime() - 400),
    troubles: [],
    ...changes,
  } as const;
  const reaches = new Map(found.points.map(({ digest }) => [digest, found.durableAt]));
  return { reaches, ...found };
}

const standing = (...vaults: VaultEvidence[]) => standingOf(vaults, PROMISE, NOW);

describe('standingOf', () => {
  it('is green with a fresh proven point in a vault that refused every credential', () => {
    const found = standing(vault());
    expect(found).toMatchObject({ colour: 'green', because: [], rpoMs: 400, rtoMs: 6_000 });
    expect(factsOf(found, NOW)).toEqual({
      colour: found.colour,
      provenAgeMinutes: 60,
      outsideBlastRadius: true,
      rpoSeconds: 1,
    });
  });

  it('is not outside where its files lie elsewhere than in the vault that was tried', () => {
    const repository = { stanza: 'shop', repo: null, label: 'F', bytes: 1, plainBytes: 1 };
    const elsewhere: StoredPoint = { ...point('a', HOUR_MS), engine: 'pgbackrest', repository };
    const drills = [drill('a', HOUR_MS, 'passed')];
    const here = standingOf([vault({ points: [point('a', HOUR_MS)], drills })], PROMISE, NOW);
    const there = standingOf([vault({ points: [elsewhere], drills })], PROMISE, NOW);
    expect([here.colour, here.outside?.point]).toEqual(['green', 'a']);
    expect([there.colour, there.outside, there.proven?.point]).toEqual(['amber', null, 'a']);
  });

  it('is amber where the vault was not tried, or could not be', () => {
    for (const proof of [null, 'unknown'] as const) {
      const found = standing(vault({ proof }));
      expect(found.colour).toBe('amber');
      expect(found.because).toEqual([
        'What is proven lies where the same hands reach as the target.',
      ]);
      expect(factsOf(found, NOW).outsideBlastRadius).toBe(false);
    }
  });

  it('is never better than the vault says of itself', () => {
    expect(standing(vault({ colour: 'amber' })).colour).toBe('amber');
  });

  it.each([
    ['no point at all', { points: [], drills: [] }],
    ['a point without a drill', { drills: [] }],
    ['a drill that failed', { drills: [drill('a', 0, 'failed')] }],
    ['a drill that could not run', { drills: [drill('a', 0, 'could-not-run')] }],
    [
      'a drill that passed before one that failed',
      {
        drills: [drill('a', 2_000, 'passed'), drill('a', 1_000, 'failed')],
      },
    ],
    ['a drill of another point', { drills: [drill('b', 0, 'passed')] }],
    ['a vault whose contents can be destroyed', { proof: 'refuted' as const }],
    ['a point that claims to come from the future', { points: [point('a', -HOUR_MS)] }],
    ['a vault that is red itself', { colour: 'red' as const }],
    [
      'a point.json that is not the one that was drilled',
      { points: [{ ...point('a', HOUR_MS), digest: digestOf('f') }] },
    ],
  ])('counts %s as nothing proven', (_, changes) => {
    const found = standing(vault(changes));
    expect(found).toMatchObject({ colour: 'red', proven: null, outside: null });
    expect(factsOf(found, NOW)).toEqual(NOTHING_PROVEN);
  });

  it('is red when what is proven is older than it may be, and says how old', () => {
    const found = standing(vault({ points: [point('a', 30 * HOUR_MS)] }));
    expect(found).toMatchObject({ colour: 'red' });
    expect(found.because).toEqual(['The newest proven point is 30 hours old.']);
  });

  it('is red when the WAL stands still, and when there is none', () => {
    const still = standing(vault({ durableAt: new Date(NOW.getTime() - 5 * 60_000) }));
    expect(still.because).toEqual(['The newest WAL is 5 minutes old.']);
    const late = standing(vault({ durableAt: new Date(NOW.getTime() - 61_000) }));
    expect(late.because).toEqual(['The newest WAL is 1 minute old.']);
    const none = standing(vault({ durableAt: null }));
    expect(none.because).toEqual(['No WAL reaches a vault.']);
    expect(factsOf(none, NOW).rpoSeconds).toBe(NEVER);
  });

  it('counts what lies outside although something newer lies inside', () => {
    const inside = vault({
      vault: 'local',
      colour: 'amber',
      proof: 'unknown',
      points: [point('b', 60_000)],
      drills: [drill('b', 0, 'passed')],
    });
    const found = standing(inside, vault());
    expect(found.colour).toBe('green');
    expect(found.proven?.point).toBe('b');
    expect(found.outside?.point).toBe('a');
    expect(factsOf(found, NOW)).toMatchObject({ provenAgeMinutes: 60, outsideBlastRadius: true });
  });

  describe('with something newer that lies inside', () => {
    const inside = (changes: Partial<VaultEvidence> = {}) =>
      vault({
        vault: 'local',
        colour: 'amber',
        proof: 'unknown',
        points: [point('b', 60_000)],
        drills: [drill('b', 0, 'passed')],
        ...changes,
      });

    it('is not green by an old point outside, and says how old that is', () => {
      const old = vault({ points: [point('a', 30 * 24 * HOUR_MS)] });
      const found = standing(inside(), old);
      expect(found.colour).toBe('amber');
      expect(found.because).toEqual(['The newest proven point outside is 30 days old.']);
    });

    it.each([
      ['that stands still', new Date(NOW.getTime() - 26 * HOUR_MS), 26 * 3600],
      ['that there is none of', null, NEVER],
    ])(
      'is not green by WAL outside %s, nor does a rule see that inside',
      (_, durableAt, seconds) => {
        const found = standing(inside(), vault({ durableAt }));
        expect(found.colour).toBe('amber');
        expect(found.because).toHaveLength(1);
        expect(found.because[0]).toMatch(/WAL.* offsite/);
        expect(factsOf(found, NOW)).toMatchObject({ provenAgeMinutes: 60, rpoSeconds: seconds });
      },
    );

    it('takes nothing out of a vault that is red, though what lies elsewhere is well', () => {
      const found = standing(inside({ colour: 'red' }), vault());
      expect(found.proven?.point).toBe('a');
      expect(found.colour).toBe('amber');
      expect(found.because).toEqual([
        'The vault local is red: what lies there does not count as proven.',
      ]);
    });
  });

  it('takes no point for younger than the first drill of it', () => {
    const rewritten = vault({
      points: [point('a', 0)],
      drills: [drill('a', 30 * HOUR_MS, 'passed'), drill('a', 1_000, 'passed')],
    });
    const found = standing(rewritten);
    expect(found.colour).toBe('red');
    expect(found.because).toEqual(['The newest proven point is 30 hours old.']);
  });

  it('is amber while no drill that passed compared the rows, and says so', () => {
    const recovered = { name: 'recovered', end: 'passed', said: '' } as const;
    const without = (ageMs: number): DrillResult => ({
      ...drill('a', ageMs, 'passed'),
      checks: [recovered],
    });
    const found = standing(vault({ drills: [without(1_000)] }));
    expect(found.colour).toBe('amber');
    expect(found.because).toEqual(['No drill compared the rows of a with a witness.']);
    // One at a random moment later, which has no witness, does not take back what an earlier one showed.
    const compared = [drill('a', HOUR_MS / 2, 'passed'), without(1_000)];
    expect(standing(vault({ drills: compared })).colour).toBe('green');
  });
});

describe('verdictOf', () => {
  const check = (end: 'passed' | 'failed' | 'could-not-run') =>
    ({ name: 'tables', end, said: '' }) as const;

  it('never reads as passed when something could not be looked at, or nothing was', () => {
    expect(verdictOf([])).toBe('could-not-run');
    expect(verdictOf([check('passed'), check('could-not-run')])).toBe('could-not-run');
    expect(verdictOf([check('could-not-run'), check('failed')])).toBe('failed');
    expect(verdictOf([check('passed')])).toBe('passed');
  });
});
