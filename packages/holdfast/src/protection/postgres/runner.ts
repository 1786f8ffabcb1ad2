/**
 * As whom a deferral runs: a login role of its own, made for one run, that is a member of the owner and of nothing
 * else. Whatever the text does to get out of its role (RESET ROLE, SET ROLE NONE, RESET ALL, DISCARD ALL, set_config)
 * leads back to this role and no further: the admin has no part in the session.
 *
 * The owner is, in this order: the one that `protection.owner` says -> the one that owns all that the text names
 * -> where it names nothing, the one that `holdfast protect` noted as the owner of what agents make.
 *
 * It will not: run anything as a superuser, as the admin, or as who could become either; guess between several
 * owners; or leave the role behind (one that a crash left can log in for RUNNER_LOGIN_MINUTES, and goes with the
 * next run).
 */
import { SCRAM_SALT_BYTES, scramVerifier } from '../../identity/scram.ts';
import type { Clock } from '../../model/clock.ts';
import type { Effect } from '../../model/effect.ts';
import { base32 } from '../../model/ids.ts';
import type { NamePath } from '../../model/session-settings.ts';
import type { TargetDatabase, TargetSession } from '../target-database.ts';
import type { AgentRole } from '../target-guard.ts';
import { WANTED_MAX, wantedOf } from './facts/asked.ts';
import { meantBy } from './facts/relations.ts';
import { ident, literal, OWNER_ROLE, RUNNER_PREFIX, UNDO_ROLE } from './layout.ts';

export interface OwnerWish {
  readonly target: string;
  /** `protection.owner`; null: nobody said. */
  readonly said: string | null;
  readonly effects: readonly Effect[];
  readonly path: NamePath;
}

export type OwnerFound =
  | { readonly kind: 'owner'; readonly owner: string }
  /** One sentence each. */
  | { readonly kind: 'none'; readonly why: string; readonly hint: string };

export interface Runner extends AgentRole {
  readonly owner: string;
}

const NAME_BYTES = 10;
const PASSWORD_BYTES = 32;
const RUNNER_LOGIN_MINUTES = 10;
const END_MS_MAX = 5_000;

/** Of a server's own roles those that lead out of the database. */
const FAR: readonly string[] = [
  'pg_execute_server_program',
  'pg_write_server_files',
  'pg_read_server_files',
  'pg_read_all_data',
  'pg_write_all_data',
  'pg_maintain',
  OWNER_ROLE,
  UNDO_ROLE,
];

const OWNERS_SQL = `
  select distinct r.rolname::text as owner from jsonb_to_recordset($1::jsonb) as m(catalog text, oid oid)
    cross join lateral (
      select c.relowner from pg_class c where m.catalog = 'pg_class' and c.oid = m.oid
      union all select n.nspowner from pg_namespace n where m.catalog = 'pg_namespace' and n.oid = m.oid
      union all select p.proowner from pg_proc p where m.catalog = 'pg_proc' and p.oid = m.oid
      union all select t.typowner from pg_type t where m.catalog = 'pg_type' and t.oid = m.oid) o(oid)
    join pg_roles r on r.oid = o.oid
  union select r.rolname::text from pg_database d join pg_roles r on r.oid = d.datdba where d.datname = any($2::text[])
  order by 1`;

/** What the role is, or can become, that no deferral runs as. */
const TOO_MUCH_SQL = `
  select r.rolname::text as role, case when r.rolsuper then 'is a superuser' when r.rolname = session_user
      then 'is Holdfast''s own admin' when r.rolcreaterole then 'may make roles' when r.rolreplication
      then 'may replicate' when r.rolbypassrls then 'goes round row security' else 'reaches further than what it owns' end as what
    from pg_roles r
    where pg_has_role((select o.oid from pg_roles o where o.rolname = $1), r.oid, 'MEMBER')
      and (r.rolsuper or r.rolcreaterole or r.rolreplication or r.rolbypassrls or r.rolname = session_user or r.rolname = any($2::text[]))
    order by r.rolname <> $1, 1 limit 1`;

/** Rejects when the target cannot be asked. */
export function findOwner(
  db: Pick<TargetDatabase, 'transaction'>,
  wish: OwnerWish,
): Promise<OwnerFound> {
  return db.transaction('read committed', async (session) => {
    await session.query('set transaction read only');
    const found = await ownerOf(session, wish);
    return found.kind === 'none' ? found : await checked(session, wish, found.owner);
  });
}

async function ownerOf(session: TargetSession, wish: OwnerWish): Promise<OwnerFound> {
  if (wish.said !== null) return { kind: 'owner', owner: wish.said };
  const owners = await ownersNamed(session, wish);
  const [only, ...others] = owners;
  if (others.length > 0) {
    return none(wish, `what it names belongs to several roles (${owners.join(', ')})`);
  }
  if (only !== undefined) return { kind: 'owner', owner: only };
  const noted = await notedOwner(session);
  return noted === null
    ? none(wish, 'what it names has no owner that could be told')
    : { kind: 'owner', owner: noted };
}

async function ownersNamed(
  session: TargetSession,
  { effects, path }: OwnerWish,
): Promise<readonly string[]> {
  const wanted = wantedOf(effects)
    .filter(({ fate }) => fate !== 'read')
    .slice(0, WANTED_MAX);
  const meant = await meantBy(session, wanted, path);
  const databases = wanted.flatMap(({ kind, name }) => (kind === 'database' ? [name] : []));
  const rows = await session.query(OWNERS_SQL, [
    JSON.stringify(meant.map(({ catalog, oid }) => ({ catalog, oid }))),
    databases,
  ]);
  return rows.map((row) => String(row['owner']));
}

