/**
 * `holdfast undo` as people use it: the built command line on the store of a running gateway, in processes
 * beside it, real codes, agents who work through that gateway on a protected target. On 15 and 18.
 */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Grace } from '../../src/protection/grace.ts';
import { VERSIONS } from '../protection/wall-fixture.ts';
import { AGENT, ENVIRONMENT, somebodysWord, TARGET } from '../support/gateway.ts';
import { type Protected, type Said, startProtected } from '../support/protected.ts';
import type { Login } from '../support/raw-client.ts';
import { APP_PASSWORD, APP_ROLE } from '../support/upstream.ts';

const CLI = resolve(import.meta.dirname, '../../dist/cli/main.js');
const SEEN = { timeout: 60_000, interval: 50 };
/** Each is a dozen processes, on a machine that may be busy. */
const JOURNEY_MS_MAX = 240_000;
const OTHER_AGENT = 'nightly-etl';
const TABLES = `
create table rooms (id int primary key, name text unique, beds int);
create table stays (id int primary key, room int not null references rooms on delete cascade, guest text);
alter table rooms owner to ${APP_ROLE}; alter table stays owner to ${APP_ROLE}`;
const ROWS = `
truncate rooms, stays;
insert into rooms select i, 'room ' || i, 1 + i % 3 from generate_series(1, 6) i;
insert into stays select i, 1 + i % 6, 'guest ' || i from generate_series(1, 12) i`;

