import { expect, it } from 'vitest';
import { parsePolicyCases } from './policy-cases.ts';

it('reads cases, with what is left out filled in', () => {
  const text =
    'tests:\n  - name: drops wait\n    target: main-db\n    agent: cursor-backend\n' +
    '    sql: DROP TABLE cars\n    expect: { verdict: hold, people: 2 }\n';
  expect(parsePolicyCases(text, 'a.test.yaml')).toEqual([
    {
      name: 'drops wait',
      target: 'main-db',
      agent: 'cursor-backend',
      sql: 'DROP TABLE cars',
      searchPath: ['public'],
      protection: null,
      recovery: null,
      expect: { verdict: 'hold', rule: null, people: 2, undo: null },
    },
  ]);
});

it('says what is wrong, and where', () => {
  const text = 'tests:\n  - name: x\n    expect: { verdict: forwrad }\n    target: a\n    agent: b';
  expect(() => parsePolicyCases(text, 'a.test.yaml')).toThrow(
    /a\.test\.yaml:3:24: tests\[0\]\.expect\.verdict: .* Did you mean `forward`\?/,
  );
  expect(() => parsePolicyCases(text, 'a.test.yaml')).toThrow(/tests\[0\]\.sql: expected SQL/);
});
