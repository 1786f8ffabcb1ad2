import { expect, it } from 'vitest';
import { paintFor } from './print.ts';
import { drillLines, proofLines } from './recovery-words.ts';

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
