/**
 * Two small pictures, drawn by hand as SVG: what could have been lost over the period, and what rehearsals
 * and proofs came to. Shapes say what colours say, for print in black and for who sees no red.
 */
import type { ReliabilityReport, TargetFigures } from '../report-shape.ts';
import { dayWords, plural, spanWords, timeWords } from '../words.ts';
import { html, type Markup } from './markup.ts';

const WIDTH = 680;
const LEFT = 8;
const RIGHT = WIDTH - 8;

type Period = ReliabilityReport['period'];

/** Null: nothing was measured. */
export function lossChart({ promise, rpo }: TargetFigures, period: Period): Markup | null {
  if (rpo.stretches.length === 0) return null;
  const [top, bottom] = [14, 104];
  const promises = promise?.list ?? [];
  const most = Math.max(...promises.map(({ rpoMs }) => rpoMs), rpo.worstMs ?? 0, 1) * 1.1;
  const heightOf = (ms: number): number => Math.max(1.5, ((bottom - top) * ms) / most);
  const x = placeIn(period);
  const width = Math.max(1, (RIGHT - LEFT) / 240 - 0.4);
  const bars = rpo.stretches.map(({ at, entry, promisedMs, rpoMs }) => {
    const isLate = rpoMs === null || (promisedMs !== null && rpoMs > promisedMs);
    const height = rpoMs === null ? bottom - top : heightOf(rpoMs);
    const words = `${timeWords(at)}: ${rpoMs === null ? 'nothing reached a vault' : spanWords(rpoMs)} (entry ${entry})`;
    return html`<rect class="${isLate ? 'late' : 'kept'}" x="${fixed(x(at))}" y="${fixed(bottom - height)}" width="${fixed(width)}" height="${fixed(height)}"><title>${words}</title></rect>`;
  });
  // A step for each promise, from when it was first looked by.
  const label = promises.map(({ at, rpoMs }, place) => {
    const next = promises[place + 1];
    const line = bottom - heightOf(rpoMs);
    const from = place === 0 ? LEFT : x(at);
    const to = next === undefined ? RIGHT : x(next.at);
    return html`<line class="promise" x1="${fixed(from)}" y1="${fixed(line)}" x2="${fixed(to)}" y2="${fixed(line)}"/><text x="${fixed(to)}" y="${fixed(Math.max(10, line - 3))}" text-anchor="end">promised: ${spanWords(rpoMs)}</text>`;
  });
  return html`<figure><svg role="img" viewBox="0 0 ${WIDTH} 122" aria-label="What could have been lost, over the period">${bars}${label}${axis(period, bottom)}</svg>
<figcaption>What could have been lost at the worst of each stretch of the period. A red bar is over the promise of its time; one of full height: nothing reached a vault. Where there is no bar, nobody measured.</figcaption></figure>`;
}

/** Null: there is neither. */
export function lineChart({ drills, proofs }: TargetFigures, period: Period): Markup | null {
  if (drills.list.length + proofs.days.length === 0) return null;
  const x = placeIn(period);
  const dots = drills.list.map(({ at, entry, verdict }) => {
    const words = `${timeWords(at)}: ${verdict} (entry ${entry})`;
    return mark(x(at), 18, DRILL_MARKS[verdict], words);
  });
  const days = proofs.days.map(({ day, first, proven, refuted, unknown, vault }) => {
    const is = refuted > 0 ? 'bad' : proven > 0 ? 'good' : 'open';
    const words = `${day}, ${vault}: ${proven} proven, ${refuted} refuted, ${unknown} unknown (entry ${first})`;
    return mark(x(`${day}T12:00:00.000Z`), 44, is, words);
  });
  return html`<figure><svg role="img" viewBox="0 0 ${WIDTH} 78" aria-label="${plural(drills.list.length, 'rehearsed restore')} and ${plural(proofs.days.length, 'day')} with proofs">
<text x="${LEFT}" y="9">rehearsed restores</text><text x="${LEFT}" y="35">proofs, by day</text>${dots}${days}${axis(period, 60)}</svg>
<figcaption>● passed, or proven: no credential could destroy it. ▲ failed, or refuted. □ could not be carried through, or could not be told.</figcaption></figure>`;
}

const DRILL_MARKS = { passed: 'good', failed: 'bad', 'could-not-run': 'open' } as const;

function mark(x: number, y: number, is: 'good' | 'bad' | 'open', words: string): Markup {
  const title = html`<title>${words}</title>`;
  const [cx, cy] = [fixed(x), fixed(y)];
  switch (is) {
    case 'good':
      return html`<circle class="kept" cx="${cx}" cy="${cy}" r="3.2">${title}</circle>`;
    case 'bad':
      return html`<path class="late" d="M${fixed(x - 5)} ${fixed(y + 4)}h10l-5 -9z">${title}</path>`;
    case 'open':
      return html`<rect class="open" x="${fixed(x - 3)}" y="${fixed(y - 3)}" width="6" height="6">${title}</rect>`;
    default:
      return is satisfies never;
  }
}

function axis({ from, to }: Period, y: number): Markup {
  // The end is not in the period: the last day of November is named, and not the first of December.
  const last = new Date(Date.parse(to) - 1).toISOString();
  return html`<line class="axis" x1="${LEFT}" y1="${y + 1}" x2="${RIGHT}" y2="${y + 1}"/><text x="${LEFT}" y="${y + 14}">${dayWords(from)}</text><text x="${RIGHT}" y="${y + 14}" text-anchor="end">${dayWords(last)}</text>`;
}

function placeIn({ from, to }: Period): (at: string) => number {
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  return (at) => {
    const share = (Date.parse(at) - fromMs) / Math.max(1, toMs - fromMs);
    return LEFT + 4 + Math.min(1, Math.max(0, share)) * (RIGHT - LEFT - 8);
  };
}

function fixed(value: number): string {
  return value.toFixed(1);
}
