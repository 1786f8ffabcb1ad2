/** The drain and the purge say the same SQL to every server version we stand by. */
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { Drain } from '../../src/protection/postgres/drain.ts';
import { dropTrash } from '../../src/protection/postgres/trash-bin.ts';
import { AdvisoryLock } from '../../src/store/advisory-lock.ts';
import { SqlUndoStore } from '../../src/store/undo-store.ts';
import { captureAct, captureDelete, layOutTarget } from '../../src/testing/captured-target.ts';
import { dropOf } from '../../src/testing/drained.ts';
import { startScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { startScratchStore } from '../../src/testing/scratch-store.ts';

const DEBIAN_15 = '/usr/lib/postgresql/15/bin';
const SERVERS = [
  { version: 15, binFolder: DEBIAN_15 },
  { version: 18, binFolder: undefined },
];

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

describe.each(SERVERS)('PostgreSQL $version', ({ binFolder }) => {
  it.skipIf(binFolder !== undefined && !existsSync(binFolder))(
    'is drained whole, and its trash is emptied without touching what lives',
    async () => {
      const scratch = await startScratchStore();
      undo.push(() => scratch.stop());
      const server = await startScratchPostgres(binFolder === undefined ? {} : { binFolder });
      undo.push(() => server.stop());
      const target = await layOutTarget(server, 'captured', 2);
      undo.push(() => target.close());
      await target.query(`create schema holdfast_trash_3;
        create table holdfast_trash_3.x (id int primary key, t text default 'long');
        create view public.seen as select * from holdfast_trash_3.x`);
      await target.transaction('read committed', async (session) => {
        await captureDelete(session, 1, { from: 1, to: 5_000 });
        await captureDelete(session, 2, { from: 1, to: 10 });
        await captureAct(session, dropOf('public.x', ['holdfast_trash_3']));
      });
      const store = new SqlUndoStore(scratch.database, systemClock);
      const drain = new Drain({
        target,
        store,
        lock: new AdvisoryLock(scratch.database, 'drain captured'),
        clock: systemClock,
        graceMs: 1_000,
        agentOf: () => null,
      });
      expect(await drain.drainOnce()).toBe(1);
      expect(await drain.drainOnce()).toBe(0);
      const [item] = await store.list({ limit: 1 });
      expect(item?.parts.map(({ rows }) => rows)).toEqual([5_000, 10, 0]);
      await expect(dropTrash(target, 'holdfast_trash_3')).rejects.toThrow('view public.seen');
      await target.query('drop view public.seen');
      await dropTrash(target, 'holdfast_trash_3');
      await dropTrash(target, 'holdfast_trash_3');
      const left = await target.query(`select to_regnamespace('holdfast_trash_3') is null as gone`);
      expect(left).toEqual([{ gone: true }]);
    },
    60_000,
  );
});
