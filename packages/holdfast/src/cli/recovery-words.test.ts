import { expect, it } from 'vitest';
import type { TargetReport } from '../recovery/target-report.ts';
import { paintFor } from './print.ts';
import { drillLines, proofLines, reportLines } from './recovery-words.ts';

const PLAIN = paintFor({ write: () => true }, {});
const PROOF = {
  ...({ verdict: 'PROVEN', why: 'None could.', isOutside: true } as const),
  ...{ sameAs: [], sameBlastRadius: [], credentials: [] },
};

it.each([
  ['UNKNOWN', 'The restorer’s keys are not here.\u001b[2K'],
  ['REFUTED', 'It was deleted.'],
  ['PROVEN', 'It was the lock.'],
] as const)('says of the lock what was found, beside the verdict: %s', (verdict, why) => {
  const lines = proofLines('far', { ...PROOF, control: { verdict, why } }, PLAIN);
  const [line = ''] = lines.filter((one) => one.includes('lock:'));
  expect(line).toContain(`lock: ${verdict}. ${why.slice(0, 10)}`);
  expect(line).not.toContain('\u001b');
  expect(proofLines('near', { ...PROOF, control: null }, PLAIN).join()).not.toContain('lock:');
});

it.each([
  ['foreign', /No witness lies beside it: nobody compared/],
  ['foreign', /with a key that is not here: of another installation, or of somebody who says so/],
  ['elsewhere', /taken into another vault/],
  [undefined, /^✓ drill d1 of p1, to the newest WAL: passed\n {2}✓ recovered: It did\.$/],
] as const)('says of a drill that counts for nothing that it does: %s', (seal, said) => {
  const lines = drillLines(
    {
      ...{ format: 'holdfast/drill/1', id: 'd1', target: 'shop', vault: 'far', point: 'p1' },
      ...{ pointDigest: 'a'.repeat(64), goal: { at: null, lsn: null }, phases: null },
      ...{ startedAt: '2026-11-28T12:00:00.000Z', endedAt: '2026-11-28T12:00:09.000Z' },
      ...{ rtoMs: null, rpoMs: null, verdict: 'passed', isolation: null, server: null },
      checks: [{ name: 'recovered', end: 'passed', said: 'It did.' }],
      ...(seal === undefined ? {} : { seal }),
    },
    PLAIN,
  );
  expect(lines.join('\n')).toMatch(said);
});

const NOW = new Date('2026-11-28T12:00:00Z');
const NOWHERE = {
  ...{ host: null, device: null, volume: null, account: null, project: null, endpoint: null },
};
const TROUBLE = 'process 14792 has it (HF_VAULT_REFUSED). One Holdfast keeps one vault.';

function reportWith(more: Partial<TargetReport>): TargetReport {
  return {
    ...{ format: 'holdfast/recovery-report/1', target: 'shop', at: NOW.toISOString() },
    ...{ isRunning: true, colour: 'red', because: [], proven: null, outside: null },
    ...{ rpoMs: null, rtoMs: null, whereabouts: NOWHERE, snapshots: [] },
    promise: { rpoMs: 60_000, rtoMs: 900_000, provenAgeMsMax: 1 },
    facts: { provenAgeMinutes: 1, outsideBlastRadius: false, rpoSeconds: 1, colour: 'red' },
    vaults: [
      {
        ...{ name: 'near', kind: 'local', colour: 'red', protectsFrom: [] },
        ...{ doesNotProtectFrom: [], troubles: [TROUBLE, 'The disk is full.'], hints: [] },
        ...{ sameAs: [], points: [], lastDrill: null, proof: null, tried: [], newestWalAt: null },
        ...{ window: null, whereabouts: NOWHERE, history: { drills: [], proofs: [] } },
        ...{ views: [], gaps: [], others: null, gapDrill: null },
      },
    ],
    ...more,
  };
}

it.each([
  [864_109_000, 'would lose     10 d 1 h (promised: 1 min)'],
  [400, 'would lose     0.4 s (promised: 1 min)'],
  [119_000, 'would lose     1 min 59 s (promised: 1 min)'],
])('says %i ms in units that a person reads', (rpoMs, line) => {
  expect(reportLines(reportWith({ rpoMs }), NOW, PLAIN)).toContain(`  ${line}`);
});

it('was looked at now, or before: never in the future, whatever the clocks say', () => {
  const said = (at: string) =>
    reportLines(reportWith({ at }), NOW, PLAIN).find((line) => line.includes('looked at'));
  expect(said(NOW.toISOString())).toBe('  looked at      by the gateway, now');
  expect(said('2026-11-28T12:00:04Z')).toBe('  looked at      by the gateway, now');
  expect(said('2026-11-28T11:59:40Z')).toBe('  looked at      by the gateway, 20 s ago');
});

it('says the trouble of a vault once: above where it is a reason, else beside the vault', () => {
  const lines = reportLines(reportWith({ because: [`near: ${TROUBLE}`] }), NOW, PLAIN);
  expect(lines.filter((line) => line.includes('process 14792'))).toEqual([`  ○ near: ${TROUBLE}`]);
  expect(lines).toContain('    ! The disk is full.');
});

it('says of a window what of it does not come back', () => {
  const [vault] = reportWith({}).vaults;
  if (vault === undefined) throw new Error('no vault');
  const gap = { from: '2026-11-28T09:00:00.000Z', to: '2026-11-28T10:00:00.000Z' };
  const window = { from: '2026-11-28T08:00:00.000Z', to: '2026-11-28T11:00:00.000Z' };
  const lines = reportLines(
    reportWith({ vaults: [{ ...vault, window, gaps: [gap, gap, gap, gap] }] }),
    NOW,
    PLAIN,
  );
  const at = lines.findIndex((line) => line.startsWith('    window '));
  const said =
    '    but not     2026-11-28 09:00 UTC to 2026-11-28 10:00 UTC: what was streamed then is missing';
  expect(lines.slice(at + 1, at + 5)).toEqual([said, said, said, '    points      none']);
});
