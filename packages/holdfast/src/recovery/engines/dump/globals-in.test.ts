import { expect, it } from 'vitest';
import { statementsOf } from './globals-in.ts';

const rows: readonly [story: string, sql: string, statements: readonly string[]][] = [
  ['one a line', 'CREATE ROLE a;\nCREATE ROLE b;\n', ['CREATE ROLE a', 'CREATE ROLE b']],
  [
    'a semicolon and a line in a value',
    "ALTER ROLE a SET x TO 'one;\ntwo''s; ';\nCREATE ROLE b;",
    ["ALTER ROLE a SET x TO 'one;\ntwo''s; '", 'CREATE ROLE b'],
  ],
  [
    'backslashes, as the server quotes them',
    "ALTER ROLE a SET x TO E'c:\\\\d\\'; DROP ROLE a; --';\nCREATE ROLE b;",
    ["ALTER ROLE a SET x TO E'c:\\\\d\\'; DROP ROLE a; --'", 'CREATE ROLE b'],
  ],
  ['a name with quotes', 'CREATE ROLE "a;""b";', ['CREATE ROLE "a;""b"']],
  ['comments between', '-- database {"name":"a;b"}\nCREATE ROLE E;\n-- x', ['CREATE ROLE E']],
  [
    'dashes in a value',
    "ALTER ROLE a SET x TO '-- no; comment';",
    ["ALTER ROLE a SET x TO '-- no; comment'"],
  ],
  ['nothing', '', []],
];
it.for(rows)('globals with %s are told apart', ([, sql, statements]) => {
  expect(statementsOf(sql)).toEqual(statements);
});
