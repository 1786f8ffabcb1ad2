/**
 * Trouble, through a running gateway: its vault is full or away, its target goes and comes back, the wall is
 * taken down under its sessions by a superuser. Each time: what needs undo is refused with the reason, what
 * does not goes on, people see it (doctor, trail), and it mends itself when the cause is gone.
 */
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { TARGET } from '../support/gateway.ts';
import { noOf, Troubled } from '../support/troubled.ts';

/** It looks every ten seconds; the machine may be busy. */
const SEEN = { timeout: 60_000, interval: 250 };
const DEBIAN_15 = '/usr/lib/postgresql/15/bin';
const FULL = `create function public.full_disk() returns trigger language plpgsql as $$
    begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
  create trigger full_disk before insert on holdfast.undo_items execute function public.full_disk()`;

let at: Troubled | null = null;
afterEach(async () => {
  await at?.stop();
  at = null;
});

describe.each([
  { server: 'PostgreSQL 18', binFolder: undefined },
  { server: 'PostgreSQL 15', binFolder: DEBIAN_15 },
])('$server', ({ binFolder }) => {
  const isAbsent = binFolder !== undefined && !existsSync(binFolder);

  it('the vault is full: what needs undo is refused, the rest goes on, and nothing is lost', async (ctx) => {
    ctx.skip(isAbsent, 'postgresql-15 is not installed');
    at = await Troubled.start({ level: 'guarded', binFolder, store: 'apart' });
    const here = at;
    const agent = await here.session();
    await here.askStore(FULL);
    expect(noOf(await agent.query(`update cars set name = 'x' where id = 1`))).toBeNull();
    await expect
      .poll(async () => (await here.run('trail', 'tail')).said, SEEN)
      .toContain('A disk is full');

    const no = noOf(await agent.query('delete from bookings'));
    expect(no).toMatch(/^57P03: .*A disk is full.*No space left on device/);
    expect(no).toContain('Reads and plain writes go on');
    expect(await here.count('bookings')).toBe(100);
    expect(noOf(await agent.query('select count(*) from bookings'))).toBeNull();
    expect(noOf(await agent.query(`update cars set name = 'y' where id = 2`))).toBeNull();
    await expect.poll(() => here.doctor(), SEEN).toMatch(/captured statement.*wait for the vault/);

    await here.askStore('drop function public.full_disk() cascade');
    await expect
      .poll(() => here.upstream.ask('select count(*)::int as n from holdfast.journal'), SEEN)
      .toEqual([{ n: 0 }]);
    await expect
      .poll(async () => (await here.run('trail', 'tail')).said, SEEN)
      .toContain('taken to the vault again');
    expect(noOf(await agent.query('delete from bookings'))).toBeNull();
    await expect
      .poll(async () => (await here.run('undo', 'list')).said, SEEN)
      .toContain('100 deleted in public.bookings');
    const { said } = await here.run('undo', 'list');
    expect(said.match(/1 changed in public.cars/g)).toHaveLength(2);
    expect(said).toMatch(/main-db: 3 kept, the oldest from .* ago; next purge in (4[78] h|2 days)/);
    const doctor = await here.doctor();
    expect(doctor).toContain('All is well, but if all of it went nothing would bring back');
    expect(doctor).toMatch(/^○ recovery/m);
  }, 240_000);

  it('a superuser takes the wall down piece by piece: raised, said in the refusal, and mended', async (ctx) => {
    ctx.skip(isAbsent, 'postgresql-15 is not installed');
    at = await Troubled.start({ level: 'guarded', binFolder, store: 'apart' });
    const here = at;
    const agent = await here.session();
    expect(noOf(await agent.query('drop table cars'))).toContain('protection full');

    await here.upstream.ask('alter event trigger holdfast_follow disable');
    await here.upstream.ask('alter event trigger holdfast_drop disable');
    const [trigger] = await here.upstream.ask(`select quote_ident(tgname) as name from pg_trigger
      where tgrelid = 'public.bookings'::regclass and tgname ~ '^!holdfast_.*delete'`);
    await here.upstream.ask(`drop trigger ${trigger?.['name']} on bookings`);
    await expect
      .poll(async () => (await here.run('trail', 'tail')).said, SEEN)
      .toMatch(/Protection of main-db is no-fence/);
    const doctor = await here.run('doctor');
    expect(doctor.exit).toBe(1);
    expect(doctor.said).toMatch(/level no-fence/);
    expect(doctor.said).toMatch(/public\.bookings/);
    expect((await here.run('protect', TARGET, '--check')).exit).toBe(1);

    // What cannot be taken back is not passed as if it could.
    const no = noOf(await agent.query('delete from bookings'));
    expect(no).toMatch(/^42501: Holdfast holds this/);
    expect(no).toContain('protection no-fence');
    expect(await here.count('bookings')).toBe(100);
    const hold = /hold_[0-9a-z]+/.exec(no ?? '')?.[0] ?? '';
    const card = (await here.run('holds', 'show', hold)).said;
    expect(card).toMatch(/protection +no-fence/);
    expect(card).toMatch(/undo +defer: .*the rows of bookings are not kept now/);
    // Nor by a way round its name: a view, a parent whose key cascades, quotes, a WITH, a MERGE.
    for (const sql of [
      'delete from seen',
      'delete from guests',
      'delete from "public"."bookings"',
      'with gone as (delete from bookings returning 1) select count(*) from gone',
      'merge into bookings b using guests g on true when matched then delete',
    ]) {
      expect(`${sql}: ${noOf(await agent.query(sql))}`).toContain('42501: Holdfast holds this');
    }
    // A condition limits which rows go, and nothing keeps those either.
    const some = noOf(await agent.query('update bookings set id = id where id = 1'));
    expect(some).toMatch(/^42501: Holdfast holds this/);
    expect(some).toContain('rows that nothing keeps');
    expect(await here.count('bookings')).toBe(100);
    // The other table is captured as before, in the same session.
    expect(noOf(await agent.query('delete from cars'))).toBeNull();

    expect((await here.run('protect', TARGET, '--apply')).exit).toBe(0);
    await expect.poll(async () => noOf(await agent.query('delete from bookings')), SEEN).toBeNull();
    expect((await here.run('protect', TARGET, '--check')).exit).toBe(0);
    await expect
      .poll(async () => (await here.run('undo', 'list')).said, SEEN)
      .toContain('100 deleted in public.bookings');
  }, 240_000);
});

