/** A rebuild of bookings, by their reference, out of small files; for tests of what becomes of a proposal. */
import { parseMapping } from '../recovery/rebuild/mapping/parse-mapping.ts';
import type { Proposal } from '../recovery/rebuild/proposal.ts';
import { propose } from '../recovery/rebuild/propose.ts';
import { fakeTable } from './fake-table.ts';

export interface Bookings {
  readonly target: string;
  /** What each is, and of what, as YAML on one line. */
  readonly columns: Readonly<Record<string, string>>;
  /** By source, lines of CSV: the first names the fields, `id` and `booking` among them. */
  readonly payments: Readonly<Record<string, readonly string[]>>;
  /** Whole ones, with the reference in the subject. Left out: there is no such source. */
  readonly letters?: readonly string[];
  /** Rows that stand there. */
  readonly existing?: Parameters<typeof fakeTable>[2];
  readonly copies: string;
}

/** Of a payment, for a column of money. */
export const CENTS = '{ field: amount, unit: minor, currency: { is: EUR } }';

export function proposeBookings({
  columns,
  copies,
  existing = [],
  letters,
  payments,
  target,
}: Bookings): Promise<Proposal> {
  const mapping = [
    'format: holdfast/mapping/1',
    'table: public.bookings',
    'key: { column: reference, id: booking }',
    'sources:',
    ...Object.keys(payments).map(
      (name) =>
        `  ${name}: { kind: payments, record: { field: id }, ids: { booking: { field: booking } } }`,
    ),
    ...(letters === undefined
      ? []
      : ['  letters: { kind: mail, ids: { booking: { field: subject, word: BK- } } }']),
    'columns:',
    ...Object.entries(columns).map(([name, from]) => `  ${name}: ${from}`),
  ].join('\n');
  return propose({
    target,
    scratch: fakeTable('reference', Object.keys(columns), existing),
    mapping: parseMapping(mapping, 'mapping.yaml'),
    sources: [
      ...Object.entries(payments).map(([source, lines]) => ({
        ...{ source, file: `${source}.csv` },
        bytes: Buffer.from(lines.join('\n')),
      })),
      ...(letters ?? []).map((text, number) => ({
        ...{ source: 'letters', file: `${number}.eml` },
        bytes: Buffer.from(text),
      })),
    ],
    captured: null,
    copies,
  });
}
