import { expect, it } from 'vitest';
import { outOfView, REBUILD_FACTS } from './rebuild-journal.ts';

const FACTS = {
  ...{ schema: 'public', table: 'stays', mappingSha256: 'a'.repeat(64), copy: '/copy' },
  ...{ at: '2026-11-27T22:00:00.000Z', sources: [] },
  counts: { READY: 1, CONFLICT: 0, INCOMPLETE: 0, EXISTS: 0, LEFT_OUT: 0, UNREADABLE: 0 },
};

it('reads facts from before copies had a view, as of a vault as it was when it was restored', () => {
  const { asOf } = REBUILD_FACTS.parse(FACTS);
  expect(asOf).toBeNull();
  expect(outOfView(asOf)).toBe('');
});

it('says of which view a copy is, with nothing of a stranger alive in it', () => {
  expect(outOfView('2026-11-28T06:00:00.000Z')).toBe(
    ', out of the vault as it was at 2026-11-28T06:00:00.000Z',
  );
  expect(outOfView('now\u001b[2J')).not.toContain('\u001b');
});
