import { oneLine } from './visible.ts';

/** What a browser calls itself, in words that a person would use. */
export function browserWords(userAgent: string): string {
  const browser = [
    [/Edg\//, 'Edge'],
    [/Firefox\//, 'Firefox'],
    [/Chrom(e|ium)\//, 'Chrome'],
    [/Safari\//, 'Safari'],
  ] as const;
  const system = [
    [/iPhone|iPad/, 'iOS'],
    [/Android/, 'Android'],
    [/Mac OS X/, 'macOS'],
    [/Windows/, 'Windows'],
    [/Linux/, 'Linux'],
  ] as const;
  const name = browser.find(([pattern]) => pattern.test(userAgent))?.[1];
  const where = system.find(([pattern]) => pattern.test(userAgent))?.[1];
  return name === undefined || where === undefined
    ? oneLine(userAgent).slice(0, 80)
    : `${name} on ${where}`;
}
