/**
 * Railway's subscriptions by a real client: as they are, and through Holdfast. A mutation over a socket
 * destroys where nobody stands in front, and does not arrive where somebody does.
 */
import { type Client, createClient } from 'graphql-ws';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Guarded, startGuarded } from './support/guarded.ts';
import { pick, startTown, type Town } from './support/town.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let town: Town;
let guarded: Guarded;
beforeAll(async () => {
  town = await startTown();
  guarded = await startGuarded(town, null);
});
afterAll(async () => {
  await guarded?.stop();
  await town?.stop();
});
beforeEach(() => {
  town.standIn.executed.length = 0;
});

const wsOf = (url: string): string => url.replace(/^http/, 'ws');

interface Way {
  readonly url: string;
  readonly token: string;
  /** In the payload of `connection_init` instead of the header. */
  readonly inPayload?: boolean;
}

function clientOf({ url, token, inPayload = false }: Way): Client {
  const authorization = `Bearer ${token}`;
  const headers = inPayload ? {} : { authorization };
  class WithHeaders extends WebSocket {
    constructor(address: string, protocols: string) {
      super(address, protocols, { headers });
    }
  }
  return createClient({
    url: wsOf(url),
    webSocketImpl: WithHeaders,
    connectionParams: inPayload ? { Authorization: authorization } : {},
    retryAttempts: 0,
    lazyCloseTimeout: 0,
  });
}

/** All that comes, until it ends; what ended it badly is thrown. */
async function all(way: Way, query: string, variables: Record<string, unknown> = {}) {
  const client = clientOf(way);
  try {
    const found: unknown[] = [];
    for await (const one of client.iterate({ query, variables })) found.push(one);
    return found;
  } finally {
    await client.dispose();
  }
}

const LOGS =
  'subscription L($id: String!) { deploymentLogs(deploymentId: $id) { message tags { serviceId } } }';
const ALL_LOGS = 'subscription E($id: String!) { environmentLogs(environmentId: $id) { message } }';
const bare = (): Way => ({ url: town.standIn.url, token: town.ready.tokens.account });
const staging = (more: Partial<Way> = {}): Way => ({
  url: guarded.base,
  token: guarded.tokens.staging,
  ...more,
});
const changed = (): readonly string[] =>
  town.standIn.executed
    .filter(({ operation }) => operation === 'mutation')
    .map(({ field }) => field);

describe('as they are', () => {
  it('give the log there is, and each new line', async () => {
    const client = clientOf(bare());
    const { deploymentId } = town.ready.staging;
    const events = client.iterate({ query: LOGS, variables: { id: deploymentId } });
    const first = await events.next();
    expect(pick(first.value, 'data', 'deploymentLogs', 0, 'message')).toContain('ready to accept');
    await town.ask('mutation R($id: String!) { deploymentRestart(id: $id) }', { id: deploymentId });
    const second = await events.next();
    expect(pick(second.value, 'data', 'deploymentLogs', 0, 'message')).toBe(
      'Deployment is SUCCESS',
    );
    await events.return?.();
    await client.dispose();
  });

  it('give no log of what a token does not reach', async () => {
    const way = { url: town.standIn.url, token: 'nobody' };
    await expect(all(way, LOGS, { id: town.ready.staging.deploymentId })).rejects.toMatchObject([
      { message: 'Not Authorized' },
    ]);
  });

  it('and a mutation over a socket destroys', async () => {
    const lonely = await startTown();
    const { volumeId, tokens } = lonely.ready;
    const way = { url: lonely.standIn.url, token: tokens.account };
    const query = 'mutation D($id: String!) { volumeDelete(volumeId: $id) }';
    const [first] = await all(way, query, { id: volumeId });
    expect(first).toEqual({ data: { volumeDelete: true } });
    expect(lonely.ready.world.volumes.has(volumeId)).toBe(false);
    expect(lonely.ready.world.backups.size).toBe(0);
    await lonely.stop();
  });
});

describe('through Holdfast', () => {
  it.each([
    ['in the header', false],
    ['in connection_init', true],
  ])('give the log, to a token %s', async (_story, inPayload) => {
    const client = clientOf(staging({ inPayload }));
    const { deploymentId, id } = town.ready.staging;
    const logs = client.iterate({ query: LOGS, variables: { id: deploymentId } });
    const others = client.iterate({ query: ALL_LOGS, variables: { id } });
    for (const events of [logs, others]) {
      expect(JSON.stringify((await events.next()).value)).toContain('ready to accept');
      await events.return?.();
    }
    await client.dispose();
    expect(await guarded.recorded()).toContain('environmentLogs');
  });

  it('give no log of another environment', async () => {
    const asked = all(staging(), ALL_LOGS, { id: town.ready.production.id });
    await expect(asked).rejects.toMatchObject([{ extensions: { code: 'HF_TARGET_FORBIDDEN' } }]);
    // Nor by the id of a deployment, which names no environment.
    for (const [id, code] of [
      [town.ready.production.deploymentId, 'HF_TARGET_FORBIDDEN'],
      ['00000000-0000-4000-8000-000000000000', 'HF_UNSUPPORTED'],
    ] as const) {
      const byDeployment = all(staging(), LOGS, { id });
      await expect(byDeployment).rejects.toMatchObject([{ extensions: { code } }]);
    }
    expect(town.standIn.executed.filter(({ operation }) => operation === 'subscription')).toEqual(
      [],
    );
  });

  it.each<readonly [story: string, query: string]>([
    ['as it was published', 'mutation { volumeDelete(volumeId: "ID") }'],
    ['under an alias', 'mutation { n: volumeDelete(volumeId: "ID") }'],
    ['in a fragment', 'mutation { ...F } fragment F on Mutation { volumeDelete(volumeId: "ID") }'],
  ])('let no mutation pass: %s', async (_story, query) => {
    const { volumeId, world } = town.ready;
    const asked = all(staging(), query.replace('ID', volumeId));
    await expect(asked).rejects.toMatchObject([
      { extensions: { code: 'HF_UNSUPPORTED', hint: expect.stringContaining('POST /graphql/v2') } },
    ]);
    expect(changed()).toEqual([]);
    expect(world.volumes.has(volumeId)).toBe(true);
  });

  it('hold what hands out secrets, and one approval is good for either way', async () => {
    const { projectId, staging: environment } = town.ready;
    const query =
      'query V($p: String!, $e: String!) { variables(projectId: $p, environmentId: $e) }';
    const variables = { p: projectId, e: environment.id };
    const asked = all(staging(), query, variables);
    await expect(asked).rejects.toMatchObject([
      { message: expect.stringMatching(/hold_[0-9a-z]{16}/), extensions: { code: 'HF_HELD' } },
    ]);
    const response = await fetch(guarded.base, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${guarded.tokens.staging}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ query, variables }),
    });
    const byPost = /hold_[0-9a-z]{16}/.exec(await response.text())?.[0] ?? '';
    const bySocket = await all(staging(), query, variables).catch((errors) =>
      JSON.stringify(errors),
    );
    expect(bySocket).toContain(byPost);
    expect(town.standIn.executed.filter(({ field }) => field === 'variables')).toEqual([]);
  });

  it('refuse the credential that lay about, in connection_init as anywhere', async () => {
    const way = staging({ token: town.ready.tokens.account, inPayload: true });
    await expect(all(way, '{ me { id } }')).rejects.toMatchObject({ code: 4403 });
    const recorded = await guarded.recorded();
    expect(recorded).toContain('connection_init.Authorization');
    expect(recorded).not.toContain(town.ready.tokens.account);
  });
});
