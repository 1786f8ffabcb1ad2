/**
 * Engine pgbackrest against Debian's own package: backups of a real server in a real repository, drilled, restored
 * to a moment, and each kind of damage to the repository seen by a drill.
 */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { unprivilegedUser } from '../../src/programs/embedded-engine.ts';
import { runDrill } from '../../src/recovery/drills/drill.ts';
import type { DrillResult } from '../../src/recovery/drills/drill-result.ts';
import type { Witness } from '../../src/recovery/drills/witness.ts';
import type { RestoreGoal } from '../../src/recovery/engines/engine.ts';
import { PgBackRestEngine } from '../../src/recovery/engines/pgbackrest/pgbackrest-engine.ts';
import { listPoints, readPoint } from '../../src/recovery/point-store.ts';
import type { StoredPoint } from '../../src/recovery/recovery-point.ts';
import { type RestoredTarget, restoreTarget } from '../../src/recovery/restore/restore-target.ts';
import { FolderVault } from '../../src/recovery/testing/folder-vault.ts';
import { TEST_SEAL } from '../../src/recovery/testing/test-seal.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { DEBIAN_15, NEVER, QUIET, until } from './pull-ground.ts';
import { queryOf } from './query-of.ts';

const isHere = existsSync('/usr/bin/pgbackrest') && existsSync(`${DEBIAN_15}/postgres`);

