/**
 * `npm run bench:recovery`: what a backup and a restore cost against a plain copy of the same data, and
 * against pgBackRest, in the same run; how much of the newest work is lost when the server dies; how long a
 * stream that stopped goes unnoticed; and how long a drill takes to a moment between two floods of work.
 * Writes bench/results/recovery.json. PostgreSQL 15 with data checksums, vault and server on one disk.
 *
 * Per round, in turn: `cp -a && sync`, backup by Holdfast, backup by pgBackRest, restore by each, both
 * with a sync. The machine may be shared, so ratios within a round count, and their median. Holdfast's
 * times are without the start of Node, since it runs anyway; pgBackRest's are of its command.
 *
 * HOLDFAST_BENCH_SCALE: pgbench's scale (50: 1 GB in all); HOLDFAST_BENCH_ROUNDS: 3.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { aimed, aimsTable } from './aims.ts';
import { median, tableText } from './report.ts';
import { writeSections } from './sections.ts';
import { freePort, installTools, machineFacts, PG_BIN } from './servers.ts';
import { inWorkshop, type Stops } from './workshop.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const RESULTS = join(HERE, '../results/recovery.json');
const SCALE = Number(process.env['HOLDFAST_BENCH_SCALE'] ?? 50);
const ROUNDS = Number(process.env['HOLDFAST_BENCH_ROUNDS'] ?? 3);
const COMMITS = 300;
const PULL = join(HERE, 'recovery-pull.js');

interface Told {
  readonly ms: number;
  readonly cpuSeconds: number;
  readonly maxRssMiB: number;
}

interface Rpo {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

interface Drilled {
  readonly ms: number;
  readonly phases: Readonly<Record<string, number | null>>;
  readonly verdict: string;
}

interface Round {
  readonly copyMs: number;
  readonly backup: Told;
  readonly restore: Told;
  readonly peerBackupMs: number;
  readonly peerRestoreMs: number;
}

interface World {
  readonly root: string;
  readonly data: string;
  readonly port: number;
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  readonly keys: readonly [identity: string, recipient: string];
}

installTools([
  [`${PG_BIN}/postgres`, 'postgresql-15'],
  [`${PG_BIN}/pgbench`, 'postgresql-15'],
  ['/usr/bin/pgbackrest', 'pgbackrest'],
  ['/usr/bin/age-keygen', 'age'],
]);
await inWorkshop(main);

async function main(root: string, stops: Stops): Promise<void> {
  const world = await startWorld(root, stops);
  const sizes = execFileSync('du', ['-sb', '--exclude=pg_wal', world.data]).toString();
  const bytes = Number(sizes.split('\t')[0]);
  process.stdout.write(`${(bytes / 1e9).toFixed(2)} GB without WAL, ${ROUNDS} rounds\n`);
  const { rpo, noticedMs } = await measureStream(world);
  const rounds: Round[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    rounds.push(await playRound(world, round));
    process.stdout.write(`${JSON.stringify(rounds.at(-1))}\n`);
  }
  const drills: Drilled[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    execFileSync('sync');
    const told: Drilled = JSON.parse(await toldBy(world, 'drill', join(root, 'drill')));
    if (told.verdict !== 'passed') throw new Error(`a drill did not pass: ${JSON.stringify(told)}`);
    drills.push({ ms: told.ms, phases: told.phases, verdict: told.verdict });
    process.stdout.write(`${JSON.stringify(drills.at(-1))}\n`);
  }
  report(bytes, rounds, rpo, noticedMs, drills);
}

async function playRound(world: World, round: number): Promise<Round> {
  const { root, data, owner } = world;
  const copy = join(root, 'copy');
  const timed = (work: () => void): number => {
    execFileSync('sync');
    const started = performance.now();
    work();
    return performance.now() - started;
  };
  const copyMs = timed(() => {
    // Without the WAL, which no backup takes along with the files. Some of them come and go while the
    // server runs; cp says so, and has copied the rest.
    const most = 'ls -A | grep -vx pg_wal | xargs cp -a -t';
    execFileSync('sh', ['-c', `mkdir ${copy}; cd ${data}; ${most} ${copy} 2>/dev/null; sync`]);
  });
  rmSync(copy, { recursive: true });

  execFileSync('sync');
  const backup = await pull(world, 'backup', '');
  const peer = (...args: string[]): void => {
    execFileSync('pgbackrest', [`--config=${join(root, 'peer.conf')}`, '--stanza=bench', ...args], {
      stdio: 'pipe',
      ...(owner ?? {}),
    });
  };
  const peerBackupMs = timed(() => {
    peer('--type=full', 'backup');
    execFileSync('sync');
  });
  const restored = join(root, `restored-${round}`);
  execFileSync('sync');
  const restore = await pull(world, 'restore', restored);
  rmSync(restored, { recursive: true });
  const peerRestored = join(root, `peer-${round}`);
  ownedFolder(peerRestored, owner);
  const peerRestoreMs = timed(() => {
    peer(`--pg1-path=${peerRestored}`, 'restore');
    execFileSync('sync');
  });
  rmSync(peerRestored, { recursive: true });
  return { copyMs, backup, restore, peerBackupMs, peerRestoreMs };
}

/**
 * From the moment a commit was answered until it is durable in the vault; then how long it takes until a
 * server that says nothing any more, its connection still up, is told from one where nothing happens.
 */