it('on sealed with the store away nothing destructive passes, reads go on, and it recovers by itself', async () => {
  at = await Troubled.start({ level: 'sealed', store: 'apart' });
  const here = at;
  const agent = await here.session();
  expect(noOf(await agent.query('delete from bookings'))).toMatch(/^42501: Holdfast holds this/);
  await here.store?.crash();
  // The application goes on meanwhile, and is captured.
  await here.upstream.ask(`update cars set name = 'app' where id = 1`);
  await expect
    .poll(async () => noOf(await agent.query('delete from bookings')), SEEN)
    .toMatch(/^57P03: .*(The vault of undo data is away|cannot record)/);
  expect(noOf(await agent.query('select 1'))).toBeNull();
  expect(noOf(await agent.query('drop table bookings'))).toMatch(/^57P03/);
  expect(await here.count('bookings')).toBe(100);
  const doctor = await here.run('doctor');
  expect([doctor.exit, doctor.said]).toEqual([
    1,
    expect.stringContaining('our own store cannot be looked at'),
  ]);
  expect(doctor.said).toContain('level full');

  await here.store?.startAgain();
  await expect
    .poll(async () => noOf(await agent.query('delete from bookings')), SEEN)
    .toMatch(/^42501: Holdfast holds this/);
  await expect
    .poll(async () => (await here.run('undo', 'list')).said, SEEN)
    .toContain('1 changed in public.cars');
}, 240_000);

it('too little room: said before anything is kept; what waits is bounded; a restart with room takes it all', async () => {
  const little = 'limits: { vaultFreeBytesMin: 1099511627776, waitingBytesMax: 1048576 }';
  at = await Troubled.start({ level: 'guarded', store: 'embedded', config: little });
  const here = at;
  const agent = await here.session();
  await expect
    .poll(async () => noOf(await agent.query('delete from bookings')), SEEN)
    .toMatch(/^57P03: .*has no room.*limits\.vaultFreeBytesMin/);
  expect(noOf(await agent.query(`update cars set name = 'x' where id = 1`))).toBeNull();
  const doctor = await here.run('doctor');
  expect([doctor.exit, doctor.said]).toEqual([1, expect.stringContaining('no undo data is taken')]);
  expect((await here.run('undo', 'list')).said).toMatch(
    /The vault takes .* free, at least 1\.1 TB/,
  );

  // The application floods; past the limit the agent's plain writes stop, too.
  await here.upstream.ask(
    `insert into cars select i, repeat('x', 100) from generate_series(1000, 30000) i`,
  );
  await expect
    .poll(async () => noOf(await agent.query(`update cars set name = 'z' where id = 3`)), SEEN)
    .toMatch(/^57P03: .*Only reads go on/);
  expect(noOf(await agent.query('select count(*) from cars'))).toBeNull();
  await here.holdfast.kill();
  here.forget(little);
  await here.holdfast.start();
  const again = await here.session();
  await expect
    .poll(() => here.upstream.ask('select count(*)::int as n from holdfast.journal'), SEEN)
    .toEqual([{ n: 0 }]);
  expect(noOf(await again.query('delete from bookings'))).toBeNull();
  const { said } = await here.run('undo', 'list');
  expect(said).toContain('29001 added in public.cars');
  expect(said).toContain('1 changed in public.cars');
}, 240_000);

it('the target restarts under its sessions: they end, new ones work, and what was captured is undone', async () => {
  at = await Troubled.start({ level: 'guarded', store: 'apart' });
  const here = at;
  const agent = await here.session();
  expect(noOf(await agent.query('delete from bookings'))).toBeNull();
  await here.upstream.server.crash();
  const doctor = await here.run('doctor');
  expect([doctor.exit, doctor.said]).toEqual([1, expect.stringContaining('ECONNREFUSED')]);
  expect((await here.run('undo', 'list')).said).toMatch(/Not drained now.*main-db/);
  await here.upstream.server.startAgain();
  const again = await here.session();
  // Until the next look has seen it, what needs undo is refused.
  await expect.poll(async () => noOf(await again.query('delete from cars')), SEEN).toBeNull();
  await expect
    .poll(async () => (await here.run('undo', 'list')).said, SEEN)
    .toContain('100 deleted in public.cars');
  expect((await here.run('undo', 'list')).said).toContain('100 deleted in public.bookings');
  await expect.poll(() => here.doctor(), SEEN).toContain('All is well');
}, 240_000);
