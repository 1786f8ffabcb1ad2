import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson } from '../../model/canonical.ts';
import { JsonPieces } from './json-pieces.ts';

/** Put together again of its pieces. */
function whole(text: string): unknown {
  const members: [string, unknown][] = [];
  for (const piece of new JsonPieces(Buffer.from(text)).members()) {
    if (piece.kind === 'value') members.push([piece.name, piece.value]);
    if (piece.kind === 'list') members.push([piece.name, []]);
    const last = members.at(-1)?.[1];
    if (piece.kind === 'element' && Array.isArray(last)) {
      expect(piece.at).toBe(last.length);
      last.push(piece.value);
    }
  }
  return Object.fromEntries(members);
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('"', '\\', '\\"', ']}', '[{,:'),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

it('is the object that JSON.parse reads, for whatever stands in it', () => {
  const objects = fc.dictionary(text, value, { maxKeys: 6, noNullPrototype: true });
  fc.assert(
    fc.property(objects, (given) => {
      const written = canonicalJson(given);
      expect(whole(written)).toEqual(JSON.parse(written));
    }),
    { numRuns: 500 },
  );
});

it.each([
  ['nothing', ''],
  ['a list', '[1]'],
  ['an end too early', '{"a":[1,2'],
  ['a text without its end', '{"a":"b\\"}'],
  ['something behind it', '{"a":1}{}'],
  ['a comma too many', '{"a":[1,]}'],
  ['no value', '{"a":}'],
  ['a value and no name', '{"a"}'],
  ['lists that end otherwise', '{"a":[1}'],
  ['a blank', '{"a":1} '],
])('refuses %s', (_story, given) => {
  expect(() => whole(given)).toThrow(SyntaxError);
});
