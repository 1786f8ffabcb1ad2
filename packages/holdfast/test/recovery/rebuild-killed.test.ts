/**
 * kill -9 of the command that puts a rebuild in or takes it back, in the moment between COMMIT in the database and
 * its line in our journal: the next command knows what is there, notes it, and does nothing twice. Real servers, real
 * processes; the moment is held by the row of our store that the command has to lock to write its line.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { markOf } from '../../src/programs/process-mark.ts';
import { digestOfProposal } from '../../src/recovery/rebuild/index.ts';
import { CENTS, proposeBookings } from '../../src/testing/bookings-proposal.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { somebodysWord, TARGET } from '../support/gateway.ts';
import { type Protected, type Said, startProtected } from '../support/protected.ts';
import { APP_PASSWORD, APP_ROLE, DATABASE } from '../support/upstream.ts';
import { pullGround } from './pull-ground.ts';

const CLI = resolve(import.meta.dirname, '../../dist/cli/main.js');
const SEEN = { timeout: 60_000, interval: 50 };
const JOURNEY_MS_MAX = 240_000;
const TABLE =
  'create table public.bookings (reference text primary key, amount_cents bigint, guest text)';
const PAY = ['id,booking,amount,guest', 'p1,BK-1,8050,Ada', 'p2,BK-2,900,Bob', 'p3,BK-3,70,Eve'];
const folder = scratchFolder('rebuild-killed');
const copy = join(folder, 'copy');
const MACHINE = 'the command line';
let at: Protected;

/** A restored copy as it is left: a data folder with the mark of a restore, and the table without its rows. */
async function makeCopy(): Promise<void> {
  const ground = await pullGround(null);
  await ground.server.query(`create database ${DATABASE}`);
  await ground.server.query(TABLE, DATABASE);
  await ground.server.stop();
  const data = join(copy, 'root', 'data');
  mkdirSync(join(copy, 'root'), { recursive: true });
  cpSync(ground.server.data, data, { recursive: true, preserveTimestamps: true });
  appendFileSync(join(data, 'postgresql.auto.conf'), '# Restored by Holdfast from a point\n');
  await ground.close();
}

