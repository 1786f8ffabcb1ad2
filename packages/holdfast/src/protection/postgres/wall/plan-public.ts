/** What PUBLIC loses, and holdfast_others gets in the same breath. */
import { ident } from '../layout.ts';
import type { ClosingId } from './closings.ts';
import type { Ground, PlanStep } from './ground.ts';
import { isHarmless } from './harmless.ts';
import type { Acl, RoutineFacts } from './inspection.ts';

/** Rights on relations that no agent has; whoever had them through PUBLIC keeps them. */
const NOT_FOR_AGENTS = ['TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'];

interface Taking {
  readonly id: string;
  readonly about: string;
  readonly closes: ClosingId;
  readonly privileges: readonly string[];
  /** `routine public.f(integer)`, several of one kind. */
  readonly kind: string;
  readonly names: readonly string[];
  readonly needs: PlanStep['needs'];
}

export function publicSteps(ground: Ground): PlanStep[] {
  return takings(ground)
    .filter(({ names }) => names.length > 0)
    .map(({ about, closes, id, kind, names, needs, privileges }) => {
      const what = `${privileges.join(', ').toLowerCase()} on ${kind} ${names.join(',\n  ')}`;
      const heirs = ground.heirs.map(ident).join(', ');
      return {
        id: `${id} (${names.length})`,
        about,
        closes,
        needs,
        sql: `revoke ${what} from public;\ngrant ${what} to ${heirs};`,
      };
    });
}

function has(acl: Acl, ...privileges: readonly string[]): boolean {
  return privileges.some((one) => acl['public']?.includes(one) === true);
}

function takings(ground: Ground): Taking[] {
  const { inspection } = ground;
  const { largeObjectRoutines, routines, schemas, server } = inspection;
  const owned = (owner: string): boolean => canAct(ground, owner);
  const everybodys = routines.filter(
    (routine) => has(routine.acl, 'EXECUTE') && !isHarmless(routine) && owned(routine.owner),
  );
  const identities = (list: readonly RoutineFacts[]): string[] =>
    list.map(({ identity }) => identity);
  const links = everybodys.filter(({ extension }) => extension !== null);
  return [
    {
      id: 'functions of this database',
      about: 'Functions and procedures are no longer everybody’s to call',
      closes: 'opaque-code',
      privileges: ['EXECUTE'],
      kind: 'routine',
      names: identities(everybodys.filter(({ extension }) => extension === null)),
      needs: 'owner',
    },
    {
      id: 'functions of extensions',
      about: 'Functions of extensions that reach further than a role’s own rights',
      closes: 'links',
      privileges: ['EXECUTE'],
      kind: 'routine',
      names: identities(links),
      needs: 'owner',
    },
    ...['TEMPORARY', 'CREATE']
      .filter((one) => has(server.database_acl, one))
      .map(
        (one): Taking => ({
          id: `${one.toLowerCase()} on the database`,
          about:
            one === 'CREATE'
              ? 'Schemas are no longer everybody’s to make'
              : 'Temporary tables and functions are no longer everybody’s to make',
          closes: 'opaque-code',
          privileges: [one],
          kind: 'database',
          names: server.superuser || server.owns_database ? [ident(server.database)] : [],
          needs: 'owner',
        }),
      ),
    {
      id: 'create in schemas',
      about: 'Nothing can be made in these schemas but by those who could before',
      closes: 'hidden-code',
      privileges: ['CREATE'],
      kind: 'schema',
      names: schemas
        .filter(({ acl, owner }) => has(acl, 'CREATE') && owned(owner))
        .map(({ name }) => ident(name)),
      needs: 'owner',
    },
    ...relationTakings(ground),
    ...(server.superuser
      ? superuserTakings(
          ground,
          identities(largeObjectRoutines.filter(({ acl }) => has(acl, 'EXECUTE'))),
        )
      : []),
  ];
}

function relationTakings(ground: Ground): Taking[] {
  return NOT_FOR_AGENTS.map(
    (one): Taking => ({
      id: `${one.toLowerCase()} on relations`,
      about: `${one} is no longer everybody’s`,
      closes: 'truncate',
      privileges: [one],
      kind: 'table',
      names: ground.inspection.relations
        .filter(({ acl, kind, owner }) => kind !== 'S' && has(acl, one) && canAct(ground, owner))
        .map(({ name, schema }) => `${ident(schema)}.${ident(name)}`),
      needs: 'owner',
    }),
  );
}

function superuserTakings({ inspection }: Ground, largeObjects: readonly string[]): Taking[] {
  const kinds: readonly (readonly [string, ClosingId, string])[] = [
    [
      'language',
      'opaque-code',
      'Code blocks (DO) and functions are no longer everybody’s to write',
    ],
    ['foreign data wrapper', 'links', 'Foreign servers are no longer everybody’s to define'],
    ['foreign server', 'links', 'Foreign servers are no longer everybody’s to use'],
  ];
  return [
    {
      id: 'large objects',
      about: 'Large objects are no longer everybody’s to make, change or delete',
      closes: 'large-objects',
      privileges: ['EXECUTE'],
      kind: 'routine',
      names: largeObjects,
      needs: 'superuser',
    },
    ...kinds.map(
      ([kind, closes, about]): Taking => ({
        id: `${kind}s`,
        about,
        closes,
        privileges: ['USAGE'],
        kind,
        names: inspection.others
          .filter((one) => one.kind === kind && has(one.acl, 'USAGE'))
          .map(({ name }) => ident(name)),
        needs: 'superuser',
      }),
    ),
  ];
}

/** Whether the admin (or, after the plan's first steps, holdfast_owner) has this owner's rights. */
export function canAct(ground: Ground, owner: string): boolean {
  const { roles, server } = ground.inspection;
  if (server.superuser) return true;
  return roles.some(({ name, ours }) => name === owner && ours) || owner === server.admin;
}
