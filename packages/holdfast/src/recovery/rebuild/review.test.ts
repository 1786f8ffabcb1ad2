import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { CENTS, proposeBookings } from '../../testing/bookings-proposal.ts';
import { scratchFolder } from '../../testing/scratch-folder.ts';
import { parseChoice, parseProposal } from './index.ts';
import { planOf } from './plan.ts';
import { type Choice, digestOfProposal, type Proposal } from './proposal.ts';
import { review } from './review.ts';

const folder = scratchFolder('review');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ADA = { id: 'person_ada', name: 'Ada' };
const AT = new Date('2026-11-28T00:00:00Z');

function proposed(): Promise<Proposal> {
  return proposeBookings({
    target: 'main-db',
    columns: {
      amount: `{ is: money, currency: EUR, required: true, from: { pay: ${CENTS}, bank: ${CENTS} } }`,
      starts: '{ is: moment, from: { pay: { field: starts } } }',
      guest: '{ is: text, required: true, from: { pay: { field: guest } } }',
    },
    payments: {
      pay: [
        'id,booking,amount,starts,guest',
        ...['p1,BK-1,8050,,Ada', 'p2,BK-2,900,,', 'p3,BK-2,900,,', 'p9,BK-9,1,,x'],
      ],
      bank: ['id,booking,amount', 'b1,BK-1,8500'],
    },
    existing: [{ reference: 'BK-9', amount: '1', starts: null, guest: 'x' }],
    copies: folder,
  });
}

function chosen(proposal: Proposal, row: string, ...choices: readonly Choice[]): Proposal {
  return choices.reduce(
    (one, choice) => review(one, { row, choice, person: ADA, at: AT }),
    proposal,
  );
}

function stateOf(proposal: Proposal, key: string): string | undefined {
  return proposal.rows.find((row) => row.key === key)?.state;
}

describe('a review', () => {
  it('settles a conflict by one of what the sources say, and keeps who did', async () => {
    const proposal = await proposed();
    expect(stateOf(proposal, 'BK-1')).toBe('CONFLICT');
    const next = chosen(proposal, 'BK-1', { kind: 'option', column: 'amount', option: 1 });
    expect(stateOf(next, 'BK-1')).toBe('READY');
    expect(next.reviews).toEqual([
      {
        row: 'BK-1',
        choice: { kind: 'option', column: 'amount', option: 1 },
        by: 'person_ada',
        name: 'Ada',
        at: '2026-11-28T00:00:00.000Z',
      },
    ]);
    expect(digestOfProposal(next)).not.toBe(digestOfProposal(proposal));
    expect(planOf(next)).toMatchObject({
      rows: 1,
      money: [{ column: 'amount', currency: 'EUR', rows: 1 }],
      reviewers: [{ id: 'person_ada', choices: 1 }],
      digest: digestOfProposal(next),
    });
    expect(['8050', '8500']).toContain(planOf(next).money[0]?.minor);
  });

  it('fills what is missing, and takes a reason as looked at; all of it, before the row is READY', async () => {
    const proposal = await proposed();
    const typed = chosen(proposal, 'BK-2', { kind: 'typed', column: 'guest', text: 'Bob' });
    expect(stateOf(typed, 'BK-2')).toBe('CONFLICT');
    const twice = { kind: 'accept', reason: 'two-payments' } as const;
    expect(() => chosen(typed, 'BK-2', twice)).toThrow('a reason, in words, for two-payments');
    const accepted = chosen(typed, 'BK-2', { ...twice, why: 'the second was for another stay' });
    expect(stateOf(accepted, 'BK-2')).toBe('READY');
  });

  it('leaves a row out', async () => {
    const proposal = chosen(await proposed(), 'BK-1', { kind: 'leave-out' });
    expect(stateOf(proposal, 'BK-1')).toBe('LEFT_OUT');
    expect(planOf(proposal).rows).toBe(0);
    expect(stateOf(chosen(proposal, 'BK-1', { kind: 'keep' }), 'BK-1')).toBe('CONFLICT');
  });

  it.each<readonly [story: string, row: string, choice: Choice, says: RegExp]>([
    [
      'an amount that is typed',
      'BK-1',
      { kind: 'typed', column: 'amount', text: '80.50' },
      /never invented/,
    ],
    [
      'an option that there is not',
      'BK-1',
      { kind: 'option', column: 'amount', option: 7 },
      /from 0 to 1/,
    ],
    [
      'an option by a number that is none',
      'BK-1',
      { kind: 'option', column: 'amount', option: -1 },
      /from 0 to 1/,
    ],
    [
      'nothing, where something has to be',
      'BK-2',
      { kind: 'nothing', column: 'guest' },
      /has to have one/,
    ],
    [
      'a text that is no moment',
      'BK-1',
      { kind: 'typed', column: 'starts', text: 'noon' },
      /is moment/,
    ],
    [
      'a text that hides',
      'BK-2',
      { kind: 'typed', column: 'guest', text: 'a\u202eb' },
      /turns text round/,
    ],
    ['a column that there is not', 'BK-1', { kind: 'nothing', column: '__proto__' }, /a column/],
    ['a row that there is not', 'BK-7', { kind: 'leave-out' }, /a row of the proposal/],
    ['a row that is there already', 'BK-9', { kind: 'leave-out' }, /there already/],
    [
      'a reason that it does not have',
      'BK-1',
      { kind: 'accept', reason: 'refund' },
      /with the reason/,
    ],
  ])('refuses %s', async (_story, row, choice, says) => {
    const proposal = await proposed();
    expect(() => review(proposal, { row, choice, person: ADA, at: AT })).toThrow(says);
  });
});

describe('what comes back from where it was kept', () => {
  it('is the same proposal, with the same digest', async () => {
    const proposal = chosen(await proposed(), 'BK-2', {
      kind: 'typed',
      column: 'guest',
      text: 'Bob',
    });
    const back = parseProposal(JSON.parse(JSON.stringify(proposal)));
    expect(back).toEqual(proposal);
    expect(digestOfProposal(back)).toBe(digestOfProposal(proposal));
  });

  it.each<readonly [story: string, change: (kept: Proposal) => unknown, says: RegExp]>([
    ['with something more', (kept) => ({ ...kept, sql: 'drop table x' }), /something else at/],
    ['of another format', (kept) => ({ ...kept, format: 'holdfast/rebuild/2' }), /at format/],
    ['without its rows', ({ rows: _rows, ...kept }) => kept, /at rows/],
    [
      'with an amount that is none',
      (kept) => ({
        ...kept,
        rows: kept.rows.map((row) => ({
          ...row,
          cells: row.cells.map((cell) => ({
            ...cell,
            value: { kind: 'money', minor: '1e9', currency: 'EUR' },
          })),
        })),
      }),
      /at rows.0.cells.0.value/,
    ],
    ['that is none', () => 'x', /something else/],
  ])('is not taken %s', async (_story, change, says) => {
    const kept = change(await proposed());
    expect(() => parseProposal(kept)).toThrow(says);
  });

  it('is a choice, or is not taken', () => {
    expect(parseChoice({ kind: 'option', column: 'amount', option: 1 })).toMatchObject({
      option: 1,
    });
    for (const sent of [
      null,
      {},
      { kind: 'option', column: 'x', option: 0.5 },
      { kind: 'leave-out', row: 'x' },
    ]) {
      expect(() => parseChoice(sent)).toThrow(/a choice/);
    }
  });
});
