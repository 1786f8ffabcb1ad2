/**
 * A gap of 1,000 bookings, made from a seed, with the truth beside it. Each booking has one story: what
 * was exported, written and captured of it, what is wrong with that, and what a rebuild has to say.
 */
import type { CapturedRow, CapturedRows } from '../../src/recovery/rebuild/captured-rows.ts';
import type { RowState } from '../../src/recovery/rebuild/proposal.ts';
import type { SourceInput } from '../../src/recovery/rebuild/read-sources.ts';

export interface Booking {
  readonly reference: string;
  readonly amountMinor: number;
  readonly currency: string;
  /** Seconds since 1970. */
  readonly startsAt: number;
  readonly email: string;
  readonly guest: string;
  readonly status: string;
  readonly refundedMinor: number | null;
}

/** What the sources hold of a booking, and what has to come of it. */
const STORIES = [
  { name: 'plain', share: 30, state: 'READY', isConsistent: true },
  { name: 'exported twice, as CSV and as JSON', share: 12, state: 'READY', isConsistent: true },
  { name: 'paid by bank, 8.050,00', share: 10, state: 'READY', isConsistent: true },
  { name: 'given back', share: 6, state: 'READY', isConsistent: true },
  { name: 'moved in the calendar', share: 5, state: 'READY', isConsistent: true },
  { name: 'captured only', share: 5, state: 'READY', isConsistent: true },
  { name: 'captured and changed since', share: 3, state: 'READY', isConsistent: true },
  { name: 'a try that failed before', share: 4, state: 'READY', isConsistent: true },
  { name: 'given back in part', share: 3, state: 'CONFLICT', isConsistent: false },
  { name: 'another total in the mail', share: 4, state: 'CONFLICT', isConsistent: false },
  { name: 'another time in the calendar', share: 3, state: 'CONFLICT', isConsistent: false },
  { name: 'paid twice', share: 2, state: 'CONFLICT', isConsistent: false },
  {
    name: 'an export that has it with two amounts',
    share: 1,
    state: 'CONFLICT',
    isConsistent: false,
  },
  { name: 'another currency than the table has', share: 1, state: 'CONFLICT', isConsistent: false },
  { name: 'a refund that cannot be read', share: 1, state: 'CONFLICT', isConsistent: false },
  { name: 'captured, deleted last', share: 1, state: 'CONFLICT', isConsistent: false },
  { name: 'no time anywhere', share: 2, state: 'INCOMPLETE', isConsistent: false },
  { name: 'a mail only', share: 2, state: 'INCOMPLETE', isConsistent: false },
  { name: 'a payment without the booking', share: 2, state: 'INCOMPLETE', isConsistent: false },
  { name: 'a time that was twice', share: 1, state: 'CONFLICT', isConsistent: false },
  { name: 'there already', share: 2, state: 'EXISTS', isConsistent: false },
] as const satisfies readonly {
  readonly name: string;
  readonly share: number;
  readonly state: RowState;
  readonly isConsistent: boolean;
}[];
type Ending = (typeof STORIES)[number];
type Story = Ending['name'];

export interface Told {
  readonly story: Story;
  readonly truth: Booking;
  readonly state: RowState;
  readonly isConsistent: boolean;
}

export interface Gap {
  readonly told: ReadonlyMap<string, Told>;
  readonly files: readonly SourceInput[];
  readonly captured: CapturedRows;
  readonly existing: readonly Booking[];
  readonly records: number;
}

export const TABLE = `
  create table public.bookings (
    id uuid primary key, reference varchar(40) not null unique, amount_cents bigint not null,
    refunded_cents bigint, starts_at timestamptz not null, guest_email text not null, guest text,
    status text not null, note text default 'none')`;

export const MAPPING = `
format: holdfast/mapping/1
table: public.bookings
key: { column: reference, id: booking, generate: id }
suggest: { within: 2h }
sources:
  stripe:
    kind: payments
    where: { status: [succeeded] }
    record: { field: id }
    ids:
      booking: { field: booking }
      payment: { field: id }
    email: { field: email }
    at: { field: created, format: epoch-seconds }
    refund:
      when: { type: [refund] }
      ids: { payment: { field: charge } }
      amount: { field: amount, unit: minor, currency: { field: currency } }
      against: amount_cents
      into: refunded_cents
      full: { set: { status: refunded } }
  bank:
    kind: payments
    record: { field: Referenz }
    ids:
      booking: { field: Zweck, word: BK- }
  diary:
    kind: calendar
    ids:
      booking: { field: summary, word: BK- }
    email: { field: attendee }
    at: { field: starts }
  letters:
    kind: mail
    ids:
      booking: { field: subject, word: BK- }
    email: { field: to }
    at: { field: date }
columns:
  amount_cents:
    is: money
    required: true
    currency: EUR
    from:
      stripe: { field: amount, unit: minor, currency: { field: currency } }
      bank: { field: Betrag, unit: major, decimal: ',', currency: { field: Waehrung } }
      letters: { field: text, after: 'Total:', unit: major }
  refunded_cents:
    is: money
    currency: EUR
  starts_at:
    is: moment
    required: true
    from:
      stripe: { field: starts, zone: Europe/Berlin }
      diary: { field: starts, zone: Europe/Berlin }
      letters: { field: text, after: 'When:', format: dmy, zone: Europe/Berlin }
  guest_email:
    is: text
    required: true
    caseless: true
    from:
      stripe: { field: email }
      bank: { field: Email }
      diary: { field: attendee }
      letters: { field: to }
  guest:
    is: text
    from:
      stripe: { field: name }
      bank: { field: Name }
  status:
    is: text
    required: true
    constant: confirmed
`;

