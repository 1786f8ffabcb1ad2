import { expect, it } from 'vitest';
import { paintFor } from './print.ts';
import { proofLines } from './recovery-words.ts';

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
