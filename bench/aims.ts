/** What the issues ask for, beside what was measured in this run. */

const AIMS = {
  tpcb: { aim: 0.85, is: 'at least' },
  deleteOne: { aim: 1.3, is: 'at most' },
  deleteMany: { aim: 3.1, is: 'at most' },
  drop: { aim: 1, is: 'at most' },
  drainMs: { aim: 1_000, is: 'at most' },
  undoCopy: { aim: 0.5, is: 'at least' },
  listMs: { aim: 50, is: 'at most' },
  previewMs: { aim: 50, is: 'at most' },
  httpCpu: { aim: 2.5, is: 'at most' },
  cachedUs: { aim: 10, is: 'at most' },
  newDocumentUs: { aim: 100, is: 'at most' },
  bombMs: { aim: 5, is: 'at most' },
  restoreOfCopy: { aim: 1.2, is: 'at most' },
  backupOfCopy: { aim: 2.5, is: 'at most' },
  recoveryPeer: { aim: 0.9, is: 'at least' },
  rpoMs: { aim: 1_000, is: 'at most' },
  noticedMs: { aim: 15_000, is: 'at most' },
  drillMs: { aim: 20_000, is: 'at most' },
  recoveryMiB: { aim: 300, is: 'at most' },
  memoryGrowth: { aim: 1.1, is: 'at most' },
} as const;

export interface Aimed {
  readonly what: string;
  readonly measured: number;
  readonly aim: number;
  readonly is: 'at least' | 'at most';
  readonly isMet: boolean;
}

export function aimed(name: keyof typeof AIMS, what: string, measured: number): Aimed {
  const { aim, is } = AIMS[name];
  return { what, measured, aim, is, isMet: is === 'at least' ? measured >= aim : measured <= aim };
}

export function aimsTable(results: readonly Aimed[]): string {
  const number = (value: number): string => value.toFixed(value >= 10 ? 0 : 2);
  const width = Math.max(...results.map(({ what }) => what.length), 0);
  return results
    .map(({ what, measured, aim, is, isMet }) =>
      [
        what.padEnd(width),
        number(measured).padStart(7),
        `aim: ${is} ${number(aim)}`,
        isMet ? 'met' : 'NOT MET',
      ].join('  '),
    )
    .map((line) => `${line}\n`)
    .join('');
}
