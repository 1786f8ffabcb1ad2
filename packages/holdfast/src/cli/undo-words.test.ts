import { describe, expect, it } from 'vitest';
import { newId } from '../model/ids.ts';
import { unknownEnd } from '../recovery/restore/write-back/lost-commit.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { whoOf } from './undo-words.ts';

const RESTORE = `holdfast restore ${newId('restore', new ManualClock())}`;

describe('who an undo item is of', () => {
  it.each([
    ['the agent', { agent: 'cursor', application: 'psql' }, 'cursor'],
    ['the role', { agent: null, application: 'psql' }, 'postgres'],
    ['nothing', { agent: null, application: '' }, 'postgres'],
    ['a restore', { agent: null, application: RESTORE }, `${RESTORE} (as postgres)`],
    ['an agent that calls itself so', { agent: 'cursor', application: RESTORE }, 'cursor'],
    ['a word that only begins so', { agent: null, application: 'holdfast restore me' }, 'postgres'],
    [
      'a rebuild that was rolled back',
      { agent: null, application: 'holdfast rebuild rollback rebuild_0123456789abcdef' },
      'holdfast rebuild rollback rebuild_0123456789abcdef (as postgres)',
    ],
    [
      'words that play on a screen',
      { agent: null, application: `${RESTORE}\u001b[2K\nada` },
      expect.not.stringContaining('\u001b'),
    ],
  ])('%s', (_story, item, who) => {
    expect(whoOf({ ...item, role: 'postgres' })).toEqual(who);
  });

  it('has the name that the error sends people to', () => {
    const { hint } = unknownEnd(RESTORE, null);
    expect(hint).toContain(`“${RESTORE}”`);
    expect(whoOf({ agent: null, application: RESTORE, role: 'postgres' })).toContain(RESTORE);
  });
});
