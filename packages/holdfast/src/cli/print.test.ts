import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../model/errors.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import {
  fromNow,
  oneLine,
  printAnswer,
  printError,
  type Streams,
  table,
  visible,
} from './print.ts';

function streams(env: Streams['env'] = {}, isTTY = false) {
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err') => ({
    isTTY,
    write: (text: string) => {
      written[name] += text;
      return true;
    },
  });
  const input = { on: () => {}, off: () => {}, once: () => {}, resume: () => {}, pause: () => {} };
  return { written, streams: { out: stream('out'), err: stream('err'), in: input, env } };
}

const ESC = '\u001b';

describe('what others wrote, on the screen of the person who approves', () => {
  const rows = [
    [
      'an escape sequence that would clear the line',
      `DROP${ESC}[2K TABLE t`,
      'DROP\\u{1b}[2K TABLE t',
    ],
    [
      'a carriage return that would overwrite it',
      'DROP TABLE t\rSELECT 1',
      'DROP TABLE t\\u{d}SELECT 1',
    ],
    ['a right-to-left override', 'a\u202Eb', 'a\\u{202e}b'],
    ['a C1 control character', 'a\u009b2Jb', 'a\\u{9b}2Jb'],
    ['a zero-width space', 'DR\u200BOP', 'DR\\u{200b}OP'],
    ['letters of other alphabets stay', 'größe 東京', 'größe 東京'],
    ['line breaks stay, a tab becomes blanks', 'SELECT\n\t1', 'SELECT\n  1'],
  ] as const;
  it.each(rows)('%s', (_story, given, shown) => {
    expect(visible(given)).toBe(shown);
  });

  it('comes on one line in a list', () => {
    expect(oneLine(' DROP\n  TABLE\r\n t ')).toBe('DROP TABLE t');
  });
});

describe('answers', () => {
  const answer = { json: { n: 1n, at: new Date(0) }, lines: () => ['one', 'two'] };

  it('are lines for people', () => {
    const { written, streams: around } = streams();
    expect(printAnswer(answer, false, around)).toBe(EXIT.ok);
    expect(written).toEqual({ out: 'one\ntwo\n', err: '' });
  });

  it('are one JSON value with --json', () => {
    const { written, streams: around } = streams();
    printAnswer(answer, true, around);
    expect(JSON.parse(written.out)).toEqual({ n: '1', at: '1970-01-01T00:00:00.000Z' });
    expect(written.out.trim().split('\n')).toHaveLength(1);
  });

  it('carry no colour without a terminal, nor with NO_COLOR', () => {
    const coloured = {
      json: null,
      lines: (paint: { red: (t: string) => string }) => [paint.red('x')],
    };
    const plain = streams({}, false);
    printAnswer(coloured, false, plain.streams);
    expect(plain.written.out).toBe('x\n');
    const asked = streams({ NO_COLOR: '1' }, true);
    printAnswer(coloured, false, asked.streams);
    expect(asked.written.out).toBe('x\n');
    const terminal = streams({}, true);
    printAnswer(coloured, false, terminal.streams);
    expect(terminal.written.out).toBe(`${ESC}[31mx${ESC}[39m\n`);
  });
});

describe('errors', () => {
  const facts = { expected: 'a hold', found: 'none', hint: 'See the list.' };

  it('say what, expected, found and what to do, on stderr', () => {
    const { written, streams: around } = streams();
    printError(new HoldfastError('HF_HOLD_UNKNOWN', facts), false, around);
    expect(written.out).toBe('');
    expect(written.err).toBe(
      'holdfast: No such hold (HF_HOLD_UNKNOWN)\n' +
        '  expected  a hold\n  found     none\n  do        See the list.\n',
    );
  });

  it('are one JSON value on stdout with --json', () => {
    const { written, streams: around } = streams();
    printError(new HoldfastError('HF_HOLD_UNKNOWN', facts), true, around);
    expect(JSON.parse(written.out)).toEqual({
      error: { code: 'HF_HOLD_UNKNOWN', title: 'No such hold', ...facts },
    });
  });

  it.each([
    ['HF_HOLD_UNKNOWN', EXIT.no],
    ['HF_TOTP_WRONG', EXIT.no],
    ['HF_TRAIL_BROKEN', EXIT.no],
    ['HF_CONFIG_INVALID', EXIT.usage],
    ['HF_USAGE', EXIT.usage],
    ['HF_STORE_UNAVAILABLE', EXIT.unreachable],
    ['HF_UPSTREAM_UNREACHABLE', EXIT.unreachable],
    ['HF_INTERNAL', EXIT.internal],
  ] as const)('%s ends with exit code %i', (code, exit) => {
    expect(exitCodeOf(new HoldfastError(code, facts))).toBe(exit);
  });

  it('count as our own fault when they are of no kind we know', () => {
    expect(exitCodeOf(new TypeError('x'))).toBe(EXIT.internal);
  });
});

describe('tables and times', () => {
  it('are as wide as their widest cell', () => {
    const paint = { bold: same, dim: same, red: same, green: same, yellow: same };
    expect(table(['a', 'b'], [['long', '1']], paint)).toEqual(['a     b', 'long  1']);
  });

  it.each([
    [30, 'in 30 s'],
    [0, 'now'],
    [-90, '1 min ago'],
    [8 * 3600, 'in 8 h 0 min'],
    [72 * 3600, 'in 3 days'],
  ])('%i seconds from now is "%s"', (seconds, words) => {
    expect(fromNow(new Date(seconds * 1000), new Date(0))).toBe(words);
  });
});

function same(text: string): string {
  return text;
}
