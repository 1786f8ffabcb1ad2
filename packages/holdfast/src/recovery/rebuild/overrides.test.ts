/** Money is never invented: what a person takes against a payment, or without one, has their reason on the card. */
import { rmSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { CENTS, proposeBookings } from '../../testing/bookings-proposal.ts';
import { scratchFolder } from '../../testing/scratch-folder.ts';
import { mail } from '../../testing/source-files.ts';
import { planOf } from './plan.ts';
import type { Choice, Proposal } from './proposal.ts';
import { parseChoice } from './proposal-shape.ts';
import { review } from './review.ts';

const folder = scratchFolder('overrides');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const AMOUNT = `{ pay: ${CENTS}, letters: { field: text, after: 'Total:', unit: major, currency: { is: EUR } } }`;

function letter(booking: string, text: string): string {
  const headers = ['From: desk@example.com', `Subject: ${booking}`, 'Content-Type: text/plain'];
  return mail(headers, text);
}

function proposed(): Promise<Proposal> {
  return proposeBookings({
    target: 'main-db',
    columns: { amount: `{ is: money, currency: EUR, from: ${AMOUNT} }` },
    payments: { pay: ['id,booking,amount', 'p1,BK-1,8050', 'p3,BK-3,700'] },
    letters: [letter('BK-1', 'Total: 99,00 EUR'), letter('BK-2', 'Total: 12,50 EUR')],
    copies: folder,
  });
}

function numberOf({ rows }: Proposal, key: string, kind: string): number {
  const cell = rows.find((row) => row.key === key)?.cells.find(({ column }) => column === 'amount');
  return cell?.options.findIndex((option) => option.kind === kind) ?? -1;
}

function chosen(proposal: Proposal, row: string, choice: Choice): Proposal {
  const person = { id: 'person_ada', name: 'Ada' };
  return review(proposal, { row, choice, person, at: new Date('2026-11-28T00:00:00Z') });
}

const WHY = 'the guest paid the rest in cash';

it('takes what a payment says without a reason', async () => {
  const proposal = await proposed();
  const option = numberOf(proposal, 'BK-1', 'payments');
  const next = chosen(proposal, 'BK-1', { kind: 'option', column: 'amount', option });
  expect(next.rows.find(({ key }) => key === 'BK-1')?.state).toBe('READY');
  expect(planOf(next).overrides).toEqual([]);
});

it.each([
  ['BK-1', 'a payment says 80.50 EUR'],
  ['BK-2', 'no payment and no captured row says so'],
])(
  'takes what a mail says of %s with a reason only, and shows it to who signs',
  async (row, against) => {
    const proposal = await proposed();
    const choice = {
      kind: 'option',
      column: 'amount',
      option: numberOf(proposal, row, 'mail'),
    } as const;
    expect(() => chosen(proposal, row, choice)).toThrow(`although ${against}`);
    const looked =
      row === 'BK-2' ? chosen(proposal, row, { kind: 'accept', reason: 'only-mail' }) : proposal;
    const next = chosen(looked, row, { ...choice, why: WHY });
    expect(planOf(next).overrides).toEqual([
      { row, took: expect.stringMatching(/^amount: /), against, why: WHY, name: 'Ada' },
    ]);
    const back = numberOf(proposal, row, 'payments');
    if (back < 0) return;
    const again = chosen(next, row, { kind: 'option', column: 'amount', option: back });
    expect(planOf(again).overrides).toEqual([]);
  },
);

it('takes nothing in place of a payment with a reason only', async () => {
  const proposal = await proposed();
  const choice = { kind: 'nothing', column: 'amount' } as const;
  expect(() => chosen(proposal, 'BK-3', choice)).toThrow('although a payment says 7.00 EUR');
  expect(planOf(chosen(proposal, 'BK-3', { ...choice, why: WHY })).overrides).toMatchObject([
    { took: 'amount: nothing', why: WHY },
  ]);
});

it.each([
  ['too short to be one', 'because'],
  ['of blanks', '            '],
  ['of several lines', 'he said\nsomething else'],
  ['that turns text round', 'he said \u202esomething'],
])('takes no reason %s', (_, why) => {
  expect(() => parseChoice({ kind: 'option', column: 'amount', option: 1, why })).toThrow(
    'a choice',
  );
});

it('takes another currency than the payment has with a reason only, and never a typed one', async () => {
  const proposal = await proposeBookings({
    target: 'main-db',
    columns: {
      amount: `{ is: money, currency: { column: unit }, from: ${AMOUNT} }`,
      unit: "{ is: currency, from: { pay: { field: unit }, letters: { field: text, after: 'In:' } } }",
    },
    payments: { pay: ['id,booking,amount,unit', 'p1,BK-1,8050,EUR', 'p3,BK-3,700,USD'] },
    letters: [letter('BK-1', 'In: USD')],
    copies: folder,
  });
  const unit = proposal.rows[0]?.cells.find(({ column }) => column === 'unit');
  expect(unit?.options.map(({ kind }) => kind).sort()).toEqual(['mail', 'payments']);
  const option = unit?.options.findIndex(({ kind }) => kind === 'mail') ?? -1;
  const dollars = { kind: 'option', column: 'unit', option } as const;
  expect(() => chosen(proposal, 'BK-1', { kind: 'typed', column: 'unit', text: 'USD' })).toThrow(
    'never invented',
  );
  expect(() => chosen(proposal, 'BK-1', { kind: 'nothing', column: 'unit' })).toThrow(
    'although a payment says EUR',
  );
  expect(() => chosen(proposal, 'BK-1', dollars)).toThrow('although a payment says EUR');
  // The payment of BK-3 says dollars of what is mapped as euros.
  expect(proposal.rows.find(({ key }) => key === 'BK-3')?.reasons).toMatchObject([
    { code: 'currency' },
  ]);
  const looked = { kind: 'accept', reason: 'currency' } as const;
  expect(() => chosen(proposal, 'BK-3', looked)).toThrow('a reason, in words, for currency');
  const next = chosen(
    chosen(chosen(proposal, 'BK-1', { ...looked, why: WHY }), 'BK-1', { ...dollars, why: WHY }),
    'BK-3',
    { ...looked, why: WHY },
  );
  expect(planOf(next).overrides).toMatchObject([
    { row: 'BK-1', took: 'currency', why: WHY },
    { row: 'BK-1', took: 'unit: USD', against: 'a payment says EUR', why: WHY },
    { row: 'BK-3', took: 'currency', why: WHY },
  ]);
});
