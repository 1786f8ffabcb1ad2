import { describe, expect, it } from 'vitest';
import { statementLine } from './statement-line.ts';

const rows: readonly (readonly [story: string, statement: string, line: string])[] = [
  ['as it is', 'drop table bookings cascade', 'drop table bookings cascade'],
  ['over lines', 'delete\n from  bookings\n', 'delete from bookings'],
  [
    'a string',
    "delete from people where mail = 'ana@x.org'",
    "delete from people where mail = '…'",
  ],
  ['two strings', "update a set b = 'x' where c = 'it''s'", "update a set b = '…' where c = '…'"],
  ['a string without an end', "select 'secret", "select '…'"],
  ['a quote in an identifier', `select "it's", 'x' from y`, `select "it's", '…' from y`],
  ['a quote in a comment', "/* it's */ select 'x' -- y'all\n, 'z'", "select '…' , '…'"],
  ['a comment that would hide it', `/*${' harmless'.repeat(500)} */ drop table a`, 'drop table a'],
  ['a comment without an end', 'drop table a /* x', 'drop table a'],
  ['dollar quotes', "do $x$ select 'a'; $$ ' $x$; drop table b", 'do $…$; drop table b'],
  [
    'a parameter is no quote',
    'delete from a where b = $1 and c = $2',
    'delete from a where b = $1 and c = $2',
  ],
  ['an escape, if it is one', "select E'a\\'b' , 'c', d", "select E'…'"],
  ['a password', `alter role a password 'hunter2'`, `alter role a password '…'`],
  ['a password in JSON', '{"password": "hunter2", "id": "a1"}', '{"password": "…", "id": "a1"}'],
  ['a token', 'POST /x {"v":"sk_live_4eC39HqLyjWDarjtT1zdp7dc"}', 'POST /x {"v":"…"}'],
  [
    'a user in a URL',
    'create server a url postgres://u:p@h/d',
    'create server a url postgres[:]//…@h/d',
  ],
  [
    'an id',
    'mutation { volumeDelete(volumeId: "6f1de6fb-0e5e-4b5c-9a0d-0c7f3f6f2f10") }',
    'mutation { volumeDelete(volumeId: "6f1de6fb-0e5e-4b5c-9a0d-0c7f3f6f2f10") }',
  ],
];

describe('the line of a statement', () => {
  it.each(rows)('%s', (_story, statement, line) => {
    expect(statementLine(statement, 200)).toBe(line);
  });

  it('says that there is more', () => {
    expect(statementLine(`drop table a; ${'select 1; '.repeat(5000)}`, 60)).toMatch(
      /^drop table a; select.*…$/,
    );
  });

  it.each([
    ['quotes', "'".repeat(8192)],
    ['dollars', '$'.repeat(8192)],
    ['dollar tags', '$a'.repeat(4096)],
    ['comments', '/*'.repeat(4096)],
    ['double quotes and backslashes', '"\\'.repeat(4096)],
    ['letters', 'a'.repeat(8192)],
    ['secrets', 'secret'.repeat(1365)],
    ['colons', '://'.repeat(2700)],
  ])('does not take long over nothing but %s', (_story, statement) => {
    // An agent chooses the text: what goes wrong here takes minutes, and the gateway with it.
    expect(statementLine(statement.repeat(1000), 200).length).toBeLessThanOrEqual(200);
  });
});
