import { describe, expect, it } from 'vitest';
import { ATTEMPT_SOURCES_MAX, ATTEMPTS_MAX, ATTEMPTS_WINDOW_MS } from '../model/limits.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { Attempts } from './attempts.ts';

function worn(attempts: Attempts, source: string): void {
  for (let tried = 0; tried < ATTEMPTS_MAX; tried += 1) attempts.count(source);
}

describe('attempts of a source', () => {
  it('are so many in five minutes, and begin anew after that', () => {
    const clock = new ManualClock();
    const attempts = new Attempts(clock);
    worn(attempts, '192.0.2.1');
    expect(() => attempts.count('192.0.2.1')).toThrow(/More requests/);
    attempts.count('192.0.2.2');
    clock.pass(ATTEMPTS_WINDOW_MS - 1);
    expect(() => attempts.count('192.0.2.1')).toThrow();
    clock.pass(1);
    attempts.count('192.0.2.1');
  });

  it('do not begin anew when the wall clock is set', () => {
    const clock = new ManualClock();
    const attempts = new Attempts(clock);
    worn(attempts, '192.0.2.1');
    clock.jump(ATTEMPTS_WINDOW_MS);
    expect(() => attempts.count('192.0.2.1')).toThrow();
  });

  const same: readonly [one: string, other: string, isSame: boolean][] = [
    ['2001:db8::1', '2001:db8:0:0:ffff::2', true],
    ['2001:db8:0:0::1', '2001:0db8::', true],
    ['2001:db8:0:1::1', '2001:db8::1', false],
    ['::1', '::2', true],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
    ['fe80::1%eth0', 'fe80::2%eth1', true],
  ];
  it.each(same)('%s and %s are one network of IPv6: %s', (one, other, isSame) => {
    const attempts = new Attempts(new ManualClock());
    worn(attempts, one);
    if (isSame) expect(() => attempts.count(other)).toThrow();
    else attempts.count(other);
  });

  it('are remembered of the newest sources when there are very many', () => {
    const attempts = new Attempts(new ManualClock());
    worn(attempts, 'first');
    for (let at = 1; at <= ATTEMPT_SOURCES_MAX; at += 1) attempts.count(`source ${at}`);
    attempts.count('first');
    worn(attempts, 'last');
    expect(() => attempts.count('last')).toThrow();
  });
});