type Random = () => number;

/** Mulberry32. */
function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const GUESTS = [
  'Ada L.',
  'Zoë "Zo" Ång',
  "O'Brien, Pat",
  '=Formula(1)',
  'Łukasz; Nowak',
  'דנה כהן',
];
const HOUR = 3_600;
const START = Date.UTC(2026, 9, 1) / 1000;

/** Lines of each file. */
class Files {
  readonly stripe: string[] = [];
  readonly stripeJson: string[] = [];
  readonly bank: string[] = [];
  readonly diary: string[] = [];
  readonly letters: string[] = [];
  readonly captured: CapturedRow[] = [];
  readonly existing: Booking[] = [];
}

export function gapOf(seed: number, count = 1_000): Gap {
  const random = randomOf(seed);
  const files = new Files();
  const told = new Map<string, Told>();
  const stories = storiesFor(random, count);
  for (const [at, { isConsistent, name: story, state }] of stories.entries()) {
    const truth = bookingOf(random, at);
    told.set(truth.reference, {
      story,
      truth: tell(files, random, story, truth, at),
      state,
      isConsistent,
    });
  }
  const { bank, captured, diary, existing, letters, stripe, stripeJson } = files;
  return {
    told,
    existing,
    files: filesOf(files, random),
    captured: { of: () => each(shuffled(random, captured)) },
    records:
      bank.length +
      captured.length +
      diary.length +
      letters.length +
      stripe.length +
      stripeJson.length,
  };
}

function storiesFor(random: Random, count: number): readonly Ending[] {
  const shares = STORIES.reduce((sum, { share }) => sum + share, 0);
  const all: Ending[] = STORIES.flatMap((one) =>
    Array.from({ length: Math.round((one.share * count) / shares) }, () => one),
  );
  while (all.length < count) all.push(STORIES[0]);
  return shuffled(random, all.slice(0, count));
}

function bookingOf(random: Random, at: number): Booking {
  const cents = 1_000 + Math.floor(random() * 900_000);
  return {
    reference: `BK-${String(10_000 + at)}`,
    amountMinor: cents,
    currency: 'EUR',
    // On the quarter, by day: the clocks change at night.
    startsAt:
      START + Math.floor(random() * 60) * 24 * HOUR + 8 * HOUR + Math.floor(random() * 40) * 900,
    email: `guest${at}@example.com`,
    guest: GUESTS[Math.floor(random() * GUESTS.length)] ?? 'Ada',
    status: 'confirmed',
    refundedMinor: null,
  };
}

