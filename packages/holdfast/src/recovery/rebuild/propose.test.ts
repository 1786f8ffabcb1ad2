import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { fakeTable } from '../../testing/fake-table.ts';
import { scratchFolder } from '../../testing/scratch-folder.ts';
import { calendar, inert, mail } from '../../testing/source-files.ts';
import type { CapturedRow, CapturedRows } from './captured-rows.ts';
import { parseMapping } from './mapping/parse-mapping.ts';
import { countsOf, digestOfProposal, type Proposal } from './proposal.ts';
import { type ProposeOptions, propose } from './propose.ts';
import { plainOf } from './values/value.ts';

const MAPPING = `
format: holdfast/mapping/1
table: public.bookings
key: { column: reference, id: booking }
suggest: { within: 2h }
sources:
  pay:
    kind: payments
    record: { field: id }
    ids: { booking: { field: booking }, payment: { field: id } }
    email: { field: email }
    at: { field: at }
    refund:
      when: negative
      ids: { payment: { field: of } }
      amount: { field: amount, unit: major, decimal: '.', currency: { is: EUR } }
      against: amount
  bank:
    kind: payments
    record: { field: id }
    ids: { booking: { field: booking } }
  diary:
    kind: calendar
    ids: { booking: { field: summary, word: BK- } }
  letters:
    kind: mail
    ids: { booking: { field: subject, word: BK- }, payment: { field: text, after: 'Payment:' } }
    email: { field: from }
    at: { field: date }
columns:
  amount:
    is: money
    currency: EUR
    required: true
    from:
      pay: { field: amount, unit: major, decimal: '.', currency: { is: EUR } }
      bank: { field: amount, unit: major, decimal: ',', currency: { is: EUR } }
      letters: { field: text, after: 'Total:', unit: major }
  starts:
    is: moment
    from:
      diary: { field: starts }
      letters: { field: text, after: 'When:', zone: Europe/Berlin }
  guest:
    is: text
    from: { pay: { field: name }, letters: { field: from.name } }
`;
const COLUMNS = ['amount', 'starts', 'guest'];
const folder = scratchFolder('propose');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Given {
  readonly pay?: readonly string[];
  readonly bank?: readonly string[];
  readonly diary?: readonly (readonly string[])[];
  readonly letters?: readonly string[];
  readonly captured?: readonly CapturedRow[];
  readonly existing?: readonly Record<string, string>[];
  readonly mapping?: string;
}

function proposedOf(options: Partial<ProposeOptions>): Promise<Proposal> {
  return propose({
    target: 'main-db',
    scratch: fakeTable('reference', COLUMNS),
    mapping: parseMapping(MAPPING, 'mapping.yaml'),
    sources: [],
    captured: null,
    copies: folder,
    ...options,
  });
}

function proposed(given: Given): Promise<Proposal> {
  const input = (source: string, text: string) => ({
    source,
    file: `${source}.txt`,
    bytes: Buffer.from(text),
  });
  return proposedOf({
    scratch: fakeTable('reference', COLUMNS, given.existing),
    mapping: parseMapping(given.mapping ?? MAPPING, 'mapping.yaml'),
    sources: [
      input('pay', ['id,booking,amount,email,at,name,of', ...(given.pay ?? [])].join('\n')),
      input('bank', ['id;booking;amount', ...(given.bank ?? [])].join('\n')),
      input('diary', calendar(...(given.diary ?? []))),
      ...(given.letters ?? []).map((one) => input('letters', one)),
    ],
    captured: given.captured === undefined ? null : rowsOf(given.captured),
  });
}

function rowsOf(rows: readonly CapturedRow[]): CapturedRows {
  return {
    of: async function* () {
      yield* rows;
    },
  };
}

function letter(subject: string, body: string, from = 'Ada <ada@example.com>'): string {
  return mail(
    [`From: ${from}`, `Subject: ${subject}`, 'Date: Tue, 3 Nov 2026 10:00:00 +0100'],
    body,
  );
}

