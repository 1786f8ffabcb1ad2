import fc from 'fast-check';
import { expect, it } from 'vitest';
import { membersOf } from './json-members.ts';

it.each<readonly [story: string, text: string, members: Readonly<Record<string, string>>]>([
  ['nothing', ' { } ', {}],
  [
    'numbers that no double holds',
    '{"a": 12345678901234567890, "b":1.0e+400}',
    { a: '12345678901234567890', b: '1.0e+400' },
  ],
  ['nesting', '{"a":{"b":[1,{"c":"}"}]},"d":[]}', { a: '{"b":[1,{"c":"}"}]}', d: '[]' }],
  ['white space', '{\n"a"\t:\r[ 1 , 2 ] ,"b" : "x" }', { a: '[ 1 , 2 ]', b: '"x"' }],
  [
    'brackets, commas, colons and quotes in strings',
    '{"a:{":"\\",}]","b":","}',
    { 'a:{': '"\\",}]"', b: '","' },
  ],
  ['a name that is escaped', '{"p\\u0061yload":1}', { payload: '1' }],
  ['a name of objects', '{"__proto__":1}', Object.fromEntries([['__proto__', '1']])],
])('finds %s', (_story, text, members) => {
  expect(membersOf(text)).toEqual(new Map(Object.entries(members)));
});

it.each(['{"a":1,"a":1}', '{"a":1,"\\u0061":2}'])('says that a name stands twice in %s', (text) => {
  expect(membersOf(text)).toBeNull();
});

it('finds of any object what is written in it', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (object, spaces) => {
      const members = membersOf(JSON.stringify(object, null, spaces));
      const names = Object.keys(object);
      expect([...(members ?? [])].map(([name, text]) => [name, JSON.parse(text)])).toEqual(
        names.map((name) => [name, JSON.parse(JSON.stringify(object[name]))]),
      );
    }),
  );
});