/** Writes what the sources hold of it; returns what is true. */
function tell(files: Files, random: Random, story: Story, truth: Booking, at: number): Booking {
  const pay = (more: Partial<Charge> = {}): void => {
    files.stripe.push(chargeLine(chargeOf(truth, at, more)));
  };
  const meet = (startsAt = truth.startsAt, sequence = 0): void => {
    files.diary.push(eventOf(random, truth, startsAt, sequence));
  };
  const write = (total = euros(truth.amountMinor)): void => {
    files.letters.push(letterOf(random, truth, total));
  };
  switch (story) {
    case 'plain':
      pay();
      if (random() < 0.8) meet();
      if (random() < 0.6) write();
      return truth;
    case 'exported twice, as CSV and as JSON':
      pay();
      if (random() < 0.5) pay();
      files.stripeJson.push(JSON.stringify(chargeOf(truth, at, {})));
      meet();
      return truth;
    case 'paid by bank, 8.050,00':
      files.bank.push(bankLine(truth, at));
      if (random() < 0.3) files.bank.push(bankLine(truth, at));
      meet();
      return truth;
    case 'given back':
      pay();
      files.stripe.push(refundLine(truth, at, truth.amountMinor));
      if (random() < 0.4) files.stripe.push(refundLine(truth, at, truth.amountMinor));
      meet();
      return { ...truth, status: 'refunded', refundedMinor: truth.amountMinor };
    case 'moved in the calendar': {
      const moved = { ...truth, startsAt: truth.startsAt + HOUR };
      pay({ starts: '' });
      meet(truth.startsAt, 0);
      meet(moved.startsAt, 1);
      return moved;
    }
    case 'captured only':
      files.captured.push(capturedOf(truth, at * 10, 'after'));
      return truth;
    case 'captured and changed since': {
      const before = { ...truth, guest: 'Somebody Else' };
      files.captured.push(capturedOf(before, at * 10, 'after'));
      files.captured.push(capturedOf(before, at * 10 + 1, 'before'));
      files.captured.push(capturedOf(truth, at * 10 + 1, 'after'));
      files.stripe.push(chargeLine(chargeOf(before, at, {})));
      return truth;
    }
    case 'a try that failed before':
      pay({ id: `ch_${at}_failed`, status: 'failed', amount: truth.amountMinor + 1 });
      pay();
      meet();
      return truth;
    case 'given back in part':
      pay();
      files.stripe.push(refundLine(truth, at, Math.floor(truth.amountMinor / 2)));
      meet();
      return truth;
    case 'another total in the mail': {
      // Nobody can know which of them is true: here it is the one as often as the other.
      const other = { ...truth, amountMinor: truth.amountMinor + 450 };
      pay();
      write(euros(other.amountMinor));
      return random() < 0.5 ? truth : other;
    }
    case 'another time in the calendar': {
      const other = { ...truth, startsAt: truth.startsAt + 2 * HOUR };
      pay();
      meet(other.startsAt);
      return random() < 0.5 ? truth : other;
    }
    case 'paid twice':
      pay();
      pay({ id: `ch_${at}_again` });
      meet();
      return { ...truth, amountMinor: 2 * truth.amountMinor };
    case 'an export that has it with two amounts':
      pay();
      files.stripeJson.push(
        JSON.stringify(chargeOf(truth, at, { amount: truth.amountMinor * 100 })),
      );
      return truth;
    case 'another currency than the table has':
      pay({ currency: 'usd' });
      meet();
      return truth;
    case 'a refund that cannot be read':
      pay();
      meet();
      // A field too many: nobody knows which.
      files.stripe.push(`${refundLine(truth, at, 100)},oops`);
      return { ...truth, status: 'partly refunded', refundedMinor: 100 };
    case 'captured, deleted last':
      files.captured.push(capturedOf(truth, at * 10, 'after'));
      files.captured.push(capturedOf(truth, at * 10 + 1, 'before'));
      return truth;
    case 'no time anywhere':
      pay({ starts: '' });
      return truth;
    case 'a mail only':
      write();
      return truth;
    case 'a payment without the booking':
      meet();
      // Within two hours of the event, by the same address.
      pay({ booking: '', created: truth.startsAt - HOUR });
      return truth;
    case 'a time that was twice':
      pay({ starts: '2026-10-25 02:30:00' });
      meet(Date.UTC(2026, 9, 25, 0, 30) / 1000);
      return { ...truth, startsAt: Date.UTC(2026, 9, 25, 0, 30) / 1000 };
    case 'there already':
      pay();
      files.existing.push(truth);
      return truth;
  }
}

interface Charge {
  readonly id: string;
  readonly type: string;
  readonly amount: number;
  readonly currency: string;
  readonly created: number;
  readonly status: string;
  readonly email: string;
  readonly name: string;
  readonly booking: string;
  readonly charge: string;
  readonly starts: string;
}

const CHARGE_FIELDS = [
  ...(['id', 'type', 'amount', 'currency', 'created', 'status', 'email', 'name'] as const),
  ...(['booking', 'charge', 'starts'] as const),
];

function chargeOf(truth: Booking, at: number, more: Partial<Charge>): Charge {
  return {
    id: `ch_${at}`,
    type: 'charge',
    amount: truth.amountMinor,
    currency: 'eur',
    // Days before: no other booking is near by accident.
    created: truth.startsAt - 9 * 24 * HOUR,
    status: 'succeeded',
    email: at % 3 === 0 ? truth.email.toUpperCase() : truth.email,
    name: truth.guest,
    booking: truth.reference,
    charge: '',
    starts: wall(truth.startsAt, 'Europe/Berlin'),
    ...more,
  };
}

function chargeLine(charge: Charge): string {
  return CHARGE_FIELDS.map((name) => cell(String(charge[name]), ',')).join(',');
}

function refundLine(truth: Booking, at: number, amount: number): string {
  const refund = { id: `re_${at}`, type: 'refund', booking: '', charge: `ch_${at}`, starts: '' };
  return chargeLine(chargeOf(truth, at, { ...refund, amount, email: '', name: '' }));
}

