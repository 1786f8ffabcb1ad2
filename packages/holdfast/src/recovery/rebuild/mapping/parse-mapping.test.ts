import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../../model/errors.ts';
import { parseMapping } from './parse-mapping.ts';

const WHOLE = `format: holdfast/mapping/1
table: public.bookings
key: { column: reference, id: booking }
sources:
  stripe:
    kind: payments
    record: { field: id }
    ids: { booking: { field: booking } }
columns:
  amount_cents:
    is: money
    currency: EUR
    from: { stripe: { field: amount, unit: minor, currency: { is: EUR } } }
`;

function faultsOf(text: string): string {
  try {
    parseMapping(text, 'mapping.yaml');
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'HF_REBUILD_MAPPING') return error.message;
    throw error;
  }
  return 'none';
}

describe('a mapping', () => {
  it('is read whole, with what was not said', () => {
    const mapping = parseMapping(WHOLE, 'mapping.yaml');
    expect(mapping).toMatchObject({
      schema: 'public',
      table: 'bookings',
      key: { column: 'reference', kind: 'text', id: 'booking', generate: null },
      suggestWithinMs: null,
    });
    expect(mapping.columns[0]).toMatchObject({
      combine: 'same',
      whenDifferent: 'conflict',
      stored: 'minor',
    });
    expect(mapping.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each<readonly [story: string, from: string, to: string, says: readonly string[]]>([
    [
      'a key that is misspelt',
      'column: reference',
      'colum: reference',
      ['mapping.yaml:3:', 'Did you mean `column`?'],
    ],
    ['another format', 'mapping/1', 'mapping/2', ['one of holdfast/mapping/1']],
    ['a table without its schema', 'public.bookings', 'bookings', ['a table as schema.name']],
    ['an id that nobody gives', 'id: booking }', 'id: bokking }', ['Did you mean `booking`?']],
    [
      'a source that there is not',
      'from: { stripe:',
      'from: { strip:',
      ['Did you mean `stripe`?', 'mapping.yaml:13:'],
    ],
    ['money without its currency', '    currency: EUR\n', '', ['Add `currency`']],
    ['money without its unit', ', unit: minor', '', ['a guess would be wrong by a hundred']],
    [
      'money from nowhere',
      'is: money\n',
      'is: money\n    constant: 80.50\n',
      ['Money is never invented'],
    ],
    ['payments that are added up without an id', 'record: { field: id }\n    ids', 'ids', ['none']],
    ['a column of the key', 'amount_cents:', 'reference:', ['a column that `key` fills']],
    [
      'a zone of nowhere',
      '    ids: { booking',
      '    at: { field: x, zone: Mars/Olympus }\n    ids: { booking',
      ['a zone of the IANA database'],
    ],
    ['the name of captured rows', '  stripe:\n', '  captured:\n', ['another name']],
    [
      'a constant that is none of its kind',
      'columns:\n',
      'columns:\n  paid: { is: boolean, constant: perhaps }\n',
      ['neither true nor false'],
    ],
    [
      'both ways to find a word',
      'booking: { field: booking }',
      'booking: { field: booking, after: x, word: y }',
      ['both'],
    ],
    ['code', 'field: amount', 'field: { $eval: "process.exit()" }', ['the name of a field']],
    ['a tag that makes things', 'field: amount', 'field: !!js/function "x"', ['YAML']],
    [
      'a pattern that never ends',
      'field: amount',
      'field: amount, match: "(a+)+$"',
      ['unknown key `match`'],
    ],
  ])('says what is wrong with %s', (_story, from, to, says) => {
    const text = WHOLE.replace(from, to);
    expect(text).not.toBe(WHOLE);
    const faults =
      _story === 'payments that are added up without an id'
        ? faultsOf(text.replace('currency: EUR\n', 'currency: EUR\n    combine: sum\n'))
        : faultsOf(text);
    for (const one of says) expect(faults).toContain(one);
  });

  it.each<readonly [story: string, refund: string, says: string]>([
    ['of a column that is not money', 'against: guest', 'a column that is money'],
    [
      'that invents money',
      'against: amount_cents, full: { set: { amount_cents: 0 } }',
      'Money comes of payments',
    ],
    ['of an amount without a unit', 'against: amount_cents', '`unit`'],
    [
      'that means something unheard of',
      'against: amount_cents, full: forget',
      'ask, leave-out, or {set',
    ],
  ])('refuses a refund %s', (_story, refund, says) => {
    const text = WHOLE.replace(
      '    record:',
      `    refund: { when: { type: [refund] }, amount: { field: amount }, ${refund} }\n    record:`,
    ).replace('columns:\n', 'columns:\n  guest: { is: text }\n');
    expect(faultsOf(text)).toContain(says);
  });

  it('refuses refunds in mail', () => {
    const text = WHOLE.replace('kind: payments', 'kind: mail').replace(
      '    record:',
      '    refund: { when: negative, amount: { field: text, unit: major }, against: amount_cents }\n    record:',
    );
    expect(faultsOf(text)).toContain('refunds of payments only');
  });

  it('is in the docs as it can be read', () => {
    const page = readFileSync(
      join(import.meta.dirname, '../../../../../../docs/recovery-rebuild.md'),
      'utf8',
    );
    const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
    expect(faultsOf(yaml)).toBe('none');
    expect(parseMapping(yaml, 'docs').sources.size).toBe(4);
  });

  it('says all that is wrong at once', () => {
    const text = WHOLE.replace('    currency: EUR\n', '').replace(', unit: minor', '');
    expect(faultsOf(text)).toContain('2 error(s)');
  });
});
