/**
 * The incident, replayed end to end: a volume goes with the database and every backup on it. What Holdfast
 * pulled into its local vault, on another folder and by another process, brings it back to the last second
 * before, and PostgreSQL's own pg_amcheck finds it whole.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { unprivilegedUser } from '../../src/programs/embedded-engine.ts';
import { tablesOf } from '../../src/recovery/drills/witness.ts';
import { PullEngine } from '../../src/recovery/engines/pull/pull-engine.ts';
import { lsnOf } from '../../src/recovery/lsn.ts';
import { restoreTarget } from '../../src/recovery/restore/restore-target.ts';
import { OTHER_SEAL, TEST_SEAL } from '../../src/recovery/testing/test-seal.ts';
import { LocalVault } from '../../src/recovery/vaults/local/local-vault.ts';
import { clearFlags } from '../../src/testing/clear-flags.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { DEBIAN_15, NEVER, pullGround, QUIET } from './pull-ground.ts';

const AMCHECK = '/usr/bin/pg_amcheck';
const has15 = existsSync(`${DEBIAN_15}/postgres`);

it.for([
  { major: 18, bin: null },
  { major: 15, bin: DEBIAN_15 },
] as const)(
  'PostgreSQL $major: the volume is deleted with its backups, and the last second is back',
  {
    timeout: 240_000,
  },
  async ({ bin, major }, ctx) => {
    if (bin !== null && !has15) return ctx.skip('Debian package postgresql-15');
    const vaultFolder = scratchFolder('incident-vault');
    const ground = await pullGround(bin);
    const { server } = ground;
    const vault = new LocalVault({
      keptHead: null,
      name: 'here',
      folder: join(vaultFolder, 'v'),
      user: null,
      dataFolders: [server.data],
    });
    const made = () =>
      new PullEngine({
        target: 'shop',
        connection: server.connection(),
        vault,
        recipients: [ground.recipient],
        identities: () => [ground.identity],
        kept: () => ({ retainUntil: new Date(Date.now() + 8 * 86_400_000) }),
        slot: 'holdfast_shop',
        acceptsCorruptPages: false,
        seal: TEST_SEAL,
        clock: systemClock,
      });
    const engine = made();
    try {
      await server.query(`create table bookings (id int primary key, guest text, paid numeric(9, 2));
      create table payments (id int primary key, booking int references bookings, cents bigint);
      insert into bookings select n, 'guest ' || n, n / 3.0 from generate_series(1, 20000) n;
      insert into payments select n, n, n * 7 from generate_series(1, 20000) n`);
      await engine.backup(QUIET, NEVER);
      // The unguarded side's own backup lies where it always lies: beside the data.
      const backups = join(ground.root, 'backups');
      mkdirSync(backups);
      cpSync(join(server.data, 'base'), join(backups, 'nightly'), { recursive: true });
      await server.query(`insert into bookings select n, 'evening', 1 from generate_series(20001, 20500) n;
      update payments set cents = cents + 1 where id % 2 = 0; delete from payments where id <= 10`);
      await server.query(`insert into bookings values (99999, 'the last one', 9.99)`);
      const client = await connect(server.connection().port);
      const before = await tablesOf(client).finally(() => client.end());
      const [{ lsn } = {}] = await server.query('select pg_current_wal_flush_lsn()::text as lsn');
      await (await engine.stream()).durableUpTo(lsnOf(String(lsn)) ?? 0n, NEVER);

      await server.stop('SIGKILL');
      rmSync(server.data, { recursive: true });
      rmSync(backups, { recursive: true });
      await engine.close();
      expect(existsSync(server.data)).toBe(false);

      // A Holdfast that starts anew: the vault and a key are all there is.
      const after = made();
      const copy = await restoreTarget(
        {
          target: 'shop',
          wish: { kind: 'newest' },
          asOf: null,
          folder: join(ground.root, 'restored'),
          isKept: true,
        },
        {
          engineOf: () => after,
          vault,
          // Another installation's: of the one that took it nothing is left.
          seal: OTHER_SEAL,
          clock: systemClock,
          superuser: 'postgres',
          binaries: [],
          replayMsMax: 60_000,
        },
        QUIET,
        NEVER,
      );
      // With the machine went the key of the seal: it comes back, and nobody can tell whose it is.
      expect(copy.isSealed).toBeNull();
      const looking = await copy.connect('postgres');
      expect(await tablesOf(looking).finally(() => looking.end())).toEqual(before);
      if (existsSync(AMCHECK)) {
        const { host, port, user } = copy.place;
        const owner = unprivilegedUser() ?? {};
        const flags = [
          '--install-missing',
          '--heapallindexed',
          '--no-strict-names',
          '-d',
          'postgres',
        ];
        execFileSync(AMCHECK, ['-h', host, '-p', `${port}`, '-U', user, ...flags], {
          stdio: 'pipe',
          cwd: '/',
          ...owner,
        });
      }
      const kept = await copy.keep();
      const back = await ground.startRestored(kept.folder);
      expect(await back.query(`select guest from bookings where id = 99999`)).toEqual([
        { guest: 'the last one' },
      ]);
      const { fetchMs, firstQueryMs, replayMs, restoreMs } = copy.phases;
      console.info(
        `PostgreSQL ${major}: back in ${copy.rtoMs} ms: fetch ${fetchMs}, flush ${restoreMs}, replay ${replayMs}, first query ${firstQueryMs}. Lost: nothing.`,
      );
      await after.close();
    } finally {
      await ground.close();
      await vault.close();
      clearFlags(vaultFolder);
      rmSync(vaultFolder, { recursive: true, force: true });
    }
  },
);

async function connect(port: number): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  await client.connect();
  return client;
}
