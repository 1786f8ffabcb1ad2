import { describe, expect, it } from 'vitest';
import type { Intent } from '../model/intent.ts';
import type { Target } from '../model/target.ts';
import type { Hold } from '../model/verdict.ts';
import { cardOf, NO_EXTRAS } from './card.ts';

const TARGET: Target = {
  name: 'main-db',
  environment: { name: 'production', level: 'guarded' },
  protocol: 'postgres',
  resolvedBy: 'declared in holdfast.yaml',
};
const HOLD: Hold = { kind: 'hold', rule: 'guarded.destroy', reason: 'It destroys.', people: 1 };
const TEXT = 'DELETE FROM accounts WHERE plan = $1';

function shown(acts: readonly Buffer[], text = TEXT): string {
  const intent: Intent = {
    actor: { kind: 'agent', id: 'agent_1', name: 'cursor', tokenId: 'token_1' },
    session: { id: 'session_1', protocol: 'postgres', source: '127.0.0.1:5', client: 'psql' },
    reading: { kind: 'understood', effects: [] },
    text: () => Buffer.from(text),
    acts: () => acts,
  };
  return cardOf(intent, TARGET, HOLD, null, NO_EXTRAS).statement;
}

/** The only statement that the name may run, as in Parse: text, NUL, types of its parameters. */
function meaning(text: string, ...types: readonly number[]): Buffer {
  const numbers = Buffer.alloc(2 + 4 * types.length);
  numbers.writeUInt16BE(types.length, 0);
  for (const [at, type] of types.entries()) numbers.writeUInt32BE(type, 2 + 4 * at);
  const body = Buffer.concat([Buffer.from(`${text}\0`), numbers]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length, 0);
  return Buffer.concat([length, body]);
}

/** A Bind behind its names: all in text, all results in text. */
function bind(...values: readonly (string | null)[]): Buffer {
  const pieces: Buffer[] = [int16(0), int16(values.length)];
  for (const value of values) {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value === null ? -1 : Buffer.byteLength(value), 0);
    pieces.push(length, Buffer.from(value ?? ''));
  }
  return Buffer.concat([...pieces, int16(0)]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value, 0);
  return bytes;
}

describe('the statement on a card', () => {
  it('stands as it was sent when nothing is bound to it', () => {
    expect(shown([Buffer.from('path'), Buffer.from(''), Buffer.from(TEXT)])).toBe(TEXT);
  });

  it('has the values bound to it in front, where no statement could put the like', () => {
    const acts = (value: string) => [Buffer.from('path'), meaning(TEXT, 25), bind(value)];
    expect(shown(acts('enterprise'))).toBe(`$1 = 'enterprise'\n\n${TEXT}`);
    expect(shown(acts('trial'))).not.toBe(shown(acts('enterprise')));
    const faked = `${TEXT}\n-- $1 = 'trial'`;
    const real = [Buffer.from('path'), meaning(faked, 25), bind('enterprise')];
    expect(shown(real, faked).split('\n')[0]).toBe("$1 = 'enterprise'");
  });

  it('keeps a value to its own line, and says NULL', () => {
    const acts = [
      Buffer.from('path'),
      meaning('SELECT f($1, $2)', 25, 25),
      bind('a\n$2 = 1', null),
    ];
    const [first, second] = shown(acts, 'SELECT f($1, $2)').split('\n');
    expect(first).toMatch(/^\$1 = 'a.*\$2 = 1'$/);
    expect(second).toBe('$2 = NULL');
  });

  it('looks at no more of a value than it can show, which then has no end', () => {
    const long = 'x'.repeat(20_000_000);
    const [first = ''] = shown([Buffer.from('path'), meaning(TEXT, 25), bind(long)]).split('\n');
    expect(first).toMatch(/^\$1 = 'x{299}$/);
  });

  it('says so when the values cannot be shown', () => {
    const acts = [Buffer.from('path'), meaning(TEXT, 70_000), bind('x')];
    expect(shown(acts)).toBe(`$1 ... = values that cannot be shown\n\n${TEXT}`);
  });
});
