/** Rows of every table, before and now, in both worlds. */
import type { BothRows } from '../report.ts';
import { totalOf } from '../world/measure.ts';
import { TABLES } from '../world/schema.ts';
import { type Paint, thousands } from './paint.ts';

const BAR_MIN = 6;
const BAR_MAX = 18;
/** Everything in a line but the two bars. */
const FIXED_CHARS = 54;

export function panelLines(rows: BothRows, paint: Paint, width: number): string[] {
  const bar = Math.min(BAR_MAX, Math.max(BAR_MIN, Math.floor((width - FIXED_CHARS) / 2)));
  const column = 10 + bar;
  const header = ` ${'rows'.padEnd(18)}${'before'.padStart(9)}   ${'unguarded'.padEnd(column + 2)}guarded`;
  const line = (name: string, before: number, twin: number | null, kept: number | null): string =>
    ` ${name.padEnd(18)}${thousands(before).padStart(9)}   ` +
    `${cell(before, twin, bar, paint)}  ${cell(before, kept, bar, paint)}`;
  return [
    paint.dim(header),
    ...TABLES.map((table) =>
      line(table, rows.before[table] ?? 0, rows.unguarded[table], rows.guarded[table]),
    ),
    line('all', totalOf(rows.before), totalOf(rows.unguarded), totalOf(rows.guarded)),
  ];
}

function cell(before: number, now: number | null, bar: number, paint: Paint): string {
  const share = before === 0 ? 0 : Math.min(1, (now ?? 0) / before);
  const full = Math.round(share * bar);
  const colour = share === 1 ? paint.green : paint.red;
  const drawn = colour('█'.repeat(full)) + paint.dim('·'.repeat(bar - full));
  const count = now === null ? 'gone' : thousands(now);
  return `${colour(count.padStart(9))} ${drawn}`;
}
