/** What is asked and answered in `npm run bench:http`, the same by every way. */

export const PROJECT = { id: 'bench-project', name: 'bench', environment: 'staging' } as const;
export const ENVIRONMENT_ID = '5e0a8a3c-9f2c-4b0e-8f0b-6d1f4f0c7a11';
export const SERVICE_ID = 'c1d6b1de-3a51-4c57-9a86-0f6f6d2f0b22';
/** As Railway's path is behind Holdfast's name for it. */
export const PATH = '/railway/graphql/v2';

/** What an agent asks again and again while it waits for a deployment. */
export const QUERY =
  'query deployments($first: Int!, $input: DeploymentListInput!) { deployments(first: $first, input: $input) ' +
  '{ edges { node { id status createdAt } } } }';

/** Digits that the load client counts up in, when no two requests are to be the same. */
export const COUNTER = '0000000000';

export const BODY = JSON.stringify({
  query: QUERY,
  variables: {
    first: 1,
    input: {
      projectId: PROJECT.id,
      environmentId: ENVIRONMENT_ID,
      serviceId: SERVICE_ID,
      status: { in: [COUNTER] },
    },
  },
  operationName: 'deployments',
});

export const ANSWER = JSON.stringify({
  data: {
    deployments: {
      edges: [
        {
          node: {
            id: 'd3a0f7c2-6c5e-4a63-9d44-52f6e8a1c333',
            status: 'SUCCESS',
            createdAt: '2026-04-24T09:00:00.000Z',
          },
        },
      ],
    },
  },
});
