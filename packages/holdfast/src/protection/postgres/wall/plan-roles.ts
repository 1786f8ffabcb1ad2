/** The roles and the schema everything of ours hangs on. */
import {
  AGENTS_ROLE,
  DDL_ROLE,
  ident,
  literal,
  OTHERS_ROLE,
  OWNER_ROLE,
  UNDO_ROLE,
} from '../layout.ts';
import type { Ground, PlanStep } from './ground.ts';

export function roleSteps(ground: Ground): PlanStep[] {
  return [
    ...ourRoles(ground),
    ...ownersGifts(ground),
    ...memberSteps(ground),
    ...schemaSteps(ground),
  ];
}

const ABOUT: readonly (readonly [string, PlanStep['closes'], string])[] = [
  [
    OWNER_ROLE,
    'ownership',
    'A role that owns what Holdfast keeps here, and that nobody can log in as',
  ],
  [
    DDL_ROLE,
    'ownership',
    'A role that owns what superusers owned, and has none of the rights of what Holdfast keeps',
  ],
  [
    UNDO_ROLE,
    'ownership',
    'A role that an undo writes rows back as: it reaches every table, and nothing that Holdfast keeps',
  ],
  [AGENTS_ROLE, 'own-role', 'A group with the few rights that agents have'],
  [OTHERS_ROLE, 'opaque-code', 'A group of everybody else, which keeps what PUBLIC loses'],
];

function ourRoles({ inspection }: Ground): PlanStep[] {
  const { roles, server } = inspection;
  const there = new Set(roles.map(({ name }) => name));
  return ABOUT.filter(([name]) => !there.has(name)).map(([name, closes, about]) => {
    const lines = [
      `create role ${ident(name)} nologin nosuperuser nocreatedb nocreaterole noreplication nobypassrls`,
      `comment on role ${ident(name)} is ${literal('Holdfast: see holdfast protect')}`,
    ];
    // A creator that is no superuser needs the owner's rights to put things into its hands.
    if (!server.superuser && name === OWNER_ROLE) {
      const how = server.version_num < 160_000 ? '' : ' with set true, inherit true';
      lines.push(`grant ${ident(name)} to ${ident(server.admin)}${how}`);
    }
    return { id: `role ${name}`, about, sql: `${lines.join(';\n')};`, needs: 'createrole', closes };
  });
}

/** What holdfast_owner needs of the server, where the admin may give it. */
function ownersGifts({ inspection }: Ground): PlanStep[] {
  const { roles, server } = inspection;
  const owner = roles.find(({ name }) => name === OWNER_ROLE);
  const common = { needs: 'createrole', closes: 'layout' } as const;
  const steps: PlanStep[] = [];
  if (!server.superuser && owner !== undefined && !owner.ours && owner.grantable) {
    const how = server.version_num < 160_000 ? '' : ' with set true, inherit true';
    steps.push({
      id: `holdfast_owner for ${server.admin}`,
      about: `${server.admin} puts things into the hands of holdfast_owner, which another database has too`,
      sql: `grant ${ident(OWNER_ROLE)} to ${ident(server.admin)}${how};`,
      ...common,
    });
  }
  for (const [name, about] of PASSES_RLS) {
    if (!server.lends_bypassrls || roles.find((role) => role.name === name)?.bypassrls === true) {
      continue;
    }
    steps.push({
      id: `${name} bypassrls`,
      about,
      sql: `alter role ${ident(name)} bypassrls;`,
      ...common,
    });
  }
  if (server.lends_stats && owner?.member_of.includes('pg_read_all_stats') !== true) {
    const how = server.version_num < 160_000 ? '' : ' with inherit true';
    steps.push({
      id: 'holdfast_owner as pg_read_all_stats',
      about: 'A receipt can tell the session it was given to from a later one of the same number',
      sql: `grant pg_read_all_stats to ${ident(OWNER_ROLE)}${how};`,
      ...common,
    });
  }
  return steps;
}

const PASSES_RLS = [
  [
    OWNER_ROLE,
    'Capture keeps every row, also of tables whose row security is forced on their owner',
  ],
  [UNDO_ROLE, 'An undo writes every row back, also where row security is forced on the owner'],
] as const;

