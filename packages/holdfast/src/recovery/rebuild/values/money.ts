/**
 * Amounts as people and machines write them, into the smallest unit of a currency. `80.50`, `8050` cents
 * and `8.050,00` are three amounts or one, depending on unit and decimal sign: both are told by the
 * mapping, and what could still be read in two ways is not read.
 *
 * It will not: round, take a missing currency for a known one, or read digits that are not ASCII.
 */
import { found, type Reading, unread } from './reading.ts';

export interface MoneyForm {
  readonly unit: 'minor' | 'major';
  /** `either`: only what can be read in one way. */
  readonly decimal: '.' | ',' | 'either';
  /** Told beside the amount; null: it must stand in the text. */
  readonly currency: string | null;
}

/** ISO 4217, list one: currencies whose smallest unit is not a hundredth. */
const EXPONENTS: ReadonlyMap<string, number> = new Map([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'
    .split(' ')
    .map((code) => [code, 0] as const),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3] as const),
  ...(
    'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF ' +
    'CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD ' +
    'HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK ' +
    'MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD ' +
    'RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS ' +
    'UAH USD UYU UZS VES WST XCD YER ZAR ZMW'
  )
    .split(' ')
    .map((code) => [code, 2] as const),
]);
const SIGNS: ReadonlyMap<string, readonly string[]> = new Map([
  ['€', ['EUR']],
  ['£', ['GBP']],
  ['$', ['USD', 'AUD', 'CAD', 'NZD', 'SGD', 'HKD', 'MXN']],
  ['¥', ['JPY', 'CNY']],
  ['₹', ['INR']],
  ['CHF', ['CHF']],
]);

