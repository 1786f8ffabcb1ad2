/** Durations as people write them: `30s`, `15m`, `8h`, `2d`. One number, one unit. */
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds, or null when the text is no duration. `0` needs no unit. */
export function durationMs(text: string): number | null {
  if (text === '0') return 0;
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const unit = Object.entries(UNIT_MS).find(([name]) => name === match?.[2]);
  return match === null || unit === undefined ? null : Number(match[1]) * unit[1];
}
