/** What a small account of Fly answers to our own question: one organization, two apps. */
const page = { pageInfo: { hasNextPage: false, endCursor: null } };
const app = (name: string, number: number, volume: string, machine: string) => ({
  id: name,
  name,
  internalNumericId: number,
  organization: { id: 'org-id', slug: 'my-org' },
  volumes: { nodes: [{ id: volume, internalId: `${number}0`, name: 'data', sizeGb: 10 }], ...page },
  machines: { nodes: [{ id: machine }], ...page },
});

/** In two pages. */
export function flyAnswer(body: string): unknown {
  const { query, variables } = JSON.parse(body) as {
    query: string;
    variables: { after: string | null };
  };
  if (!query.startsWith('query HoldfastApps')) return undefined;
  if (variables.after === null) {
    const pageInfo = { hasNextPage: true, endCursor: 'more' };
    return { data: { apps: { nodes: [app('my-app', 1, 'vol_prod', 'm-prod')], pageInfo } } };
  }
  return { data: { apps: { nodes: [app('my-test', 2, 'vol_test', 'm-test')], ...page } } };
}
