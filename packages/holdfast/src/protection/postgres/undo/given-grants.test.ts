/** Where a step of an undo is split, and where nothing that looks like it is. */
import { describe, expect, it } from 'vitest';
import { partsOfStep } from './given-grants.ts';

const GIVEN = 'set local role deploy; grant SELECT on table public.t to reports; reset role';

describe('a grant that somebody else gave', () => {
  it.each([
    [GIVEN, [['deploy', 'grant SELECT on table public.t to reports']]],
    [
      `revoke all on table t from x cascade; ${GIVEN}; comment on table t is 'a'`,
      [
        [null, 'revoke all on table t from x cascade'],
        ['deploy', 'grant SELECT on table public.t to reports'],
        [null, " comment on table t is 'a'"],
      ],
    ],
    [
      'set local role "a;b"; grant UPDATE("c;d") on table "x;y".t to "z;" with grant option; reset role; ',
      [['"a;b"', 'grant UPDATE("c;d") on table "x;y".t to "z;" with grant option']],
    ],
  ])('%s', (sql, parts) => {
    expect(partsOfStep(sql).map(({ role, sql: part }) => [role, part])).toEqual(parts);
  });

  it.each([
    ['in a string', `comment on table t is 'x; ${GIVEN}; y'`],
    ['in a string behind a doubled quote', `comment on table t is 'it''s; ${GIVEN}; y'`],
    ['in a string with backslashes', `comment on table t is E'a\\'; ${GIVEN}; y'`],
    ['in a plain string that ends in a backslash', `select 'a\\', '; ${GIVEN}; y'`],
    ['in a name', `alter table "x; ${GIVEN}; y" add a int`],
    ['in a body', `create function f() returns int language sql as $f$ ${GIVEN}; select 1 $f$`],
    ['in a comment', `select 1 /* ; ${GIVEN}; */`],
    ['of a role', 'set local role deploy; grant app to reports; reset role'],
    ['to an agent', 'set local role app; grant ALL on table t to hf_cursor; reset role'],
    ['to an agent, quoted', 'set local role app; grant ALL on table t to "hf_cursor"; reset role'],
    ['to Holdfast', 'set local role app; grant ALL on table t to holdfast_agents; reset role'],
    ['of something else', 'set local role app; drop table t; reset role'],
    [
      'with more in between',
      'set local role app; grant ALL on table t to x; drop table t; reset role',
    ],
    ['that stays another', 'set local role app; grant ALL on table t to x'],
    ['to several', 'set local role app; grant ALL on table t to hf_cursor, x; reset role'],
  ])('not: %s', (_story, sql) => {
    expect(partsOfStep(sql).filter(({ role }) => role !== null)).toEqual([]);
  });
});
