/**
 * Two things that rates do not show: what an idle session weighs, and how long one session's large
 * statement keeps the others waiting.
 */
import pg from 'pg';
import { residentBytes } from './cpu.ts';
import type { Door } from './pgbench.ts';
import { median } from './report.ts';

export interface IdleResult {
  readonly connections: number;
  readonly rssBeforeBytes: number;
  readonly rssAfterBytes: number;
  readonly bytesPerConnection: number;
}

/** Opened in groups, so that the listen queue is no part of the question. */
const GROUP = 25;

export async function measureIdle(door: Door, pid: number, count: number): Promise<IdleResult> {
  // A first group comes and goes: code and caches that are paid once are not the sessions' weight.
  await ended(await opened(door, GROUP));
  await settled();
  const rssBeforeBytes = residentBytes(pid);
  const clients: pg.Client[] = [];
  try {
    while (clients.length < count) {
      clients.push(...(await opened(door, Math.min(GROUP, count - clients.length))));
    }
    await settled();
    const rssAfterBytes = residentBytes(pid);
    const first = clients[0];
    const last = clients[clients.length - 1];
    await first?.query('select 1');
    await last?.query('select 1');
    const bytesPerConnection = (rssAfterBytes - rssBeforeBytes) / count;
    return { connections: count, rssBeforeBytes, rssAfterBytes, bytesPerConnection };
  } finally {
    await ended(clients);
  }
}

export interface BlockResult {
  readonly contestant: string;
  readonly statementBytes: number;
  /** The longest wait of another session's `select 1` while the statement was under way, ms. */
  readonly longestWaitMs: number;
  /** The same session's longest wait over as long a time with nothing else going on, ms. */
  readonly quietWaitMs: number;
}

export async function measureBlock(
  name: string,
  door: Door,
  sizes: readonly number[],
  repeats: number,
): Promise<BlockResult[]> {
  const [heavy, light] = await opened(door, 2);
  if (!heavy || !light) throw new Error('Two sessions were asked for.');
  const results: BlockResult[] = [];
  try {
    for (const statementBytes of sizes) {
      const waits: number[] = [];
      const quiet: number[] = [];
      for (let turn = 0; turn < repeats; turn += 1) {
        const text = statementOf(statementBytes, turn);
        const started = performance.now();
        waits.push(await longestWhile(light, heavy.query(text)));
        quiet.push(await longestWhile(light, pause(performance.now() - started)));
      }
      results.push({
        contestant: name,
        statementBytes,
        longestWaitMs: median(waits),
        quietWaitMs: median(quiet),
      });
    }
  } finally {
    await ended([heavy, light]);
  }
  return results;
}

/** A harmless read whose text no cache has seen: each literal is of this turn. */
function statementOf(bytes: number, turn: number): string {
  const parts: string[] = [];
  let length = 60;
  for (let number = turn * 10_000_000; length < bytes; number += 7) {
    const part = `${number}`;
    parts.push(part);
    length += part.length + 1;
  }
  return `select count(*) from pgbench_branches where bid in (${parts.join(',')})`;
}

async function longestWhile(light: pg.Client, work: Promise<unknown>): Promise<number> {
  let over = false;
  const done = work.finally(() => {
    over = true;
  });
  let longest = 0;
  do {
    const started = performance.now();
    await light.query('select 1');
    longest = Math.max(longest, performance.now() - started);
    await pause(1);
  } while (!over);
  await done;
  return longest;
}

async function opened(door: Door, count: number): Promise<pg.Client[]> {
  const { host, port, user, password, database } = door;
  return Promise.all(
    Array.from({ length: count }, async () => {
      const client = new pg.Client({ host, port, user, password, database, ssl: false });
      client.on('error', () => {});
      await client.connect();
      return client;
    }),
  );
}

async function ended(clients: readonly pg.Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client.end()));
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/** Time for both ends to finish closing and for a collection to happen. */
function settled(): Promise<void> {
  return pause(3_000);
}
