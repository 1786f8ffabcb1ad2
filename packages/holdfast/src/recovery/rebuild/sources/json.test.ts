import { describe, expect, it } from 'vitest';
import { sourceFile } from '../../../testing/source-files.ts';
import { readJson } from './json.ts';

function read(content: string, list: string | null = null) {
  return readJson(sourceFile('payments', content), { encoding: 'utf-8', list });
}

function fieldsOf(content: string, list: string | null = null) {
  return read(content, list).records.map(({ fields }) => Object.fromEntries(fields));
}

describe('payments as JSON', () => {
  it.each([
    ['an array', '[{"a":1},\n {"a":2}]', null],
    [
      'an array in an object',
      '{"object":"list","x":{"data":[]},"data":[{"a":1},{"a":2}],"more":false}',
      'data',
    ],
    ['a line each', '{"a":1}\n\n{"a":2}\n', null],
    ['a mark of the byte order', '\ufeff[{"a":1},{"a":2}]', null],
  ])('reads %s', (_story, text, list) => {
    expect(fieldsOf(text, list)).toEqual([{ a: '1' }, { a: '2' }]);
  });

  it('keeps numbers as they are written', () => {
    expect(
      fieldsOf('[{"amount":80.10,"id":12345678901234567890,"big":1e400,"none":null}]'),
    ).toEqual([{ amount: '80.10', id: '12345678901234567890', big: '1e400' }]);
  });

  it('names what is nested by its path', () => {
    expect(fieldsOf('[{"m":{"booking":"BK-1"},"lines":[{"n":1},{"n":"}]"}]}]')).toEqual([
      { 'm.booking': 'BK-1', 'lines.0.n': '1', 'lines.1.n': '}]' },
    ]);
  });

  it('finds a record again by its place in the bytes', () => {
    const text = '[ {"n":"é"} , {"n":"two"} ]';
    const { records } = read(text);
    const bytes = Buffer.from(text);
    expect(records.map(({ by }) => bytes.subarray(by.offset).toString().slice(0, 6))).toEqual([
      '{"n":"',
      '{"n":"',
    ]);
    expect(records.map(({ by }) => by.record)).toEqual([1, 2]);
  });

  it.each<readonly [story: string, text: string, why: RegExp, read: number]>([
    ['a name twice', '[{"a":1,"a":2},{"b":1}]', /twice/, 1],
    ['a name with a dot that is another', '[{"a":{"b":1},"a.b":2}]', /another field/, 0],
    ['no objects', '[1,"x",[1],{"b":1}]', /no object/, 1],
    ['nesting', `[{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}},{"b":1}]`, /deeper/, 1],
    ['what is too large', `[{"a":"${'x'.repeat(300_000)}"},{"b":1}]`, /larger/, 1],
    [
      'too many fields',
      `[{${Array.from({ length: 501 }, (_, at) => `"f${at}":1`).join(',')}}]`,
      /more than 500/,
      0,
    ],
    ['a file that was cut off', '[{"b":1},{"a":"BK-9', /does not end/, 1],
    ['an array that was cut off', '[{"b":1}', /no comma/, 1],
    ['words between two records', '[{"b":1} oops {"a":1}]', /no comma/, 1],
    ['a line that is none', '{"b":1}\nnot json\n', /no JSON/, 1],
    ['brackets that open nothing', `{"b":1}\n${'['.repeat(50_000)}`, /deeper/, 1],
  ])('leaves %s unread, and reads the rest', (_story, text, why, count) => {
    const { records, unread } = read(text);
    expect(records).toHaveLength(count);
    expect(unread[0]?.why).toMatch(why);
    expect(unread.every((one) => one.by.snippet.length < 1_000)).toBe(true);
  });

  it('refuses a file without the array it is told of', () => {
    expect(() => read('{"rows":[]}', 'data')).toThrow(/neither/);
    expect(() => read('{"rows":[{"data":[{"a":1}]}]}', 'data')).toThrow(/neither/);
  });

  it('refuses more records than are read', () => {
    expect(() => read(`[${'{},'.repeat(100_001)}{}]`)).toThrow(/at most 100000/);
  });

  it('has no field that objects are made of', () => {
    const { records } = read('[{"__proto__":{"isAdmin":true},"id":1}]');
    expect(records[0]?.fields.get('__proto__.isAdmin')).toBe('true');
    expect(Reflect.get({}, 'isAdmin')).toBeUndefined();
  });
});
