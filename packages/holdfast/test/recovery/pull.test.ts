/** Engine "pull" against real servers: what is backed up comes back, to the moment, byte for byte. */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { unprivilegedUser } from '../../src/programs/embedded-engine.ts';
import { lsnOf } from '../../src/recovery/lsn.ts';
import { unpackBytes } from '../../src/recovery/packing/pack.ts';
import { DEBIAN_15, type Ground, NEVER, pullGround, QUIET } from './pull-ground.ts';

interface Server {
  readonly major: number;
  /** Undefined: not here. */
  readonly bin: string | null | undefined;
  readonly wanted: string;
}

const SERVERS: readonly Server[] = [
  {
    major: 15,
    bin: existsSync(`${DEBIAN_15}/postgres`) ? DEBIAN_15 : undefined,
    wanted: 'Debian package postgresql-15',
  },
  { major: 16, bin: process.env['HOLDFAST_PG16_BIN'], wanted: 'HOLDFAST_PG16_BIN' },
  { major: 17, bin: process.env['HOLDFAST_PG17_BIN'], wanted: 'HOLDFAST_PG17_BIN' },
  { major: 18, bin: null, wanted: 'npm' },
];

let ground: Ground | null = null;
afterEach(async () => {
  await ground?.close();
  ground = null;
});

describe('a restore to the moment before a hostile DELETE', () => {
  it.for(SERVERS)(
    'PostgreSQL $major',
    { timeout: 240_000 },
    async ({ major, bin, wanted }, ctx) => {
      if (bin === undefined) return ctx.skip(`PostgreSQL ${major} is not here: ${wanted}`);
      ground = await pullGround(bin);
      const { server, root } = ground;
      const space = join(root, 'space');
      mkdirSync(space);
      const owner = unprivilegedUser();
      if (owner) chownSync(space, owner.uid, owner.gid);
      await server.query(`create tablespace fast location '${space}'`);
      await server.query(`
      create role clerk login password 'x';
      create table bookings as select n as id, 'guest ' || n as guest from generate_series(1, 20000) n;
      alter table bookings add primary key (id);
      create table prices (id int primary key, cents int) tablespace fast;
      insert into prices select n, n * 100 from generate_series(1, 5000) n;`);
      // What a server that was itself restored, or a standby, may carry along.
      await server.query(`alter system set recovery_target_time = '2001-01-01 00:00:00+00'`);
      await server.query(`alter system set recovery_end_command = 'touch ${root}/reached'`);
      await server.query(`alter system set recovery_min_apply_delay = '1h'`);
      const engine = ground.engine();
      const point = await engine.backup(QUIET, NEVER);
      expect(Math.floor(point.server.version / 10_000)).toBe(major);
      expect(point.files.map(({ role }) => role).sort()).toEqual([
      'base', 'globals', 'manifest', 'tablespace',
    ]); // biome-ignore format: a set

      await server.query(
        `insert into bookings select n, 'late' from generate_series(20001, 23000) n`,
      );
      const wanted1 = [await server.hashOf('bookings'), await server.hashOf('prices')];
      await new Promise((done) => setTimeout(done, 50));
      const [{ now, lsn } = {}] = await server.query(
        'select clock_timestamp() as now, pg_current_wal_lsn()::text as lsn',
      );
      await new Promise((done) => setTimeout(done, 50));
      await server.query('delete from bookings; update prices set cents = 0');
      const [{ after } = {}] = await server.query(
        'select pg_current_wal_flush_lsn()::text as after',
      );
      await (await engine.stream()).durableUpTo(lsnOf(String(after)) ?? 0n, NEVER);

      const at = now instanceof Date ? now : null;
      const goals = [
        { at, lsn: null, want: wanted1 },
        { at: null, lsn: String(lsn), want: wanted1 },
        {
          at: null,
          lsn: null,
          want: [await server.hashOf('bookings'), await server.hashOf('prices')],
        },
      ];
      for (const [number, { want, ...goal }] of goals.entries()) {
        const folder = join(root, `restored-${number}`);
        const restored = await engine.restore(point, goal, folder, QUIET, NEVER);
        if (major === 15) {
          execFileSync(join(DEBIAN_15, 'pg_verifybackup'), ['--no-parse-wal', restored.folder], {
            stdio: 'pipe',
          });
        }
        const copy = await ground.startRestored(restored.folder);
        await copyIsOpen(copy);
        expect(
          [await copy.hashOf('bookings'), await copy.hashOf('prices')],
          `goal ${number}`,
        ).toEqual(want);
        if (major === 15) {
          execFileSync(
            join(DEBIAN_15, 'pg_amcheck'),
            [
              '--install-missing',
              '--heapallindexed',
              '-h',
              '127.0.0.1',
              '-p',
              `${copy.port}`,
              '-U',
              'postgres',
              'postgres',
            ],
            { stdio: 'pipe' },
          );
        }
        await copy.stop();
        expect(existsSync(join(root, 'reached'))).toBe(false);
      }
    },
  );
});

