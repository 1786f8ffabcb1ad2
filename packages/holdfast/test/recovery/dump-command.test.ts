/**
 * `engine: dump` as an operator uses it: the built command line, a real server, a local vault, and a gateway
 * that streams, takes points and drills by itself. First where the server decodes nothing, then where it
 * does: what the status says is what came back.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clearFlags } from '../../src/testing/clear-flags.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { DUMPED } from './dump-ground.ts';
import { Operator } from './operator.ts';
import { type Ground, pullGround, until } from './pull-ground.ts';
import { shopConfig } from './shop-config.ts';

const folder = scratchFolder('dump-command');
const config = join(folder, 'holdfast.yaml');
/** On another device than the data, where the system has one: on the same it is red, and proves nothing. */
const apart = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'holdfast-apart-'));
const vault = join(apart, 'vault');
const [{ bin, isHere }] = DUMPED;

let ground: Ground;
const operator = new Operator(config);
const json = (words: readonly string[]) => operator.json(words);

/** Null while the gateway that keeps it has told nothing yet. */
const reportOf = async () => (await json(['recovery', 'status', 'shop'])).said.targets?.[0] ?? null;

beforeAll(async () => {
  if (!isHere) return;
  ground = await pullGround(bin, ['max_replication_slots=8']);
  await ground.server.query(
    'create table bookings as select n as id, now() as made from generate_series(1, 2000) n; alter table bookings add primary key (id)',
  );
  writeFileSync(config, '');
  const { said } = await json(['recovery', 'keys', '--out', join(folder, 'recovery-key.txt')]);
  writeFileSync(
    config,
    await shopConfig({
      ...{ ground, vault, recipient: said.recipient, keyFile: 'recovery-key.txt' },
      first: ['engine: dump'],
      more: ['promise: { rpo: 1s }'],
    }),
  );
}, 120_000);
afterAll(async () => {
  await operator.down('SIGINT');
  await ground?.close();
  clearFlags(vault);
  for (const one of [apart, folder]) rmSync(one, { recursive: true, force: true });
}, 60_000);

describe('holdfast with engine dump', () => {
  it('says of dumps that nothing follows what they are worth', {
    timeout: 240_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip('PostgreSQL 15 with pg_dump');
    const backup = await json(['recovery', 'backup', 'shop']);
    expect(backup.said?.results, backup.err).toMatchObject([{ drill: { verdict: 'passed' } }]);
    const [{ drill }] = backup.said.results;
    expect(drill.checks.map(({ name }: { name: string }) => name)).toContain('tables');
    const report = await reportOf();
    expect(report.colour).toBe('red');
    expect(report.because.join(' ')).toMatch(
      /The newest dump is of .* ago, and what came after it is lost with the target/,
    );
    // Its own moment is all that it brings back.
    const { from, to } = report.vaults[0].window;
    expect(from).toBe(to);
    expect(report.rpoMs).toBeGreaterThan(1_000);
    const later = await json(['restore', 'shop', '--diff', '--at', new Date().toISOString()]);
    expect(JSON.stringify(later.said)).toMatch(/which no changes follow/);
    expect(later.exit).not.toBe(0);
    expect(await ground.server.query('select 1 from pg_replication_slots')).toEqual([]);
    expect(readdirSync(join(folder, 'state', 'recovery', 'drills'))).toEqual([]);
  });

  it('streams once the server decodes, and brings back what a DELETE took', {
    timeout: 420_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip('PostgreSQL 15 with pg_dump');
    await ground.server.query('alter system set wal_level = logical');
    await ground.server.stop();
    await ground.server.start();
    await operator.up();
    // The dump before is followed by nothing: the gateway takes a new one by itself, and drills it.
    await until(async () => {
      const report = await reportOf();
      if (report === null) return false;
      const { because, isRunning, vaults } = report;
      const [{ lastDrill, points }] = vaults;
      const isDrilled = points.length > 1 && lastDrill?.point === points.at(-1).id;
      return isRunning && isDrilled && !because.join(' ').includes('dump');
    });
    await ground.server.query('insert into bookings values (5000, now()), (5001, now())');
    await new Promise((done) => setTimeout(done, 3_000));
    const [row] = await ground.server.query('select clock_timestamp() as now');
    const before = new Date(String(row?.['now'])).toISOString();
    await new Promise((done) => setTimeout(done, 50));
    await ground.server.query('delete from bookings');
    await until(async () => {
      const { vaults } = await reportOf();
      return vaults[0].newestWalAt > new Date(new Date(before).getTime() + 2_000).toISOString();
    });
    const { rpoMs } = await reportOf();
    expect(rpoMs).not.toBeNull();
    await operator.down('SIGKILL');
    const restored = await json(['restore', 'shop', '--diff', '--at', before]);
    expect(restored.exit, restored.err).toBe(0);
    expect(JSON.stringify(restored.said.diff)).toContain('2002');
    // Nobody left a server or a folder behind.
    await operator.up();
    await until(() => readdirSync(join(folder, 'state', 'recovery', 'drills')).length === 0);
  });
});
