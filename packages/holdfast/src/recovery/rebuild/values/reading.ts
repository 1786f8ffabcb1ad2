/** What a text was read as: a value, or the reason why it was not. Words only. */

export const VALUE_KINDS = [
  'text',
  'integer',
  'uuid',
  'boolean',
  'money',
  'currency',
  'moment',
  'date',
] as const;
export type ValueKind = (typeof VALUE_KINDS)[number];

export type Value =
  | { readonly kind: 'text' | 'currency' | 'uuid'; readonly text: string }
  /** Decimal digits, with `-` where it is negative; no leading zeros. */
  | { readonly kind: 'integer'; readonly digits: string }
  | { readonly kind: 'boolean'; readonly is: boolean }
  /** In the currency's smallest unit (ISO 4217): 80.50 EUR is `8050`. */
  | { readonly kind: 'money'; readonly minor: string; readonly currency: string }
  /** RFC 3339, in UTC, without trailing zeros: `2026-11-03T09:00:00Z`. */
  | { readonly kind: 'moment'; readonly at: string }
  /** `2026-11-03`. */
  | { readonly kind: 'date'; readonly date: string };

export type Reading =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'unread'; readonly why: string };

export function found(value: Value): Reading {
  return { kind: 'value', value };
}

export function unread(why: string): Reading {
  return { kind: 'unread', why };
}
