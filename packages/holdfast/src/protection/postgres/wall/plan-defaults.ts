/**
 * What holds for objects that are made later. Rights of agents on relations are global for roles that
 * cannot write into schema `holdfast`, and by schema for those that can (superusers, our owner), so that
 * no captured row is ever an agent's to change.
 */
import { AGENTS_ROLE, DDL_ROLE, ident, OWNER_ROLE, SHARED_ROLES } from '../layout.ts';
import type { Ground, PlanStep } from './ground.ts';
import type { DefaultFacts } from './inspection.ts';
import { AGENT_RIGHTS } from './plan-agents.ts';

const KINDS: Readonly<Record<string, string>> = { r: 'tables', S: 'sequences' };

export function defaultSteps(ground: Ground): PlanStep[] {
  return creatorsOf(ground).flatMap((role) => {
    const lines = [...routineLines(ground, role), ...relationLines(ground, role)];
    if (lines.length === 0) return [];
    return [
      {
        id: `future objects of ${role}`,
        about: `What ${role} makes from now on is like what is there`,
        sql: lines
          .map((line) => `alter default privileges for role ${ident(role)} ${line};`)
          .join('\n'),
        needs: 'owner' as const,
        closes: 'opaque-code' as const,
      },
    ];
  });
}

/** Whoever can make something here and whose defaults the admin may set. */
export function creatorsOf({ inspection, isSuperuser }: Ground): string[] {
  const { admin, superuser } = inspection.server;
  const found = inspection.roles
    .filter(({ creates, member_of }) => creates && !member_of.includes(AGENTS_ROLE))
    .filter(({ name, ours }) => superuser || name === admin || (ours && !isSuperuser(name)))
    .map(({ name }) => name)
    .filter((name) => !SHARED_ROLES.includes(name));
  return [...found, DDL_ROLE, OWNER_ROLE];
}

function find(ground: Ground, role: string, kind: string, schema: string | null) {
  return ground.inspection.defaults.find(
    (one) => one.role === role && one.kind === kind && one.schema === schema,
  );
}

function holds(row: DefaultFacts | undefined, who: string, privileges: readonly string[]): boolean {
  return privileges.every((one) => row?.acl[who]?.includes(one) === true);
}

/** Without a row of its own a role's functions are everybody's. */
export function isPublicByDefault(ground: Ground, role: string): boolean {
  const row = find(ground, role, 'f', null);
  return row === undefined || holds(row, 'public', ['EXECUTE']);
}

function routineLines(ground: Ground, role: string): string[] {
  if (!isPublicByDefault(ground, role)) return [];
  const heirs = ground.heirs.map(ident).join(', ');
  const lines = ['revoke execute on routines from public'];
  // What our own owner makes is called by our own triggers only.
  if (role !== OWNER_ROLE) lines.push(`grant execute on routines to ${heirs}`);
  return lines;
}

function relationLines(ground: Ground, role: string): string[] {
  const { inspection, isSuperuser } = ground;
  const agents = ident(AGENTS_ROLE);
  const bySchema = isSuperuser(role) || role === OWNER_ROLE || role === inspection.server.admin;
  const places = bySchema ? inspection.schemas.map(({ name }) => name) : [null];
  const lines: string[] = [];
  for (const place of places) {
    const where = place === null ? '' : `in schema ${ident(place)} `;
    for (const [kind, word] of Object.entries(KINDS)) {
      const rights = AGENT_RIGHTS[kind] ?? [];
      if (holds(find(ground, role, kind, place), AGENTS_ROLE, rights)) continue;
      lines.push(`${where}grant ${rights.join(', ').toLowerCase()} on ${word} to ${agents}`);
    }
  }
  if (!bySchema && !holds(find(ground, role, 'n', null), AGENTS_ROLE, ['USAGE'])) {
    lines.push(`grant usage on schemas to ${agents}`);
  }
  return lines;
}
