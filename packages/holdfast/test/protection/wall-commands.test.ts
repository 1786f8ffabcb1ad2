/**
 * The wall as people use it: the built commands beside a running `holdfast up`, an agent whose session is
 * open while its target becomes protected, drifts, loses its wall and is unprotected. On 15 and 18.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TOTP, URI } from 'otpauth';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { AGENT, type GatewayOptions, TARGET } from '../support/gateway.ts';
import { codeBefore } from '../support/one-time-codes.ts';
import { HoldfastProcess } from '../support/process.ts';
import type { Login } from '../support/raw-client.ts';
import { typed } from '../support/typed-commands.ts';
import { APP_PASSWORD, APP_ROLE, startUpstream, type Upstream } from '../support/upstream.ts';
import { VERSIONS, type Version } from './wall-fixture.ts';

/** The gateway looks every ten seconds by itself; the machine may be busy. */
const SEEN = { timeout: 40_000, interval: 200 };
const TABLES = `create table bookings (id int primary key, note text);
  insert into bookings values (1, 'a'); alter table bookings owner to ${APP_ROLE}`;

interface World {
  readonly upstream: Upstream;
  readonly holdfast: HoldfastProcess;
  readonly login: Login;
  run(...words: readonly string[]): Promise<{ exit: number | null; json: unknown; text: string }>;
}

let undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
  undo = [];
});

async function world({ binFolder }: Version, options: GatewayOptions): Promise<World> {
  const folder = scratchFolder('wall-commands');
  undo.push(async () => rmSync(folder, { recursive: true, force: true }));
  const upstream = await startUpstream(binFolder ?? undefined);
  undo.push(() => upstream.stop());
  await upstream.ask(TABLES);
  const holdfast = await HoldfastProcess.prepare(folder, upstream, options);
  await holdfast.start();
  undo.push(() => holdfast.stop());
  const login = await holdfast.admitAgent();
  const run: World['run'] = async (...words) => {
    const env = { ...process.env, APP_PASSWORD, HOLDFAST_CONFIG: holdfast.config };
    const { exit, out, err } = await typed({ words, env });
    const isJson = words.includes('--json') && out.startsWith('{');
    return { exit, json: isJson ? JSON.parse(out) : null, text: out + err };
  };
  return { upstream, holdfast, login, run };
}

/** Who the agent is upstream, or why it is not let in. */
async function whoAmI(login: Login): Promise<string> {
  const client = new pg.Client({ ...login });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query('select current_user::text as name');
    return String(rows[0].name);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await client.end().catch(() => {});
  }
}

/** An open session, and what it is told when it ends. */
async function openSession(login: Login) {
  const client = new pg.Client({ ...login });
  const told: string[] = [];
  client.on('error', (error) => told.push(error.message));
  await client.connect();
  undo.push(() => client.end().catch(() => {}));
  return told;
}

const ROLE = /^hf_cursor-backend(_[0-9a-f]{8})?$/;

describe.each(VERSIONS)('the wall by its commands, $name', (version) => {
  describe.skipIf(version.skip !== null)(version.skip ?? '', () => {
    it('goes up, is looked at, drifts, is lost, is mended and comes down, under an agent’s sessions', async () => {
      const { holdfast, login, run, upstream } = await world(version, {
        level: 'guarded',
        superuserAdmin: true,
      });
      expect(await whoAmI(login)).toBe(APP_ROLE);
      const before = await openSession(login);
      const plan = await run('protect', TARGET);
      expect([plan.exit, plan.text]).toEqual([1, expect.stringContaining('Nothing was done')]);
      expect(before).toEqual([]);

      expect((await run('protect', TARGET, '--apply')).exit).toBe(0);
      await expect.poll(() => before.join(), SEEN).toMatch(/protected now/);
      expect(await whoAmI(login)).toMatch(ROLE);
      const again = await run('protect', TARGET);
      expect([again.exit, again.text]).toEqual([0, expect.stringContaining('nothing to do')]);
      expect((await run('protect', TARGET, '--check')).text).toContain('level full');
      const empty = join(dirname(holdfast.config), 'empty');
      mkdirSync(empty);
      const doctor = () => run('doctor', '--folder', empty);
      expect((await doctor()).exit).toBe(0);

      // Somebody changes the password of the agent's role, in SQL.
      const user = await whoAmI(login);
      await upstream.ask(`alter role "${user}" password 'somebody else knows it'`);
      expect(await whoAmI(login)).toBe(user);

      await upstream.ask(`grant truncate on bookings to "${user}"`);
      const checked = await run('protect', TARGET, '--check');
      expect([checked.exit, checked.text]).toEqual([
        1,
        expect.stringContaining('TRUNCATE on public.bookings'),
      ]);
      const examined = await doctor();
      expect([examined.exit, examined.text]).toEqual([
        1,
        expect.stringContaining('TRUNCATE on public.bookings'),
      ]);
      await expect
        .poll(async () => (await run('trail', 'tail')).text, SEEN)
        .toContain('holds TRUNCATE on public.bookings');
      await upstream.ask(`revoke truncate on bookings from "${user}"`);

      const walled = await openSession(login);
      await upstream.ask('drop schema holdfast cascade');
      await expect.poll(() => walled.join(), SEEN).toMatch(/protection of this target is gone/);
      expect(await whoAmI(login)).toContain('nobody said holdfast unprotect');

      expect((await run('protect', TARGET, '--apply')).exit).toBe(0);
      expect(await whoAmI(login)).toMatch(ROLE);
      const last = await openSession(login);
      await upstream.ask('update bookings set note = null');
      await expect
        .poll(() => upstream.ask('select count(*)::int as n from holdfast.journal'), SEEN)
        .toEqual([{ n: 0 }]);
      const off = await run('unprotect', TARGET, '--apply');
      expect([off.exit, off.text]).toEqual([0, expect.stringContaining('as it was')]);
      await expect.poll(() => last.join(), SEEN).toMatch(/protection of this target is gone/);
      await expect.poll(() => whoAmI(login), SEEN).toBe(APP_ROLE);
      const [left] = await upstream.ask(
        `select string_agg(rolname, ',') as roles from pg_roles where rolname ~ '^(hf_|holdfast_)'`,
      );
      // The role of the wall that was dropped by hand was made for another installation.
      expect(left?.['roles'] ?? '').not.toContain('holdfast_');
    }, 180_000);
  });
});

