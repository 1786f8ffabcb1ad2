/** Numbers that people read: rows, bytes, and whether they were counted or estimated. */

const COUNT = new Intl.NumberFormat('en');

export interface Measured {
  readonly value: number;
  readonly how: 'exact' | 'estimate';
}

export function countWords(value: number): string {
  return COUNT.format(value);
}

/** `1 row`, `12,048 rows`. */
export function plural(value: number, one: string, many: string = `${one}s`): string {
  return `${COUNT.format(value)} ${value === 1 ? one : many}`;
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

export function byteWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** `≈` says again, for the eye, what the word says. */
export function measuredWords(measured: Measured, words: (value: number) => string): string {
  return measured.how === 'estimate' ? `≈ ${words(measured.value)}` : words(measured.value);
}
