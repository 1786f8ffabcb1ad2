/**
 * Restores while the gateway runs, as people do them: by command and over the API, with real rows lost and
 * brought back, signed for by two, broken off by kill -9. Real processes, a real server, a local vault.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { until } from './pull-ground.ts';
import { RestoreWorld } from './restore-world.ts';

const LONG = { timeout: 600_000 };
const TABLES = `
  create table bookings (id int primary key, guest text, paid numeric(9, 2));
  create table payments (id int primary key, booking int references bookings, cents bigint);
  insert into bookings select n, 'guest ' || n, n from generate_series(1, 200) n;
  insert into payments select n, n, n * 100 from generate_series(1, 50) n`;
const BOOKINGS = { schema: 'public', name: 'bookings' };

let world: RestoreWorld;
let point: string;

beforeAll(async () => {
  world = await RestoreWorld.start(TABLES);
  await world.people({
    ada: ['owner'],
    bea: ['approver'],
    cy: ['operator'],
    dan: ['auditor'],
    eva: ['owner'],
  });
  await world.up();
  await until(async () => {
    const { said } = await world.cli('recovery', 'status', 'shop');
    return said?.targets?.[0]?.isRunning === true;
  });
  const backup = await world.cli('recovery', 'backup', 'shop');
  expect(backup.exit, backup.out + backup.err).toBe(0);
  point = backup.said.results[0].point.id;
}, 600_000);
afterAll(() => world?.stop(), 60_000);

/** What a test that failed left standing is in nobody's way. */
beforeEach(async () => {
  for (const { id } of (await world.api('ada', 'GET', 'recovery/shop/restores')).json.items) {
    await world.api('ada', 'DELETE', `recovery/shop/restores/${id}`);
  }
});

function query(sql: string): Promise<readonly Record<string, unknown>[]> {
  return world.ground.server.query(sql);
}

async function eventKinds(): Promise<readonly string[]> {
  const { said } = await world.cli('trail', 'tail', '-n', '500');
  return [...JSON.stringify(said).matchAll(/"kind":"(restore-[a-z-]+)"/g)].map(
    ([, kind]) => kind ?? '',
  );
}