async function measureStream(
  world: World,
): Promise<{ readonly rpo: Rpo; readonly noticedMs: number }> {
  const child = spawn(process.execPath, pullArguments(world, 'stream', ''), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  const load = spawn(
    `${PG_BIN}/pgbench`,
    [
      '-h',
      '127.0.0.1',
      '-p',
      `${world.port}`,
      '-U',
      'postgres',
      '-n',
      '-c',
      '2',
      '-R',
      '100',
      '-T',
      '600',
      'postgres',
    ],
    { stdio: 'ignore' },
  );
  const client = new pg.Client(doorOf(world.port));
  await client.connect();
  await client.query('create table if not exists heartbeat (at timestamptz)');
  const times: number[] = [];
  for (let commit = 0; commit < COMMITS; commit += 1) {
    await client.query('insert into heartbeat values (now())');
    const started = performance.now();
    const { rows } = await client.query('select pg_current_wal_flush_lsn()::text as lsn');
    child.stdin.write(`${String(rows[0]?.lsn)}\n`);
    await lines.next();
    times.push(performance.now() - started);
    await new Promise((done) => setTimeout(done, 37 + (commit % 10) * 10));
  }
  const { rows } = await client.query('select pid from pg_stat_replication');
  const sender = Number(rows[0]?.pid);
  await client.end();
  await stopped(load, 'SIGTERM');
  process.kill(sender, 'SIGSTOP');
  const silentFrom = performance.now();
  let noticedMs = Number.NaN;
  try {
    child.stdin.write('silence\n');
    await lines.next();
    noticedMs = performance.now() - silentFrom;
  } finally {
    process.kill(sender, 'SIGCONT');
  }
  child.stdin.end();
  await new Promise((done) => child.once('exit', done));
  const sorted = times.sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
  return { rpo: { p50: at(0.5), p99: at(0.99), max: at(1) }, noticedMs };
}

async function startWorld(root: string, stops: Stops): Promise<World> {
  const owner =
    process.getuid?.() === 0
      ? {
          uid: Number(execFileSync('id', ['-u', 'postgres']).toString()),
          gid: Number(execFileSync('id', ['-g', 'postgres']).toString()),
        }
      : null;
  const run = owner ?? {};
  const home = join(root, 'server');
  ownedFolder(home, owner);
  const data = join(home, 'data');
  const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-k'];
  execFileSync(`${PG_BIN}/initdb`, initdb, { stdio: 'pipe', cwd: home, ...run });
  const port = await freePort();
  const peerConf = join(root, 'peer.conf');
  const conf = [
    `port=${port}`,
    "listen_addresses='127.0.0.1'",
    `unix_socket_directories='${home}'`,
    'shared_buffers=256MB',
    'max_wal_size=4GB',
    'wal_level=replica',
    'archive_mode=on',
    `archive_command='pgbackrest --config=${peerConf} --stanza=bench archive-push %p'`,
  ];
  writeFileSync(join(data, 'postgresql.auto.conf'), `${conf.join('\n')}\n`);
  const child = spawn(`${PG_BIN}/postgres`, ['-D', data], { stdio: 'ignore', cwd: home, ...run });
  stops.push(() => stopped(child, 'SIGINT'));
  await answering(port);
  const tool = (...args: string[]): void => {
    execFileSync(
      `${PG_BIN}/pgbench`,
      ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'postgres', ...args, 'postgres'],
      { stdio: 'pipe' },
    );
  };
  preparePeer(peerConf, root, data, home, port, owner);
  tool('-i', '-q', '-s', `${SCALE}`);
  const client = new pg.Client(doorOf(port));
  await client.connect();
  await client.query(
    `create table bookings as
       select n as id, jsonb_build_object('guest', md5(n::text), 'email', md5((n * 7)::text) || '@example.org',
         'nights', n % 14, 'room', n % 300, 'notes', repeat(md5((n % 1000)::text), 3)) as booking
         from generate_series(1, ${SCALE * 14_000}) n`,
  );
  await client.query("create index on bookings ((booking->>'email'))");
  await client.query('checkpoint');
  await client.end();
  return { root, data, port, owner, keys: newKeys(root) };
}

