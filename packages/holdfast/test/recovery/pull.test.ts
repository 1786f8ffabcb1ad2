/** Engine "pull" against real servers: what is backed up comes back, to the moment, byte for byte. */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { unprivilegedUser } from '../../src/programs/embedded-engine.ts';
import { lsnOf } from '../../src/recovery/lsn.ts';
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
      }
    },
  );
});

async function copyIsOpen(copy: Ground['server']): Promise<void> {
  for (;;) {
    const [row] = await copy.query('select pg_is_in_recovery() as standby');
    if (row?.['standby'] === false) return;
    await new Promise((done) => setTimeout(done, 50));
  }
}
