import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical.ts';

describe('canonical JSON', () => {
  const rows: readonly (readonly [story: string, value: unknown, json: string])[] = [
    ['sorts keys by UTF-16 unit', { b: 1, a: 2, A: 3 }, '{"A":3,"a":2,"b":1}'],
    // RFC 8785, section 3.2.3: a supplementary character sorts by its surrogates, before U+FB33.
    ['sorts beyond the BMP', { '\u{1f600}': 1, '\ufb33': 2 }, '{"\u{1f600}":1,"\ufb33":2}'],
    ['escapes only what must be', '\u000f\n"\\/€', '"\\u000f\\n\\"\\\\/€"'],
    ['keeps the order of arrays', [3, [true, null], {}], '[3,[true,null],{}]'],
    ['knows the largest integer', 2 ** 53 - 1, '9007199254740991'],
  ];
  it.each(rows)('%s', (_, value, json) => {
    expect(canonicalJson(value)).toBe(json);
  });

  const refused: readonly (readonly [story: string, value: unknown])[] = [
    ['a fraction', 0.5],
    ['an integer that is not exact', 2 ** 53],
    ['minus zero, which has two spellings', -0],
    ['not a number', Number.NaN],
    ['half a surrogate pair', 'a\ud800'],
    ['half a surrogate pair in a key', { '\udc00': 1 }],
    ['undefined', { a: undefined }],
    ['a bigint', 1n],
    ['a nest without end', JSON.parse('['.repeat(40) + ']'.repeat(40))],
  ];
  it.each(refused)('refuses %s', (_, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });

  it('means the same after a round trip, and has one spelling', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.maxSafeInteger().map((n) => (n === 0 ? 0 : n)),
        fc.string({ unit: 'binary' }),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(fc.string({ unit: 'binary' }), tie('any'), {
          maxKeys: 4,
          noNullPrototype: true,
        }),
      ),
    })).any;
    fc.assert(
      fc.property(value, (input) => {
        const json = canonicalJson(input);
        expect(JSON.parse(json)).toEqual(input);
        expect(canonicalJson(JSON.parse(json))).toBe(json);
      }),
    );
  });
});
