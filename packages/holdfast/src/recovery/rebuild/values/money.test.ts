import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MoneyForm, readMoney } from './money.ts';
import { majorOf } from './value.ts';

const EUR: MoneyForm = { unit: 'major', decimal: 'either', currency: 'EUR' };

function read(text: string, form: Partial<MoneyForm> = {}): string {
  const reading = readMoney(text, { ...EUR, ...form });
  if (reading.kind === 'unread') return 'unread';
  return reading.value.kind === 'money' ? `${reading.value.minor} ${reading.value.currency}` : '?';
}

const UNREAD: readonly (readonly [story: string, text: string, form?: Partial<MoneyForm>])[] = [
  ['a thousand or eight and a bit', '8.050'],
  ['one digit behind a sign that nobody told', '80.5'],
  ['a full stop at the end', '80.50.'],
  ['finer than a cent', '80.505', { decimal: '.' }],
  ['groups that are none', '1,23,456.00'],
  ['groups of two kinds', '1.234 567,00'],
  ['euros, where cents are told', '80.50', { unit: 'minor' }],
  ['an exponent', '8e3'],
  ['hexadecimal', '0x50'],
  ['Arabic digits', '٨٠٫٥٠'],
  ['full-width digits', '８０'],
  ['a formula', '=80.50'],
  ['a formula with a plus', '+cmd|80'],
  ['two signs', '--80.50'],
  ['a bracket that does not close', '(80.50'],
  ['no currency', '80.50', { currency: null }],
  ['a sign of several, not told which', '$80.50', { currency: null }],
  ['another currency than is told', '80.50 USD'],
  ['no currency of this world', '80.50', { currency: 'XYZ' }],
  ['more digits than money has', '99999999999999999.00'],
  ['a text that is long', '1'.repeat(10_000)],
  ['nothing', ''],
  ['a sign without a number', '€', { currency: null }],
  ['not a number', 'NaN'],
  ['a range', '80-85'],
];

describe('amounts', () => {
  it.each<readonly [story: string, text: string, form: Partial<MoneyForm>, read: string]>([
    ['a point', '80.50', {}, '8050 EUR'],
    ['a comma', '80,50', {}, '8050 EUR'],
    ['German thousands', '8.050,00', {}, '805000 EUR'],
    ['English thousands', '8,050.00', {}, '805000 EUR'],
    ['Swiss thousands', "8'050.00", {}, '805000 EUR'],
    ['French thousands', '8 050,00', {}, '805000 EUR'],
    ['cents', '8050', { unit: 'minor' }, '8050 EUR'],
    ['whole euros', '8050', {}, '805000 EUR'],
    ['millions', '1.234.567,89', {}, '123456789 EUR'],
    ['a currency in front', 'EUR 80.50', { currency: null }, '8050 EUR'],
    ['a sign behind', '80,50 €', { currency: null }, '8050 EUR'],
    ['a sign of several, told which', '$80.50', { currency: 'CAD' }, '8050 CAD'],
    ['yen have no hundredths', '8,050', { currency: 'JPY' }, 'unread'],
    ['yen, told the sign', '8,050', { currency: 'JPY', decimal: '.' }, '8050 JPY'],
    ['dinars have thousandths', '80.505', { currency: 'KWD', decimal: '.' }, '80505 KWD'],
    ['one digit, told the sign', '80.5', { decimal: '.' }, '8050 EUR'],
    ['accountants’ brackets', '(80.50)', {}, '-8050 EUR'],
    ['a minus behind', '80,50-', {}, '-8050 EUR'],
    ['the other minus', '\u221280.50', {}, '-8050 EUR'],
    ['nothing, negative', '-0.00', {}, '0 EUR'],
    ['zeros behind the smallest unit', '80.5000', { decimal: '.' }, '8050 EUR'],
  ])('reads %s', (_story, text, form, expected) => {
    expect(read(text, form)).toBe(expected);
  });

  it.each(UNREAD.map(([story, text, form = {}]) => [story, text, form] as const))(
    'does not read %s',
    (_story, text, form) => {
      expect(read(text, form)).toBe('unread');
    },
  );

  it('reads back every amount that it writes, whatever the grouping', () => {
    const currencies = fc.constantFrom('EUR', 'USD', 'JPY', 'KWD');
    fc.assert(
      fc.property(
        fc.integer({ min: -1e12, max: 1e12 }),
        currencies,
        fc.boolean(),
        (minor, currency, isComma) => {
          const [whole = '', fraction] = majorOf(String(minor), currency).split('.');
          const [group, decimal] = isComma ? (['.', ','] as const) : ([',', '.'] as const);
          const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, group);
          const text = fraction === undefined ? grouped : grouped + decimal + fraction;
          expect(read(text, { currency, decimal })).toBe(`${minor} ${currency}`);
        },
      ),
    );
  });

  it('never reads another amount where the decimal sign is not told', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.constantFrom('.', ','), (minor, decimal) => {
        const [whole = '', fraction = ''] = majorOf(String(minor), 'EUR').split('.');
        const found = read(whole + decimal + fraction);
        expect(found).toBe(`${minor} EUR`);
        const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, decimal);
        expect([`${BigInt(whole) * 100n} EUR`, 'unread']).toContain(read(grouped));
      }),
    );
  });

  it('answers to any text, and to no text with a number it does not hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        const found = read(text);
        if (found !== 'unread') expect(text).toMatch(/\d/);
      }),
    );
  });
});
