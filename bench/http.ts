/**
 * `npm run bench:http`: an agent's small GraphQL queries through Holdfast, with policy and trail on, beside
 * nginx `proxy_pass` and beside a bare proxy of node:http and undici. Everything on loopback, everything
 * started and stopped here. Rounds take turns; medians of the rounds.
 *
 *   proxy      CPU of the proxy for each request, p50 and p99, at 1 and at 64 connections; the same request
 *              again and again, and one with other variables each time
 *   reading    what it takes to say what a request would do (bench/http-reading.ts)
 *   memory     1,000 open connections, 1,000,000 requests; 50,000 without --whole
 *
 * nginx has one worker, keep-alive on both sides and no access log; it puts the credential on. Holdfast's
 * CPU counts with that of the server that keeps its state. The upstream and the load have processes of their
 * own, and are charged to nobody. Writes its sections of bench/results/http.json.
 *
 * Options: --quick (small, to see that it runs)  --whole  --rounds N  --seconds N  --only proxy,reading,memory
 *          --cells same-1,same-64,varied-64
 *          --profile FOLDER (leaves a CPU profile of Holdfast's process there)  --out FILE
 */
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Aimed, aimed, aimsTable } from './aims.ts';
import { type Cell, measure, type Row, rowsOf, type Sample, tableOf } from './http-load.ts';
import { type MemoryResult, measureMemory } from './http-memory.ts';
import {
  HTTP_TOOLS,
  type Peer,
  startBare,
  startHoldfastHttp,
  startNginx,
  startUpstream,
} from './http-peers.ts';
import { measureReading, type ReadingResult } from './http-reading.ts';
import { writeSections } from './sections.ts';
import { cpuModel, installTools } from './servers.ts';
import { inWorkshop } from './workshop.ts';

const RESULT = join(dirname(fileURLToPath(import.meta.url)), '..', 'results', 'http.json');
const PARTS = ['proxy', 'reading', 'memory'];
const CELLS: readonly Cell[] = [
  { id: 'same-1', title: 'the same, 1 connection', connections: 1, isVaried: false },
  { id: 'same-64', title: 'the same, 64 connections', connections: 64, isVaried: false },
  { id: 'varied-64', title: 'varied, 64 connections', connections: 64, isVaried: true },
];
const WARM_UP_SECONDS = 3;

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly readings: number;
  readonly requests: number;
  readonly only: readonly string[];
  readonly cells: readonly Cell[];
  readonly profile: string | null;
  readonly out: string;
}

function optionsOf(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      whole: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string', default: PARTS.join() },
      cells: { type: 'string', default: CELLS.map(({ id }) => id).join() },
      profile: { type: 'string' },
      out: { type: 'string', default: RESULT },
    },
  });
  const only = values.only.split(',');
  const wrong = only.filter((part) => !PARTS.includes(part));
  if (wrong.length > 0)
    throw new Error(`--only knows ${PARTS.join(', ')}; not ${wrong.join(', ')}.`);
  const count = (name: string, text: string | undefined, usual: number): number => {
    const value = text === undefined ? usual : Number(text);
    if (Number.isInteger(value) && value >= 1 && value <= 600) return value;
    throw new Error(`--${name} takes a whole number from 1 to 600, not ${text}.`);
  };
  return {
    rounds: count('rounds', values.rounds, values.quick ? 1 : 5),
    seconds: count('seconds', values.seconds, values.quick ? 2 : 5),
    readings: values.quick ? 200 : 2_000,
    requests: values.whole ? 1_000_000 : values.quick ? 10_000 : 50_000,
    only,
    cells: CELLS.filter(({ id }) => values.cells.split(',').includes(id)),
    profile: values.profile ?? null,
    out: values.out,
  };
}

async function main(): Promise<void> {
  const options = optionsOf(process.argv.slice(2));
  installTools(HTTP_TOOLS);
  const results: Aimed[] = [];
  const sections: Record<string, object> = {};
  await inWorkshop(async (root, stops) => {
    say('starting the upstream, nginx, the bare proxy, Holdfast ...');
    const upstream = await startUpstream();
    stops.push(upstream.stop);
    if (options.only.includes('reading')) {
      const reading = await measureReading(upstream.port, options.readings);
      results.push(...readingAims(reading));
      sections['reading'] = reading;
    }
    if (options.only.every((part) => part === 'reading')) return;
    const holdfast = await startHoldfastHttp(root, upstream.port, options.profile);
    stops.push(holdfast.stop);
    if (options.only.includes('proxy')) {
      const nginx = await startNginx(root, upstream.port);
      stops.push(nginx.stop);
      const bare = await startBare(upstream.port);
      stops.push(bare.stop);
      const samples = await inTurns([nginx, bare, holdfast], options);
      const rows = rowsOf(options.cells, samples);
      process.stdout.write(tableOf(rows));
      results.push(...proxyAims(rows));
      const { rounds, seconds } = options;
      sections['proxy'] = { rounds, seconds, rows, samples };
    }
    if (options.only.includes('memory')) {
      const memory = await measureMemory(holdfast, options.requests, true, say);
      results.push(...memoryAims(memory));
      sections['memory'] = memory;
    }
  });
  process.stdout.write(aimsTable(results));
  writeSections(options.out, { ...sections, aims: { results } }, facts());
  say(`written: ${options.out}`);
}

/** Who goes first changes from round to round, so that a neighbour's busy minute is shared out. */
async function inTurns(
  peers: readonly Peer[],
  { cells, rounds, seconds }: Options,
): Promise<readonly Sample[]> {
  for (const peer of peers) {
    // What is compiled once is no part of a request.
    for (const cell of cells) await measure(peer, cell, 0, WARM_UP_SECONDS);
  }
  const samples: Sample[] = [];
  const all = rounds * cells.length * peers.length;
  for (let round = 1; round <= rounds; round += 1) {
    for (const cell of cells) {
      for (let turn = 0; turn < peers.length; turn += 1) {
        const peer = peers[(turn + round) % peers.length];
        if (peer === undefined) continue;
        const sample = await measure(peer, cell, round, seconds);
        samples.push(sample);
        const cpu = (sample.proxyUs + sample.storeUs).toFixed(1);
        say(`${samples.length}/${all}: ${peer.name}, ${cell.title}: ${cpu} us`);
      }
    }
  }
  return samples;
}

function proxyAims(rows: readonly Row[]): Aimed[] {
  return rows.flatMap(({ cell, peer, ratio }) =>
    peer === 'holdfast' && ratio !== null
      ? [aimed('httpCpu', `CPU of a request, to nginx: ${cell}`, ratio)]
      : [],
  );
}

function readingAims(reading: ReadingResult): Aimed[] {
  return [
    aimed('cachedUs', 'a request with a known document, us', reading.cachedUs),
    aimed('newDocumentUs', 'a new document of 2 kB, us', reading.newDocumentUs),
    aimed('bombMs', 'a bomb of 20,000 aliases, ms', reading.bombMs),
  ];
}

function memoryAims({ connections, growth, requests }: MemoryResult): Aimed[] {
  const what = `memory, second half of ${requests} requests over ${connections} connections to first`;
  return [aimed('memoryGrowth', what, growth)];
}

function facts(): Record<string, string> {
  // It says so on stderr.
  const nginx = execFileSync('/bin/sh', ['-c', '/usr/sbin/nginx -v 2>&1']).toString().trim();
  return { cpu: cpuModel(), nginx };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

await main();
