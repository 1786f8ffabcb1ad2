/**
 * Takes everything back: owners from what was noted, PUBLIC's rights from what holdfast_others holds,
 * and all that is ours by dropping it. One transaction, under the same lock as `protect`.
 *
 * It will not: go on while something in here can still be taken back and is nowhere else (journal rows
 * that were not drained, things in the trash) unless told so, or drop a table that lies in a user's
 * schema: what our roles still own there is given to the role that stands for them.
 */
import { z } from 'zod';
import type { TargetDatabase, TargetSession } from '../../target-database.ts';
import {
  AGENTS_ROLE,
  DDL_ROLE,
  ident,
  OTHERS_ROLE,
  OWNER_ROLE,
  SHARED_ROLES,
  TRASH_PREFIX,
} from '../layout.ts';
import { placeMark } from './agent-roles.ts';
import { lockLayout } from './apply.ts';
import { FENCE_TRIGGERS } from './fence.ts';
import { type Acl, type Inspection, inspect, refused } from './inspection.ts';
import { isOwned } from './meta.ts';
import type { Owned } from './plan-owners.ts';

/** The roles of ours that own things. */
const OWNERS: readonly string[] = [OWNER_ROLE, DDL_ROLE];

export interface UnprotectOptions {
  readonly target: string;
  /** Also what was not drained, and the trash, for good. */
  readonly dropWhatIsKept: boolean;
}

export interface Unprotection {
  /** Sentences and their SQL, in order. */
  readonly steps: readonly { readonly about: string; readonly sql: string }[];
  /** Roles that other databases still hang on, so that they stay. */
  readonly rolesLeft: readonly string[];
}

export interface Kept {
  readonly journalRows: number;
  readonly trash: readonly string[];
}

/** What would be done; nothing is. Null: not protected. */
export function previewUnprotect(db: TargetDatabase, options: UnprotectOptions) {
  return db.transaction('repeatable read', async (session) => {
    await session.query('set transaction read only');
    const inspection = await inspect(session);
    return inspection.meta === null ? null : planUnprotect(session, inspection, options);
  });
}

export function unprotect(db: TargetDatabase, options: UnprotectOptions): Promise<Unprotection> {
  return db.transaction('read committed', async (session) => {
    await lockLayout(session);
    const inspection = await inspect(session);
    if (inspection.meta === null) {
      throw refused(
        'a protected target',
        `none: ${options.target} is not`,
        'Nothing to take back.',
      );
    }
    const kept = await keptIn(session);
    if (!options.dropWhatIsKept && (kept.journalRows > 0 || kept.trash.length > 0)) {
      throw refused(
        'nothing left here that could still be taken back',
        `${kept.journalRows} journal rows that were not drained, ${kept.trash.length} schemas of trash`,
        'Let the gateway drain (holdfast up), undo or purge what is in the trash; or say --drop-what-is-kept.',
      );
    }
    const plan = await planUnprotect(session, inspection, options);
    for (const { sql } of plan.steps) await session.query(sql);
    return plan;
  });
}

export async function keptIn(session: Pick<TargetSession, 'query'>): Promise<Kept> {
  const trash = z
    .array(z.object({ name: z.string() }))
    .parse(
      await session.query(
        'select nspname as name from pg_namespace where starts_with(nspname, $1) order by 1',
        [TRASH_PREFIX],
      ),
    );
  const [there] = await session.query(
    `select to_regclass('holdfast.journal') is not null as there`,
  );
  const [rows] =
    there?.['there'] === true
      ? await session.query('select count(*)::int as rows from holdfast.journal')
      : [{ rows: 0 }];
  return {
    journalRows: z.object({ rows: z.number() }).parse(rows).rows,
    trash: trash.map(({ name }) => name),
  };
}

async function planUnprotect(
  session: TargetSession,
  inspection: Inspection,
  { dropWhatIsKept }: UnprotectOptions,
): Promise<Unprotection> {
  const { server } = inspection;
  const roles = [...agentsHere(inspection), ...SHARED_ROLES];
  const rolesLeft = await neededElsewhere(session, roles);
  const kept = await keptIn(session);
  const steps: { about: string; sql: string }[] = [];
  const add = (about: string, lines: readonly string[]): void => {
    if (lines.length > 0) steps.push({ about, sql: lines.map((line) => `${line};`).join('\n') });
  };
  if (server.superuser) {
    add(
      'The fence goes',
      FENCE_TRIGGERS.map((name) => `drop event trigger if exists ${name}`),
    );
  }
  if (dropWhatIsKept) {
    add(
      'The trash goes, for good',
      kept.trash.map((name) => `drop schema ${ident(name)} cascade`),
    );
  }
  add('Capture, receipts and notes go, and the triggers with them', [
    'drop schema holdfast cascade',
  ]);
  add('PUBLIC has again what holdfast_others kept for it', [
    ...backToPublic(inspection),
    ...defaultsBack(inspection),
  ]);
  add('Owners are as they were', await ownersBack(session, inspection));
  add('What is left of our rights goes', [
    `reassign owned by ${OWNERS.map(ident).join(', ')} to ${ident(heirOf(inspection))}`,
    ...roles.map((name) => `drop owned by ${ident(name)}`),
    // DROP OWNED takes what they hold on every database of the server.
    ...(await heldElsewhere(session, rolesLeft)),
  ]);
  add(
    'Our roles go',
    roles.filter((name) => !rolesLeft.includes(name)).map((name) => `drop role ${ident(name)}`),
  );
  return { steps, rolesLeft };
}

