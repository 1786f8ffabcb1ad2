/**
 * What PostgreSQL's own programs of version 18 make of the same: npm's package has the server without them,
 * and Debian's are of 15. No part of `npm test`; any folder with all of 18's programs:
 *
 *     HOLDFAST_PG18_BIN=/usr/lib/postgresql/18/bin npm run interop
 *
 * With the same variable, `npx vitest run packages/holdfast/test/recovery/dump` dumps a server of 18.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { unprivilegedUser } from '../src/programs/embedded-engine.ts';
import type { PullEngine } from '../src/recovery/engines/pull/pull-engine.ts';
import type { RecoveryPoint } from '../src/recovery/recovery-point.ts';
import { type Ground, NEVER, pullGround, QUIET } from '../test/recovery/pull-ground.ts';
import { filesOf } from '../test/recovery/restored-files.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const BIN = process.env['HOLDFAST_PG18_BIN'] ?? '';

let ground: Ground;
let engine: PullEngine;
/** Full, then built on it. */
const points: RecoveryPoint[] = [];
/** The same two, as pg_basebackup takes them. */
let theirs: readonly [string, string];

beforeAll(async () => {
  if (BIN === '') {
    throw new Error('HOLDFAST_PG18_BIN must name the programs of 18: see the top of this file.');
  }
  ground = await pullGround(BIN, [
    ...['summarize_wal=on', 'autovacuum=off', 'full_page_writes=on'],
    'max_replication_slots=4',
  ]);
  theirs = [join(ground.root, 'theirs-1'), join(ground.root, 'theirs-2')];
  engine = ground.engine();
  const { server } = ground;
  await server.query(`
    create table bookings as select n as id, repeat('x', 100) as guest from generate_series(1, 60000) n;
    alter table bookings add primary key (id);
    create table cut as select n as id, repeat('y', 100) as guest from generate_series(1, 30000) n`);
  await server.query('vacuum (freeze, analyze)');
  points.push(await engine.backup(QUIET, NEVER));
  take(theirs[0]);
  await server.query(`
    update bookings set guest = 'changed' where id between 20000 and 20100;
    delete from cut where id > 2000;
    create table late as select n, md5(n::text) as text from generate_series(1, 5000) n;
    create index on late (text)`);
  await server.query('vacuum cut');
  points.push(await engine.backup(QUIET, NEVER));
  take(theirs[1], '--incremental', join(theirs[0], 'backup_manifest'));
});
afterAll(() => ground?.close());

function take(folder: string, ...more: string[]): void {
  const { port } = ground.server.connection();
  const doors = ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'postgres'];
  program('pg_basebackup', ...doors, '-D', folder, '--checkpoint=fast', ...more);
}

/** As the server's user, to whom the folders belong. */
function program(name: string, ...args: string[]): void {
  const options = { encoding: 'utf8', ...unprivilegedUser() } as const;
  const { status, stdout, stderr } = spawnSync(join(BIN, name), args, options);
  expect({ name, status, said: status === 0 ? '' : stdout + stderr }).toEqual({
    name,
    status: 0,
    said: '',
  });
}

async function restored(of: RecoveryPoint | undefined, name: string): Promise<string> {
  if (of === undefined) throw new Error('no point');
  const goal = { at: null, lsn: null };
  const { folder } = await engine.restore(of, goal, join(ground.root, name), QUIET, NEVER);
  return folder;
}

it('an increment comes back file by file as pg_combinebackup makes it of theirs', async () => {
  const combined = join(ground.root, 'combined');
  program('pg_combinebackup', ...theirs, '-o', combined);
  expect(points[1]?.prior).toBe(points[0]?.id);
  const [ours, wanted] = [filesOf(await restored(points[1], 'ours')), filesOf(combined)];
  expect([...ours.keys()].sort()).toEqual([...wanted.keys()].sort());
  expect([...wanted].filter(([path, of]) => ours.get(path) !== of)).toEqual([]);
  expect(wanted.size).toBeGreaterThan(600);
});
