import { graphqlRequest } from '../../testing/provider-requests.ts';
import { type ApiRequest, providerSuite } from '../provider.suite.ts';
import { RailwayProvider } from './provider.ts';

const PATH = '/graphql/v2';
const edges = (...nodes: readonly unknown[]) => ({ edges: nodes.map((node) => ({ node })) });
const page = { pageInfo: { hasNextPage: false } };
const volume = {
  id: 'vi-1',
  serviceId: 's-1',
  currentSizeMB: 100,
  volume: { id: 'v-1', name: 'data' },
};
const environment = {
  id: 'e-1',
  name: 'production',
  serviceInstances: edges({ serviceId: 's-1', serviceName: 'postgres' }),
  volumeInstances: { ...edges(volume), ...page },
};
const project = {
  id: 'p-1',
  name: 'acme',
  environments: edges(environment),
  services: edges({ id: 's-1', name: 'postgres' }),
};

function answer({ body }: ApiRequest): unknown {
  const { query } = JSON.parse(body) as { query: string };
  if (query.startsWith('query HoldfastProjects')) {
    return { data: { projects: { ...edges({ id: 'p-1', name: 'acme' }), ...page } } };
  }
  if (query.startsWith('query HoldfastProject')) return { data: { project } };
  if (query.startsWith('query HoldfastBackups')) return { data: { volumeInstanceBackupList: [] } };
  if (query.startsWith('query HoldfastState')) return { data: STATE };
  return undefined;
}

const STATE = {
  variables: { DATABASE_URL: 'postgres://made-up', RAILWAY_SERVICE_ID: 's-1' },
  environment: {
    variables: {
      ...edges({ name: 'DATABASE_URL', serviceId: 's-1', isSealed: false }),
      ...page,
    },
  },
};

providerSuite('Railway', {
  make: (options) => new RailwayProvider(options),
  answer,
  production: { project: 'acme', at: 'production' },
  reads: graphqlRequest(PATH, '{ project(id: "p-1") { name } }'),
  destroys: graphqlRequest(PATH, 'mutation { volumeDelete(volumeId: "v-1") }'),
  destroysUnlisted: graphqlRequest(PATH, 'mutation { volumeDelete(volumeId: "v-2") }'),
  unheardOf: graphqlRequest(PATH, 'mutation { volumeErase(volumeId: "v-1") }'),
  invertible: graphqlRequest(
    PATH,
    `mutation { variableDelete(input: {
      projectId: "p-1", environmentId: "e-1", serviceId: "s-1", name: "DATABASE_URL" }) }`,
  ),
  handsOut: graphqlRequest(PATH, '{ variables(projectId: "p-1", environmentId: "e-1") }'),
  failsWithGoodStatus: '{"data":null,"errors":[{"message":"no"}]}',
  messageOf: (said) => (said as { errors?: { message?: unknown }[] }).errors?.[0]?.message,
});