/** As Debian's package would be set up for the same duties: lz4, encrypted, two processes. */
function preparePeer(
  file: string,
  root: string,
  data: string,
  home: string,
  port: number,
  owner: World['owner'],
): void {
  for (const name of ['peer-repo', 'peer-log', 'peer-lock', 'peer-spool'])
    ownedFolder(join(root, name), owner);
  const lines = [
    '[global]',
    `repo1-path=${join(root, 'peer-repo')}`,
    'repo1-cipher-type=aes-256-cbc',
    'repo1-cipher-pass=bench',
    'repo1-bundle=y',
    'repo1-retention-full=9',
    `log-path=${join(root, 'peer-log')}`,
    `lock-path=${join(root, 'peer-lock')}`,
    `spool-path=${join(root, 'peer-spool')}`,
    'log-level-console=error',
    'compress-type=lz4',
    'process-max=2',
    'start-fast=y',
    'archive-check=n',
    '[bench]',
    `pg1-path=${data}`,
    `pg1-socket-path=${home}`,
    `pg1-port=${port}`,
    'pg1-user=postgres',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  execFileSync(
    'pgbackrest',
    [`--config=${file}`, '--stanza=bench', '--no-online', 'stanza-create'],
    {
      stdio: 'pipe',
      ...(owner ?? {}),
    },
  );
}

function newKeys(root: string): readonly [string, string] {
  const file = join(root, 'key.txt');
  execFileSync('age-keygen', ['-o', file], { stdio: 'pipe' });
  const recipient = execFileSync('age-keygen', ['-y', file]).toString().trim();
  const identity = execFileSync('grep', ['^AGE-SECRET-KEY', file]).toString().trim();
  return [identity, recipient];
}

function pullArguments({ port, root, keys }: World, act: string, folder: string): string[] {
  return [PULL, act, `${port}`, join(root, 'vault'), ...keys, folder];
}

async function pull(world: World, act: string, folder: string): Promise<Told> {
  const { ms, cpuSeconds, maxRssMiB }: Told = JSON.parse(await toldBy(world, act, folder));
  return { ms, cpuSeconds, maxRssMiB };
}

async function toldBy(world: World, act: string, folder: string): Promise<string> {
  const child = spawn(process.execPath, pullArguments(world, act, folder), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = '';
  child.stdout.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  const code = await new Promise((done) => child.once('exit', done));
  if (code !== 0) throw new Error(`${act} ended with ${String(code)}`);
  return told;
}

function report(
  bytes: number,
  rounds: readonly Round[],
  rpo: Rpo,
  noticedMs: number,
  drills: readonly Drilled[],
): void {
  const ratio = (of: (round: Round) => number): number => median(rounds.map(of));
  const maxRss = Math.max(
    ...rounds.flatMap(({ backup, restore }) => [backup.maxRssMiB, restore.maxRssMiB]),
  );
  const seconds = (of: (round: Round) => number): string => (ratio(of) / 1000).toFixed(1);
  process.stdout.write(
    tableText(
      ['', 'seconds', 'of cp', 'cpu s'],
      [
        ['cp -a && sync', seconds((one) => one.copyMs), '1.00', ''],
        [
          'backup, Holdfast',
          seconds((one) => one.backup.ms),
          ratio((one) => one.backup.ms / one.copyMs).toFixed(2),
          ratio((one) => one.backup.cpuSeconds).toFixed(1),
        ],
        [
          'backup, pgBackRest',
          seconds((one) => one.peerBackupMs),
          ratio((one) => one.peerBackupMs / one.copyMs).toFixed(2),
          '',
        ],
        [
          'restore, Holdfast',
          seconds((one) => one.restore.ms),
          ratio((one) => one.restore.ms / one.copyMs).toFixed(2),
          ratio((one) => one.restore.cpuSeconds).toFixed(1),
        ],
        [
          'restore, pgBackRest',
          seconds((one) => one.peerRestoreMs),
          ratio((one) => one.peerRestoreMs / one.copyMs).toFixed(2),
          '',
        ],
      ],
      [0],
    ),
  );
  const aims = [
    aimed(
      'restoreOfCopy',
      'restore / cp -a && sync',
      ratio((one) => one.restore.ms / one.copyMs),
    ),
    aimed(
      'backupOfCopy',
      'backup / cp -a && sync',
      ratio((one) => one.backup.ms / one.copyMs),
    ),
    aimed(
      'recoveryPeer',
      'backup, as fast as pgBackRest',
      ratio((one) => one.peerBackupMs / one.backup.ms),
    ),
    aimed(
      'recoveryPeer',
      'restore, as fast as pgBackRest',
      ratio((one) => one.peerRestoreMs / one.restore.ms),
    ),
    aimed('rpoMs', 'loss when the server dies, p99, ms', rpo.p99),
    aimed('noticedMs', 'a stream that stopped, noticed after ms', noticedMs),
    aimed('drillMs', 'drill to a moment in between, ms', median(drills.map(({ ms }) => ms))),
    aimed('recoveryMiB', 'memory, MiB at most', maxRss),
  ];
  process.stdout.write(
    `\n${aimsTable(aims)}\nRPO p50 ${rpo.p50.toFixed(0)} ms, p99 ${rpo.p99.toFixed(0)}, max ${rpo.max.toFixed(0)}\n`,
  );
  writeSections(
    RESULTS,
    { pull: { bytes, rounds, rpoMs: rpo, noticedMs, drills, aims } },
    machineFacts(),
  );
}

function ownedFolder(folder: string, owner: World['owner']): void {
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  chmodSync(folder, 0o700);
  if (owner) chownSync(folder, owner.uid, owner.gid);
}

function doorOf(port: number): pg.ClientConfig {
  return { host: '127.0.0.1', port, user: 'postgres', database: 'postgres' };
}

async function answering(port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const client = new pg.Client(doorOf(port));
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await new Promise((done) => setTimeout(done, 100));
    }
  }
  throw new Error('PostgreSQL did not start');
}

async function stopped(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill(signal);
  await gone;
}
