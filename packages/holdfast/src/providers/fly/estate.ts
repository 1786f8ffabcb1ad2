/** What there is at Fly, as one snapshot: apps of organizations, and the machines and volumes in each. */
import { z } from 'zod';
import { HoldfastError } from '../../model/errors.ts';
import { PROVIDER_PAGES_MAX } from '../../model/limits.ts';
import type { Asking } from '../asking.ts';
import { type Estate, type EstateEnvironment, Placed } from '../inventory.ts';

export interface FlyApp extends EstateEnvironment {
  readonly volumes: readonly { readonly id: string; readonly words: string }[];
  readonly machineCount: number;
}

export interface FlyEstate extends Estate {
  readonly environments: readonly FlyApp[];
}

const nodes = <T extends z.ZodType>(node: T) => z.object({ nodes: z.array(node) });
const page = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() });
const whole = <T extends z.ZodType>(node: T) => nodes(node).extend({ pageInfo: page });
const volume = z.object({
  id: z.string(),
  internalId: z.string(),
  name: z.string(),
  sizeGb: z.number(),
});
const app = z.object({
  id: z.string(),
  name: z.string(),
  internalNumericId: z.number(),
  organization: z.object({ id: z.string(), slug: z.string() }),
  volumes: whole(volume),
  machines: whole(z.object({ id: z.string() })),
});
const apps = z.object({ apps: whole(app) });

const APPS = `query HoldfastApps($after: String) { apps(first: 100, after: $after) {
  nodes { id name internalNumericId organization { id slug }
    volumes(first: 500) { nodes { id internalId name sizeGb } pageInfo { hasNextPage endCursor } }
    machines(first: 500) { nodes { id } pageInfo { hasNextPage endCursor } } }
  pageInfo { hasNextPage endCursor } } }`;

/** Rejects as `Asking` does; also when there is more than it can list. */
export async function takeEstate(asking: Asking, url: string, now: Date): Promise<FlyEstate> {
  const environments: FlyApp[] = [];
  const placed = new Placed();
  let after: string | null = null;
  for (let count = 0; count < PROVIDER_PAGES_MAX; count += 1) {
    const found: z.infer<typeof apps> = await asking.query(url, APPS, { after }, apps);
    for (const one of found.apps.nodes) environments.push(placedApp(one, placed));
    const { hasNextPage, endCursor } = found.apps.pageInfo;
    if (!hasNextPage || !endCursor) return { environments, placed: placed.sets, takenAt: now };
    after = endCursor;
  }
  throw new HoldfastError('HF_LIMIT', {
    expected: `at most ${PROVIDER_PAGES_MAX} pages of apps at Fly`,
    found: 'more',
    hint: 'Seal a token of one organization instead.',
  });
}

function placedApp({ organization, ...one }: z.infer<typeof app>, placed: Placed): FlyApp {
  // What is beyond the first page is not found, and counts as sealed.
  for (const id of new Set([one.id, one.name, String(one.internalNumericId)])) {
    placed.add('app', id, one.id);
  }
  placed.add('organization', organization.id, one.id);
  placed.add('organization', organization.slug, one.id);
  for (const { id, internalId } of one.volumes.nodes) {
    placed.add('volume', id, one.id);
    placed.add('volume', internalId, one.id);
  }
  for (const { id } of one.machines.nodes) placed.add('machine', id, one.id);
  return {
    id: one.id,
    name: one.name,
    projectId: organization.id,
    projectName: organization.slug,
    volumes: one.volumes.nodes.map(({ id, name, sizeGb }) => ({
      id,
      words: `${name} ${id} (${sizeGb} GB)`,
    })),
    machineCount: one.machines.nodes.length,
  };
}

/** What goes with an app, in words. */
export function toldOf({ machineCount, name, projectName, volumes }: FlyApp): string {
  const list = volumes.map(({ words }) => words);
  const shown = `${list.slice(0, 5).join(', ')}${list.length > 5 ? ', ...' : ''}`;
  const held = list.length === 0 ? 'no volumes' : `volumes ${shown}; snapshots go with a volume`;
  return `${name} of ${projectName} (${machineCount} machines, ${held})`;
}