function bankLine(truth: Booking, at: number): string {
  const [whole = '', cents = ''] = euros(truth.amountMinor).split('.');
  const amount = `${whole.replaceAll(/\B(?=(\d{3})+$)/g, '.')},${cents}`;
  const fields = [
    `TX${at}`,
    amount,
    'EUR',
    `Buchung ${truth.reference} danke`,
    truth.email,
    truth.guest,
  ];
  return fields.map((one) => cell(one, ';')).join(';');
}

function cell(text: string, delimiter: string): string {
  return /["\n]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** In one of five ways to write one instant. */
function eventOf(random: Random, truth: Booking, startsAt: number, sequence: number): string {
  const zones = [
    'Europe/Berlin',
    'America/New_York',
    'Asia/Kathmandu',
    'W. Europe Standard Time',
  ] as const;
  const zone = zones[Math.floor(random() * 5)];
  const compact = (text: string): string => text.replaceAll(/[-:]/g, '').replace(' ', 'T');
  const start =
    zone === undefined
      ? `DTSTART:${compact(wall(startsAt, 'UTC'))}Z`
      : `DTSTART;TZID=${zone}:${compact(wall(startsAt, zone.startsWith('W.') ? 'Europe/Berlin' : zone))}`;
  return [
    ...['BEGIN:VEVENT', `UID:${truth.reference}@diary`, `SEQUENCE:${sequence}`, start],
    ...[`SUMMARY:${truth.reference} visit`, `ATTENDEE:mailto:${truth.email}`, 'END:VEVENT'],
  ].join('\r\n');
}

function letterOf(random: Random, truth: Booking, total: string): string {
  const isHtml = random() < 0.4;
  const [, year, month, day, time] =
    /(\d+)-(\d+)-(\d+) (\d+:\d+)/.exec(wall(truth.startsAt, 'Europe/Berlin')) ?? [];
  const when = `When: ${day}.${month}.${year} ${time}`;
  const text = `Thank you!\nTotal: EUR ${total}.\n${when}\n`;
  const html = `<p>Thank you!</p><p>Total: &euro;${total}</p><div>${when}</div><script>Total: 1</script>`;
  return [
    'From shop@example.com Thu Oct  1 10:00:00 2026',
    'From: Shop <shop@example.com>',
    `To: ${truth.email}`,
    `Subject: Your booking ${truth.reference}`,
    'Date: Thu, 1 Oct 2026 10:00:00 +0200',
    `Content-Type: text/${isHtml ? 'html' : 'plain'}; charset=utf-8`,
    '',
    isHtml ? html : text,
    '',
    '',
  ].join('\n');
}

function capturedOf(truth: Booking, seq: number, side: CapturedRow['side']): CapturedRow {
  const values = new Map([
    ['id', '00000000-0000-0000-0000-000000000000'],
    ['reference', truth.reference],
    ['amount_cents', String(truth.amountMinor)],
    ['refunded_cents', null],
    [
      'starts_at',
      `${new Date(truth.startsAt * 1000).toISOString().slice(0, 19).replace('T', ' ')}+00`,
    ],
    ['guest_email', truth.email],
    ['guest', truth.guest],
    ['status', truth.status],
    ['note', null],
  ]);
  const at = new Date(truth.startsAt * 1000);
  return {
    values,
    side,
    seq: BigInt(seq),
    txid: String(seq),
    at,
    role: 'shop',
    item: `undo_${seq}`,
  };
}

function filesOf(files: Files, random: Random): readonly SourceInput[] {
  const stripe = `${CHARGE_FIELDS.join(',')}\n${shuffled(random, files.stripe).join('\n')}\n`;
  const bank = `Referenz;Betrag;Waehrung;Zweck;Email;Name\n${shuffled(random, files.bank).join('\n')}\n`;
  const diary = ['BEGIN:VCALENDAR', ...shuffled(random, files.diary), 'END:VCALENDAR', ''].join(
    '\r\n',
  );
  const input = (source: string, file: string, text: string): SourceInput => {
    return { source, file, bytes: Buffer.from(text) };
  };
  return [
    input('stripe', 'payments.csv', stripe),
    input('stripe', 'payments.json', `[${shuffled(random, files.stripeJson).join(',\n')}]`),
    input('bank', 'umsatz.csv', bank),
    input('diary', 'diary.ics', diary),
    input('letters', 'sent.mbox', shuffled(random, files.letters).join('')),
  ];
}

function euros(minor: number): string {
  return `${Math.floor(minor / 100)}.${String(minor % 100).padStart(2, '0')}`;
}

function wall(second: number, zone: string): string {
  return new Date(second * 1000).toLocaleString('sv-SE', { timeZone: zone });
}

function shuffled<T>(random: Random, list: readonly T[]): readonly T[] {
  const keyed = list.map((one) => ({ one, key: random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ one }) => one);
}

async function* each<T>(list: readonly T[]): AsyncIterable<T> {
  yield* list;
}
