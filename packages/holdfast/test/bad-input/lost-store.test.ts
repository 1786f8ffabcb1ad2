/**
 * The store goes away under live sessions. P1 has to hold all the same: what cannot be recorded is not
 * forwarded, the agent is told so, reads follow the configured rule, and when the store is back work
 * goes on in the same session.
 */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { TRAIL_BEHIND_MS_MAX } from '../../src/model/limits.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { HoldfastProcess } from '../support/process.ts';
import { type Answer, type Login, RawClient } from '../support/raw-client.ts';
import { expectRecorded } from '../support/recorded.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

it.each([
  { rule: 'refuse' as const, read: ['57P03'] },
  { rule: 'forward' as const, read: [] },
])('with readsWhenUnavailable: $rule', async ({ rule, read }) => {
  const { folder, upstream, holdfast, login } = await running(rule);
  const client = await opened(login);
  expect((await client.query(statement(1))).errors).toEqual([]);

  // Frozen, not ended: the supervisor would start a dead one again before we have looked.
  const store = holdfast.storePid();
  holdfast.signalStore(store, 'SIGSTOP');
  undo.push(() => holdfast.signalStore(store, 'SIGCONT'));
  // The journal needs no store: what passes now is written down there. It may run ahead of a store
  // that hangs for a stated second; no longer.
  expect((await client.query(statement(2))).errors).toEqual([]);
  expect(journalOf(folder)).toContain(statement(2));
  await new Promise((done) => setTimeout(done, TRAIL_BEHIND_MS_MAX + 500));
  const late = await client.query(statement(3));
  expect(late.errors[0]).toMatchObject({ S: 'ERROR', C: '57P03' });
  expect(late.status).toBe('I');
  expect(await rowsOf(upstream)).toEqual([1, 2]);
  holdfast.signalStore(store, 'SIGCONT');
  await until(async () => (await client.query(statement(4))).errors.length === 0);
  expect(await rowsOf(upstream)).toEqual([1, 2, 4]);

  // Now it really goes: every statement until it is back is answered, and none goes through unrecorded.
  process.kill(store, 'SIGKILL');
  const refused: Answer[] = [];
  let reads: Answer | null = null;
  for (let id = 10; id < 200; id += 1) {
    const answer = await client.query(statement(id));
    if (answer.errors.length > 0) {
      refused.push(answer);
      reads ??= await client.query('select 1');
      expect(await rowsOf(upstream)).not.toContain(id);
    } else if (refused.length > 0) break;
    await new Promise((done) => setTimeout(done, 20));
  }
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]?.errors[0]).toMatchObject({ S: 'ERROR', C: '57P03' });
  expect(refused[0]?.errors[0]?.['M']).toContain('cannot record');
  expect(reads?.errors.map((fields) => fields['C'])).toEqual(read);

  // It came back by itself, and the same session works.
  expect((await client.query(statement(500))).errors).toEqual([]);
  const rows = await rowsOf(upstream);
  expect(rows).toContain(500);
  await client.end();
  await holdfast.stop();
  await expectRecorded(holdfast, join(folder, 'trail.jsonl'), rows);
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await isSo()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('it did not come to be within 10 s');
}

function statement(id: number): string {
  return `insert into kept values (${id})`;
}

/** What the files of the journal hold, those of released records included. */
function journalOf(folder: string): string {
  const journal = join(folder, 'data', 'journal');
  const files = readdirSync(journal, { recursive: true, encoding: 'utf8' })
    .map((name) => join(journal, name))
    .filter((path) => statSync(path).isFile());
  return files.map((path) => readFileSync(path, 'latin1')).join('\n');
}

async function running(rule: 'refuse' | 'forward') {
  const folder = scratchFolder('lost');
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const upstream = await startUpstream();
  undo.push(() => upstream.stop());
  await upstream.ask('create table kept (id int); alter table kept owner to app');
  const holdfast = await HoldfastProcess.prepare(folder, upstream, {
    level: 'guarded',
    readsWhenUnavailable: rule,
  });
  await holdfast.start();
  undo.push(() => holdfast.stop());
  return { folder, upstream, holdfast, login: await holdfast.admitAgent() };
}

async function opened(login: Login): Promise<RawClient> {
  for (let left = 50; ; left -= 1) {
    try {
      return await RawClient.open(login);
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

async function rowsOf(upstream: Upstream): Promise<number[]> {
  return (await upstream.ask('select id from kept order by id')).map((row) => Number(row['id']));
}
