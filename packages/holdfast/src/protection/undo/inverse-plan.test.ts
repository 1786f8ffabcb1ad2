import { expect, it } from 'vitest';
import type { SlotChange, StateValue } from '../inverse.ts';
import type { UndoItem } from '../undo-item.ts';
import { comparedWith, netOf, type OpenedItem, reportOf } from './inverse-plan.ts';
import { decisionOf } from './selection.ts';

const SECRET = 'the-old-secret';

function change(name: string, before: string | null, after: string | null): SlotChange {
  return { at: { of: 'variable', name }, title: `variable ${name}`, before, after };
}

function opened(id: string, ...changes: SlotChange[]): OpenedItem {
  const item: UndoItem = {
    id,
    target: 'railway/a/b',
    install: 'provider railway',
    txid: id,
    at: new Date(0),
    role: 'railway',
    agentId: null,
    agentName: null,
    application: '',
    state: 'kept',
    parts: [],
    undoOf: null,
    keptUntilTickMs: 0n,
    purgeAtTickMs: null,
    inverse: { provider: 'railway', happened: 'done' },
  };
  return { item, inverse: { changes, notRestored: [] } };
}

const now = (values: Readonly<Record<string, string | null>>): StateValue[] =>
  Object.entries(values).map(([name, value]) => ({
    at: { name, of: 'variable' },
    title: `variable ${name}`,
    value,
  }));

/** Items newest first; what is there; the decision; what is done with A. */
it.each<
  readonly [
    story: string,
    items: readonly OpenedItem[],
    there: string | null,
    decision: string | null,
    does: string,
    conflict: string | null,
  ]
>([
  ['as the act left it', [opened('1', change('A', 'x', 'y'))], 'y', null, 'set', null],
  ['as it was before', [opened('1', change('A', 'x', 'y'))], 'x', null, 'already', null],
  ['removed, and still away', [opened('1', change('A', 'x', null))], null, null, 'set', null],
  ['added, and still there', [opened('1', change('A', null, 'y'))], 'y', null, 'set', null],
  [
    'set, then removed by the newer act, and still away',
    [opened('2', change('A', 'y', null)), opened('1', change('A', 'x', 'y'))],
    null,
    null,
    'set',
    null,
  ],
  ['set since', [opened('1', change('A', 'x', 'y'))], 'z', null, 'undecided', 'changed'],
  ['set since, kept', [opened('1', change('A', 'x', 'y'))], 'z', 'theirs', 'left', 'changed'],
  ['set since, overwritten', [opened('1', change('A', 'x', 'y'))], 'z', 'ours', 'set', 'changed'],
  [
    'another value decided',
    [opened('1', change('A', 'x', 'y'))],
    'z',
    'variable B=ours',
    'undecided',
    'changed',
  ],
  [
    'this value decided',
    [opened('1', change('A', 'x', 'y'))],
    'z',
    'variable A=ours',
    'set',
    'changed',
  ],
  ['removed since', [opened('1', change('A', 'x', 'y'))], null, null, 'undecided', 'gone'],
  ['made again since', [opened('1', change('A', 'x', null))], 'z', null, 'undecided', 'recreated'],
  [
    'two changes, one after the other',
    [opened('2', change('A', 'y', 'z')), opened('1', change('A', 'x', 'y'))],
    'z',
    null,
    'set',
    null,
  ],
  [
    'two changes, and somebody between them',
    [opened('2', change('A', 'w', 'z')), opened('1', change('A', 'x', 'y'))],
    'z',
    null,
    'undecided',
    'in-between',
  ],
  [
    'three changes, and somebody between the older two',
    [
      opened('3', change('A', 'z', 'q')),
      opened('2', change('A', 'w', 'z')),
      opened('1', change('A', 'x', 'y')),
    ],
    'q',
    null,
    'undecided',
    'in-between',
  ],
])('%s', (_story, items, there, decision, does, conflict) => {
  const decided = decision === null ? null : decisionOf(decision);
  const decisions = decided === null ? [] : [decided];
  const [plan] = comparedWith(netOf(items), now({ A: there }), decisions);
  expect(plan).toMatchObject({ before: 'x' === plan?.before ? 'x' : null, does, conflict });
});

it('says what would be done by name, and never a value', () => {
  const items = [
    opened('1', change('A', SECRET, 'agent'), change('B', null, 'made'), change('C', SECRET, 'c')),
  ];
  const plan = comparedWith(netOf(items), now({ A: 'agent', B: 'made', C: 'a person' }), []);
  const report = reportOf(
    items.map(({ item }) => item),
    plan,
    ['a note'],
  );
  expect(report).toMatchObject({
    items: ['1'],
    sql: ['set variable A to the value it had before', 'remove variable B'],
    conflictsTotal: 1,
    undecided: 1,
    isWhole: false,
  });
  expect(JSON.stringify(report)).not.toMatch(new RegExp(`${SECRET}|agent|made|a person`));
});

it('what is skipped stays in the list, what is left to others is settled', () => {
  const items = [opened('1', change('A', 'x', 'y'))];
  const whole = (word: string): boolean => {
    const decision = decisionOf(word);
    const plan = comparedWith(netOf(items), now({ A: 'z' }), decision === null ? [] : [decision]);
    return reportOf([], plan, []).isWhole;
  };
  expect([whole('skip'), whole('theirs'), whole('ours')]).toEqual([false, true, true]);
});
