/**
 * Roles of a server as rows: attributes, memberships, settings, comments. A change of roles is told by
 * two of these, one before and one after it, in the same transaction and (where the admin is a superuser)
 * behind a lock that keeps every other change of roles out.
 */
import { z } from 'zod';
import type { TargetSession } from '../../target-database.ts';

const role = z.object({
  oid: z.string(),
  name: z.string(),
  superuser: z.boolean(),
  inherit: z.boolean(),
  createrole: z.boolean(),
  createdb: z.boolean(),
  login: z.boolean(),
  replication: z.boolean(),
  bypassrls: z.boolean(),
  connectionLimit: z.number(),
  /** The verifier as the server keeps it; null: none, or not readable (`readable` of the picture). */
  verifier: z.string().nullable(),
  validUntil: z.string().nullable(),
  comment: z.string().nullable(),
  labels: z.number(),
});
const membership = z.object({
  roleOid: z.string(),
  memberOid: z.string(),
  grantorOid: z.string(),
  /** Before PostgreSQL 16 a membership outlives who granted it. */
  grantorThere: z.boolean(),
  admin: z.boolean(),
  /** Null: the server has no such options (before PostgreSQL 16). */
  inherit: z.boolean().nullable(),
  set: z.boolean().nullable(),
});
const setting = z.object({
  /** '0': every role. */
  roleOid: z.string(),
  /** Null: in every database. */
  database: z.string().nullable(),
  /** `name=value`, in the server's order. */
  config: z.array(z.string()),
});
const picture = z.object({
  readable: z.boolean(),
  roles: z.array(role),
  memberships: z.array(membership),
  settings: z.array(setting),
});

export type RoleRow = z.infer<typeof role>;
export type MembershipRow = z.infer<typeof membership>;
export type SettingRow = z.infer<typeof setting>;

export interface RolePicture {
  /** Whether verifiers can be read: without them a change of attributes cannot be taken back. */
  readonly readable: boolean;
  readonly roles: ReadonlyMap<string, RoleRow>;
  readonly memberships: ReadonlyMap<string, MembershipRow>;
  readonly settings: ReadonlyMap<string, SettingRow>;
}

/** Nobody else changes roles until the transaction ends; who logs in is not kept waiting. */
const LOCK =
  'lock table pg_catalog.pg_authid, pg_catalog.pg_auth_members, pg_catalog.pg_db_role_setting in share row exclusive mode';

/** pg_authid is a superuser's; pg_roles shows everybody all of it but the verifier. */
const rolesSql = (readable: boolean): string => `
  select coalesce(jsonb_agg(jsonb_build_object('oid', r.oid::text, 'name', r.rolname,
    'superuser', r.rolsuper, 'inherit', r.rolinherit, 'createrole', r.rolcreaterole,
    'createdb', r.rolcreatedb, 'login', r.rolcanlogin, 'replication', r.rolreplication,
    'bypassrls', r.rolbypassrls, 'connectionLimit', r.rolconnlimit,
    'verifier', ${readable ? 'r.rolpassword' : 'null::text'}, 'validUntil', r.rolvaliduntil::text,
    'comment', shobj_description(r.oid, 'pg_authid'),
    'labels', (select count(*) from pg_shseclabel l where l.objoid = r.oid and l.classoid = 'pg_authid'::regclass)
  )), '[]') from ${readable ? 'pg_authid' : 'pg_roles'} r`;

const pictureSql = (readable: boolean): string => `
  select jsonb_build_object('readable', ${readable}, 'roles', (${rolesSql(readable)}),
    'memberships', (select coalesce(jsonb_agg(jsonb_build_object('roleOid', m.roleid::text,
      'memberOid', m.member::text, 'grantorOid', m.grantor::text,
      'grantorThere', exists (select from pg_roles g where g.oid = m.grantor), 'admin', m.admin_option,
      'inherit', to_jsonb(m) -> 'inherit_option', 'set', to_jsonb(m) -> 'set_option')), '[]')
      from pg_auth_members m),
    'settings', (select coalesce(jsonb_agg(jsonb_build_object('roleOid', s.setrole::text,
      'database', d.datname, 'config', to_jsonb(s.setconfig))), '[]')
      from pg_db_role_setting s left join pg_database d on d.oid = s.setdatabase
      where s.setrole <> 0 or s.setdatabase = 0)) as picture`;

/** With parameters, though none: so an undo asks as the admin, too (undo/lesser-session.ts). */
const AS_ADMIN: readonly unknown[] = [];

/** True: the admin may read verifiers, and everybody else waits. */
export async function lockRoles(session: TargetSession): Promise<boolean> {
  const [row] = await session.query(
    `select has_table_privilege('pg_catalog.pg_authid', 'select') and
       (select rolsuper from pg_roles where rolname = current_user) as readable`,
    AS_ADMIN,
  );
  const readable = row?.['readable'] === true;
  if (readable) await session.query(LOCK);
  return readable;
}

export async function rolePicture(session: TargetSession, readable: boolean): Promise<RolePicture> {
  const [row] = await session.query(pictureSql(readable), AS_ADMIN);
  const seen = picture.parse(row?.['picture']);
  return {
    readable: seen.readable,
    roles: new Map(seen.roles.map((one) => [one.oid, one])),
    memberships: new Map(seen.memberships.map((one) => [keyOf(one), one])),
    settings: new Map(seen.settings.map((one) => [`${one.roleOid} ${one.database ?? ''}`, one])),
  };
}

/** Before PostgreSQL 16 there is one row for a role and its member, whoever gave it. */
function keyOf({ roleOid, memberOid, grantorOid, inherit }: MembershipRow): string {
  return inherit === null ? `${roleOid} ${memberOid}` : `${roleOid} ${memberOid} ${grantorOid}`;
}

/** One row of one of the maps, where the two pictures differ; null: it is not there. */
export interface Difference<T> {
  readonly before: T | null;
  readonly after: T | null;
}

export function differences<T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
): Difference<T>[] {
  const found: Difference<T>[] = [];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const one = { before: before.get(key) ?? null, after: after.get(key) ?? null };
    if (JSON.stringify(one.before) !== JSON.stringify(one.after)) found.push(one);
  }
  return found;
}

/** `name=value` apart; a value may hold more of them. */
export function settingsOf(row: SettingRow | null): Map<string, string> {
  return new Map(
    (row?.config ?? []).map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}
