/** Cells and rounds of `npm run bench:http`: one load after the other, the CPU of the proxy around each. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cpuSecondsOf } from './cpu.ts';
import type { LoadResult, LoadWish } from './http-client.ts';
import type { Peer } from './http-peers.ts';
import { median, tableText } from './report.ts';

const CLIENT = join(dirname(fileURLToPath(import.meta.url)), 'http-client.js');

export interface Cell {
  /** On the command line. */
  readonly id: string;
  readonly title: string;
  readonly connections: number;
  readonly isVaried: boolean;
}

export interface Sample {
  readonly cell: string;
  readonly round: number;
  readonly peer: Peer['name'];
  readonly answersPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of the proxy's own process. */
  readonly proxyUs: number;
  /** Of the server that keeps Holdfast's state. */
  readonly storeUs: number;
}

export interface Row extends Omit<Sample, 'round'> {
  /** Median over rounds of the CPU, store included, beside nginx in the same round. */
  readonly ratio: number | null;
}

let countedTo = 0;

/** `said`: called after every `sayEvery` answers. */
export async function load(
  peer: Peer,
  wish: Omit<LoadWish, 'port' | 'token' | 'countFrom'>,
  said: (done: number) => void = () => {},
): Promise<LoadResult> {
  // Far enough apart that no two loads ask for the same.
  countedTo += 10_000_000;
  const whole: LoadWish = { ...wish, port: peer.port, token: peer.token, countFrom: countedTo };
  const child = spawn(process.execPath, [CLIENT, JSON.stringify(whole)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((done) => child.once('exit', done));
  let result: LoadResult | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    const word: { readonly done?: number } & LoadResult = JSON.parse(line);
    if (word.done === undefined) result = word;
    else said(word.done);
  }
  const code = await ended;
  if (result === null) throw new Error(`The load on ${peer.name} ended with ${code}.`);
  return result;
}

export async function measure(
  peer: Peer,
  cell: Cell,
  round: number,
  seconds: number,
): Promise<Sample> {
  const before = cpuOf(peer);
  const { connections, isVaried } = cell;
  const many = Number.MAX_SAFE_INTEGER;
  const wish = { connections, inFlight: connections, isVaried, seconds };
  const result = await load(peer, { ...wish, requests: many, sayEvery: many });
  const after = cpuOf(peer);
  const each = (cpuSeconds: number): number => (cpuSeconds * 1e6) / result.answers;
  return {
    cell: cell.title,
    round,
    peer: peer.name,
    answersPerSecond: result.answers / result.seconds,
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    proxyUs: each(after.proxy - before.proxy),
    storeUs: each(after.store - before.store),
  };
}

function cpuOf({ pid, storePid }: Peer): Record<'proxy' | 'store', number> {
  return cpuSecondsOf({ proxy: pid, store: storePid });
}

export function rowsOf(cells: readonly Cell[], samples: readonly Sample[]): Row[] {
  const peers = [...new Set(samples.map(({ peer }) => peer))];
  return cells.flatMap(({ title }) => {
    const here = samples.filter(({ cell }) => cell === title);
    return peers.map((peer) => {
      const mine = here.filter((one) => one.peer === peer);
      const of = (value: (sample: Sample) => number): number => median(mine.map(value));
      const ratios = mine.flatMap((one) => {
        const other = here.find((two) => two.peer === 'nginx' && two.round === one.round);
        return other === undefined ? [] : [(one.proxyUs + one.storeUs) / other.proxyUs];
      });
      return {
        cell: title,
        peer,
        answersPerSecond: of((one) => one.answersPerSecond),
        p50Us: of((one) => one.p50Us),
        p99Us: of((one) => one.p99Us),
        proxyUs: of((one) => one.proxyUs),
        storeUs: of((one) => one.storeUs),
        ratio: ratios.length === 0 ? null : median(ratios),
      };
    });
  });
}

const HEAD = ['cell', 'peer', 'answers/s', 'p50 us', 'p99 us', 'cpu us', 'store us', 'to nginx'];

export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => [
    row.cell,
    row.peer,
    row.answersPerSecond.toFixed(0),
    row.p50Us.toFixed(0),
    row.p99Us.toFixed(0),
    row.proxyUs.toFixed(1),
    row.storeUs.toFixed(1),
    row.ratio === null ? '-' : row.ratio.toFixed(2),
  ]);
  return tableText(HEAD, lines, [0, 1]);
}
