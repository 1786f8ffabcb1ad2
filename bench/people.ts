/**
 * `npm run bench:people`: how long people and agents wait for each other. A gateway as `holdfast up` runs it,
 * a PostgreSQL 15 behind it, Debian's Chromium before it. Writes bench/results/people.json. About 3 minutes.
 *
 * - first paint of Holds with 10,000 of them open, and its rows, in a browser that has never been here
 * - from the agent's statement to the signed webhook that tells of its hold
 * - from the signed approval leaving the browser to the agent's statement having run (it waits on the wire);
 *   and from the touch on Approve, with the authenticator's answer before it
 * - lists over the API with a session: the first page and a deep one
 * - the first load of the dashboard, gzip
 */

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { sql } from 'kysely';
import pg from 'pg';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { createHoldfast, type Holdfast, loadConfig, systemClock } from '#holdfast/holdfast.js';
import { median } from './report.ts';
import { freePort, installTools, machineFacts, startPostgres } from './servers.ts';

const HOLDS = 10_000;
const ROUNDS = 9;
const HERE = dirname(fileURLToPath(import.meta.url));
const RESULTS = join(HERE, '../results/people.json');
const BUILT = join(HERE, '../../packages/holdfast/dist/dashboard');

installTools([
  ['/usr/lib/postgresql/15/bin/postgres', 'postgresql-15'],
  ['/usr/bin/chromium', 'chromium'],
]);
const root = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
// As root the servers run as another user, who has to pass.
chmodSync(root, 0o711);
const steps: (() => Promise<unknown>)[] = [];
try {
  await main();
} finally {
  for (const step of steps.reverse()) await step();
  rmSync(root, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const postgres = await startPostgres(root, 1);
  steps.push(() => postgres.stop());
  const { host, port, user, password } = postgres.door;
  const owner = new pg.Client({ ...postgres.door });
  await owner.connect();
  steps.push(() => owner.end());
  for (let at = 0; at < ROUNDS; at += 1) await owner.query(`create table approved_${at} (id int)`);

  const arrivals = new Map<string, number>();
  const hook = createServer((request, answer) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const id = /hold_[0-9a-z]{16}/.exec(Buffer.concat(pieces).toString())?.[0];
      if (id !== undefined && !arrivals.has(id)) arrivals.set(id, performance.now());
      answer.end();
    });
  });
  const hookPort = await freePort();
  await new Promise<void>((done) => hook.listen(hookPort, '127.0.0.1', done));
  steps.push(async () => hook.close());

  const dashboardPort = await freePort();
  const origin = `http://localhost:${dashboardPort}`;
  const config = join(root, 'holdfast.yaml');
  const folder = join(root, 'holdfast');
  mkdirSync(folder, { mode: 0o711 });
  const sqlPort = await freePort();
  writeFileSync(
    config,
    `listen: { host: 127.0.0.1, port: ${sqlPort}, tls: off }
dashboard: { port: ${dashboardPort} }
store: { dataFolder: '${folder}' }
environments: { production: { level: guarded } }
approvals: { holdWait: 60s }
targets:
  bench:
    environment: production
    upstream: { url: 'postgres://${user}@${host}:${port}/bench', password: { env: BENCH_PASSWORD } }
notify:
  channels:
    hook: { kind: webhook, url: 'http://127.0.0.1:${hookPort}/', secret: { env: BENCH_HOOK } }
`,
  );
  const env = {
    ...process.env,
    BENCH_PASSWORD: password,
    BENCH_HOOK: `whsec_${Buffer.alloc(24, 7).toString('base64')}`,
  };
  const holdfast = await createHoldfast({
    config: loadConfig(config, env),
    env,
    clock: systemClock,
    say: () => {},
  });
  steps.push(() => holdfast.stop());
  await holdfast.start();
  const { rooms } = holdfast;
  await rooms.agents.add('bench-agent', { purpose: 'a bench' });
  const { token } = await rooms.agents.issueToken({
    agent: 'bench-agent',
    environment: 'production',
    targets: [],
  });
  const login = { host: '127.0.0.1', port: sqlPort, user: 'bench-agent', password: token };

  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  steps.push(() => browser.close());
  const context = await browser.newContext({ baseURL: origin });
  const page = await withAuthenticator(context);
  await page.goto(holdfast.firstOwnerUrl ?? '');
  await page.getByLabel('Your name').fill('ana');
  await page.getByRole('button', { name: 'Make a passkey' }).click();
  await page.getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('link', { name: 'Holds' }).first().waitFor();

  const decided = await timesOfDecisions(holdfast, login, page, arrivals);
  await fillHolds(holdfast);
  const paints = await timesOfPaint(context);
  const lists = await timesOfLists(context, origin);
  const result = {
    machine: machineFacts(),
    at: new Date().toISOString(),
    rounds: ROUNDS,
    holds: HOLDS,
    milliseconds: {
      firstPaint: summary(paints.map(({ paint }) => paint)),
      rowsShown: summary(paints.map(({ rows }) => rows)),
      holdToNotification: summary(decided.told),
      approvalToRelease: summary(decided.released),
      touchToRelease: summary(decided.touched),
      listFirstPage: summary(lists.first),
      listDeepPage: summary(lists.deep),
    },
    firstLoadGzipBytes: firstLoad(),
    aims: {
      firstPaint: 1_000,
      holdToNotification: 1_000,
      approvalToRelease: 200,
      listFirstPage: 50,
      listDeepPage: 50,
      firstLoadGzipBytes: 250_000,
    },
  };
  writeFileSync(RESULTS, `${JSON.stringify(result, null, 2)}\n`);
  console.log(JSON.stringify(result.milliseconds, null, 2));
  console.log(`first load, gzip: ${result.firstLoadGzipBytes} bytes`);
}

