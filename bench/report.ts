/** Medians, ratios and the table that is printed and quoted. */
import type { Cell, Sample } from './matrix.ts';

export interface Row {
  readonly workload: string;
  readonly title: string;
  readonly clients: number;
  readonly contestant: string;
  readonly tps: number;
  readonly cpuMicros: Sample['cpuMicros'];
  readonly foreign: number;
  /** Median over rounds of the ratio to PgBouncer in the same round; null without PgBouncer. */
  readonly tpsRatio: number | null;
  /** The same for transactions per CPU second of the whole pipeline. */
  readonly perCpuRatio: number | null;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function rowsOf(cells: readonly Cell[], samples: readonly Sample[]): Row[] {
  const names = [...new Set(samples.map((sample) => sample.contestant))].sort(inOrder);
  return cells.flatMap(({ workload, clients }) =>
    names.map((contestant) => {
      const of = (name: string): Sample[] =>
        samples.filter(
          (one) =>
            one.workload === workload.id && one.clients === clients && one.contestant === name,
        );
      const mine = of(contestant);
      const peer = of('pgbouncer');
      const ratio = (value: (sample: Sample) => number): number | null => {
        const pairs = mine.flatMap((one) => {
          const other = peer.find((sample) => sample.round === one.round);
          return other ? [value(one) / value(other)] : [];
        });
        return pairs.length === 0 ? null : median(pairs);
      };
      const part = (key: keyof Sample['cpuMicros']): number =>
        median(mine.map((one) => one.cpuMicros[key]));
      return {
        workload: workload.id,
        title: workload.title,
        clients,
        contestant,
        tps: median(mine.map((one) => one.tps)),
        cpuMicros: {
          server: part('server'),
          proxy: part('proxy'),
          store: part('store'),
          pgbench: part('pgbench'),
          total: part('total'),
        },
        foreign: median(mine.map((one) => one.foreign)),
        tpsRatio: ratio((one) => one.tps),
        perCpuRatio: ratio((one) => 1 / one.cpuMicros.total),
      };
    }),
  );
}

const ORDER = ['direct', 'pgbouncer', 'uncaptured', 'holdfast'];

function inOrder(a: string, b: string): number {
  return ORDER.indexOf(a) - ORDER.indexOf(b);
}

const HEAD = [
  'workload', 'clients', 'contestant', 'tps', 'tps ratio', 'tx/cpu-s ratio',
  'proxy us', 'store us', 'server us', 'pgbench us', 'foreign',
]; // biome-ignore format: a table's head

export function tableOf(rows: readonly Row[]): string {
  const ratio = (value: number | null): string => (value === null ? '-' : value.toFixed(2));
  const lines = rows.map((row) => [
    row.title,
    `${row.clients}`,
    row.contestant,
    row.tps.toFixed(0),
    ratio(row.tpsRatio),
    ratio(row.perCpuRatio),
    row.cpuMicros.proxy.toFixed(1),
    row.cpuMicros.store.toFixed(1),
    row.cpuMicros.server.toFixed(1),
    row.cpuMicros.pgbench.toFixed(1),
    `${(row.foreign * 100).toFixed(0)} %`,
  ]);
  return tableText(HEAD, lines, [0, 2]);
}

/** `left`: columns of words, which begin at their left. */
export function tableText(
  head: readonly string[],
  lines: readonly (readonly string[])[],
  left: readonly number[],
): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => (line[column] ?? '').length)),
  );
  const printed = [head, ...lines].map((line) =>
    line
      .map((text, column) => {
        const width = widths[column] ?? 0;
        return left.includes(column) ? text.padEnd(width) : text.padStart(width);
      })
      .join('  '),
  );
  return `${printed.join('\n')}\n`;
}