/** `READY amount=80.50 EUR guest=Ada`, of the one row; reasons behind it. */
async function said(given: Given): Promise<string> {
  const { rows } = await proposed(given);
  const [row] = rows;
  if (row === undefined || rows.length > 1) return `${rows.length} rows`;
  const cells = row.cells.map(
    ({ column, state, value }) => `${column}=${value === null ? state : plainOf(value)}`,
  );
  const reasons = row.reasons.map(({ code }) => `!${code}`);
  return [row.state, ...cells.filter((one) => !one.endsWith('=empty')), ...reasons].join(' ');
}

const PAID = 'p1,BK-1,80.50,ada@example.com,2026-11-03T09:00:00Z,Ada,';
const MET = ['UID:1', 'SUMMARY:BK-1 visit', 'DTSTART;TZID=Europe/Berlin:20261110T100000'];

function captured(
  side: CapturedRow['side'],
  seq: number,
  more: Record<string, string | null> = {},
): CapturedRow {
  const row = { reference: 'BK-1', amount: '8050', starts: null, guest: 'Ada', ...more };
  return {
    values: new Map(Object.entries(row)),
    side,
    seq: BigInt(seq),
    txid: '7',
    at: new Date(0),
    role: 'shop',
    item: 'undo_1',
  };
}

describe('money is never invented', () => {
  it.each<readonly [story: string, given: Given, says: string]>([
    ['a payment is enough', { pay: [PAID] }, 'READY amount=80.50 EUR guest=Ada'],
    [
      'a mail is not',
      { letters: [letter('BK-1', 'Total: 80.50 EUR')] },
      'INCOMPLETE amount=unbacked guest=Ada !only-mail',
    ],
    [
      'a mail that agrees changes nothing',
      { pay: [PAID], letters: [letter('BK-1', 'Total: 80.50 EUR')] },
      'READY amount=80.50 EUR guest=Ada',
    ],
    [
      'a mail that does not is a conflict',
      { pay: [PAID], letters: [letter('BK-1', 'Total: 85.00 EUR')] },
      'CONFLICT amount=conflict guest=Ada',
    ],
    [
      'a mail that cannot be read is one, too',
      { pay: [PAID], letters: [letter('BK-1', 'Total: about eighty')] },
      'CONFLICT amount=conflict guest=Ada',
    ],
    [
      'a mail that quotes an older total',
      { pay: [PAID], letters: [letter('BK-1', 'Total: 80.50 EUR\r\n> Total: 70.00 EUR')] },
      'CONFLICT amount=conflict guest=Ada',
    ],
    [
      'a calendar with a mail',
      { diary: [MET], letters: [letter('BK-1', 'Total: 80.50 EUR')] },
      'INCOMPLETE amount=unbacked starts=2026-11-10T09:00:00Z guest=Ada',
    ],
    [
      'two banks that agree',
      { pay: [PAID], bank: ['b1;BK-1;80,50'] },
      'READY amount=80.50 EUR guest=Ada',
    ],
    [
      'two banks that do not',
      { pay: [PAID], bank: ['b1;BK-1;8050,00'] },
      'CONFLICT amount=conflict guest=Ada',
    ],
    ['one export, twice', { pay: [PAID, PAID] }, 'READY amount=80.50 EUR guest=Ada'],
    [
      'two payments of one amount',
      { pay: [PAID, PAID.replace('p1', 'p2')] },
      'CONFLICT amount=80.50 EUR guest=Ada !two-payments',
    ],
    [
      'one payment with two amounts',
      { pay: [PAID, PAID.replace('80.50', '81.50')] },
      'CONFLICT amount=conflict guest=Ada',
    ],
    [
      'a captured row and a payment that differ',
      { captured: [captured('after', 1, { amount: '8150' })], pay: [PAID] },
      'CONFLICT amount=conflict starts=agreed guest=Ada',
    ],
    [
      'a formula for an amount',
      { pay: [PAID.replace('80.50', '=80.50')] },
      'CONFLICT amount=conflict guest=Ada',
    ],
    [
      'no amount at all',
      { pay: [PAID.replace('80.50', '')] },
      'INCOMPLETE amount=missing guest=Ada',
    ],
  ])('%s', async (_story, given, says) => {
    expect(await said(given)).toBe(says);
  });
});

