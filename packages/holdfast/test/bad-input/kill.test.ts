/**
 * kill -9 of Holdfast at random moments of a write load. Whatever it was doing: each row that exists
 * upstream has a decision entry that was durable first (P1), and after the next start each decision
 * has exactly one outcome, `unknown` where nobody can know.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { HoldfastProcess } from '../support/process.ts';
import { type Login, RawClient } from '../support/raw-client.ts';
import { expectRecorded } from '../support/recorded.ts';
import { startUpstream } from '../support/upstream.ts';

const ROUNDS = 8;
const WRITERS = 4;
/** A kill comes this many ms after the first write, spread over the range. */
const KILL_AFTER_MS = [1, 400] as const;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

it('kill -9 leaves no row without a decision and no decision without one outcome', async () => {
  const folder = scratchFolder('kill');
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const upstream = await startUpstream();
  undo.push(() => upstream.stop());
  await upstream.ask('create table kept (id int primary key); alter table kept owner to app');
  const holdfast = await HoldfastProcess.prepare(folder, upstream, { level: 'guarded' });
  await holdfast.start();
  undo.push(() => holdfast.stop());
  const login = await holdfast.admitAgent();

  let next = 1;
  for (let round = 0; round < ROUNDS; round += 1) {
    const [least, most] = KILL_AFTER_MS;
    const killAt = least + ((most - least) * round) / (ROUNDS - 1);
    const writers = await Promise.all(Array.from({ length: WRITERS }, () => opened(login)));
    const writing = writers.map((writer) => writeUntilGone(writer, () => next++));
    await new Promise((done) => setTimeout(done, killAt));
    await holdfast.kill();
    await Promise.all(writing);
    await holdfast.start();
  }

  const rows = (await upstream.ask('select id from kept order by id')).map((row) =>
    Number(row['id']),
  );
  expect(rows.length).toBeGreaterThan(ROUNDS);
  await holdfast.stop();
  await expectRecorded(holdfast, join(folder, 'trail.jsonl'), rows);
}, 240_000);

async function writeUntilGone(client: RawClient, nextId: () => number): Promise<void> {
  try {
    for (;;) await client.query(`insert into kept values (${nextId()})`);
  } catch {
    client.socket.destroy();
  }
}

async function opened(login: Login): Promise<RawClient> {
  for (let left = 100; ; left -= 1) {
    try {
      return await RawClient.open(login);
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}
