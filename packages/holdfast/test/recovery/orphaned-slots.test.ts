/**
 * Replication slots that nobody reads fill the disk of the server: none is left behind by a vault that lets
 * nobody in, and those of installations that are gone are told of, never dropped.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/model/errors.ts';
import { OrphanWatch } from '../../src/recovery/orphaned-slots.ts';
import { FolderVault } from '../../src/recovery/testing/folder-vault.ts';
import type { StoredObject } from '../../src/recovery/vaults/vault.ts';
import { clearFlags } from '../../src/testing/clear-flags.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { DUMPED, dumpEngine } from './dump-ground.ts';
import { Operator } from './operator.ts';
import { type Ground, NEVER, pullGround, until } from './pull-ground.ts';

const [{ bin, isHere }] = DUMPED;

/** As one that another process has. */
class ShutVault extends FolderVault {
  // biome-ignore lint/correctness/useYield: it lets nobody in
  override async *list(): AsyncIterable<StoredObject> {
    throw new HoldfastError('HF_VAULT_UNREACHABLE', {
      expected: 'the vault to open',
      found: 'that another process has it',
      hint: 'End that.',
    });
  }
}

async function slotsOf({ server }: Ground): Promise<readonly unknown[]> {
  const rows = await server.query('select slot_name::text as name from pg_replication_slots');
  return rows.map(({ name }) => name);
}

describe('slots that nobody reads', () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await pullGround(isHere ? bin : null, [
      'wal_level=logical',
      'max_replication_slots=9',
    ]);
    await ground.server.query('create table t (id int primary key)');
  });
  afterAll(() => ground?.close());

  it('are not made for WAL when the vault lets nobody in', async () => {
    const shut = ground.engine({ vault: new ShutVault(join(ground.root, 'shut')) });
    const stream = await shut.stream();
    await until(() => stream.state().trouble?.includes('another process has it') === true);
    expect(await slotsOf(ground)).toEqual([]);
    await shut.close();
    const open = ground.engine();
    await (await open.stream()).durableUpTo(0n, NEVER);
    expect(await slotsOf(ground)).toEqual(['holdfast_shop']);
    await open.close();
    await ground.server.query("select pg_drop_replication_slot('holdfast_shop')");
  });

  it('are not made for decoded changes either', async (ctx) => {
    if (!isHere) return ctx.skip('PostgreSQL 15 with pg_dump');
    const shut = dumpEngine(ground, bin, { vault: new ShutVault(join(ground.root, 'shut')) });
    const stream = await shut.stream();
    await until(() => stream?.state().trouble?.includes('another process has it') === true);
    expect(await slotsOf(ground)).toEqual([]);
    await shut.close();
  });

  it('are told of with what they hold, when they are not ours and not read', async () => {
    const clock = new ManualClock();
    const watch = new OrphanWatch({
      ...{ target: 'shop', connection: ground.server.connection(), clock },
      ownSlots: new Set(['holdfast_ours']),
    });
    for (const name of ['holdfast_ours', 'holdfast_gone', 'somebodys', 'holdfastly'])
      await ground.server.query(`select pg_create_physical_replication_slot('${name}', true)`);
    // Read by another gateway, so no trouble.
    const other = ground.engine({ slot: 'holdfast_read' });
    await (await other.stream()).durableUpTo(0n, NEVER);
    await ground.server.query(
      "insert into t select generate_series(1, 60000); select pg_logical_emit_message(false, 'x', repeat('y', 5000000))",
    );

    // Who watches waits whether somebody comes back for it; who looks once says what is.
    expect(await watch.troubles(false)).toEqual([]);
    const told = await watch.troubles(true);
    expect(told).toEqual([expect.stringMatching(/holdfast_gone.* keeps \d+ MiB of WAL for it/)]);
    expect(told[0]).toContain("select pg_drop_replication_slot('holdfast_gone');");
    clock.pass(30_000);
    expect(await watch.troubles(false)).toEqual(told);

    await other.close();
    clock.pass(30_000);
    expect(await watch.troubles(false)).toHaveLength(1);
    clock.pass(30_000);
    expect((await watch.troubles(false)).join()).toContain('holdfast_read');

    for (const name of ['holdfast_gone', 'holdfast_read'])
      await ground.server.query(`select pg_drop_replication_slot('${name}')`);
    clock.pass(30_000);
    expect(await watch.troubles(false)).toEqual([]);
    await ground.server.query("select pg_drop_replication_slot('holdfast_ours')");
  });
});

describe('an installation beside another', () => {
  let ground: Ground;
  const folder = scratchFolder('orphaned-slots');
  const apart = mkdtempSync(
    join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'holdfast-apart-'),
  );
  const first = join(folder, 'first.yaml');
  const second = join(folder, 'second.yaml');
  const one = new Operator(first);
  const other = new Operator(second);
  beforeAll(async () => {
    ground = await pullGround(null);
    await write(first, 'one', true);
    await write(second, 'other', true);
  });
  afterAll(async () => {
    await one.down('SIGINT');
    await other.down('SIGINT');
    await ground?.close();
    clearFlags(apart);
    for (const path of [apart, folder]) rmSync(path, { recursive: true, force: true });
  });

  async function write(path: string, state: string, hasRecovery: boolean): Promise<void> {
    writeFileSync(
      path,
      `listen: { host: 127.0.0.1, port: ${await freePort()}, tls: off }
dashboard: off
store: { dataFolder: ${state} }
vaults:
  here: { kind: local, folder: ${join(apart, 'vault')} }
targets:
  shop:
    environment: production
    upstream: { url: "postgres://postgres@127.0.0.1:${ground.server.port}/postgres" }
${hasRecovery ? `    recovery: { vaults: [here], recipients: [${ground.recipient}] }\n` : ''}`,
    );
  }
  const statusOf = async (operator: Operator) =>
    JSON.stringify((await operator.json(['recovery', 'status', 'shop'])).said?.targets ?? []);

  it('whose vault the other has makes no slot, and is told of what was left', {
    timeout: 180_000,
  }, async () => {
    await one.up();
    await until(async () => (await slotsOf(ground)).length === 1);
    await other.up();
    await until(async () => /process \d+ has it/.test(await statusOf(other)));
    const [mine] = await slotsOf(ground);
    expect(await slotsOf(ground)).toEqual([mine]);

    // The first is ended, and its slot is of nobody that the second knows.
    await one.down('SIGINT');
    await until(async () =>
      (await statusOf(other)).includes(`nobody reads the replication slot ${mine}`),
    );
    // The vault is free now, so the second makes one of its own.
    await until(async () => (await slotsOf(ground)).length === 2);
    await other.down('SIGINT');

    // Its own is not told of as orphaned, as long as its file has recovery ...
    const before = await one.json(['doctor']);
    expect(JSON.stringify(before.said.checks)).toContain('slot.orphaned');
    expect(JSON.stringify(before.said.checks)).not.toContain(mine);
    // ... and is without it.
    await write(first, 'one', false);
    const after = await one.holdfast(['doctor']);
    expect(after.exit).toBe(1);
    expect(after.out).toContain(`nobody reads the replication slot ${mine}`);
    expect(after.out).toContain(`select pg_drop_replication_slot('${mine}');`);
    expect(await slotsOf(ground)).toContain(mine);
  });
});
