/**
 * The store goes away under live sessions. P1 has to hold all the same: what cannot be recorded is not
 * forwarded, the agent is told so, reads follow the configured rule, and when the store is back work
 * goes on in the same session.
 */
import { rmSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { TRAIL_BEHIND_MS_MAX } from '../../src/model/limits.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { HoldfastProcess } from '../support/process.ts';
import { type Answer, type Login, RawClient } from '../support/raw-client.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

it.each([
  { rule: 'refuse' as const, read: ['57P03'] },
  { rule: 'forward' as const, read: [] },
])('with readsWhenUnavailable: $rule', async ({ rule, read }) => {
  const { upstream, holdfast, login } = await running(rule);
  const client = await opened(login);
  expect((await client.query('insert into kept values (1)')).errors).toEqual([]);

  // Frozen, not ended: the supervisor would start a dead one again before we have looked.
  const store = holdfast.storePid();
  holdfast.signalStore(store, 'SIGSTOP');
  undo.push(() => holdfast.signalStore(store, 'SIGCONT'));
  // The journal is on disk and may run ahead of a store that hangs, for a stated second; no longer.
  expect((await client.query('insert into kept values (2)')).errors).toEqual([]);
  await new Promise((done) => setTimeout(done, TRAIL_BEHIND_MS_MAX + 500));
  const late = await client.query('insert into kept values (3)');
  expect(late.errors[0]).toMatchObject({ S: 'ERROR', C: '57P03' });
  expect(late.status).toBe('I');
  expect(await rowsOf(upstream)).toEqual([1, 2]);
  holdfast.signalStore(store, 'SIGCONT');
  await until(async () => (await client.query('insert into kept values (4)')).errors.length === 0);
  expect(await rowsOf(upstream)).toEqual([1, 2, 4]);

  // Now it really goes: every statement until it is back is answered, and none goes through unrecorded.
  process.kill(store, 'SIGKILL');
  const refused: Answer[] = [];
  let reads: Answer | null = null;
  for (let id = 10; id < 200; id += 1) {
    const answer = await client.query(`insert into kept values (${id})`);
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
  expect((await client.query('insert into kept values (500)')).errors).toEqual([]);
  expect(await rowsOf(upstream)).toContain(500);
  await client.end();
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await isSo()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('it did not come to be within 10 s');
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
  return { upstream, holdfast, login: await holdfast.admitAgent() };
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

async function rowsOf(upstream: Upstream): Promise<unknown[]> {
  return (await upstream.ask('select id from kept order by id')).map((row) => row['id']);
}