async function notedOwner(session: TargetSession): Promise<string | null> {
  const [there] = await session.query(`select to_regclass('holdfast.meta') is not null as there`);
  if (there?.['there'] !== true) return null;
  const [row] = await session.query(
    `select value #>> '{}' as owner from holdfast.meta where key = 'ddl_owner'`,
  );
  return typeof row?.['owner'] === 'string' ? row['owner'] : null;
}

async function checked(
  session: TargetSession,
  wish: OwnerWish,
  owner: string,
): Promise<OwnerFound> {
  const [there] = await session.query('select from pg_roles where rolname = $1', [owner]);
  if (there === undefined) return none(wish, `there is no role ${owner}`);
  const [admin] = await session.query(
    'select rolsuper or rolcreaterole as may from pg_roles where rolname = session_user',
  );
  if (admin?.['may'] !== true) {
    const why = 'the admin of this target may make no login for it to run under';
    return { kind: 'none', why, hint: 'Give it CREATEROLE; or a person does it without Holdfast.' };
  }
  const [much] = await session.query(TOO_MUCH_SQL, [owner, [...FAR]]);
  if (much === undefined) return { kind: 'owner', owner };
  const role = String(much['role']);
  const through = role === owner ? '' : ` can become ${role}, which`;
  return none(wish, `it would run as ${owner}, which${through} ${String(much['what'])}`);
}

function none({ said, target }: OwnerWish, why: string): OwnerFound {
  const other = said === null ? 'a role' : 'another role';
  return {
    kind: 'none',
    why,
    hint: `Say ${other} that owns it and is no superuser in targets.${target}.protection.owner, then holdfast protect ${target} --apply; or a person does it without Holdfast.`,
  };
}

/** Committed when it resolves; the password is known to nobody else, and the target is sent what checks it. */
export async function makeRunner(
  db: TargetDatabase,
  owner: string,
  clock: Pick<Clock, 'random'>,
): Promise<Runner> {
  await dropLeft(db);
  const user = `${RUNNER_PREFIX}${base32(clock.random(NAME_BYTES))}`;
  const password = base32(clock.random(PASSWORD_BYTES));
  const verifier = scramVerifier(password, clock.random(SCRAM_SALT_BYTES));
  await db.transaction('read committed', async (session) => {
    const [server] = await session.query(`
      select (now() + interval '${RUNNER_LOGIN_MINUTES} minutes')::text as until, session_user::text as admin,
        current_setting('server_version_num')::int as version,
        (select r.rolsuper from pg_roles r where r.rolname = session_user) as superuser,
        to_regclass('holdfast.meta') is not null as noted`);
    const how = Number(server?.['version']) < 160_000 ? '' : ' with inherit true, set true';
    const role = ident(user);
    await session.query(
      `create role ${role} login inherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls ` +
        `connection limit 1 password ${literal(verifier)} valid until ${literal(String(server?.['until']))}`,
    );
    await session.query(
      `comment on role ${role} is 'Holdfast: runs one deferral, and is dropped when it has'`,
    );
    await session.query(`grant ${ident(owner)} to ${role}${how}`);
    // What it should make in its own name is given to the owner when it is dropped.
    if (server?.['superuser'] !== true) {
      await session.query(`grant ${role} to ${ident(String(server?.['admin']))}${how}`);
    }
    // The fence lets it drop and rewrite, as it does a receipt: people approved this text.
    if (server?.['noted'] === true) {
      await session.query(`insert into holdfast.meta values ($1, 'true')`, [noteOf(user)]);
    }
  });
  return { user, password, owner };
}

/** Nobody logs in as it again; the session that it has goes on. */
export async function shutRunner(
  db: TargetDatabase,
  { user }: Pick<Runner, 'user'>,
): Promise<void> {
  await db.query(`alter role ${ident(user)} nologin password null`);
}

/** Its session ends, what it made in its own name is the owner's, it is gone. Rejects with what the server said. */
export async function dropRunner(
  db: TargetDatabase,
  { owner, user }: Pick<Runner, 'owner' | 'user'>,
): Promise<void> {
  const role = ident(user);
  await shutRunner(db, { user });
  await db.query(
    `select pg_terminate_backend(pid, ${END_MS_MAX}) from pg_stat_activity where usename = $1`,
    [user],
  );
  await db.transaction('read committed', async (session) => {
    await session.query(`reassign owned by ${role} to ${ident(owner)}`);
    await session.query(`drop owned by ${role}`);
    await session.query(`drop role ${role}`);
    const [there] = await session.query(`select to_regclass('holdfast.meta') is not null as there`);
    if (there?.['there'] === true) {
      await session.query('delete from holdfast.meta where key = $1', [noteOf(user)]);
    }
  });
}

/** Of a gateway that ended in the midst of a run. One that still runs is not touched. */
async function dropLeft(db: TargetDatabase): Promise<void> {
  const left = await db.query(
    `select r.rolname::text as role, min(o.rolname::text) as owner from pg_roles r
       join pg_auth_members m on m.member = r.oid join pg_roles o on o.oid = m.roleid
      where starts_with(r.rolname::text, $1) and r.rolvaliduntil < now()
        and not exists (select from pg_stat_activity a where a.usename = r.rolname)
      group by 1`,
    [RUNNER_PREFIX],
  );
  for (const row of left) {
    const runner = { user: String(row['role']), owner: String(row['owner']) };
    // Another gateway is at it, or it is another database's: it cannot log in any more.
    await dropRunner(db, runner).catch(() => {});
  }
}

function noteOf(user: string): string {
  return `runner ${user}`;
}
