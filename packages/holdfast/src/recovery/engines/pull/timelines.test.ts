import { describe, expect, it } from 'vitest';
import { nextTimeline, readHistory } from './timelines.ts';

/** As a server of 15 wrote it after two fail-overs, the second of which left out timeline 3. */
const HISTORY =
  '1\t0/3000158\tno recovery target specified\n\n2\t0/50000A0\tno recovery target specified\n';

describe('the history of a timeline', () => {
  it('says which timeline left which, and where', () => {
    const history = readHistory(HISTORY);
    expect(nextTimeline(history, 4, 1)).toEqual({ timeline: 2, start: 0x3000158n });
    expect(nextTimeline(history, 4, 2)).toEqual({ timeline: 4, start: 0x50000a0n });
    expect(nextTimeline(history, 4, 3)).toBeNull();
    expect(nextTimeline(history, 4, 4)).toBeNull();
  });

  it('passes over what is no line of it', () => {
    expect(readHistory('x\t0/1\n1\tnowhere\n# 1 0/1\n')).toEqual([]);
  });
});
