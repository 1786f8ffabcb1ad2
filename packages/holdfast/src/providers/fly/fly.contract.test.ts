import { flyAnswer } from '../../testing/fly-estate.ts';
import { graphqlRequest, restRequest } from '../../testing/provider-requests.ts';
import { type ProviderUnderTest, providerSuite } from '../provider.suite.ts';
import { FlyProvider } from './provider.ts';

const COMMON: Pick<ProviderUnderTest, 'make' | 'answer' | 'production' | 'failsWithGoodStatus'> = {
  make: (options) => new FlyProvider(options),
  answer: ({ body, url }) => (url === '/graphql' ? flyAnswer(body) : undefined),
  production: { project: 'my-org', at: 'my-app' },
  failsWithGoodStatus: '{"errors":[{"message":"no"}],"data":null}',
};

const deleteVolume = (id: string) =>
  graphqlRequest(
    '/graphql',
    'mutation($i: DeleteVolumeInput!) { deleteVolume(input: $i) { app { name } } }',
    {
      i: { volumeId: id },
    },
  );

providerSuite('Fly by GraphQL', {
  ...COMMON,
  reads: graphqlRequest('/graphql', '{ app(name: "my-app") { name status } }'),
  destroys: deleteVolume('vol_prod'),
  destroysUnlisted: deleteVolume('vol_other'),
  unheardOf: graphqlRequest('/graphql', 'mutation { eraseVolume(volumeId: "vol_prod") { id } }'),
  handsOut: graphqlRequest('/graphql', '{ addOn(name: "redis") { password } }'),
  messageOf: (answer) => (answer as { errors?: { message?: unknown }[] }).errors?.[0]?.message,
});

providerSuite('Fly by Machines', {
  ...COMMON,
  reads: restRequest('GET /v1/apps/my-app/machines'),
  destroys: restRequest('DELETE /v1/apps/my-app/volumes/vol_prod'),
  destroysUnlisted: restRequest('DELETE /v1/apps/other/volumes/vol_prod'),
  unheardOf: restRequest('POST /v1/apps/my-app/erase'),
  handsOut: restRequest('GET /v1/apps/my-app/secrets?show_secrets=true'),
  messageOf: (answer) => (answer as { error?: unknown }).error,
});
