/** Money is never invented: what a person takes against a payment, or without one, has their reason on the card. */
import { rmSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { fakeTable } from '../../testing/fake-table.ts';
import { scratchFolder } from '../../testing/scratch-folder.ts';
import { parseMapping } from './mapping/parse-mapping.ts';
import { planOf } from './plan.ts';
import type { Choice, Proposal } from './proposal.ts';
import { parseChoice } from './proposal-shape.ts';
import { propose } from './propose.ts';
import { review } from './review.ts';

const MAPPING = `
format: holdfast/mapping/1
table: public.bookings
key: { column: reference, id: booking }
sources:
  pay:
    kind: payments
    record: { field: id }
    ids: { booking: { field: booking } }
  letters:
    kind: mail
    ids: { booking: { field: subject, word: BK- } }
columns:
  amount:
    is: money
    currency: EUR
    from:
      pay: { field: amount, unit: minor, currency: { is: EUR } }
      letters: { field: text, after: 'Total:', unit: major, currency: { is: EUR } }
`;
const folder = scratchFolder('overrides');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function letter(booking: string, total: string): Buffer {
  return Buffer.from(
    `From: desk@example.com\r\nSubject: ${booking}\r\nContent-Type: text/plain\r\n\r\nTotal: ${total}\r\n`,
  );
}

function proposed(): Promise<Proposal> {
  return propose({
    target: 'main-db',
    scratch: fakeTable('reference', ['amount'], []),
    mapping: parseMapping(MAPPING, 'mapping.yaml'),
    sources: [
      {
        source: 'pay',
        file: 'pay.csv',
        bytes: Buffer.from('id,booking,amount\np1,BK-1,8050\np3,BK-3,700'),
      },
      { source: 'letters', file: 'one.eml', bytes: letter('BK-1', '99,00 EUR') },
      { source: 'letters', file: 'two.eml', bytes: letter('BK-2', '12,50 EUR') },
    ],
    captured: null,
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
  const proposal = await propose({
    target: 'main-db',
    scratch: fakeTable('reference', ['amount', 'unit'], []),
    mapping: parseMapping(
      `${MAPPING.replace('    currency: EUR\n', '    currency: { column: unit }\n')}  unit:
    is: currency
    from: { pay: { field: unit }, letters: { field: text, after: 'In:' } }
`,
      'mapping.yaml',
    ),
    sources: [
      {
        source: 'pay',
        file: 'pay.csv',
        bytes: Buffer.from('id,booking,amount,unit\np1,BK-1,8050,EUR\np3,BK-3,700,USD'),
      },
      {
        source: 'letters',
        file: 'one.eml',
        bytes: Buffer.from(
          'From: desk@example.com\r\nSubject: BK-1\r\nContent-Type: text/plain\r\n\r\nIn: USD\r\n',
        ),
      },
    ],
    captured: null,
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