describe('holdfast restore beside a gateway', () => {
  it('brings back deleted rows, and takes that back again', LONG, async () => {
    const before = await world.look();
    await query(`delete from payments where id <= 3; delete from bookings where id <= 3;
      update bookings set guest = 'nobody' where id = 10; insert into bookings values (900, 'new', 1)`);
    const after = await world.look();

    const looked = await world.cli('restore', 'shop', '--point', point, '--diff');
    expect(looked.exit, looked.out + looked.err).toBe(0);
    expect(looked.said).toMatchObject({ point, vault: 'here', kept: null, report: null });
    expect(looked.said.diff.join(' ')).toContain(
      'public.bookings: 3 missing (1, 2, 3); 1 changed (10); 1 only in the live one (900)',
    );
    expect(await world.look()).toBe(after);

    const rows = ['--table', 'public.bookings', '--keys', '1,2,3,10,900'];
    const back = ['restore', 'shop', '--point', point, ...rows];
    const seen = await world.cli(...back, '--preview');
    expect(seen.exit, seen.out + seen.err).toBe(0);
    expect(seen.said.report).toMatchObject({
      id: null,
      wouldFail: [],
      tables: [{ ...BOOKINGS, inserted: 3, setBack: 0, deleted: 0, conflicts: 1, extraKept: 1 }],
    });
    expect(await world.look()).toBe(after);
    // Nobody's word, a word that is none, somebody who may not.
    expect((await world.cli(...back, '--apply')).exit).toBe(2);
    const wrong = await world.cli(...back, '--apply', '--as', 'ada', '--code', '000000');
    expect(wrong.out).toContain('HF_TOTP_WRONG');
    const auditor = await world.cli(...back, '--apply', ...(await world.word('dan')));
    expect(auditor.out).toContain('HF_FORBIDDEN');
    expect(await world.look()).toBe(after);

    const changing = ['--set-back', '--delete-extra', '--apply'];
    const done = await world.cli(...back, ...changing, ...(await world.word('cy')));
    expect(done.exit, done.out + done.err).toBe(0);
    expect(done.said.report.tables).toMatchObject([{ inserted: 3, setBack: 1, deleted: 1 }]);
    expect(await world.look()).toBe(before);
    expect(world.left()).toEqual([]);

    const listed = await world.cli('undo', 'list', '--target', 'shop');
    const item = listed.said.items.find((one: { application: string }) =>
      one.application.endsWith(done.said.report.id),
    );
    expect(item.state).toBe('kept');
    // By the name that an error would send people to.
    const name = `holdfast restore ${done.said.report.id} (as postgres)`;
    expect(await world.lines('undo', 'list', '--target', 'shop')).toContain(name);
    const undone = await world.cli('undo', 'apply', item.id, ...(await world.word('ada')));
    expect(undone.exit, undone.out).toBe(0);
    expect(await world.look()).toBe(after);
  });

  it(
    'writes nothing of a whole table over what is there, and knows no other tables',
    LONG,
    async () => {
      const before = await world.look();
      const back = ['restore', 'shop', '--point', point];
      const word = await world.word('cy');
      const whole = await world.cli(
        ...back,
        '--table',
        'bookings',
        '--set-back',
        '--apply',
        ...word,
      );
      expect(whole.exit).toBe(1);
      expect(whole.out).toContain('which several people sign');
      const sql = 'public.bookings; drop table bookings; --';
      const odd = await world.cli(...back, '--table', `public."${sql}"`, '--preview');
      expect(odd.exit).toBe(1);
      expect(odd.said.error).toMatchObject({ code: 'HF_RESTORE_STATE' });
      const quoted = await world.cli(...back, '--table', 'public.bookings;', '--preview');
      expect(quoted.exit).not.toBe(0);
      expect(await world.look()).toBe(before);
      expect(world.left()).toEqual([]);
    },
  );

  it('promotes whole tables when two have signed, as an undo item', LONG, async () => {
    const before = await world.look();
    const grown = await world.cli('restore', 'shop', '--table', 'bookings', '--promote');
    expect(grown.exit).toBe(2);
    const words = ['--table', 'bookings', 'payments', '--set-back', '--delete-extra', '--promote'];
    const proposed = await world.cli('restore', 'shop', '--point', point, ...words);
    expect(proposed.exit, proposed.out + proposed.err).toBe(0);
    const { proposal } = proposed.said;
    expect(proposal).toMatchObject({ state: 'waiting', peopleNeeded: 2 });
    expect(proposal.card.statement).toContain(point);
    expect(proposal.card.statement).toContain('public.bookings: 3 rows put in again');
    expect(JSON.parse(proposal.card.act).facts).toMatchObject({
      ...{ point, vault: 'here', asOf: null },
      tables: ['["public","bookings",3,1,1]', '["public","payments",3,0,0]'],
    });
    expect(await world.look()).toBe(before);

    const digest = ['--digest', proposal.card.digest];
    const sign = async (name: string) =>
      world.cli('proposals', 'approve', proposal.id, ...(await world.word(name)), ...digest);
    const first = await sign('ada');
    expect(first.said.proposal.state, first.out).toBe('waiting');
    expect(await world.look()).toBe(before);
    const second = await sign('bea');
    expect(second.said.proposal, second.out).toMatchObject({
      state: 'consumed',
      outcome: { kind: 'done' },
    });
    expect(await query('select count(*)::int as n, min(id) as a from bookings')).toEqual([
      { n: 200, a: 1 },
    ]);
    expect(await query('select count(*)::int as n from payments')).toEqual([{ n: 50 }]);
    const { items } = (await world.cli('undo', 'list', '--target', 'shop')).said;
    const note: string = second.said.proposal.outcome.note;
    expect(
      items.some((one: { application: string }) =>
        note.includes(one.application.replace('holdfast restore ', '')),
      ),
    ).toBe(true);
    expect(world.left()).toEqual([]);
    const wanted = [
      'asked',
      'came-back',
      'diffed',
      'writing',
      'written-back',
      'promoted',
      'discarded',
    ];
    // The index of the trail follows it within a second.
    await vi.waitFor(
      async () => {
        const kinds = await eventKinds();
        expect(kinds).toEqual(expect.arrayContaining(wanted.map((kind) => `restore-${kind}`)));
      },
      { timeout: 15_000, interval: 500 },
    );
  });

  it('says what a key has to be', LONG, async () => {
    const rows = ['--table', 'public.bookings', '--keys', '1,2,zz', '--preview'];
    const { exit, said } = await world.cli('restore', 'shop', '--point', point, ...rows);
    expect(exit).toBe(2);
    expect(said.error).toMatchObject({
      code: 'HF_USAGE',
      expected: 'keys of public.bookings: integer',
      found: expect.stringContaining('"zz"'),
    });
    expect(world.left()).toEqual([]);
  });

  it('is in the report with its rows, and what was mistyped is no incident', LONG, async () => {
    const into = join(world.folder, 'full');
    mkdirSync(into);
    writeFileSync(join(into, 'somebody.txt'), '');
    const typed = [
      [['--point', 'nonsense', '--diff'], 'HF_RESTORE_WINDOW'],
      [['--at', '2020-01-01T03:00:00Z', '--diff'], 'HF_RESTORE_WINDOW'],
      [['--point', point, '--into', into], 'HF_RECOVERY_FOLDER'],
    ] as const;
    for (const [words, code] of typed) {
      const { exit, said } = await world.cli('restore', 'shop', ...words);
      expect([exit, said.error.code]).toEqual([1, code]);
    }
    const dayOf = (ms: number): string => new Date(Date.now() + ms).toISOString().slice(0, 10);
    const days = ['--from', dayOf(-86_400_000), '--to', dayOf(2 * 86_400_000)];
    // Entries count once a checkpoint covers them.
    await vi.waitFor(
      async () => {
        const { said } = await world.cli('report', ...days);
        expect(said.restores).toMatchObject({
          ...{ writtenBack: 1, promoted: 1, rows: 5 + 8, failed: 0, outOfReach: typed.length },
        });
        const kinds = said.incidents.kinds.map(({ kind }: { kind: string }) => kind);
        expect(kinds).not.toContain('restore-failed');
      },
      { timeout: 30_000, interval: 1_000 },
    );
    const lines = await world.lines('report', ...days);
    expect(lines).toMatch(
      /Restores: \d+ to look at, 1 written back, 1 promoted: 13 rows\. 3 others asked/,
    );
    expect(lines).not.toContain('Nothing was taken back.');
  });

  it('removes the copy when the command is stopped by Ctrl-C', LONG, async () => {
    const { child, finished } = world.started('restore', 'shop', '--point', point, '--diff');
    await until(() => world.left().length > 0);
    child.kill('SIGINT');
    const { err, exit } = await finished;
    expect(exit).toBe(130);
    expect(err).toMatch(/Taken back: the gateway has removed restore_\w+ again\./);
    await until(() => world.left().length === 0);
  });

  it('goes on with a backup whose command is stopped by Ctrl-C, which is told', LONG, async () => {
    const counter = join(world.folder, 'state', 'recovery', 'counter');
    const answers = (): readonly string[] =>
      readdirSync(counter)
        .filter((name) => name.endsWith('.answer.json'))
        .map((name) => readFileSync(join(counter, name), 'utf8'));
    const { child, finished } = world.started('recovery', 'backup', 'shop');
    await until(() => answers().some((text) => text.includes('running')));
    child.kill('SIGINT');
    const { err, exit } = await finished;
    expect(exit).toBe(130);
    expect(err).toContain('The gateway goes on with it: holdfast recovery status shop');
    await until(() => answers().some((text) => text.includes('"state":"done"')));
  });
});