describe('refunds', () => {
  const back = (amount: string, id = 'r1'): string => `${id},,-${amount},,,,p1`;
  it.each<readonly [story: string, given: Given, says: string]>([
    [
      'of all: a person says what it means',
      { pay: [PAID, back('80.50')] },
      'CONFLICT amount=80.50 EUR guest=Ada !refund',
    ],
    ['of a part', { pay: [PAID, back('8.05')] }, 'CONFLICT amount=80.50 EUR guest=Ada !refund'],
    [
      'of more than was paid',
      { pay: [PAID, back('90.00')] },
      'CONFLICT amount=80.50 EUR guest=Ada !refund-unclear',
    ],
    [
      'one refund, twice in the export',
      { pay: [PAID, back('80.50'), back('80.50')] },
      'CONFLICT amount=80.50 EUR guest=Ada !refund',
    ],
    [
      'one refund with two amounts',
      { pay: [PAID, back('80.50'), back('8.05')] },
      'CONFLICT amount=80.50 EUR guest=Ada !refund-unclear',
    ],
    [
      'a refund without an id of its own',
      { pay: [PAID, back('8.05', '')] },
      'CONFLICT amount=80.50 EUR guest=Ada !refund-unclear',
    ],
  ])('%s', async (_story, given, says) => {
    expect(await said(given)).toBe(says);
  });

  it('of all leave the row out, where the mapping says so', async () => {
    const mapping = MAPPING.replace(
      'against: amount\n',
      'against: amount\n      full: leave-out\n',
    );
    expect(await said({ pay: [PAID, back('80.50')], mapping })).toContain('LEFT_OUT');
    expect(await said({ pay: [PAID, back('8.05')], mapping })).toContain('CONFLICT');
  });

  it('that nobody can place are said, and are of no row', async () => {
    const { loose, rows } = await proposed({ pay: [PAID, 'r1,,-80.50,,,,p9'] });
    expect(rows.map(({ state }) => state)).toEqual(['READY']);
    expect(loose.map(({ why }) => why)).toEqual(['carries no id of a row']);
  });
});

describe('payments that are added up', () => {
  const mapping = MAPPING.replace('    required: true\n', '    required: true\n    combine: sum\n');
  const part = (id: string, amount: string): string => `${id},BK-1,${amount},,,Ada,`;
  it.each<readonly [story: string, given: Given, says: string]>([
    [
      'each once',
      { pay: [part('p1', '40.25'), part('p2', '40.25'), part('p1', '40.25')] },
      'READY amount=80.50 EUR guest=Ada',
    ],
    [
      'against what a mail says',
      {
        pay: [part('p1', '40'), part('p2', '40.50')],
        letters: [letter('BK-1', 'Total: 80.50 EUR')],
      },
      'READY amount=80.50 EUR guest=Ada',
    ],
    [
      'against another total',
      { pay: [part('p1', '40'), part('p2', '40')], letters: [letter('BK-1', 'Total: 80.50 EUR')] },
      'CONFLICT amount=conflict guest=Ada',
    ],
    [
      'in two exports, each by itself',
      { pay: [part('p1', '40'), part('p2', '40.50')], bank: ['b1;BK-1;80,50'] },
      'READY amount=80.50 EUR guest=Ada',
    ],
    [
      'with two amounts of one',
      { pay: [part('p1', '40'), part('p1', '41')] },
      'CONFLICT amount=conflict guest=Ada',
    ],
    [
      'with one that has no id',
      { pay: [part('p1', '40'), part('', '40.50')] },
      'CONFLICT amount=conflict guest=Ada',
    ],
    [
      'with one that cannot be read',
      { pay: [part('p1', '40'), part('p2', 'forty')] },
      'CONFLICT amount=conflict guest=Ada',
    ],
    [
      'with one that may be of this row',
      { pay: [PAID, 'p2,,9.50,ada@example.com,2026-11-03T09:30:00Z,,'] },
      'INCOMPLETE amount=80.50 EUR guest=Ada !suggested-money',
    ],
    [
      'less what was given back',
      { pay: [part('p1', '40'), part('p2', '40.50'), 'r1,,-80.50,,,,p2'] },
      'CONFLICT amount=80.50 EUR guest=Ada !refund',
    ],
  ])('%s', async (_story, given, says) => {
    expect(await said({ ...given, mapping })).toBe(says);
  });
});