beforeAll(async () => {
  await makeCopy();
  at = await startProtected({
    prepare: async (upstream) => {
      await upstream.ask(`${TABLE}; alter table public.bookings owner to ${APP_ROLE}`);
    },
  });
}, 240_000);
afterAll(async () => {
  await at?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function kept(): Promise<string> {
  const proposal = await proposeBookings({
    target: TARGET,
    columns: {
      amount_cents: `{ is: money, currency: EUR, from: { pay: ${CENTS} } }`,
      guest: '{ is: text, from: { pay: { field: guest } } }',
    },
    payments: { pay: PAY },
    copies: join(at.configPath, '..', 'data', 'recovery', 'rebuilds', 'sources'),
  });
  const { rebuilds } = at.holdfast.rooms;
  return await rebuilds.keep(proposal, { copy, at: new Date(), asOf: null, by: MACHINE });
}

/** As `apply --apply` leaves it, without a copy. */
async function rehearsed(): Promise<string> {
  const id = await kept();
  const { rebuilds } = at.holdfast.rooms;
  const digest = digestOfProposal((await rebuilds.show(id)).proposal);
  await rebuilds.begin(id, 'copy', digest, MACHINE);
  const none = { insertedKeys: [], skipped: 0, skippedRows: [], money: [], defaulted: [] };
  const report = { batch: `${id}_copy`, digest, inserted: 3, books: 'b0', assertions: [] };
  await rebuilds.done(id, 'copy', { ...report, ...none, isRecognised: false }, MACHINE);
  return id;
}

async function word(): Promise<string[]> {
  const { person, code } = await somebodysWord(at.holdfast, '');
  return ['--as', person, '--code', code];
}

/** Exit 1: nothing is done before enough have signed. */
async function promoted(id: string) {
  const { code, out } = await at.cli('recovery', 'rebuild', 'promote', id);
  expect(code).toBe(1);
  return JSON.parse(out).proposal;
}

/** Proposed, and signed by one of two; the words of the one who makes it enough. */
async function halfSigned(id: string): Promise<string[]> {
  await word();
  await word();
  const proposal = await promoted(id);
  const digest = proposal.card.digest.slice(0, 16);
  const sign = ['proposals', 'approve', proposal.id, '--digest', digest];
  parsed(await at.cli(...sign, ...(await word())));
  return [...sign, ...(await word())];
}

async function live(): Promise<readonly string[]> {
  const rows = await at.upstream.ask('select reference from public.bookings order by 1');
  return rows.map((row) => String(row['reference']));
}

/**
 * Kills the command where it wants to write its last line about a rebuild, which says what it did: the second, after
 * the one that it begins; or the third, where a person proves that they are there before that. Who asks for the row of the rebuild gets it in turn: the command, then we, then the command.
 */
async function killedAtLastLine(id: string, words: readonly string[], last = 2): Promise<void> {
  const { database } = at.holdfast.rooms;
  const waiting = async (): Promise<number> => {
    const { rows } = await database.run((db) =>
      sql<{ n: number }>`select count(*)::int as n from pg_stat_activity
        where wait_event_type = 'Lock' and query like '%holdfast.rebuilds%for update%'`.execute(db),
    );
    return rows[0]?.n ?? 0;
  };
  const held = async (work: () => Promise<void>): Promise<void> => {
    await database.transaction(async (trx) => {
      await sql`select from holdfast.rebuilds where id = ${id} for update`.execute(trx);
      await work();
    });
  };
  const env = { ...process.env, APP_PASSWORD, HOLDFAST_CONFIG: at.configPath };
  let next: Promise<void> = Promise.resolve();
  let gone: Promise<unknown> = Promise.resolve();
  let kill = (): void => {};
  const heldAt = (line: number): Promise<void> =>
    held(async () => {
      if (line === 1) {
        const command = spawn(process.execPath, [CLI, ...words, '--json'], {
          env,
          stdio: 'ignore',
        });
        gone = new Promise((done) => command.once('exit', (_code, signal) => done(signal)));
        kill = () => void command.kill('SIGKILL');
      }
      try {
        await expect.poll(waiting, SEEN).toBe(1);
        if (line < last) {
          next = heldAt(line + 1);
          await expect.poll(waiting, SEEN).toBe(2);
          return;
        }
      } catch (error) {
        kill();
        throw error;
      }
      // It has done its work and wants to say so.
      kill();
      await gone;
      // Its last statement is on its way; the machine that dies with the command takes that along.
      await database.run((db) =>
        sql`select pg_terminate_backend(pid) from pg_stat_activity
            where wait_event_type = 'Lock' and query like '%holdfast.rebuilds%for update%'`.execute(
          db,
        ),
      );
      await expect.poll(waiting, SEEN).toBe(0);
    });
  await heldAt(1);
  for (let line = 2; line <= last; line += 1) await next;
  expect(await gone).toBe('SIGKILL');
}

describe('a command that is killed between COMMIT and its line in the journal', {
  timeout: JOURNEY_MS_MAX,
}, () => {
  const rows = ['BK-1', 'BK-2', 'BK-3'];
  let id: string;

  it('a promotion: signed again, it is noted as what it was, and nothing is put in twice', async () => {
    id = await rehearsed();
    await killedAtLastLine(id, await halfSigned(id));
    expect(await live()).toEqual(rows);
    const { rebuilds } = at.holdfast.rooms;
    const cut = await rebuilds.show(id);
    expect(cut.cutOff).toEqual([{ place: 'live', digest: cut.digest }]);
    expect(cut.batches.map(({ place }) => place)).toEqual(['copy']);
    // Somebody who works with the rows meanwhile is no obstacle.
    await at.upstream.ask(`update public.bookings set guest = 'Ada L.' where reference = 'BK-1'`);

    const { card } = await promoted(id);
    expect(card.statement).toContain('A promotion before this one was cut off');
    const done = parsed(await at.cli(...(await halfSigned(id))));
    expect(done.proposal.outcome).toMatchObject({ kind: 'done' });
    expect(done.proposal.outcome.note).toContain('by a promotion before this one');
    expect(await live()).toEqual(rows);
    const books = await at.upstream.ask('select id from holdfast_rebuild.batch');
    const noted = await rebuilds.show(id);
    expect(noted.cutOff).toEqual([]);
    expect(noted.batches.at(-1)).toMatchObject({
      ...{ place: 'live', batch: books[0]?.['id'], inserted: 3, takenBack: null },
    });
    expect(books).toHaveLength(1);
  });

  it('a rollback: asked for again, it is noted as done, once', async () => {
    const back = ['recovery', 'rebuild', 'rollback', id, '--from', 'live', '--keep-changed'];
    await killedAtLastLine(id, [...back, ...(await word())], 3);
    expect(await live()).toEqual(['BK-1']);
    const { rebuilds } = at.holdfast.rooms;
    expect((await rebuilds.show(id)).batches.at(-1)).toMatchObject({ takenBack: null });
    const { report } = parsed(await at.cli(...back, ...(await word())));
    expect(report).toMatchObject({ deleted: 2, kept: ['BK-1'], isRecognised: true });
    expect((await rebuilds.show(id)).batches.at(-1)?.takenBack).not.toBeNull();
    expect((await at.cli(...back, ...(await word()))).out).toContain('that stands in the live');
    await at.upstream.ask('delete from public.bookings');
  });

  it('a promotion that is taken back at once: found first, then taken back', async () => {
    const other = await rehearsed();
    await killedAtLastLine(other, await halfSigned(other));
    expect(await live()).toEqual(rows);
    const { rebuilds } = at.holdfast.rooms;
    const back = ['recovery', 'rebuild', 'rollback', other, '--from', 'live'];
    const { report } = parsed(await at.cli(...back, ...(await word())));
    expect(report).toMatchObject({ deleted: 3, kept: [], isRecognised: false });
    expect(await live()).toEqual([]);
    expect((await rebuilds.show(other)).batches.at(-1)).toMatchObject({ inserted: 3 });
  });

  it('what goes into the copy, and what is taken back from there', async () => {
    const third = await kept();
    const apply = ['recovery', 'rebuild', 'apply', third, '--apply'];
    await killedAtLastLine(third, apply);
    const { report } = parsed(await at.cli(...apply));
    expect(report).toMatchObject({ inserted: 3, isRecognised: true });
    const { rebuilds } = at.holdfast.rooms;
    expect((await rebuilds.show(third)).batches).toMatchObject([
      { place: 'copy', batch: report.batch },
    ]);
    const back = ['recovery', 'rebuild', 'rollback', third, '--from', 'copy'];
    await killedAtLastLine(third, back);
    expect(parsed(await at.cli(...back)).report).toMatchObject({ deleted: 3, isRecognised: true });
    expect(parsed(await at.cli(...apply)).report).toMatchObject({
      ...{ inserted: 3, isRecognised: false },
    });
    parsed(await at.cli(...back));
  });

  it('a copy whose server it leaves running: that is stopped, and the work begins again', async () => {
    const fourth = await kept();
    const apply = ['recovery', 'rebuild', 'apply', fourth, '--apply'];
    const pidFile = join(copy, 'root', 'data', 'postmaster.pid');
    const env = { ...process.env, APP_PASSWORD, HOLDFAST_CONFIG: at.configPath };
    const command = spawn(process.execPath, [CLI, ...apply], { env, stdio: 'ignore' });
    const gone = new Promise((done) => command.once('exit', done));
    await expect.poll(() => existsSync(pidFile), SEEN).toBe(true);
    command.kill('SIGKILL');
    await gone;
    const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
    expect(markOf(pid)).not.toBeNull();
    expect(parsed(await at.cli(...apply)).report).toMatchObject({ inserted: 3 });
    expect(markOf(pid)).toBeNull();
    expect(existsSync(join(copy, 'holdfast-worker'))).toBe(false);
  });
});

function parsed({ code, out, err }: Said) {
  expect([code, err], out).toEqual([0, '']);
  return JSON.parse(out);
}