describe('restores over the API', () => {
  const PATH = 'recovery/shop/restores';

  it('are for people who may undo, and never for an agent', LONG, async () => {
    const token = await world.inRooms(async ({ agents }) => {
      await agents.add('cursor');
      const asked = { agent: 'cursor', environment: 'production', targets: [] };
      return (await agents.issueToken(asked)).token;
    });
    const wish = { kind: 'point', id: point };
    const id = 'restore_0000000000000000';
    const order = { tables: [{ ...BOOKINGS, keys: [['1']] }] };
    const all = [
      ['POST', PATH, { wish }],
      ['GET', PATH, undefined],
      ['GET', `${PATH}/${id}`, undefined],
      ['POST', `${PATH}/${id}/diff`, {}],
      ['POST', `${PATH}/${id}/preview`, order],
      ['POST', `${PATH}/${id}/write-back`, order],
      ['POST', `${PATH}/${id}/promotion`, { tables: [BOOKINGS] }],
      ['DELETE', `${PATH}/${id}`, undefined],
    ] as const;
    for (const [method, path, body] of all) {
      for (const who of [token, 'hfs_nobody']) {
        const { status } = await world.api(who, method, path, body);
        expect([401, 403], `${method} ${path}`).toContain(status);
      }
    }
    expect((await world.api('dan', 'POST', PATH, { wish })).status).toBe(403);
    expect((await world.api('dan', 'GET', PATH)).status).toBe(200);
    expect((await world.api('bea', 'POST', `${PATH}/${id}/write-back`, order)).status).toBe(403);
    expect((await world.api('ada', 'GET', `${PATH}/${id}`)).status).toBe(404);
    expect((await world.api('ada', 'GET', 'recovery/other/restores')).status).toBe(404);
    expect(world.left()).toEqual([]);
  });

  it('go the whole way, two at a time', LONG, async () => {
    const before = await world.look();
    await query('delete from payments where booking = 7; delete from bookings where id = 7');
    const after = await world.look();
    const copy = await world.ready('cy', { kind: 'point', id: point });
    expect(copy.standing, JSON.stringify(copy)).toMatchObject({
      state: 'ready',
      point: { id: point, isSealed: true, drilledAt: expect.any(String) },
      diff: null,
    });
    const one = `${PATH}/${copy.id}`;
    const second = await world.ready('cy', { kind: 'newest' });
    const third = await world.api('cy', 'POST', PATH, { wish: { kind: 'newest' } });
    expect(third.json.code).toBe('HF_LIMIT');
    expect(copy.asOf).toBeNull();

    await world.api('cy', 'POST', `${one}/diff`, {});
    let shown = await world.api('dan', 'GET', one);
    await until(async () => {
      shown = await world.api('dan', 'GET', one);
      return shown.json.standing.diff.state !== 'running';
    });
    const { result } = shown.json.standing.diff;
    expect(result.tables).toMatchObject([
      { ...BOOKINGS, rows: { missing: 1, missingKeys: [['7']], changed: 0, extra: 0 } },
      { name: 'payments', rows: { missing: 1 } },
    ]);
    const order = { tables: [{ ...BOOKINGS, keys: [['7']] }], changed: 'keep', extra: 'keep' };
    const preview = await world.api('cy', 'POST', `${one}/preview`, order);
    expect(preview.json).toMatchObject({ id: null, tables: [{ inserted: 1 }], wouldFail: [] });
    expect(await world.look()).toBe(after);
    // A session alone, whose proof is old, writes nothing.
    const unproved = await world.api('cy', 'POST', `${one}/write-back`, order);
    expect(unproved.json.code).toBe('HF_SIGN_IN');
    expect(await world.look()).toBe(after);
    const [, person, , code] = await world.word('cy');
    const signed = { ...order, person, code };
    const written = await world.api('cy', 'POST', `${one}/write-back`, signed);
    expect(written.json, JSON.stringify(written.json)).toMatchObject({ tables: [{ inserted: 1 }] });
    expect(await world.look()).toBe(before);

    const whole = { tables: [BOOKINGS], changed: 'set-back', extra: 'delete' };
    const [, , , next] = await world.word('cy');
    const alone = await world.api('cy', 'POST', `${one}/write-back`, {
      ...{ ...whole, person, code: next },
      tables: [{ ...BOOKINGS, keys: null }],
    });
    expect(alone.json.code).toBe('HF_RESTORE_STATE');
    const proposed = await world.api('cy', 'POST', `${one}/promotion`, whole);
    expect(proposed.json).toMatchObject({ state: 'waiting', act: 'promote-restore' });
    const grown = await world.api('cy', 'POST', `${PATH}/${second.id}/promotion`, whole);
    expect(grown.json.code).toBe('HF_RESTORE_STATE');

    for (const id of [copy.id, second.id]) {
      const gone = await world.api('cy', 'DELETE', `${PATH}/${id}`);
      expect(gone.json.standing).toEqual({ state: 'discarded', why: 'asked' });
    }
    expect(world.left()).toEqual([]);
    const late = await world.api('cy', 'POST', `${one}/preview`, order);
    expect(late.json.code).toBe('HF_RESTORE_STATE');
  });

  it('read nothing from a copy in which somebody wrote', LONG, async () => {
    const { id } = await world.ready('cy', { kind: 'point', id: point });
    const host = world.socketOf(id);
    const client = new pg.Client({ host, port: 5432, user: 'postgres', database: 'postgres' });
    await client.connect();
    await client.query(`update bookings set guest = 'forged' where id = 1`);
    await client.end();
    const [, person, , code] = await world.word('cy');
    const rows = { tables: [{ ...BOOKINGS, keys: [['1']] }], changed: 'set-back' };
    for (const way of ['preview', 'write-back']) {
      const order = way === 'preview' ? rows : { ...rows, person, code };
      const { json } = await world.api('cy', 'POST', `${PATH}/${id}/${way}`, order);
      expect(json).toMatchObject({ code: 'HF_RESTORE_STATE' });
      expect(JSON.stringify(json)).toContain('somebody wrote in it since');
    }
    const promoted = await world.api('cy', 'POST', `${PATH}/${id}/promotion`, {
      tables: [BOOKINGS],
    });
    expect(promoted.json.code).toBe('HF_RESTORE_STATE');
    await world.api('cy', 'DELETE', `${PATH}/${id}`);
    expect(await query(`select guest from bookings where id = 1`)).toEqual([{ guest: 'guest 1' }]);
  });
});

