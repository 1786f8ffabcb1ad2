import { describe, expect, it } from 'vitest';
import { plainChange } from './plain-change.ts';
import { plainCount } from './plain-count.ts';

function of(text: string) {
  const plain = plainChange(text);
  if (plain === null) throw new Error(`${text} is not plain`);
  return plainCount(plain.text);
}

describe('how the rows of a plain change are counted', () => {
  it.each<[string, string]>([
    ["delete from t where lower(a) = 'x';", "select 1 from t  where lower(a) = 'x'"],
    [
      'DELETE FROM only "T" AS x WHERE x.a % 2 = 0',
      'select 1 from only "T" AS x  WHERE x.a % 2 = 0',
    ],
    ["update s.t set a = 1, b = 'where' where a - -1 > b", 'select 1 from s.t  where a - -1 > b'],
    [
      'delete from t where a in (select b from u where b > 1)',
      'select 1 from t  where a in (select b from u where b > 1)',
    ],
  ])('%s', (text, rows) => {
    expect(of(text)).toEqual({ isRough: true, rows });
  });

  it.each([
    'delete from t using u where t.a = u.a',
    'update t set a = u.a from u where lower(u.b) = t.b',
    'delete from t where lower(a) = b returning a',
    'merge into t using u on t.a = u.a when matched then delete',
    'delete from t where current of c',
    'delete from t',
  ])('%s is not', (text) => {
    expect(of(text).rows).toBeNull();
  });

  it.each([
    'delete from t where a = 5',
    "delete from t where a >= '2020-01-01' and not (b = true or c in (1, 2))",
    'update t set a = b + 1 where a between 3 and 4',
  ])('of %s the planner has statistics', (text) => {
    expect(of(text).isRough).toBe(false);
  });

  it.each(['a = b', "a like '%x'", 'a + 0 = 5', 'a is null', "b::text = '5'", 'abs(a) < 3'])(
    'of %s it has a rule of thumb',
    (condition) => expect(of(`delete from t where ${condition}`).isRough).toBe(true),
  );
});
