import { describe, expect, it } from 'vitest';
import { plainChange } from './plain-change.ts';

describe('a plain change', () => {
  it.each([
    ['delete from t where id = 5', ['delete', 'from', 't', 'where', 'id']],
    [' DELETE FROM "T""x" WHERE a IN (1, 2.5) ;', ['delete', 'from', 'T"x', 'where', 'a', 'in']],
    [
      "update s.t set a = lower(b), c = 'it''s ; -- spy(1) /* é'::text where d between $1 and $2",
      ['update', 's', 't', 'set', 'a', 'lower', 'b', 'c', 'text', 'where', 'd', 'between', 'and'],
    ],
    [
      'merge into t using (select a from u) x on t.id = x.a when matched then delete',
      [
        'merge',
        'into',
        't',
        'using',
        'select',
        'a',
        'from',
        'u',
        'x',
        'on',
        'id',
        'when',
        'matched',
        'then',
        'delete',
      ],
    ],
  ])('%s', (text, words) => {
    expect(plainChange(text)).toEqual({ text: text.replace(/ ?;$/, ''), words });
  });

  it.each([
    'select 1',
    'explain analyze delete from t',
    'with x as (select 1) delete from t',
    'delete from t; delete from u',
    'delete from t;;',
    'delete from t where f(1)',
    'delete from t where s.f (1)',
    'delete from t where "lower"(a) = a',
    "delete from t where a = 'x'('y')",
    'delete from t where a = b[1](2)',
    'delete from t -- where a',
    'delete from t where a = 1--1',
    'delete from t /* x */ where a = 1',
    "delete from t where a = E'x'",
    "delete from t where a = b'1'",
    "delete from t where a = U&'x'",
    "delete from t where a = 'x\\'",
    'delete from t where a = $$x$$',
    'delete from t where a = $f$x$f$',
    'delete from té where a = 1',
    'delete from t where a = \u00a01',
    'delete\u00a0from t where a = 1',
    'delete from t where a = 1;\u00a0',
    "delete from t where a = 'open",
    `delete from ${'x'.repeat(64)} where a = 1`,
    `delete from t where a = '${'x'.repeat(20_000)}'`,
    'delete from t where a = 1\0',
  ])('is not: %j', (text) => {
    expect(plainChange(text)).toBeNull();
  });
});