it('of a sealed target comes down when two people have signed, and nobody is let in by mistake', async () => {
  const { login, run } = await world(VERSIONS[0] ?? noVersion(), {
    level: 'sealed',
    superuserAdmin: true,
  });
  expect((await run('protect', TARGET, '--apply')).exit).toBe(0);
  await expect.poll(() => whoAmI(login), SEEN).toMatch(ROLE);
  const codes = new Map<string, TOTP>();
  for (const name of ['ben', 'eve']) {
    const { json } = await run('people', 'add', name, '--json');
    const totp = URI.parse(textAt(json, 'otpauth'));
    if (!(totp instanceof TOTP)) throw new Error('not a TOTP');
    codes.set(name, totp);
    const code = await codeBefore(totp);
    expect((await run('people', 'confirm', name, '--code', code)).exit).toBe(0);
  }
  const { exit, json, text } = await run('unprotect', TARGET, '--apply', '--json');
  const id = /proposal_[0-9a-z]+/.exec(text)?.[0] ?? '';
  const digest = /"digest": ?"([0-9a-f]{16})/.exec(text)?.[1] ?? '';
  expect([exit, json === null, id === '', digest === '']).toEqual([1, false, false, false]);
  expect(await whoAmI(login)).toMatch(ROLE);
  for (const [name, totp] of codes) {
    const word = ['--as', name, '--digest', digest, '--code', totp.generate()];
    const signed = await run('proposals', 'approve', id, ...word);
    expect([signed.exit, signed.text]).toEqual([0, expect.any(String)]);
  }
  await expect.poll(() => whoAmI(login), SEEN).toBe(APP_ROLE);
  expect((await run('protect', TARGET, '--check')).text).toContain('level none');
}, 120_000);

describe.each(VERSIONS)('one credential for everything, $name', (version) => {
  describe.skipIf(version.skip !== null)(version.skip ?? '', () => {
    it('is a weaker wall, by name, and the plan says what it means', async () => {
      const { holdfast, login, run, upstream } = await world(version, { level: 'guarded' });
      const blocked = await run('protect', TARGET);
      expect([blocked.exit, blocked.text]).toEqual([
        1,
        expect.stringContaining(`Nothing can be put in place as ${APP_ROLE}`),
      ]);
      expect(blocked.text).not.toContain('All of it is in place');
      await upstream.ask(`alter role ${APP_ROLE} createrole`);
      const plan = await run('protect', TARGET);
      expect(plan.text).toContain('no-fence');
      expect(plan.text).toMatch(/app is Holdfast’s admin and owns \d+ of the objects here/);
      const done = await run('protect', TARGET, '--apply');
      expect([done.exit, done.text]).toEqual([0, expect.stringContaining('no-fence')]);
      await expect.poll(() => whoAmI(login), SEEN).toMatch(ROLE);
      const doctor = await run('doctor', '--folder', join(dirname(holdfast.config), 'data'));
      expect(doctor.text).toContain('no-fence');
      const status = await run('config', 'check', '--targets');
      expect([status.exit, status.text]).toEqual([0, expect.stringContaining('no-fence')]);

      const text = readFileSync(holdfast.config, 'utf8');
      const exempt = text.replace(
        '    upstream:',
        `    protection: { exempt: [${APP_ROLE}] }\n    upstream:`,
      );
      writeFileSync(holdfast.config, exempt);
      const refused = await run('protect', TARGET, '--apply');
      expect([refused.exit, refused.text]).toEqual([1, expect.stringContaining('HF_PROTECT')]);
      expect(refused.text).toContain('an undo');
    }, 90_000);
  });
});

function textAt(json: unknown, key: string): string {
  const found = /"otpauth":"([^"]+)"/.exec(JSON.stringify(json))?.[1];
  if (found === undefined) throw new Error(`no ${key} of ${AGENT}`);
  return found;
}

function noVersion(): never {
  throw new Error('no version of PostgreSQL');
}