const DIGITS_MAX = 15;
const TEXT_CHARS_MAX = 64;
const CODE = /^([A-Za-z]{3}|[€£$¥₹])\s*(?=[-(\d])|(?<=[\d)-])\s*([A-Za-z]{3}|[€£$¥₹])$/;
const GROUPING = /[ \u00a0\u202f'’]/g;

/** Digits behind the decimal sign; null: not a currency that is known here. */
export function exponentOf(currency: string): number | null {
  return EXPONENTS.get(currency) ?? null;
}

export function readMoney(text: string, form: MoneyForm): Reading {
  if (text.length > TEXT_CHARS_MAX) return unread('too long for an amount');
  const bare = withoutCurrency(text.trim().replaceAll('\u2212', '-'));
  const currency = currencyOf(bare.mark, form.currency);
  if (currency === null) return unread(whyNoCurrency(bare.mark, form.currency));
  const exponent = exponentOf(currency);
  if (exponent === null) return unread('no currency of ISO 4217 that is known here');
  const signed = signOf(bare.amount);
  if (signed === null) return unread('no amount');
  const minor =
    form.unit === 'minor'
      ? wholeDigits(signed.digits)
      : majorDigits(signed.digits, exponent, form.decimal);
  if (minor === null) return unread(`no amount that can be read in one way as ${currency}`);
  if (minor.length > DIGITS_MAX) return unread('more digits than an amount has');
  const sign = signed.isNegative && minor !== '0' ? '-' : '';
  return found({ kind: 'money', minor: sign + minor, currency });
}

/** Of a decimal number as a server writes it: `80.5` -> `8050`. Null: finer than the smallest unit. */
export function minorOf(text: string, currency: string): string | null {
  const exponent = exponentOf(currency);
  const match = /^(-?)(\d{1,15})(?:\.(\d+))?$/.exec(text);
  if (match === null || exponent === null) return null;
  const [, sign = '', whole = '', fraction = ''] = match;
  const kept = fraction.slice(0, exponent).padEnd(exponent, '0');
  if (/[1-9]/.test(fraction.slice(exponent))) return null;
  return String(BigInt(`${sign}${whole}${kept}`));
}

function withoutCurrency(text: string): { amount: string; mark: string | null } {
  const match = CODE.exec(text);
  if (match === null) return { amount: text, mark: null };
  const mark = match[1] ?? match[2] ?? '';
  return { amount: text.replace(match[0], '').trim(), mark: mark.toUpperCase() };
}

function currencyOf(mark: string | null, told: string | null): string | null {
  const known = told?.trim().toUpperCase() ?? null;
  if (mark === null) return known === null || known === '' ? null : known;
  const meant = SIGNS.get(mark) ?? [mark];
  if (known !== null && known !== '') return meant.includes(known) ? known : null;
  return meant.length === 1 ? (meant[0] ?? null) : null;
}

function whyNoCurrency(mark: string | null, told: string | null): string {
  if (mark === null) return 'an amount without a currency';
  return told === null ? `${mark} is more than one currency` : `in ${mark}, where ${told} is told`;
}

/** A sign in front or behind, or brackets as accountants write them; exactly one of these. */
function signOf(text: string): { digits: string; isNegative: boolean } | null {
  const match = /^(?:\(([^()+-]+)\)|-\s?([^()+-]+)|([^()+-]+)-|\+?([^()+-]+))$/.exec(text);
  if (match === null) return null;
  const [, bracketed, before, behind, plain] = match;
  const digits = (bracketed ?? before ?? behind ?? plain ?? '').trim();
  return { digits, isNegative: plain === undefined };
}

function wholeDigits(text: string): string | null {
  return /^\d{1,18}$/.test(text) ? String(BigInt(text)) : null;
}

function majorDigits(text: string, exponent: number, decimal: MoneyForm['decimal']): string | null {
  const sign = decimal === 'either' ? decimalOf(text, exponent) : decimal;
  if (sign === null) return null;
  const parts = sign === 'none' ? [text] : text.split(sign);
  if (parts.length > 2) return null;
  const [whole = '', fraction = ''] = parts;
  const digits = ungrouped(whole, sign);
  if (digits === null || !/^\d*$/.test(fraction)) return null;
  // `80,` is cut off, `80,5` may be; only as many digits as there are, or none.
  if (parts.length === 2 && fraction.length === 0) return null;
  if (/[1-9]/.test(fraction.slice(exponent))) return null;
  if (decimal === 'either' && fraction !== '' && fraction.length !== exponent) return null;
  return String(BigInt(digits + fraction.slice(0, exponent).padEnd(exponent, '0')));
}

/** Which sign begins the fraction, where nobody told; null: it could be either. */
function decimalOf(text: string, exponent: number): '.' | ',' | 'none' | null {
  const last = Math.max(text.lastIndexOf('.'), text.lastIndexOf(','));
  if (last < 0) return 'none';
  const sign = text[last] === '.' ? '.' : ',';
  const other = sign === '.' ? ',' : '.';
  if (text.includes(other)) return text.indexOf(sign) === last ? sign : null;
  // One kind of sign only: three digits behind it are a group, or a fraction of three; more are neither.
  if (text.indexOf(sign) !== last) return 'none';
  const behind = text.length - last - 1;
  if (behind === 3) return null;
  return behind === exponent ? sign : null;
}

/** `8.050`, `8 050` and `8050` -> `8050`: whole groups of three, of one kind. */
function ungrouped(whole: string, sign: '.' | ',' | 'none'): string | null {
  const plain = whole.replaceAll(GROUPING, ' ');
  const grouping = sign === '.' ? ',' : sign === ',' ? '.' : null;
  const groups = /[ .,]/.exec(plain)?.[0] ?? null;
  if (groups === null) return /^\d{1,15}$/.test(plain) ? plain : null;
  if (groups !== ' ' && grouping !== null && groups !== grouping) return null;
  const parts = plain.split(groups);
  const isWhole = parts.every((part, at) => (at === 0 ? /^\d{1,3}$/ : /^\d{3}$/).test(part));
  return isWhole ? parts.join('') : null;
}