function summary(values: readonly number[]) {
  const round = (value: number): number => Math.round(value * 10) / 10;
  return { median: round(median(values)), worst: round(Math.max(...values)) };
}

async function withAuthenticator(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return page;
}

interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** The agent's statement waits on the wire; the person touches Approve; the statement has run. */
async function timesOfDecisions(
  { rooms }: Holdfast,
  login: Login,
  page: Page,
  arrivals: ReadonlyMap<string, number>,
): Promise<{ readonly told: number[]; readonly touched: number[]; readonly released: number[] }> {
  const told: number[] = [];
  const touched: number[] = [];
  const released: number[] = [];
  for (let at = 0; at < ROUNDS; at += 1) {
    const agent = new pg.Client({ ...login, database: 'bench', ssl: false });
    await agent.connect();
    const sentAt = performance.now();
    const done = agent.query(`drop table approved_${at}`).then(() => performance.now());
    const id = await openHold(rooms);
    await page.goto(`/holds/${id}`);
    await page.getByLabel(/^Type .* to approve/).fill(`approved_${at}`);
    const button = page.getByRole('button', { name: /^Approve by passkey/ });
    // The touch itself, the authenticator's answer, the gateway's two requests and the release.
    const sent = page
      .waitForRequest((request) => request.url().endsWith('/approve'))
      .then(() => performance.now());
    const touchedAt = performance.now();
    await button.click();
    touched.push((await done) - touchedAt);
    released.push((await done) - (await sent));
    const toldAt = arrivals.get(id);
    if (toldAt !== undefined) told.push(toldAt - sentAt);
    await agent.end();
  }
  return { told, touched, released };
}

async function openHold(rooms: Holdfast['rooms']): Promise<string> {
  for (;;) {
    const [hold] = await rooms.holds.list('open');
    if (hold?.state === 'waiting') return hold.id;
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** As many as are asked for, after the pattern of one that was real. */
async function fillHolds({ rooms }: Holdfast): Promise<void> {
  await rooms.database.run((db) =>
    sql`
      with pattern as (select * from holdfast.holds order by opened_at desc limit 1)
      insert into holdfast.holds
      select r.* from pattern p, generate_series(1, ${HOLDS}::int) n,
        jsonb_populate_record(null::holdfast.holds, to_jsonb(p) || jsonb_build_object(
        'id', 'hold_' || lpad(n::text, 16, '0'),
        'digest', lpad(to_hex(n), 64, '0'),
        'state', 'waiting',
        'decided_at', null,
        'statement', 'DROP TABLE bookings_' || n,
        'opened_at', now() - n * interval '1 second',
        'expires_at', now() + interval '1 hour')) r`.execute(db),
  );
  await rooms.database.run((db) => sql`analyze holdfast.holds`.execute(db));
}

/** Each in a context that keeps the session and nothing else. */
async function timesOfPaint(
  signedIn: BrowserContext,
): Promise<readonly { readonly paint: number; readonly rows: number }[]> {
  const state = await signedIn.storageState();
  const times: { paint: number; rows: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const context = await signedIn.browser()?.newContext({ storageState: state });
    if (context === undefined) throw new Error('The browser is gone.');
    const page = await context.newPage();
    const url = new URL('/holds', state.origins[0]?.origin).href;
    const from = performance.now();
    await page.goto(url);
    await page.getByText('DROP TABLE bookings_1', { exact: true }).waitFor();
    const rows = performance.now() - from;
    const paint = Number(
      await page.evaluate(
        'performance.getEntriesByType("paint").find((one) => one.name === "first-contentful-paint").startTime',
      ),
    );
    times.push({ paint, rows });
    await context.close();
  }
  return times;
}

async function timesOfLists(
  context: BrowserContext,
  origin: string,
): Promise<{ readonly first: number[]; readonly deep: number[] }> {
  const { cookies, origins } = await context.storageState();
  const page = origins
    .flatMap(({ localStorage }) => localStorage)
    .find(({ name }) => name === 'holdfast.page')?.value;
  const headers = {
    cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; '),
    'x-holdfast-page': page ?? '',
  };
  const ask = async (path: string): Promise<{ readonly ms: number; readonly next: string }> => {
    const from = performance.now();
    const answer = await fetch(`${origin}${path}`, { headers });
    const body: unknown = await answer.json();
    const ms = performance.now() - from;
    if (!answer.ok) throw new Error(JSON.stringify(body));
    const next = typeof body === 'object' && body !== null && 'next' in body ? body.next : null;
    return { ms, next: typeof next === 'string' ? next : '' };
  };
  let cursor = '';
  for (let pages = 0; pages < 25; pages += 1) {
    cursor = (await ask(`/v1/holds?limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`)).next;
  }
  const first: number[] = [];
  const deep: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    first.push((await ask('/v1/holds')).ms);
    deep.push((await ask(`/v1/holds?cursor=${cursor}`)).ms);
  }
  return { first, deep };
}

/** What a browser fetches before it shows anything: the page, its script and what that imports, its style. */
function firstLoad(): number {
  const html = readFileSync(join(BUILT, 'index.html'), 'utf8');
  const named = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map(
    ([, path = '']) => path,
  );
  const known = new Set(readdirSync(join(BUILT, 'assets')));
  const files = named.filter((path) => known.has(path.replace('assets/', '')));
  return [html, ...files.map((path) => readFileSync(join(BUILT, path), 'utf8'))]
    .map((text) => gzipSync(text).length)
    .reduce((sum, bytes) => sum + bytes, 0);
}