function memberSteps(ground: Ground): PlanStep[] {
  const { inspection, others, lendable } = ground;
  const { roles, server } = inspection;
  const how = server.version_num < 160_000 ? '' : ' with inherit true';
  const steps: PlanStep[] = [];
  const joining = others.filter((role) => !role.member_of.includes(OTHERS_ROLE));
  const groupsOf = (role: string): ReadonlySet<string> =>
    new Set(roles.find(({ name }) => name === role)?.member_of);
  // Also our own: they write functions, and call them, once these are not everybody's any more.
  const names = [
    ...joining.map(({ name }) => name),
    ...[OWNER_ROLE, DDL_ROLE, UNDO_ROLE].filter((role) => !groupsOf(role).has(OTHERS_ROLE)),
  ];
  if (names.length > 0) {
    steps.push({
      id: 'members of holdfast_others',
      about: `Every role that is here keeps what it had through PUBLIC (${names.length} roles)`,
      sql: `grant ${ident(OTHERS_ROLE)} to ${names.map(ident).join(', ')}${how};`,
      needs: 'createrole',
      closes: 'opaque-code',
    });
  }
  const owners = [...ownersOf(ground).filter((owner) => lendable.has(owner)), DDL_ROLE];
  for (const [role, does] of LENT_TO) {
    const missing = owners.filter((owner) => !groupsOf(role).has(owner));
    if (missing.length === 0) continue;
    steps.push({
      id: `${role} as ${missing.join(', ')}`,
      about: `Holdfast can ${does} what ${missing.join(', ')} owns`,
      sql: missing.map((owner) => `grant ${ident(owner)} to ${ident(role)}${how};`).join('\n'),
      needs: 'createrole',
      closes: 'ownership',
    });
  }
  return steps;
}

const LENT_TO = [
  [OWNER_ROLE, 'attach capture to, and move to the trash,'],
  [UNDO_ROLE, 'write rows back into'],
] as const;

/** Whoever owns something here, and the roles named for it. */
export function ownersOf({ ddlOwner, inspection }: Ground): string[] {
  const { relations, routines, schemas, server, types } = inspection;
  const owners = [relations, routines, schemas, types].flatMap((list) =>
    list.map(({ owner }) => owner),
  );
  const found = new Set([...owners, server.database_owner, ddlOwner]);
  return [...found]
    .filter((name) => ![OWNER_ROLE, DDL_ROLE].includes(name) && !name.startsWith('pg_'))
    .toSorted();
}

function schemaSteps({ ddlOwner, inspection }: Ground): PlanStep[] {
  const { database_acl, database } = inspection.server;
  const steps: PlanStep[] = [];
  if (database_acl[OWNER_ROLE]?.includes('CREATE') !== true) {
    steps.push({
      id: 'database for holdfast_owner',
      about: 'Holdfast may make its schema here, and a schema for each thing in the trash',
      sql: `grant create, temporary, connect on database ${ident(database)} to ${ident(OWNER_ROLE)};`,
      needs: 'owner',
      closes: 'layout',
    });
  }
  if (database_acl[UNDO_ROLE]?.includes('TEMPORARY') !== true) {
    steps.push({
      id: 'database for holdfast_undo',
      about: 'An undo lays out what it compares in temporary tables',
      sql: `grant temporary on database ${ident(database)} to ${ident(UNDO_ROLE)};`,
      needs: 'owner',
      closes: 'layout',
    });
  }
  if (ddlOwner === DDL_ROLE && database_acl[DDL_ROLE]?.includes('CREATE') !== true) {
    steps.push({
      id: 'database for holdfast_ddl',
      about: 'Approved statements can make schemas here',
      sql: `grant create, connect on database ${ident(database)} to ${ident(DDL_ROLE)};`,
      needs: 'owner',
      closes: 'layout',
    });
  }
  if (inspection.meta === null) {
    steps.push({
      id: 'schema holdfast',
      about: 'The schema of everything that Holdfast keeps here, and its notes',
      sql: `create schema holdfast authorization ${ident(OWNER_ROLE)};
grant usage on schema holdfast to public;
create table holdfast.meta (key text primary key, value jsonb not null);
alter table holdfast.meta owner to ${ident(OWNER_ROLE)};
revoke all on holdfast.meta from public;`,
      needs: 'owner',
      closes: 'layout',
    });
  }
  return steps;
}
