/**
 * Who owns what: what belongs to a superuser (or to an admin whose rights cannot be lent) is given to
 * holdfast_ddl, so that Holdfast can attach to it and move it without being a superuser, and so that
 * code that runs with the rights of its owner (a function, a view, a trigger) has none of Holdfast's
 * own. What was before is noted for unprotect.
 *
 * Left where they are: functions that run with a superuser's rights on purpose (SECURITY DEFINER, or in
 * a language only superusers may use), extensions and what belongs to them, and large objects.
 */
import { DDL_ROLE, ident, OWNER_ROLE } from '../layout.ts';
import type { Ground, PlanStep } from './ground.ts';

export interface Owned {
  readonly catalog: 'pg_class' | 'pg_namespace' | 'pg_proc' | 'pg_type';
  readonly oid: number;
  readonly owner: string;
  /** `alter table public.t owner to`. */
  readonly alter: string;
}

const RELATION: Readonly<Record<string, string>> = {
  r: 'table',
  p: 'table',
  f: 'foreign table',
  v: 'view',
  m: 'materialized view',
  S: 'sequence',
};

/** True when holdfast_ddl will own what this role owns. */
function givesUp({ inspection, isSuperuser }: Ground, owner: string): boolean {
  const { admin, superuser } = inspection.server;
  // Layouts before version 2 gave it to holdfast_owner.
  if (owner === OWNER_ROLE) return true;
  return isSuperuser(owner) ? superuser : !superuser && owner === admin;
}

/** Everything whose owner changes, in the order it is done. */
export function toBeOwned(ground: Ground): Owned[] {
  const { relations, routines, schemas, server, types } = ground.inspection;
  const wanted = (owner: string): boolean => givesUp(ground, owner);
  const schemaOwner = (owner: string): boolean =>
    wanted(owner === 'pg_database_owner' ? server.database_owner : owner);
  return [
    ...schemas
      .filter(({ extension, owner }) => extension === null && schemaOwner(owner))
      .map(
        ({ name, oid, owner }): Owned => ({
          catalog: 'pg_namespace',
          oid,
          owner,
          alter: `alter schema ${ident(name)} owner to`,
        }),
      ),
    ...relations
      .filter(({ extension, follows, owner }) => extension === null && !follows && wanted(owner))
      .map(
        ({ kind, name, oid, owner, schema }): Owned => ({
          catalog: 'pg_class',
          oid,
          owner,
          alter: `alter ${RELATION[kind] ?? 'table'} ${ident(schema)}.${ident(name)} owner to`,
        }),
      ),
    ...routines
      .filter(
        ({ definer, extension, owner, trusted }) =>
          extension === null && !definer && trusted && wanted(owner),
      )
      .map(
        ({ identity, oid, owner }): Owned => ({
          catalog: 'pg_proc',
          oid,
          owner,
          alter: `alter routine ${identity} owner to`,
        }),
      ),
    ...types
      .filter(({ owner }) => wanted(owner))
      .map(
        ({ domain, identity, oid, owner }): Owned => ({
          catalog: 'pg_type',
          oid,
          owner,
          alter: `alter ${domain ? 'domain' : 'type'} ${identity} owner to`,
        }),
      ),
  ];
}

export function ownerSteps(ground: Ground): PlanStep[] {
  const { schemas } = ground.inspection;
  const steps: PlanStep[] = [];
  for (const role of [OWNER_ROLE, DDL_ROLE]) {
    // holdfast_owner has what holdfast_ddl has; what was its own is given away below.
    const shut = schemas.filter(
      ({ acl, owner }) =>
        owner !== OWNER_ROLE &&
        owner !== DDL_ROLE &&
        !['CREATE', 'USAGE'].every((one) => acl[role]?.includes(one) === true),
    );
    if (shut.length === 0) continue;
    const names = shut.map(({ name }) => ident(name)).join(', ');
    steps.push({
      id: `schemas for ${role} ${names}`,
      about: 'Holdfast can put things back where they were',
      sql: `grant usage, create on schema ${names} to ${ident(role)};`,
      needs: 'owner',
      closes: 'layout',
    });
  }
  const owned = toBeOwned(ground);
  if (owned.length > 0) {
    const from = [...new Set(owned.map(({ owner }) => owner))].toSorted().join(', ');
    steps.push({
      id: `owner of ${owned.length} objects of ${from}`,
      about:
        `What ${from} owns here is given to holdfast_ddl (${owned.length} objects); ` +
        'unprotect gives it back',
      sql: owned.map(({ alter }) => `${alter} ${ident(DDL_ROLE)};`).join('\n'),
      needs: 'owner',
      closes: 'ownership',
    });
  }
  return steps;
}