describe('where the mapping lets the heavier win', () => {
  const mapping = MAPPING.replace(
    '    required: true\n',
    '    required: true\n    whenDifferent: heavier\n',
  );
  it.each<readonly [story: string, given: Given, says: string]>([
    [
      'a payment beats a mail',
      { pay: [PAID], letters: [letter('BK-1', 'Total: 85 EUR')] },
      'READY amount=80.50 EUR guest=Ada',
    ],
    [
      'no payment beats another',
      { pay: [PAID], bank: ['b1;BK-1;85,00'] },
      'CONFLICT amount=conflict guest=Ada',
    ],
    [
      'a payment that cannot be read beats nobody',
      { pay: [PAID.replace('80.50', '?')], letters: [letter('BK-1', 'Total: 85.00 EUR')] },
      'CONFLICT amount=conflict guest=Ada',
    ],
    [
      'a mail by itself is still not enough',
      { diary: [MET], letters: [letter('BK-1', 'Total: 85.00 EUR')] },
      'INCOMPLETE amount=unbacked starts=2026-11-10T09:00:00Z guest=Ada',
    ],
  ])('%s', async (_story, given, says) => {
    expect(await said({ ...given, mapping })).toBe(says);
  });
});

describe('a currency in a column of its own', () => {
  const mapping = `${MAPPING.replace('    currency: EUR\n', '    currency: { column: unit }\n')}
  unit: { is: currency, from: { pay: { field: name } } }
`;
  const unit = (name: string) =>
    fakeTable(
      'reference',
      [...COLUMNS, 'unit'],
      name === '' ? [] : [{ reference: 'BK-1', amount: '8050', unit: name }],
    );
  const stateFor = async (name: string, there = '') => {
    const bytes = Buffer.from(`id,booking,amount,email,at,name,of\np1,BK-1,80.50,,,${name},`);
    const { rows } = await proposedOf({
      scratch: unit(there),
      mapping: parseMapping(mapping, 'mapping.yaml'),
      sources: [{ source: 'pay', file: 'pay.csv', bytes }],
    });
    return [
      rows[0]?.state,
      rows[0]?.reasons.map(({ code }) => code),
      rows[0]?.existing?.map(({ differs }) => differs),
    ];
  };

  it('has to be that of the amount', async () => {
    expect(await stateFor('eur')).toEqual(['READY', [], undefined]);
    expect(await stateFor('usd')).toEqual(['CONFLICT', ['currency'], undefined]);
    expect(await stateFor('')).toEqual(['CONFLICT', ['currency'], undefined]);
    expect(await stateFor('eur', 'usd')).toEqual(['EXISTS', [], [true, false, true, true]]);
  });
});