describe('a role that is no superuser', () => {
  it('pulls by its password, and the globals come as SQL', { timeout: 120_000 }, async () => {
    ground = await pullGround(null);
    const { server, vault, identity } = ground;
    await server.query(`
      create role puller login replication password 'pull''er';
      grant pg_read_all_data to puller;
      create role "odd ""role" noinherit createdb connection limit 3;
      grant "odd ""role" to puller;
      alter role puller set work_mem = '5MB';`);
    await server.query('create database "Shop"');
    writeFileSync(
      join(server.data, 'pg_hba.conf'),
      'host all,replication puller 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 trust\n',
    );
    await server.query('select pg_reload_conf()');
    const connection = { ...server.connection(), user: 'puller', password: () => "pull'er" };
    const engine = ground.engine({ connection });
    const point = await engine.backup(QUIET, NEVER);
    const file = point.files.find(({ role }) => role === 'globals');
    if (!file) throw new Error('no globals');
    const sql = `${await unpackBytes(vault.get(file), [identity], 'it')}`;
    expect(sql).toContain('CREATE ROLE "odd ""role";\n');
    expect(sql).toMatch(
      /ALTER ROLE puller WITH NOSUPERUSER .* REPLICATION .* PASSWORD 'SCRAM-SHA-256\$/,
    );
    expect(sql).toContain('GRANT "odd ""role" TO puller;\n');
    expect(sql).toContain("ALTER ROLE puller SET work_mem TO '5MB';\n");
    expect(sql).toMatch(/-- database \{"name":"Shop",.*"plpgsql"/);

    // Into another cluster: what is there already is said, the rest is run.
    const other = await pullGround(null);
    try {
      for (const line of sql.split('\n').filter((one) => !/ROLE postgres\b/.test(one))) {
        if (line !== '' && !line.startsWith('--')) await other.server.query(line);
      }
      const [row] = await other.server.query(
        `select rolconnlimit as most, rolcreatedb as may from pg_roles where rolname = 'odd "role'`,
      );
      expect(row).toEqual({ most: 3, may: true });
    } finally {
      await other.close();
    }

    const wrong = ground.engine({ connection: { ...connection, password: () => 'wrong' } });
    await expect(wrong.backup(QUIET, NEVER)).rejects.toMatchObject({
      code: 'HF_UPSTREAM_UNREACHABLE',
    });
    await server.query('alter role puller noreplication');
    await expect(ground.engine({ connection }).backup(QUIET, NEVER)).rejects.toMatchObject({
      code: 'HF_RECOVERY_SERVER',
    });
  });
});

async function copyIsOpen(copy: Ground['server']): Promise<void> {
  for (;;) {
    const [row] = await copy.query('select pg_is_in_recovery() as standby');
    if (row?.['standby'] === false) return;
    await new Promise((done) => setTimeout(done, 50));
  }
}
