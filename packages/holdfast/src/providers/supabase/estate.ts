/**
 * What there is at Supabase: projects, and the branches of each. A branch is a project of its own with a
 * ref of its own; what stands in no branch is the environment `main`.
 */
import { z } from 'zod';
import type { Asking } from '../asking.ts';
import { type Estate, type EstateEnvironment, Placed } from '../inventory.ts';

const projects = z.array(
  z.object({
    id: z.string(),
    ref: z.string().nullish(),
    name: z.string(),
    organization_id: z.string().nullish(),
    organization_slug: z.string().nullish(),
  }),
);
const branches = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    project_ref: z.string(),
    is_default: z.boolean(),
  }),
);

/** As it is declared: `projects: { acme: { main: production, staging: staging } }`. */
const MAIN = 'main';

/** Rejects as `Asking` does. A project that has never had any branches may refuse to list them. */
export async function takeEstate(asking: Asking, origin: string, now: Date): Promise<Estate> {
  const environments: EstateEnvironment[] = [];
  const placed = new Placed();
  const listed = await asking.get(`${origin}/v1/projects`, projects);
  for (const { id, name, ref, ...one } of listed) {
    const projectId = ref ?? id;
    const all = await branchesOf(asking, origin, projectId);
    const others = all.filter(
      ({ is_default, project_ref }) => !is_default && project_ref !== projectId,
    );
    const made = [
      { id: projectId, name: MAIN },
      ...others.map((branch) => ({ id: branch.project_ref, name: branch.name })),
    ];
    for (const environment of made) {
      environments.push({ ...environment, projectId, projectName: name });
      placed.add('environment', environment.id, environment.id);
      placed.add('project', projectId, environment.id);
      for (const organization of [one.organization_id, one.organization_slug]) {
        if (organization) placed.add('organization', organization, environment.id);
      }
    }
    for (const branch of all) {
      const at = branch.is_default ? projectId : branch.project_ref;
      placed.add('branch', branch.id, at);
      placed.add('branch', branch.project_ref, at);
      for (const key of [branch.id, branch.project_ref]) {
        placed.add('parent', key, at);
        placed.add('parent', key, projectId);
      }
    }
  }
  return { environments, placed: placed.sets, takenAt: now };
}

async function branchesOf(
  asking: Asking,
  origin: string,
  ref: string,
): Promise<z.infer<typeof branches>> {
  const url = `${origin}/v1/projects/${encodeURIComponent(ref)}/branches`;
  return (await asking.getIfAny(url, branches)) ?? [];
}