describe('which row a record is of', () => {
  it.each<readonly [story: string, given: Given, says: string]>([
    [
      'address and time only suggest it',
      {
        diary: [MET],
        pay: [
          'p1,BK-1,,ada@example.com,2026-11-03T09:00:00Z,,',
          'p2,,80.50,Ada@example.com,2026-11-03T10:00:00Z,,',
        ],
      },
      'INCOMPLETE amount=suggested starts=2026-11-10T09:00:00Z',
    ],
    [
      'a refund that is only suggested makes nothing READY',
      { pay: [PAID, 'r1,,-80.50,ada@example.com,2026-11-03T10:00:00Z,,'] },
      'INCOMPLETE amount=80.50 EUR guest=Ada !suggested-money',
    ],
    [
      'hours later it is of nobody',
      { pay: [PAID, 'r1,,-80.50,ada@example.com,2026-11-03T12:00:00Z,,'] },
      'READY amount=80.50 EUR guest=Ada',
    ],
    [
      'what a mail ties to it is only suggested',
      { diary: [MET], letters: [letter('BK-1', 'Payment: p9')], pay: ['p9,,80.50,,,Eve,'] },
      'INCOMPLETE amount=suggested starts=2026-11-10T09:00:00Z guest=Ada',
    ],
    [
      'a mail cannot tie away what a payment has tied',
      { pay: [PAID, 'r1,,-80.50,,,,p1'], letters: [letter('BK-1', 'Payment: p7')] },
      'CONFLICT amount=80.50 EUR guest=Ada !refund',
    ],
    [
      'a mail that names two is of neither',
      { pay: [PAID], letters: [letter('BK-1 and BK-2', 'Total: 1.00 EUR')] },
      'READY amount=80.50 EUR guest=Ada',
    ],
  ])('%s', async (_story, given, says) => {
    expect(await said(given)).toBe(says);
  });

  it('is one payment that is told of two rows: neither is certain', async () => {
    const { rows } = await proposed({ pay: [PAID, PAID.replace('BK-1', 'BK-2')] });
    expect(
      rows.map(({ key, reasons, state }) => [key, state, reasons.map(({ code }) => code)]),
    ).toEqual([
      ['BK-1', 'CONFLICT', ['ambiguous-link']],
      ['BK-2', 'CONFLICT', ['ambiguous-link']],
    ]);
  });

  it('names two rows: neither is certain', async () => {
    const mapping = MAPPING.replace(
      '{ booking: { field: booking }, payment:',
      '{ booking: { field: booking, word: BK- }, payment:',
    );
    const { rows } = await proposed({
      mapping,
      pay: [PAID, PAID.replaceAll('1,', '2,'), 'p3,BK-1 and BK-2,9.00,,,,'],
    });
    expect(
      rows.map(({ key, reasons, state }) => [key, state, reasons.map(({ code }) => code)]),
    ).toEqual([
      ['BK-1', 'CONFLICT', ['named-by-unread']],
      ['BK-2', 'CONFLICT', ['named-by-unread']],
    ]);
  });

  it('could be two: both are told so', async () => {
    const { rows } = await proposed({
      pay: [PAID, PAID.replace('BK-1', 'BK-2'), 'r1,,-80.50,,,,p1'],
    });
    expect(
      rows.map(({ key, reasons, state }) => [key, state, reasons.map(({ says }) => says)]),
    ).toEqual([
      ['BK-1', 'CONFLICT', ['2 record(s) that are of this row or of another']],
      ['BK-2', 'CONFLICT', ['2 record(s) that are of this row or of another']],
    ]);
  });

  it.each(['p3,BK-1,80.50', 'r1,,-80.50,,,,p1,more', '"r1,,-80.50,,,,p1'])(
    'a line of an export that cannot be read makes what it names uncertain: %s',
    async (line) => {
      const { rows, unreadable } = await proposed({ pay: [PAID, 'p5,BK-5,1.00,,,,', line] });
      expect(unreadable).toHaveLength(1);
      expect(rows.map(({ key, state }) => [key, state])).toEqual([
        ['BK-1', 'CONFLICT'],
        ['BK-5', 'READY'],
      ]);
    },
  );

  it('a mail that is a bomb makes nothing uncertain', async () => {
    const bomb = letter('BK-1', 'x').replace(
      'Subject',
      `X-Long: ${'x'.repeat(200_000)}\r\nSubject`,
    );
    const { rows, unreadable } = await proposed({ pay: [PAID], letters: [bomb] });
    expect(unreadable).toHaveLength(1);
    expect(rows[0]?.state).toBe('READY');
  });
});