describe.skipIf(!isHere)('engine pgbackrest (Debian packages pgbackrest and postgresql-15)', () => {
  let root: string;
  let server: ScratchPostgres;
  let vault: FolderVault;
  let engine: PgBackRestEngine;
  let point: StoredPoint;
  let witness: Witness | null;
  /** After the point, with nothing wrong yet. */
  let before: Date;
  const engines: PgBackRestEngine[] = [];

  function engineOf(changes: { stanza?: string; program?: string } = {}): PgBackRestEngine {
    const made = new PgBackRestEngine({
      target: 'shop',
      connection: {
        ...{ host: server.host, port: server.port, user: server.user, database: 'postgres' },
        ...{ password: () => null, ssl: false },
      },
      vault,
      kept: () => ({ retainUntil: new Date(Date.now() + 7 * 86_400_000) }),
      way: {
        ...{ stanza: 'shop', repo: null, program: 'pgbackrest' },
        config: join(root, 'pgbackrest.conf'),
        ...changes,
      },
      clock: systemClock,
      seal: TEST_SEAL,
    });
    engines.push(made);
    return made;
  }
  const query = (sql: string) => queryOf(server.url(), sql);
  const asOwner = (program: string, ...args: string[]): void => {
    execFileSync(program, args, { stdio: 'pipe', cwd: '/', ...(unprivilegedUser() ?? {}) });
  };

  beforeAll(async () => {
    root = scratchFolder('pgbackrest');
    const owner = unprivilegedUser();
    if (owner) chownSync(root, owner.uid, owner.gid);
    vault = new FolderVault(join(root, 'vault'));
    server = await startScratchPostgres({
      binFolder: DEBIAN_15,
      conf: [
        'wal_level=replica',
        'archive_mode=on',
        // Its transactions would keep the quiet from being quiet.
        'autovacuum=off',
        `archive_command='pgbackrest --config=${root}/pgbackrest.conf --stanza=shop archive-push %p'`,
      ],
    });
    const [places] = await query(
      `select current_setting('data_directory') as data, current_setting('unix_socket_directories') as sockets`,
    );
    const lines = [
      '[global]',
      ...['repo1-path=repo', 'log-path=log', 'lock-path=lock', 'spool-path=spool'].map((line) =>
        line.replace('=', `=${root}/`),
      ),
      'repo1-retention-full=3',
      'compress-type=none',
      'repo1-cipher-type=aes-256-cbc',
      'repo1-cipher-pass=of-this-test',
      '[shop]',
      `pg1-path=${places?.['data']}`,
      `pg1-socket-path=${places?.['sockets']}`,
      `pg1-port=${server.port}`,
      'pg1-user=postgres',
    ];
    writeFileSync(join(root, 'pgbackrest.conf'), `${lines.join('\n')}\n`);
    for (const name of ['repo', 'log', 'lock', 'spool', 'space'])
      asOwner('mkdir', join(root, name));
    const config = `--config=${root}/pgbackrest.conf`;
    asOwner('pgbackrest', config, '--stanza=shop', 'stanza-create');
    await query(`create tablespace apart location '${root}/space'`);
    await query(`
      create role clerk login;
      create table bookings as select n as id, 'guest ' || n as guest from generate_series(1, 5000) n;
      alter table bookings add primary key (id);
      create table far (n int) tablespace apart;
      insert into far select generate_series(1, 300)`);
    engine = engineOf();
    await engine.stream();
    const taken = await engine.backup(QUIET, NEVER);
    const [stored] = await listPoints(vault, 'shop', taken.server.systemIdentifier, null);
    if (stored === undefined) throw new Error('no point was stored');
    point = await readPoint(vault, stored);
    await query(`insert into bookings select n, 'late' from generate_series(5001, 6000) n`);
    witness = await engine.witness(point, NEVER);
    await new Promise((done) => setTimeout(done, 20));
    before = new Date();
    await new Promise((done) => setTimeout(done, 20));
    await query('delete from bookings');
    await query('select pg_switch_wal()');
    const watch = await engine.stream();
    // The server writes a record of its own now and then: what is not full is switched again.
    await until(async () => {
      await query('select pg_switch_wal()');
      return (watch.state().durableAt ?? new Date(0)) > before;
    });
  }, 240_000);

  afterAll(async () => {
    for (const one of engines) await one.close();
    await server?.stop();
    if (root) rmSync(root, { recursive: true, force: true });
  });

  async function drill(goal: RestoreGoal, of = point, by = engine): Promise<DrillResult> {
    const isWitnessed = goal.lsn !== null && goal.lsn === witness?.lsn;
    const aim = { goal, witness: isWitnessed ? witness : null, witnessTrouble: null };
    return runDrill(
      { point: of, seal: null, ...aim, assertions: [], database: 'postgres' },
      {
        ...{ engine: by, vault: 'folder', clock: systemClock, superuser: 'postgres' },
        folder: join(root, `drill-${systemClock.random(4).toString('hex')}`),
        ...{ binaries: [], replayMsMax: 60_000 },
      },
      QUIET,
      NEVER,
    );
  }
  const toWitness = (): RestoreGoal => ({ at: null, lsn: witness?.lsn ?? '0/0' });

  it('records in the vault what lies in the repository, and how large it is', () => {
    expect(point.engine).toBe('pgbackrest');
    expect(point.files).toEqual([]);
    expect(point.repository).toMatchObject({
      stanza: 'shop',
      label: expect.stringMatching(/^\d{8}-\d{6}F$/),
    });
    expect(point.repository?.plainBytes).toBeGreaterThan(20_000_000);
    expect(point.wal?.timeline).toBe(1);
  });

  it('proves a point: every table hashes as at the witness', { timeout: 120_000 }, async () => {
    expect(witness?.method).toBe('quiet');
    const was = readdirSync(root);
    const result = await drill(toWitness());
    expect(result.checks.filter(({ end }) => end !== 'passed')).toEqual([]);
    expect(result.verdict).toBe('passed');
    expect(result.checks.find(({ name }) => name === 'tables')?.said).toContain('6300 rows');
    expect(readdirSync(root)).toEqual(was);
  });

  it('restores to the moment before a DELETE, and to all there is after it', {
    timeout: 120_000,
  }, async () => {
    const rowsAt = async (wish: Parameters<typeof restoreTarget>[0]['wish']): Promise<unknown> => {
      const folder = join(root, `back-${systemClock.random(4).toString('hex')}`);
      let copy: RestoredTarget | null = null;
      try {
        copy = await restoreTarget(
          { target: 'shop', wish, asOf: null, folder, isKept: false },
          {
            engineOf: () => engine,
            vault,
            seal: TEST_SEAL,
            clock: systemClock,
            superuser: 'postgres',
            binaries: [],
            replayMsMax: 60_000,
          },
          QUIET,
          NEVER,
        );
        const client = await copy.connect('postgres');
        const { rows } = await client.query('select count(*)::int as rows from bookings');
        await client.end();
        return rows[0].rows;
      } finally {
        await copy?.discard();
      }
    };
    expect(await rowsAt({ kind: 'at', at: before })).toBe(6000);
    expect(await rowsAt({ kind: 'newest' })).toBe(0);
    expect(await rowsAt({ kind: 'point', id: point.id })).toBe(5000);
    await expect(
      rowsAt({ kind: 'at', at: new Date(Date.now() + 3_600_000) }),
    ).rejects.toMatchObject({ code: 'HF_RECOVERY_GOAL' });
  });

  it('says how new the archive is, and that it fails', { timeout: 180_000 }, async () => {
    const watch = await engine.stream();
    expect(watch.state()).toMatchObject({ isStreaming: true, trouble: null });
    // Nobody works, so nothing is lost, whatever the server writes by itself.
    const quietAt = watch.state().durableAt;
    await until(() => (watch.state().durableAt ?? new Date(0)) > (quietAt ?? new Date()));
    const [{ command } = {}] = await query(`select current_setting('archive_command') as command`);
    await query(`alter system set archive_command = 'false'`);
    await query('select pg_reload_conf()');
    await query('create table more as select 1; select pg_switch_wal()');
    await until(() => watch.state().trouble !== null);
    expect(watch.state()).toMatchObject({
      isStreaming: false,
      trouble: expect.stringMatching(
        /^The server cannot archive its WAL: [0-9A-F]{24} failed last\.$/,
      ),
    });
    const known = watch.state().durableAt;
    await query(`alter system set archive_command = '${command}'`);
    await query('select pg_reload_conf()');
    // The archiver tries again a minute after it failed.
    await until(() => watch.state().trouble === null);
    expect(watch.state().durableAt?.getTime()).toBeGreaterThanOrEqual(known?.getTime() ?? 0);
  });

  it('knows a point whose backup pgbackrest has expired', async () => {
    const gone = {
      ...point,
      id: 'gone',
      repository: { ...repositoryOf(), label: '20200101-000000F' },
    };
    expect([...(await engine.lost([point, gone], NEVER))]).toEqual(['gone']);
    const result = await drill(toWitness(), gone);
    expect(result.verdict).toBe('failed');
    expect(result.checks[0]?.said).toContain('backup set 20200101-000000F is not valid');
  });

  it('says what pgbackrest said: no such stanza, no such program, an order in a name', async () => {
    const codes = async (work: Promise<unknown>) =>
      work.then(
        () => null,
        (error: { code: string; found: string }) => [error.code, error.found],
      );
    expect(await codes(engineOf({ stanza: 'other' }).backup(QUIET, NEVER))).toEqual([
      'HF_RECOVERY_PROGRAM',
      expect.stringContaining('missing stanza'),
    ]);
    expect(await codes(engineOf({ program: '/nowhere/pgbackrest' }).backup(QUIET, NEVER))).toEqual([
      'HF_RECOVERY_PROGRAM',
      expect.stringContaining('ENOENT'),
    ]);
    expect(await codes(engineOf({ stanza: 'shop;touch x' }).backup(QUIET, NEVER))).toEqual([
      'HF_RECOVERY_PROGRAM',
      expect.any(String),
    ]);
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    await expect(engine.backup(QUIET, stop.signal)).rejects.toThrow('stopped');
  });

  const repositoryOf = () => {
    if (point.repository === undefined) throw new Error('the point has no repository');
    return point.repository;
  };
  /** Files of the repository, by a part of their name. */
  const found = (folder: string, part: RegExp): string[] =>
    readdirSync(join(root, 'repo', folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => part.test(name))
      .map((name) => join(root, 'repo', folder, name))
      .sort();

  it('fails the drill of a backup with a changed file', { timeout: 120_000 }, async () => {
    const [file] = found(`backup/shop/${repositoryOf().label}`, /pg_data\/base\/\d+\/1259$/);
    if (file === undefined) throw new Error('there is no pg_class in the repository');
    const bytes = readFileSync(file);
    const other = Buffer.from(bytes);
    other.writeUInt8(other.readUInt8(4000) ^ 1, 4000);
    writeFileSync(file, other);
    const result = await drill(toWitness());
    writeFileSync(file, bytes);
    expect(result.verdict).toBe('failed');
    expect((await drill(toWitness())).verdict).toBe('passed');
  });

  it('fails the drill when a segment of WAL is gone', { timeout: 120_000 }, async () => {
    const segments = found('archive/shop', /\/[0-9A-F]{24}-[0-9a-f]{40}$/);
    // The one of the witness: after the backup's own.
    const file = segments.find((name) => name.includes(segmentOf(witness?.lsn ?? '')));
    if (file === undefined) throw new Error('the segment is not in the repository');
    const bytes = readFileSync(file);
    rmSync(file);
    const result = await drill(toWitness());
    writeFileSync(file, bytes);
    const owner = unprivilegedUser();
    if (owner) chownSync(file, owner.uid, owner.gid);
    expect(result.verdict).not.toBe('passed');
    expect(result.checks[0]?.said).toMatch(/HF_RECOVERY_WAL|WAL without a gap|unable to/);
    expect((await drill(toWitness())).verdict).toBe('passed');
  });
});

/** Of 16 MiB, on timeline 1. */
function segmentOf(lsn: string): string {
  const [high = '0', low = '0'] = lsn.split('/');
  const number = Math.floor(Number.parseInt(low, 16) / (16 * 1024 * 1024));
  const part = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0');
  return part(1) + part(Number.parseInt(high, 16)) + part(number);
}
