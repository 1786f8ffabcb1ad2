/**
 * What a server and a database are before a plan is made: who we are there, who owns what, and what is
 * granted to everybody. Read only, in whatever transaction the caller has; the plan is the difference
 * between this and what should be, so that a second `protect` finds nothing to do.
 *
 * It will not look at any row of a user's table.
 */
import { z } from 'zod';
import { HoldfastError } from '../../../model/errors.ts';
import type { TargetSession } from '../../target-database.ts';
import { captureDrift, type Drift, uncapturedTables } from '../capture/drift.ts';
import { LAYOUT_VERSION } from '../layout.ts';
import { QUERIES } from './inspection-sql.ts';

/** Privileges by grantee: `public`, or one of our groups. */
const acl = z.record(z.string(), z.array(z.string()));
export type Acl = z.infer<typeof acl>;

const server = z.object({
  version_num: z.number(),
  version: z.string(),
  database: z.string(),
  database_oid: z.string(),
  admin: z.string(),
  superuser: z.boolean(),
  createrole: z.boolean(),
  database_owner: z.string(),
  owns_database: z.boolean(),
  in_recovery: z.boolean(),
  /** May give holdfast_owner pg_read_all_stats, and BYPASSRLS. */
  lends_stats: z.boolean(),
  lends_bypassrls: z.boolean(),
  hosted: z.string().nullable(),
  database_acl: acl,
});
const role = z.object({
  name: z.string(),
  login: z.boolean(),
  superuser: z.boolean(),
  inherit: z.boolean(),
  bypassrls: z.boolean(),
  creates: z.boolean(),
  /** The admin has its rights, and may hand its membership on. */
  ours: z.boolean(),
  grantable: z.boolean(),
  member_of: z.array(z.string()),
  comment: z.string().nullable(),
});
const schema = z.object({
  oid: z.number(),
  name: z.string(),
  owner: z.string(),
  extension: z.string().nullable(),
  acl,
});
const relation = z.object({
  oid: z.number(),
  schema: z.string(),
  name: z.string(),
  /** r table, p partitioned, v view, m materialized view, S sequence, f foreign table. */
  kind: z.string(),
  owner: z.string(),
  extension: z.string().nullable(),
  /** A sequence that belongs to a column: its owner follows the table's. */
  follows: z.boolean(),
  acl,
});
const routine = z.object({
  oid: z.number(),
  schema: z.string(),
  /** `public.f(integer,text)`, quoted where it must be. */
  identity: z.string(),
  name: z.string(),
  owner: z.string(),
  definer: z.boolean(),
  trusted: z.boolean(),
  extension: z.string().nullable(),
  /** A default, a constraint, an index, a view or a policy that calls it. */
  used_by: z.array(z.string()),
  acl,
});
const named = z.object({ kind: z.string(), name: z.string(), acl });
const type = z.object({
  oid: z.number(),
  identity: z.string(),
  owner: z.string(),
  domain: z.boolean(),
});
const defaults = z.object({
  role: z.string(),
  schema: z.string().nullable(),
  /** r relations, S sequences, f routines, n schemas. */
  kind: z.string(),
  acl,
});
const eventTrigger = z.object({ name: z.string(), enabled: z.string() });
const foreign = z.object({ name: z.string() });
const meta = z.object({ key: z.string(), value: z.unknown() });

export type Server = z.infer<typeof server>;
export type RoleFacts = z.infer<typeof role>;
export type SchemaFacts = z.infer<typeof schema>;
export type RelationFacts = z.infer<typeof relation>;
export type RoutineFacts = z.infer<typeof routine>;
export type DefaultFacts = z.infer<typeof defaults>;

export interface Inspection {
  readonly server: Server;
  readonly roles: readonly RoleFacts[];
  readonly schemas: readonly SchemaFacts[];
  readonly relations: readonly RelationFacts[];
  readonly routines: readonly RoutineFacts[];
  /** Functions of pg_catalog that make or change large objects. */
  readonly largeObjectRoutines: readonly RoutineFacts[];
  /** Languages, foreign-data wrappers and servers. */
  readonly others: readonly z.infer<typeof named>[];
  readonly types: readonly z.infer<typeof type>[];
  readonly defaults: readonly DefaultFacts[];
  readonly eventTriggers: readonly z.infer<typeof eventTrigger>[];
  readonly otherDatabases: readonly string[];
  /** Tables whose capture is not as it should be, and those that can have none. */
  readonly captureFaults: readonly Drift[];
  readonly uncapturable: readonly Drift[];
  /** Null: not protected. */
  readonly meta: ReadonlyMap<string, unknown> | null;
}

/** HF_PROTECT when this server, or what lies in schema `holdfast`, is none of ours to work with. */
export async function inspect(session: TargetSession): Promise<Inspection> {
  const read = async <T>(shape: z.ZodType<T>, sql: string): Promise<T[]> =>
    z.array(shape).parse(await session.query(sql));
  const [found] = await read(server, QUERIES.server);
  if (found === undefined) throw new Error('a server without a database');
  if (found.version_num < 150_000) {
    throw refused('PostgreSQL 15 or newer', found.version, 'Upgrade the server first.');
  }
  if (found.in_recovery) {
    throw refused('a primary', 'a standby in recovery', 'Name the primary under targets.');
  }
  return {
    server: found,
    meta: await metaOf(session),
    roles: await read(role, QUERIES.roles),
    schemas: await read(schema, QUERIES.schemas),
    relations: await read(relation, QUERIES.relations),
    routines: await read(routine, QUERIES.routines),
    largeObjectRoutines: await read(routine, QUERIES.largeObjectRoutines),
    others: await read(named, QUERIES.others),
    types: await read(type, QUERIES.types),
    defaults: await read(defaults, QUERIES.defaults),
    eventTriggers: await read(eventTrigger, QUERIES.eventTriggers),
    ...(await captureOf(session)),
    otherDatabases: (await read(foreign, QUERIES.otherDatabases)).map(({ name }) => name),
  };
}

async function captureOf(
  session: TargetSession,
): Promise<Pick<Inspection, 'captureFaults' | 'uncapturable'>> {
  const [row] = await session.query(QUERIES.capture);
  if (row?.['there'] !== true) return { captureFaults: [], uncapturable: [] };
  return {
    captureFaults: await captureDrift(session),
    uncapturable: await uncapturedTables(session),
  };
}

/** What `holdfast.meta` says; null when there is no schema `holdfast`. */
export async function metaOf(session: Pick<TargetSession, 'query'>): Promise<Inspection['meta']> {
  const [there] = z
    .array(z.object({ schema: z.boolean(), meta: z.boolean() }))
    .parse(await session.query(QUERIES.layout));
  if (there?.schema !== true) return null;
  if (!there.meta) {
    throw refused(
      'no schema holdfast, or one that holdfast protect made',
      'a schema holdfast without holdfast.meta',
      "Holdfast's own store must lie in another database than the one it protects.",
    );
  }
  const rows = z.array(meta).parse(await session.query('select key, value from holdfast.meta'));
  const values = new Map(rows.map(({ key, value }) => [key, value]));
  const layout = values.get('version');
  if (typeof layout !== 'number' || layout > LAYOUT_VERSION) {
    throw refused(
      `a layout of version ${LAYOUT_VERSION} or older`,
      `version ${String(layout)}`,
      'Run the newer Holdfast that made it.',
    );
  }
  return values;
}

export function refused(expected: string, found: string, hint: string): HoldfastError {
  return new HoldfastError('HF_PROTECT', { expected, found, hint });
}