describe('what the database had itself', () => {
  it.each<readonly [story: string, given: Given, says: string]>([
    [
      'is enough',
      { captured: [captured('after', 1)] },
      'READY amount=80.50 EUR starts=agreed guest=Ada',
    ],
    [
      'outweighs what others say, but for money',
      { captured: [captured('after', 1, { guest: 'Ada L.' })], pay: [PAID], diary: [MET] },
      'READY amount=80.50 EUR starts=agreed guest=Ada L.',
    ],
    [
      'counts as it was last',
      {
        captured: [
          captured('after', 9),
          captured('after', 3, { guest: 'Eve' }),
          captured('before', 9, { guest: 'Eve' }),
        ],
      },
      'READY amount=80.50 EUR starts=agreed guest=Ada',
    ],
    [
      'was deleted last',
      { captured: [captured('after', 1), captured('before', 2)] },
      'CONFLICT amount=80.50 EUR starts=agreed guest=Ada !captured-delete',
    ],
    [
      'was deleted and came again',
      { captured: [captured('before', 2), captured('after', 3)] },
      'READY amount=80.50 EUR starts=agreed guest=Ada',
    ],
  ])('%s', async (_story, given, says) => {
    expect(await said(given)).toBe(says);
  });

  it('is there already: nothing is put over it, and what differs is shown', async () => {
    const { rows } = await proposed({
      pay: [PAID],
      existing: [
        { reference: 'BK-1', amount: '8000', starts: '2026-11-10 09:00:00+00', guest: 'Ada' },
      ],
    });
    expect(rows[0]?.state).toBe('EXISTS');
    expect(rows[0]?.existing?.filter(({ differs }) => differs).map(({ column }) => column)).toEqual(
      ['amount'],
    );
  });
});

describe('a flood', () => {
  it('of mails about one row, or of one address, ends, and changes nothing that is paid', async () => {
    const separator = 'From a@b Tue Nov  3 10:00:00 2026\n';
    const one = (at: number, subject: string): string =>
      `${separator}From: Ada <ada@example.com>\nSubject: ${subject}\nDate: Tue, 3 Nov 2026 10:00:00 +0000\n\nPayment: x${at}\n\n`;
    const flood = Array.from({ length: 4_000 }, (_, at) =>
      one(at, at % 2 === 0 ? 'BK-1' : 'hello'),
    );
    const { rows } = await proposed({ pay: [PAID], letters: [flood.join('')] });
    expect(rows.map(({ key, state }) => [key, state])).toEqual([['BK-1', 'READY']]);
    expect(rows[0]?.cells[2]?.options[0]?.by).toHaveLength(2_001);
  });
});