describe.each(VERSIONS)('holdfast undo, $name', ({ binFolder, skip }) => {
  describe.skipIf(skip !== null)(skip ?? '', { timeout: JOURNEY_MS_MAX }, () => {
    let at: Protected;
    let other: Login;

    beforeAll(async () => {
      at = await startProtected({
        prepare: (upstream) => upstream.ask(TABLES).then(() => {}),
        ...(binFolder === null ? {} : { binFolder }),
      });
      const { agents } = at.holdfast.rooms;
      await agents.add(OTHER_AGENT);
      const { token } = await agents.issueToken({
        agent: OTHER_AGENT,
        environment: ENVIRONMENT,
        targets: [],
      });
      other = { ...at.through, user: OTHER_AGENT, password: token };
    });
    afterAll(() => at?.stop());

    beforeEach(async () => {
      await at.upstream.ask(ROWS);
      await at.drained();
    });

    /** By an agent, through the gateway; the item it became. */
    async function agentDoes(sql: string, login: Login = at.through): Promise<string> {
      const client = await retried(async () => {
        const made = new pg.Client({ ...login, ssl: false });
        made.on('error', () => {});
        await made.connect();
        return made;
      });
      try {
        await client.query(sql);
      } finally {
        await client.end();
      }
      await at.drained();
      const { items } = parsed(await at.cli('undo', 'list', '--agent', login.user, '--limit', '1'));
      return String(items[0].id);
    }

    async function word(): Promise<string[]> {
      const { person, code } = await somebodysWord(at.holdfast, '');
      return ['--as', person, '--code', code];
    }

    async function look(): Promise<string> {
      const [row] = await at.upstream.ask(`select
        (select string_agg(r::text, ' ' order by id) from rooms r) as rooms,
        (select string_agg(s::text, ' ' order by id) from stays s) as stays`);
      return JSON.stringify(row);
    }

    it('refuses what one person alone asks for, and what nobody signs', async () => {
      const item = await agentDoes('delete from stays');
      const alone = await at.cli('undo', 'purge', item);
      expect(alone).toEqual(saying(1, 'HF_QUORUM'));
      const unsigned = await at.cli('undo', 'apply', item, '--as', 'nobody', '--code', '000000');
      expect(unsigned).toEqual(saying(1, 'HF_NOT_FOUND'));
      const [as, person = '', code, digits = ''] = await word();
      const wrong = String((Number(digits) + 1) % 1_000_000).padStart(6, '0');
      const mistyped = await at.cli('undo', 'apply', item, `${as}`, person, `${code}`, wrong);
      expect(mistyped).toEqual(saying(1, 'HF_TOTP_WRONG'));
      expect(await look()).toContain('"stays":null');
    });

    it('lists, shows, previews and applies; the undo is an item, and undoing it is the act again', async () => {
      const before = await look();
      const item = await agentDoes('delete from rooms where id <= 3');
      const after = await look();
      const shown = parsed(await at.cli('undo', 'show', item));
      expect(shown.item).toMatchObject({ agentName: AGENT, state: 'kept', target: TARGET });
      expect(shown.item.parts.map((part: { name: string }) => part.name).sort()).toEqual([
        'public.rooms',
        'public.stays',
      ]);
      const { report } = parsed(await at.cli('undo', 'preview', item));
      expect(rowsBack(report)).toEqual({ 'public.rooms': 3, 'public.stays': 6 });
      expect(report.sql).toHaveLength(2);
      expect(await look()).toBe(after);
      const done = parsed(await at.cli('undo', 'apply', item, ...(await word())));
      expect(done.report).toMatchObject({ isWhole: true, undecided: 0 });
      expect(await look()).toBe(before);

      const again = await at.cli('undo', 'apply', item, ...(await word()));
      expect(again).toEqual(saying(1, 'undone already'));
      const listed = parsed(await at.cli('undo', 'list', '--limit', '1')).items;
      expect(listed[0]).toMatchObject({ undoOf: item, state: 'kept', agentName: null });
      parsed(await at.cli('undo', 'apply', listed[0].id, ...(await word())));
      expect(await look()).toBe(after);
      expect(parsed(await at.cli('undo', 'show', item)).item.state).toBe('kept');
      parsed(await at.cli('undo', 'apply', item, ...(await word())));
      expect(await look()).toBe(before);
    });

    it('takes back a table, then a row, then the rest', async () => {
      const before = await look();
      const item = await agentDoes('delete from rooms where id <= 2');
      const bare = await at.cli('undo', 'apply', item, '--key', 'id=1', ...(await word()));
      expect(bare).toEqual(saying(2, '--table NAME --key'));
      const orphans = await at.cli(
        ...['undo', 'apply', item, '--table', 'public.stays', ...(await word())],
      );
      expect(orphans.code).toBe(1);
      expect(JSON.parse(orphans.out).report.conflicts[0].kind).toBe('parent-missing');
      const one = ['--table', 'public.rooms', '--key', 'id=2'];
      const row = parsed(await at.cli('undo', 'apply', item, ...one, ...(await word())));
      expect(rowsBack(row.report)).toEqual({ 'public.rooms': 1 });
      expect(row.report.isWhole).toBe(false);
      expect(parsed(await at.cli('undo', 'show', item)).item.state).toBe('kept');
      const rest = parsed(await at.cli('undo', 'apply', item, ...(await word())));
      expect(rowsBack(rest.report)).toEqual({ 'public.rooms': 1, 'public.stays': 4 });
      expect(await look()).toBe(before);
    });

    it('overwrites newer work only as it is told to, row by row', async () => {
      const newer = `update rooms set beds = 9 where id = 1; delete from rooms where id = 2;
        update rooms set beds = 8 where id = 3`;
      const item = await agentDoes(`update rooms set beds = 0 where id <= 4`);
      await at.upstream.ask(newer);
      await at.drained();
      const before = await look();
      const preview = await at.cli('undo', 'preview', item);
      expect(preview.code).toBe(1);
      const kinds = JSON.parse(preview.out).report.conflicts.map(
        (one: { kind: string }) => one.kind,
      );
      expect(kinds.sort()).toEqual(['changed', 'changed', 'gone']);
      const refused = await at.cli('undo', 'apply', item, ...(await word()));
      expect([refused.code, JSON.parse(refused.out).error.code]).toEqual([1, 'HF_UNDO_CONFLICT']);
      expect(await look()).toBe(before);
      const decided = [
        '--conflict',
        'skip',
        'public.rooms=theirs',
        'public.rooms:id=1=ours',
        'public.rooms:id=3=skip',
      ];
      const done = parsed(await at.cli('undo', 'apply', item, ...decided, ...(await word())));
      expect(done.report).toMatchObject({ undecided: 0, isWhole: false });
      expect(await look()).toContain('(1,\\"room 1\\",2) (3,\\"room 3\\",8) (4,\\"room 4\\",2)');
      const last = ['--conflict', 'theirs', ...(await word())];
      expect(parsed(await at.cli('undo', 'apply', item, ...last)).report.isWhole).toBe(true);
      expect(await look()).toContain('(1,\\"room 1\\",2) (3,\\"room 3\\",8) (4,\\"room 4\\",2)');
    });

    it('takes back all that one agent did in a range, and nothing of another', async () => {
      const early = await agentDoes(`update rooms set name = 'early' where id = 1`);
      const since = await at.now();
      const before = await look();
      await agentDoes('delete from stays where id <= 4');
      await agentDoes('update stays set guest = null where id > 4');
      const theirs = await agentDoes('delete from rooms where id = 6', other);
      const until = await at.now();
      const late = await agentDoes(`update rooms set beds = 7 where id = 2`);
      const idsOf = async (...words: string[]): Promise<string[]> =>
        parsed(await at.cli('undo', 'list', ...words)).items.map((one: { id: string }) => one.id);
      const mine = await idsOf('--agent', AGENT, '--since', since, '--until', until);
      expect(mine).toHaveLength(2);
      expect(await idsOf('--agent', OTHER_AGENT, '--since', since)).toEqual([theirs]);
      expect(await idsOf('--agent', 'nobody', '--since', since)).toEqual([]);
      for (const id of [early, late, theirs]) expect(mine).not.toContain(id);

      const everything = await at.cli('undo', 'apply', '--until', until, ...(await word()));
      expect(everything).toEqual(saying(2, '--since'));
      // The other agent removed a room, and with it stays that this one had changed.
      const range = ['--agent', AGENT, '--since', since, '--until', until];
      const blocked = await at.cli('undo', 'apply', ...range, ...(await word()));
      expect(JSON.parse(blocked.out).error.code).toBe('HF_UNDO_CONFLICT');
      parsed(await at.cli('undo', 'apply', theirs, ...(await word())));
      parsed(await at.cli('undo', 'apply', late, ...(await word())));
      const { report } = parsed(await at.cli('undo', 'apply', ...range, ...(await word())));
      expect(report).toMatchObject({ isWhole: true, items: mine });
      expect(await look()).toBe(before);
    });

    it('keeps an item longer, and lets several people purge one sooner than the clock', async () => {
      const item = await agentDoes('delete from stays where id = 1');
      const leftOf = async (): Promise<number> =>
        parsed(await at.cli('undo', 'show', item)).item.leftMs;
      const left = await leftOf();
      const longer = parsed(await at.cli('undo', 'extend', item, '--by', '24h', ...(await word())));
      expect(longer).toEqual({ extended: 1 });
      expect((await leftOf()) - left).toBeGreaterThan(23 * 3_600_000);

      const purging = async (): Promise<void> => {
        const { proposal } = parsed(await at.cli('undo', 'purge', item));
        expect(proposal).toMatchObject({ state: 'waiting', peopleNeeded: 2 });
        const sign = ['proposals', 'approve', proposal.id];
        const digest = ['--digest', proposal.card.digest.slice(0, 16)];
        const first = await word();
        parsed(await at.cli(...sign, ...digest, ...first));
        const twice = await at.cli(...sign, ...digest, ...first);
        expect(twice.code).toBe(1);
        expect(parsed(await at.cli('undo', 'show', item)).item.state).toBe('kept');
        parsed(await at.cli(...sign, ...digest, ...(await word())));
        expect(parsed(await at.cli('undo', 'show', item)).item.state).toBe('purging');
      };
      await purging();
      const leaving = await at.cli('undo', 'apply', item, ...(await word()));
      expect(leaving).toEqual(saying(1, 'to be purged'));
      const nobody = await at.cli('undo', 'purge', item, '--cancel');
      expect(nobody.code).toBe(2);
      const stays = await at.cli('undo', 'purge', item, '--cancel', ...(await word()));
      expect(parsed(stays)).toEqual({ cancelled: 1 });
      const { report } = parsed(await at.cli('undo', 'preview', item));
      expect(rowsBack(report)).toEqual({ 'public.stays': 1 });

      await purging();
      expect(await sweptAfter(at, 9 * 60_000)).not.toContain(item);
      expect(await sweptAfter(at, 2 * 60_000)).toContain(item);
      const gone = parsed(await at.cli('undo', 'show', item));
      expect(gone).toMatchObject({ item: { state: 'purged', leftMs: null }, entries: [] });
      const late = await at.cli('undo', 'apply', item, ...(await word()));
      expect(late).toEqual(saying(1, 'its data is gone'));
      expect(parsed(await at.cli('trail', 'verify')).ok).toBe(true);
    });

    it('a kill between the commit and what is written about it is found out by the next look', async () => {
      const before = await look();
      const item = await agentDoes('delete from stays where id <= 6');
      const signed = await word();
      const { database } = at.holdfast.rooms;
      await database.transaction(async (trx) => {
        // Its row can be read and not be changed: the command waits there, with all else done.
        await sql`select from holdfast.undo_items where id = ${item} for update`.execute(trx);
        const words = [CLI, 'undo', 'apply', item, ...signed, '--json'];
        const env = { ...process.env, APP_PASSWORD, HOLDFAST_CONFIG: at.configPath };
        const command = spawn(process.execPath, words, { env, stdio: 'ignore' });
        const gone = new Promise((done) => command.once('exit', (_code, signal) => done(signal)));
        try {
          await expect.poll(look, SEEN).toBe(before);
        } finally {
          command.kill('SIGKILL');
        }
        expect(await gone).toBe('SIGKILL');
        // Its last statement is on its way; the machine that dies with the command takes that along.
        await database.run((db) =>
          sql`select pg_terminate_backend(pid) from pg_stat_activity
              where wait_event_type = 'Lock' and query like '%undo_items set state%'`.execute(db),
        );
      });
      await at.drained();
      const [mine] = await at.holdfast.rooms.undoStore.list({ limit: 1 });
      expect(mine).toMatchObject({ undoOf: item, state: 'kept' });
      // Nobody has written down that it is undone ...
      expect(await at.holdfast.rooms.undoStore.find(item)).toMatchObject({ state: 'kept' });
      // ... and it is not offered again, neither in the list nor to be applied.
      const { items } = parsed(await at.cli('undo', 'list', '--agent', AGENT));
      expect(items.map(({ id }: { id: string }) => id)).not.toContain(item);
      expect(parsed(await at.cli('undo', 'show', item)).item.state).toBe('undone');
      const again = await at.cli('undo', 'apply', item, ...(await word()));
      expect(again).toEqual(saying(1, 'undone already'));
      expect(await look()).toBe(before);
      // The undo that nobody saw the end of is an item like any other.
      parsed(await at.cli('undo', 'apply', mine?.id ?? '', ...(await word())));
      expect(await look()).not.toBe(before);
      expect(parsed(await at.cli('undo', 'show', item)).item.state).toBe('kept');
    });
  });
});

function parsed({ code, out, err }: Said) {
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out);
}

/** With --json an error is on stdout, in its four parts. */
function saying(code: number, words: string): Said {
  return { code, out: expect.stringContaining(words), err: '' };
}

function rowsBack(report: {
  readonly tables: readonly { readonly table: string; readonly insertedBack: number }[];
}): Record<string, number> {
  return Object.fromEntries(report.tables.map(({ table, insertedBack }) => [table, insertedBack]));
}

/** Ids of what goes when so much more time was watched: the sweep that the gateway makes each minute. */
async function sweptAfter({ holdfast }: Protected, ms: number): Promise<readonly string[]> {
  const { database, undoStore: store } = holdfast.rooms;
  await database.run((db) =>
    sql`update holdfast.undo_ledger set tick_ms = tick_ms + ${ms}::bigint`.execute(db),
  );
  // Nothing here was dropped, so there is no trash.
  const grace = new Grace({ store, targetOf: () => null, dropTrash: async () => {} });
  return (await grace.sweep()).purged;
}

/** The gateway hears of a new token by a notice, a moment after it was issued. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let left = 50; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}
