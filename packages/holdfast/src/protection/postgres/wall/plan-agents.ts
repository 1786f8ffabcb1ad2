/** What agents get, and nothing else: the rows of tables, the values of sequences, listed functions. */
import { AGENTS_ROLE, ident } from '../layout.ts';
import type { Ground, PlanStep } from './ground.ts';
import type { RoutineFacts } from './inspection.ts';
import { canAct } from './plan-public.ts';

/** By kind of relation. None on foreign tables: no trigger of ours sees what is written there. */
export const AGENT_RIGHTS: Readonly<Record<string, readonly string[]>> = {
  r: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  p: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  v: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  m: ['SELECT'],
  S: ['USAGE', 'SELECT'],
};

export function agentSteps(ground: Ground): PlanStep[] {
  const { inspection } = ground;
  const agents = ident(AGENTS_ROLE);
  const lacks = (acl: Readonly<Record<string, readonly string[]>>, wanted: readonly string[]) =>
    wanted.some((one) => acl[AGENTS_ROLE]?.includes(one) !== true);
  const schemas = inspection.schemas
    .filter(({ acl, owner }) => lacks(acl, ['USAGE']) && canAct(ground, owner))
    .map(({ name }) => ident(name));
  const steps = [
    grant('schemas', 'Agents can name what lies in these schemas', 'usage on schema', schemas),
  ];
  const kinds: readonly (readonly [string, readonly string[], string])[] = [
    ['tables', ['r', 'p', 'v'], 'Agents can read and change rows: each change is captured'],
    ['materialized views', ['m'], 'Agents can read materialized views'],
    ['sequences', ['S'], 'Agents can take the next value of a sequence, not set it'],
  ];
  for (const [what, letters, about] of kinds) {
    const rights = AGENT_RIGHTS[letters[0] ?? ''] ?? [];
    const names = inspection.relations
      .filter(
        ({ acl, extension, kind, owner }) =>
          letters.includes(kind) &&
          extension === null &&
          lacks(acl, rights) &&
          canAct(ground, owner),
      )
      .map(({ name, schema }) => `${ident(schema)}.${ident(name)}`);
    const on = what === 'sequences' ? 'sequence' : 'table';
    steps.push(grant(what, about, `${rights.join(', ').toLowerCase()} on ${on}`, names));
  }
  const functions = allowedRoutines(ground)
    .filter(({ acl, owner }) => lacks(acl, ['EXECUTE']) && canAct(ground, owner))
    .map(({ identity }) => identity);
  steps.push(
    grant(
      'listed functions',
      'Agents can call what functions.allow lists',
      'execute on routine',
      functions,
    ),
  );
  const gone = takenBack(ground);
  if (gone.length > 0) {
    steps.push({
      id: 'functions no longer listed',
      about: 'What functions.allow no longer lists is taken from agents',
      sql: `revoke execute on routine ${gone.join(',\n  ')} from ${agents};`,
      needs: 'owner',
      closes: 'opaque-code',
    });
  }
  return steps.filter((step): step is PlanStep => step !== null);
}

function grant(
  what: string,
  about: string,
  privileges: string,
  names: readonly string[],
): PlanStep | null {
  if (names.length === 0) return null;
  return {
    id: `agents: ${what} (${names.length})`,
    about,
    sql: `grant ${privileges} ${names.join(',\n  ')} to ${ident(AGENTS_ROLE)};`,
    needs: 'owner',
    closes: 'own-role',
  };
}

function isListed(allowed: readonly string[], { name, schema }: RoutineFacts): boolean {
  return allowed.includes(name) || allowed.includes(`${schema}.${name}`);
}

export function allowedRoutines({ inspection, options }: Ground): RoutineFacts[] {
  return inspection.routines.filter((routine) => isListed(options.functionsAllowed, routine));
}

function takenBack({ inspection, options }: Ground): string[] {
  return inspection.routines
    .filter((routine) => routine.acl[AGENTS_ROLE]?.includes('EXECUTE') === true)
    .filter((routine) => !isListed(options.functionsAllowed, routine))
    .map(({ identity }) => identity);
}