/** Agents' roles of this very database: another protected one on this server has its own. */
function agentsHere({ meta, roles, server }: Inspection): string[] {
  const install = String(meta?.get('install'));
  const mark = placeMark({ install, databaseOid: server.database_oid });
  return roles
    .filter(({ comment, member_of }) => member_of.includes(AGENTS_ROLE) && isOf(comment, mark))
    .map(({ name }) => name);
}

function isOf(comment: string | null, mark: string): boolean {
  return comment?.startsWith('holdfast agent ') === true && comment.endsWith(` ${mark}`);
}

/** What our groups hold on the server's other databases, as the GRANTs that give it again. */
async function heldElsewhere(
  session: TargetSession,
  roles: readonly string[],
): Promise<readonly string[]> {
  const rows = await session.query(
    `select format('grant %s on database %I to %I', string_agg(distinct a.privilege_type, ', '),
            d.datname, r.rolname) as sql
       from pg_database d cross join lateral aclexplode(d.datacl) a join pg_roles r on r.oid = a.grantee
      where d.datname <> current_database() and r.rolname = any($1::text[])
      group by d.datname, r.rolname order by 1`,
    [roles],
  );
  return z
    .array(z.object({ sql: z.string() }))
    .parse(rows)
    .map(({ sql }) => sql);
}

/** To whom goes what our roles got since: made by agents, or re-owned and not noted. */
function heirOf({ meta, roles, server }: Inspection): string {
  const noted = meta?.get('ddl_owner');
  const isThere = roles.some(({ name }) => name === noted);
  return typeof noted === 'string' && isThere && !OWNERS.includes(noted) ? noted : server.admin;
}

function backToPublic(inspection: Inspection): string[] {
  const { largeObjectRoutines, others, relations, routines, schemas, server } = inspection;
  const back = (acl: Acl, on: string): string[] => {
    const held = acl[OTHERS_ROLE] ?? [];
    return held.length === 0 ? [] : [`grant ${held.join(', ').toLowerCase()} on ${on} to public`];
  };
  return [
    ...back(server.database_acl, `database ${ident(server.database)}`),
    ...schemas.flatMap(({ acl, name }) => back(acl, `schema ${ident(name)}`)),
    ...relations.flatMap(({ acl, kind, name, schema }) =>
      back(acl, `${kind === 'S' ? 'sequence' : 'table'} ${ident(schema)}.${ident(name)}`),
    ),
    ...[...routines, ...largeObjectRoutines].flatMap(({ acl, identity }) =>
      back(acl, `routine ${identity}`),
    ),
    ...others.flatMap(({ acl, kind, name }) => back(acl, `${kind} ${ident(name)}`)),
  ];
}

function defaultsBack({ defaults }: Inspection): string[] {
  return defaults
    .filter(({ acl, kind, role }) => kind === 'f' && !OWNERS.includes(role) && acl[OTHERS_ROLE])
    .map(
      ({ role, schema }) =>
        `alter default privileges for role ${ident(role)} ` +
        `${schema === null ? '' : `in schema ${ident(schema)} `}grant execute on routines to public`,
    );
}

/** Only what is still there, and still ours. */
async function ownersBack(session: TargetSession, { meta, roles }: Inspection): Promise<string[]> {
  const noted = meta?.get('before');
  const before = (Array.isArray(noted) ? (noted as unknown[]) : []).filter(isOwned);
  const known = new Set([...roles.map(({ name }) => name), 'pg_database_owner']);
  const lines: string[] = [];
  for (const one of before) {
    const alter = await nowNamed(session, one);
    if (alter !== null && known.has(one.owner)) lines.push(`${alter} ${ident(one.owner)}`);
  }
  return lines;
}

const OWNER_COLUMN: Readonly<Record<Owned['catalog'], string>> = {
  pg_class: 'relowner',
  pg_namespace: 'nspowner',
  pg_proc: 'proowner',
  pg_type: 'typowner',
};

/** By oid: a table may have been renamed or moved since. */
async function nowNamed(session: TargetSession, one: Owned): Promise<string | null> {
  const [row] = await session.query(
    `select (pg_identify_object('${one.catalog}'::regclass, o.oid, 0)).type as type,
            (pg_identify_object('${one.catalog}'::regclass, o.oid, 0)).identity as name
       from ${one.catalog} o
      where o.oid = $1::int8::oid and o.${OWNER_COLUMN[one.catalog]} in (select to_regrole(r) from unnest($2::text[]) r)`,
    [one.oid, OWNERS],
  );
  if (row === undefined) return null;
  const { type, name } = z.object({ type: z.string(), name: z.string() }).parse(row);
  return `alter ${type === 'composite type' ? 'type' : type} ${name} owner to`;
}

async function neededElsewhere(
  session: TargetSession,
  roles: readonly string[],
): Promise<readonly string[]> {
  const rows = await session.query(
    `select distinct r.rolname as name from pg_shdepend d join pg_roles r on r.oid = d.refobjid
      where d.refclassid = 'pg_authid'::regclass and r.rolname = any($1::text[]) and d.dbid <> 0
        and d.dbid <> (select oid from pg_database where datname = current_database())`,
    [roles],
  );
  const names = z.array(z.object({ name: z.string() })).parse(rows);
  const needed = new Set(names.map(({ name }) => name));
  const isShared = SHARED_ROLES.some((name) => needed.has(name));
  // What is shared by all databases hangs together: one that stays keeps the others' memberships.
  return roles.filter((name) => needed.has(name) || (isShared && SHARED_ROLES.includes(name)));
}