describe('a proposal', () => {
  const given: Given = {
    pay: [
      PAID,
      'p2,BK-2,9.00,,,Bob,',
      'p2,BK-2,9.00,,,Bob,',
      'r1,,-9.00,,,,p2',
      'p3,BK-3,=1,,,\u202eevil,',
      'oops',
    ],
    bank: ['b1;BK-1;80,50', 'b2;BK-2;9,01'],
    diary: [MET, ['UID:2', 'SUMMARY:BK-2', 'DTSTART:20261110T100000Z']],
    letters: [
      letter('BK-1', 'Total: 80.50 EUR'),
      letter('BK-3', 'When: 2026-11-03 10:00\r\n\u001b[2J'),
    ],
    captured: [captured('after', 1, { reference: 'BK-4' })],
  };

  it('is the same whatever order its records are in', async () => {
    const digest = digestOfProposal(await proposed(given));
    const order = fc.tuple(
      fc.shuffledSubarray([...(given.letters ?? [])], { minLength: 2 }),
      fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
    );
    await fc.assert(
      fc.asyncProperty(order, async ([letters, files]) => {
        const text = (source: string, content: string) => ({
          source,
          file: `${source}.txt`,
          bytes: Buffer.from(content),
        });
        const all = [
          [text('pay', ['id,booking,amount,email,at,name,of', ...(given.pay ?? [])].join('\n'))],
          [text('bank', ['id;booking;amount', ...(given.bank ?? [])].join('\n'))],
          [text('diary', calendar(...(given.diary ?? [])))],
          letters.map((one) => text('letters', one)),
        ];
        const again = await proposedOf({
          sources: files.flatMap((at) => all[at] ?? []),
          captured: rowsOf(given.captured ?? []),
        });
        expect(digestOfProposal(again)).toBe(digest);
      }),
      { numRuns: 10 },
    );
  });

  it('says the same of each row whatever order its lines are in', async () => {
    const states = async (pay: readonly string[], bank: readonly string[]) =>
      (await proposed({ ...given, pay, bank })).rows.map(({ key, state, cells, reasons }) => [
        key,
        state,
        cells.map(({ state: one, value }) => [one, value]),
        reasons.map(({ code }) => code),
      ]);
    const pay = (given.pay ?? []).filter((line) => line !== 'oops');
    const first = await states(pay, given.bank ?? []);
    const order = fc.tuple(
      fc.shuffledSubarray(pay, { minLength: pay.length }),
      fc.shuffledSubarray([...(given.bank ?? [])], { minLength: 2 }),
    );
    await fc.assert(
      fc.asyncProperty(order, async ([lines, others]) => {
        expect(await states(lines, others)).toEqual(first);
      }),
      { numRuns: 25 },
    );
  });

  it('shows strangers’ text inert, and has every record it speaks of', async () => {
    const proposal = await proposed(given);
    expect(proposal.records.map(({ snippet }) => snippet).filter((one) => !inert(one))).toEqual([]);
    const numbers = proposal.rows.flatMap(({ cells, reasons }) => [
      ...cells.flatMap(({ options }) => options.flatMap(({ by }) => by)),
      ...reasons.flatMap(({ by }) => by),
    ]);
    expect(numbers.every((one) => proposal.records[one] !== undefined)).toBe(true);
    expect(countsOf(proposal)).toEqual({
      READY: 2,
      CONFLICT: 2,
      INCOMPLETE: 0,
      EXISTS: 0,
      LEFT_OUT: 0,
      UNREADABLE: 1,
    });
  });

  it('has another digest for another snippet, choice or value', async () => {
    const proposal = await proposed({ pay: [PAID] });
    const other = await proposed({ pay: [PAID.replace('80.50', '80.51')] });
    expect(digestOfProposal(other)).not.toBe(digestOfProposal(proposal));
    expect(digestOfProposal({ ...proposal, target: 'other-db' })).not.toBe(
      digestOfProposal(proposal),
    );
  });

  it('takes a file that is handed in twice for one', async () => {
    const bytes = Buffer.from(['id,booking,amount,email,at,name,of', PAID].join('\n'));
    const twice = await proposedOf({
      sources: [
        { source: 'pay', file: 'b.csv', bytes },
        { source: 'pay', file: 'a.csv', bytes },
      ],
    });
    expect(twice.sources).toMatchObject([{ file: 'a.csv', records: 1 }]);
    expect(twice.rows[0]?.cells[0]?.options[0]?.by).toHaveLength(1);
  });

  it('is not made of a source that the mapping does not know', async () => {
    const sources = [{ source: 'paypal', file: 'x', bytes: Buffer.from('id\n1') }];
    await expect(proposedOf({ sources })).rejects.toThrow(
      /one of the sources pay, bank, diary, letters/,
    );
  });
});
