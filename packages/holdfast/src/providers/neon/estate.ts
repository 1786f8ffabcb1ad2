/**
 * What there is at Neon, as one snapshot: projects, their branches, and what hangs on each. Pure once it
 * is made.
 */
import { z } from 'zod';
import { HoldfastError } from '../../model/errors.ts';
import { PROVIDER_PAGES_MAX } from '../../model/limits.ts';
import type { Asking } from '../asking.ts';
import { type Estate, type EstateEnvironment, Placed } from '../inventory.ts';

export interface NeonBranch extends EstateEnvironment {
  readonly isDefault: boolean;
  readonly isProtected: boolean;
  readonly sizeBytes: number | null;
  readonly children: readonly string[];
  readonly endpoints: readonly string[];
  /** When they were taken. */
  readonly snapshots: readonly string[];
}

export interface NeonEstate extends Estate {
  readonly environments: readonly NeonBranch[];
}

const organizations = z.object({ organizations: z.array(z.object({ id: z.string() })) });
const project = z.object({ id: z.string(), name: z.string(), org_id: z.string().nullish() });
const projects = z.object({
  projects: z.array(project),
  pagination: z.object({ cursor: z.string().nullish() }).nullish(),
});
const branch = z.object({
  id: z.string(),
  name: z.string(),
  parent_id: z.string().nullish(),
  default: z.boolean(),
  protected: z.boolean(),
  logical_size: z.number().nullish(),
});
const branches = z.object({
  branches: z.array(branch),
  pagination: z.object({ next: z.string().nullish() }).nullish(),
});
const endpoints = z.object({
  endpoints: z.array(z.object({ id: z.string(), branch_id: z.string() })),
});
const snapshots = z.object({
  snapshots: z.array(
    z.object({ id: z.string(), source_branch_id: z.string().nullish(), created_at: z.string() }),
  ),
});

const PAGE = 400;

/** Rejects as `Asking` does; also when there is more than it can list. */
export async function takeEstate(asking: Asking, base: string, now: Date): Promise<NeonEstate> {
  const environments: NeonBranch[] = [];
  const placed = new Placed();
  for (const one of await projectsOf(asking, base)) {
    await addProject(asking, `${base}/projects/${encodeURIComponent(one.id)}`, one, {
      environments,
      placed,
    });
  }
  return { environments, placed: placed.sets, takenAt: now };
}

/** A key of an organization lists its own projects; a key of a person has to say of which. */
async function projectsOf(
  asking: Asking,
  base: string,
): Promise<readonly z.infer<typeof project>[]> {
  const found = await asking.getIfAny(`${base}/users/me/organizations`, organizations);
  const ids = found?.organizations.map(({ id }) => id) ?? [];
  const all = new Map<string, z.infer<typeof project>>();
  const add = async (query: string): Promise<void> => {
    for (const one of await pagesOf(asking, `${base}/projects?limit=${PAGE}${query}`)) {
      all.set(one.id, one);
    }
  };
  await add('');
  for (const id of ids) await add(`&org_id=${encodeURIComponent(id)}`);
  return [...all.values()];
}

async function pagesOf(asking: Asking, first: string): Promise<readonly z.infer<typeof project>[]> {
  const all: z.infer<typeof project>[] = [];
  let url = first;
  for (let page = 0; page < PROVIDER_PAGES_MAX; page += 1) {
    // A person who is in organizations only may have no list of their own.
    const found = await asking.getIfAny(url, projects);
    if (found === null) return all;
    all.push(...found.projects);
    const cursor = found.pagination?.cursor ?? '';
    // Neon gives a cursor with the last page too.
    if (cursor === '' || found.projects.length < PAGE) return all;
    url = `${first}&cursor=${encodeURIComponent(cursor)}`;
  }
  throw tooMany('projects');
}

interface Into {
  readonly environments: NeonBranch[];
  readonly placed: Placed;
}

async function addProject(
  asking: Asking,
  url: string,
  { id: projectId, name: projectName, org_id: organization }: z.infer<typeof project>,
  { environments, placed }: Into,
): Promise<void> {
  const listed = await branchesOf(asking, url);
  const { endpoints: computes } = await asking.get(`${url}/endpoints`, endpoints);
  const taken = (await asking.get(`${url}/snapshots`, snapshots)).snapshots;
  const ids = new Set(listed.map(({ id }) => id));
  for (const { id, name, ...one } of listed) {
    placed.add('environment', id, id);
    placed.add('project', projectId, id);
    if (organization) placed.add('organization', organization, id);
    const mine = computes.filter((compute) => compute.branch_id === id);
    for (const compute of mine) placed.add('endpoint', compute.id, id);
    const kept = taken.filter((snapshot) => snapshot.source_branch_id === id);
    for (const snapshot of taken) {
      // Of a branch that has gone: it could be put over any of them.
      const isHere = ids.has(snapshot.source_branch_id ?? '') ? kept.includes(snapshot) : true;
      if (isHere) placed.add('snapshot', snapshot.id, id);
    }
    environments.push({
      id,
      name,
      projectId,
      projectName,
      isDefault: one.default,
      isProtected: one.protected,
      sizeBytes: one.logical_size ?? null,
      children: listed.filter(({ parent_id }) => parent_id === id).map((child) => child.name),
      endpoints: mine.map((compute) => compute.id),
      snapshots: kept.map(({ created_at }) => created_at.slice(0, 16)),
    });
  }
}

async function branchesOf(asking: Asking, url: string): Promise<readonly z.infer<typeof branch>[]> {
  const all: z.infer<typeof branch>[] = [];
  let query = '';
  for (let page = 0; page < PROVIDER_PAGES_MAX; page += 1) {
    const found = await asking.get(`${url}/branches${query}`, branches);
    all.push(...found.branches);
    const next = found.pagination?.next ?? '';
    if (next === '' || found.branches.length === 0) return all;
    query = `?cursor=${encodeURIComponent(next)}`;
  }
  throw tooMany('branches');
}

function tooMany(what: string): HoldfastError {
  return new HoldfastError('HF_LIMIT', {
    expected: `at most ${PROVIDER_PAGES_MAX} pages of ${what} at Neon`,
    found: 'more',
    hint: 'Seal a key of one organization instead.',
  });
}

/** What goes with a branch, in words. */
export function toldOf(one: NeonBranch): string {
  const { children, endpoints: computes, snapshots: taken, sizeBytes } = one;
  const flags = [
    ...(one.isDefault ? ['the default branch'] : []),
    ...(one.isProtected ? ['protected'] : []),
    ...(sizeBytes === null ? [] : [`${Math.round(sizeBytes / 1_000_000)} MB`]),
    ...(computes.length > 0 ? [`endpoints ${few(computes)}`] : []),
    ...(children.length > 0 ? [`branches made of it: ${few(children)}`] : []),
    taken.length > 0 ? `${taken.length} snapshots of it (${few(taken)})` : 'no snapshots of it',
  ];
  return `${one.name} of ${one.projectName} (${flags.join(', ')})`;
}

function few(list: readonly string[]): string {
  return `${list.slice(0, 5).join(', ')}${list.length > 5 ? ', ...' : ''}`;
}