describe('kill -9', () => {
  const PATH = 'recovery/shop/restores';

  it('in a restore leaves nothing behind the next start', LONG, async () => {
    const { id } = await world.ready('cy', { kind: 'point', id: point });
    const begun = await world.api('cy', 'POST', PATH, { wish: { kind: 'point', id: point } });
    await until(() => world.left().includes(begun.json.id));
    await world.down('SIGKILL');
    expect(world.left()).toContain(id);
    const host = world.socketOf(id);
    await world.up();
    await until(() => world.left().length === 0);
    const late = new pg.Client({ host, port: 5432, user: 'postgres', database: 'postgres' });
    await expect(late.connect()).rejects.toThrow();
    await until(async () => (await world.api('cy', 'GET', PATH)).status === 200);
    expect((await world.api('cy', 'GET', PATH)).json.items).toEqual([]);
  });

  it('in a write-back writes all of it or nothing', LONG, async () => {
    await query(`delete from payments; delete from bookings where id > 100`);
    const before = await world.look();
    await query(`create function slow() returns trigger language plpgsql as
        $$ begin perform pg_sleep(0.1); return new; end $$;
      create trigger slow before insert on bookings for each row execute function slow()`);
    const { id } = await world.ready('cy', { kind: 'point', id: point });
    const [, person, , code] = await world.word('cy');
    const order = { tables: [{ ...BOOKINGS, keys: null }], person, code };
    const writing = world.api('cy', 'POST', `${PATH}/${id}/write-back`, order).catch(() => null);
    await until(async () => {
      const [row] = await query(`select count(*)::int as n from pg_stat_activity
        where application_name like 'holdfast restore%' and wait_event = 'PgSleep'`);
      return Number(row?.['n']) > 0;
    });
    await world.down('SIGKILL');
    await writing;
    await until(async () => {
      const [row] = await query(`select count(*)::int as n from pg_stat_activity
        where application_name like 'holdfast restore%'`);
      return Number(row?.['n']) === 0;
    });
    expect(await world.look()).toBe(before);
    await query('drop trigger slow on bookings');
    await world.up();
    await until(() => world.left().length === 0);
    expect(await world.look()).toBe(before);
    // It was said before it was done, and never that it was done.
    const { said } = await world.cli('trail', 'tail', '-n', '500');
    const told = JSON.stringify(said);
    expect(told.split('"kind":"restore-writing"').length).toBeGreaterThan(
      told.split('"kind":"restore-written-back"').length,
    );
  });
});
