/** Settings of services and domains as they stand, each as JSON text; null: it is not set. */
import { z } from 'zod';
import { RAILWAY_LISTED_MAX } from '../../../model/limits.ts';
import type { RailwayApi } from '../api.ts';
import { notWhole } from './variables.ts';

/**
 * What of `serviceInstanceUpdate` is set again to the letter. Left out: what runs code or chooses which
 * code runs (commands, source, builder, Dockerfile, plans, folders, files of configuration), where data
 * lies (region), and what cannot be read (credentials of a registry, the map of regions).
 */
export const INSTANCE_SETTINGS = [
  'drainingSeconds',
  'healthcheckPath',
  'healthcheckTimeout',
  'ipv6EgressEnabled',
  'numReplicas',
  'overlapSeconds',
  'restartPolicyMaxRetries',
  'restartPolicyType',
  'sleepApplication',
  'watchPatterns',
] as const;
/** Not its name: by that Holdfast knows which database it holds, and a card would not say what dies. */
export const SERVICE_SETTINGS = ['icon'] as const;
export const DOMAIN_SETTINGS = ['targetPort'] as const;
/** Of volumes. */
export const NAME = ['name'] as const;

const INSTANCE = `query HoldfastInstance($environmentId: String!, $serviceId: String!) {
  serviceInstance(environmentId: $environmentId, serviceId: $serviceId) { ${INSTANCE_SETTINGS.join(' ')} } }`;
const SERVICE = `query HoldfastService($id: String!) { service(id: $id) { ${SERVICE_SETTINGS.join(' ')} } }`;
const DOMAIN = `query HoldfastDomain($id: String!, $projectId: String!) {
  customDomain(id: $id, projectId: $projectId) { environmentId ${DOMAIN_SETTINGS.join(' ')} } }`;

const VOLUMES = `query HoldfastNames($id: String!) { project(id: $id) {
  volumes(first: ${RAILWAY_LISTED_MAX}) { edges { node { id name } } } } }`;

const settings = z.record(z.string(), z.json());
type Found = Readonly<Record<string, z.infer<ReturnType<typeof z.json>>>>;

/** Names with JSON text; what is not set is not in it. Rejects when Railway does not answer. */
export type Settings = ReadonlyMap<string, string>;

export async function instanceSettings(
  api: RailwayApi,
  at: { readonly environmentId: string; readonly serviceId: string },
): Promise<Settings> {
  const shape = z.object({ serviceInstance: settings });
  const { serviceInstance } = await api.ask(INSTANCE, at, shape, 'needed');
  return textsOf(serviceInstance, INSTANCE_SETTINGS);
}

export async function serviceSettings(api: RailwayApi, id: string): Promise<Settings> {
  const shape = z.object({ service: settings });
  const { service } = await api.ask(SERVICE, { id }, shape, 'needed');
  return textsOf(service, SERVICE_SETTINGS);
}

export async function domainSettings(
  api: RailwayApi,
  at: { readonly projectId: string; readonly environmentId: string; readonly domainId: string },
): Promise<Settings> {
  const { domainId: id, environmentId, projectId } = at;
  const shape = z.object({ customDomain: settings });
  const { customDomain } = await api.ask(DOMAIN, { id, projectId }, shape, 'needed');
  if (customDomain['environmentId'] !== environmentId) {
    throw notWhole(`a domain of another environment: ${id}`);
  }
  return textsOf(customDomain, DOMAIN_SETTINGS);
}

/** There is no question for one volume. What is not on the list has no name that is known. */
export async function volumeSettings(
  api: RailwayApi,
  at: { readonly projectId: string; readonly volumeId: string },
): Promise<Settings> {
  const volumes = z.object({ edges: z.array(z.object({ node: settings })) });
  const shape = z.object({ project: z.object({ volumes }) });
  const { project } = await api.ask(VOLUMES, { id: at.projectId }, shape, 'needed');
  const found = project.volumes.edges.find(({ node }) => node['id'] === at.volumeId);
  return textsOf(found?.node ?? {}, NAME);
}

function textsOf(found: Found, names: readonly string[]): Settings {
  const texts = new Map<string, string>();
  for (const name of names) {
    const value = found[name];
    if (value !== undefined && value !== null) texts.set(name, JSON.stringify(value));
  }
  return texts;
}
