/**
 * What there is at Railway, as one snapshot: projects, their environments, and where each service, each
 * volume and each domain lives. Made of one question per project. Pure once it is made.
 */
import { z } from 'zod';
import { RAILWAY_LISTED_MAX } from '../../model/limits.ts';
import type { Urgency } from '../asking.ts';
import { type Estate, type EstateEnvironment, Placed } from '../inventory.ts';
import type { RailwayApi } from './api.ts';

export interface EstateVolume {
  readonly volumeId: string;
  readonly volumeName: string;
  readonly instanceId: string;
  readonly environmentId: string;
  readonly serviceName: string | null;
  readonly sizeMb: number | null;
}

export interface RailwayEstate extends Estate {
  /** By id, for people. */
  readonly serviceNames: ReadonlyMap<string, string>;
  readonly volumes: readonly EstateVolume[];
}

const edges = <T extends z.ZodType>(node: T) => z.object({ edges: z.array(z.object({ node })) });
const named = z.object({ id: z.string(), name: z.string() });
const serviceInstance = z.object({
  serviceId: z.string(),
  serviceName: z.string(),
  domains: z
    .object({
      customDomains: z.array(z.object({ id: z.string() })),
      serviceDomains: z.array(z.object({ id: z.string() })),
    })
    .nullish(),
});
const volumeInstance = z.object({
  id: z.string(),
  serviceId: z.string().nullish(),
  currentSizeMB: z.number().nullish(),
  volume: named,
});
const page = z.object({ hasNextPage: z.boolean() });
const environment = named.extend({
  deletedAt: z.string().nullish(),
  serviceInstances: edges(serviceInstance),
  volumeInstances: edges(volumeInstance).extend({ pageInfo: page }),
});
const project = named.extend({
  workspaceId: z.string().nullish(),
  environments: edges(environment),
  services: edges(named),
  buckets: edges(named).nullish(),
});

const PROJECT = `query HoldfastProject($id: String!) { project(id: $id) {
  id name workspaceId
  buckets { edges { node { id name } } }
  services { edges { node { id name } } }
  environments { edges { node { id name deletedAt
    serviceInstances { edges { node { serviceId serviceName
      domains { customDomains { id } serviceDomains { id } } } } }
    volumeInstances(first: ${RAILWAY_LISTED_MAX}) {
      edges { node { id serviceId currentSizeMB volume { id name } } } pageInfo { hasNextPage } } } } }
} }`;
const PROJECTS = `query HoldfastProjects { projects(first: ${RAILWAY_LISTED_MAX}) {
  edges { node { id name } } pageInfo { hasNextPage } } }`;
const PROJECT_TOKEN = 'query HoldfastToken { projectToken { project { id } } }';

/** Rejects as the API does; also when there is more than it can list. */
export async function takeEstate(
  api: RailwayApi,
  kind: 'account' | 'project',
  now: Date,
  urgency: Urgency,
): Promise<RailwayEstate> {
  const into = new EstateMaker(now);
  for (const id of await projectIds(api, kind, urgency)) {
    const found = await api.ask(PROJECT, { id }, z.object({ project }), urgency);
    into.add(found.project);
  }
  return into.estate();
}

async function projectIds(
  api: RailwayApi,
  kind: 'account' | 'project',
  urgency: Urgency,
): Promise<readonly string[]> {
  if (kind === 'project') {
    const shape = z.object({ projectToken: z.object({ project: z.object({ id: z.string() }) }) });
    const found = await api.ask(PROJECT_TOKEN, {}, shape, urgency);
    return [found.projectToken.project.id];
  }
  const shape = z.object({ projects: edges(named).extend({ pageInfo: page }) });
  const { projects } = await api.ask(PROJECTS, {}, shape, urgency);
  return projects.edges.map(({ node }) => node.id);
}

class EstateMaker {
  readonly #now: Date;
  readonly #environments: EstateEnvironment[] = [];
  readonly #volumes: EstateVolume[] = [];
  readonly #placed = new Placed();
  readonly #serviceNames = new Map<string, string>();

  constructor(now: Date) {
    this.#now = now;
  }

  add({
    id: projectId,
    name: projectName,
    workspaceId = null,
    ...rest
  }: z.infer<typeof project>): void {
    const services = this.#serviceNames;
    for (const { node } of rest.services.edges) services.set(node.id, node.name);
    for (const { node } of rest.environments.edges) {
      const { id, name } = node;
      this.#environments.push({ id, name, projectId, projectName });
      this.#placed.add('environment', id, id);
      this.#placed.add('project', projectId, id);
      if (workspaceId !== null) this.#placed.add('workspace', workspaceId, id);
      for (const bucket of rest.buckets?.edges ?? [])
        this.#placed.add('bucket', bucket.node.id, id);
      for (const { node: instance } of node.serviceInstances.edges) {
        this.#placed.add('service', instance.serviceId, id);
        services.set(instance.serviceId, instance.serviceName);
        const { customDomains = [], serviceDomains = [] } = instance.domains ?? {};
        for (const domain of [...customDomains, ...serviceDomains]) {
          this.#placed.add('domain', domain.id, id);
        }
      }
      for (const { node: instance } of node.volumeInstances.edges) {
        this.#placed.add('volume', instance.volume.id, id);
        this.#placed.add('volume-instance', instance.id, id);
        this.#volumes.push({
          volumeId: instance.volume.id,
          volumeName: instance.volume.name,
          instanceId: instance.id,
          environmentId: id,
          serviceName: services.get(instance.serviceId ?? '') ?? null,
          sizeMb: instance.currentSizeMB ?? null,
        });
      }
    }
  }

  estate(): RailwayEstate {
    return {
      environments: this.#environments,
      volumes: this.#volumes,
      serviceNames: this.#serviceNames,
      placed: this.#placed.sets,
      takenAt: this.#now,
    };
  }
}
