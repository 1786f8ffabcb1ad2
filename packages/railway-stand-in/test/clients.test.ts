/** The stand-in as clients meet it: tokens, errors, limits, an inventory, and real client libraries. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as rawRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ClientError, GraphQLClient } from 'graphql-request';
import { systemClock } from 'holdfast';
import { afterEach, describe, expect, it } from 'vitest';
import { loadCertificate } from '../../holdfast/src/protocols/postgres/certificate.ts';
import {
  type Bearer,
  headersOf,
  pick,
  startTown,
  type Town,
  type TownOptions,
} from './support/town.ts';

const HOSTS = ['backboard.railway.com', 'backboard.railway.app'];

const towns: Town[] = [];

async function newTown(options: TownOptions = {}): Promise<Town> {
  const town = await startTown(options);
  towns.push(town);
  return town;
}

afterEach(async () => {
  for (const town of towns.splice(0)) await town.stop();
});

function bearer(town: Town, kind: Bearer['kind']): Bearer {
  return { kind, secret: town.ready.tokens[kind] };
}

const q = (value: string): string => JSON.stringify(value);

describe('tokens', () => {
  it('of an account reach everything, and say who they are', async () => {
    const town = await newTown();
    const { data } = await town.ask(
      '{ me { email workspaces { name } } apiToken { workspaces { id } } }',
    );
    expect(pick(data, 'me', 'email')).toBe('owner@example.com');
    expect(pick(data, 'apiToken', 'workspaces', 0, 'id')).toBe(town.ready.workspaceId);
  });

  it('of a workspace reach its projects, and are nobody', async () => {
    const town = await newTown();
    const token = bearer(town, 'workspace');
    const me = await town.ask('{ me { id } }', {}, token);
    expect([me.status, me.data, me.errors[0]?.message]).toEqual([200, null, 'Not Authorized']);
    const { data } = await town.ask('{ projects { edges { node { id } } } }', {}, token);
    expect(pick(data, 'projects', 'edges', 0, 'node', 'id')).toBe(town.ready.projectId);
    const destroy = `mutation { volumeDelete(volumeId: ${q(town.ready.volumeId)}) }`;
    expect((await town.ask('mutation { userDelete }', {}, token)).errors).toHaveLength(1);
    expect((await town.ask(destroy, {}, token)).data).toEqual({ volumeDelete: true });
  });

  it('of a project reach one environment, by another header', async () => {
    const town = await newTown();
    const { staging, production, volumeId, projectId, serviceId } = town.ready;
    const token = bearer(town, 'project');
    const own = await town.ask(
      '{ projectToken { project { id } environment { name } } }',
      {},
      token,
    );
    expect(pick(own.data, 'projectToken', 'environment', 'name')).toBe('staging');
    const variables = (environmentId: string): string =>
      `{ variables(projectId: ${q(projectId)}, environmentId: ${q(environmentId)}, serviceId: ${q(serviceId)}) }`;
    expect((await town.ask(variables(staging.id), {}, token)).errors).toEqual([]);
    const refused = [
      variables(production.id),
      `mutation { volumeDelete(volumeId: ${q(volumeId)}) }`,
      `mutation { environmentDelete(id: ${q(production.id)}) }`,
      `mutation { projectDelete(id: ${q(projectId)}) }`,
      `mutation { serviceDelete(id: ${q(serviceId)}) }`,
      'mutation { apiTokenCreate(input: { name: "x" }) }',
      '{ me { id } }',
    ];
    for (const query of refused) {
      const { errors, data } = await town.ask(query, {}, token);
      expect([query, data, errors.map(({ message }) => message)]).toEqual([
        query,
        null,
        ['Not Authorized'],
      ]);
    }
    expect(town.ready.world.backups.size).toBe(6);
    const here = `mutation { environmentDelete(id: ${q(staging.id)}) }`;
    expect((await town.ask(here, {}, token)).errors).toEqual([]);
  });

  it('that are none are refused in words, in either header and the wrong one', async () => {
    const town = await newTown();
    const query = `mutation { volumeDelete(volumeId: ${q(town.ready.volumeId)}) }`;
    const wrong: readonly Bearer[] = [
      { kind: 'account', secret: 'none' },
      { kind: 'project', secret: 'none' },
      { kind: 'account', secret: town.ready.tokens.project },
      { kind: 'project', secret: town.ready.tokens.account },
    ];
    const said = [];
    for (const token of wrong) {
      const { status, errors } = await town.ask(query, {}, token);
      said.push(`${status} ${errors[0]?.message}`);
    }
    const [none, noProject] = ['200 Not Authorized', '200 Project Token not found'];
    expect(said).toEqual([none, noProject, none, noProject]);
    expect(town.ready.world.backups.size).toBe(6);
  });

  it('can be made by a token, and work at once', async () => {
    const town = await newTown();
    const made = await town.ask('mutation { apiTokenCreate(input: { name: "mine" }) }');
    const secret = String(pick(made.data, 'apiTokenCreate'));
    expect((await town.ask('{ me { id } }', {}, { kind: 'account', secret })).errors).toEqual([]);
    const { projectId, production } = town.ready;
    const input = `{ name: "p", projectId: ${q(projectId)}, environmentId: ${q(production.id)} }`;
    const other = await town.ask(`mutation { projectTokenCreate(input: ${input}) }`);
    const project = {
      kind: 'project',
      secret: String(pick(other.data, 'projectTokenCreate')),
    } as const;
    const { data } = await town.ask('{ projectToken { environmentId } }', {}, project);
    expect(pick(data, 'projectToken', 'environmentId')).toBe(production.id);
  });
});

describe('answers', () => {
  it('are 200 with errors and a path for what ran, and 400 for what did not', async () => {
    const town = await newTown();
    const gone = await town.ask('mutation { x: volumeDelete(volumeId: "gone") }');
    expect([gone.status, gone.data, gone.errors]).toEqual([
      200,
      null,
      [{ message: 'Volume not found', path: ['x'], extensions: { code: 'NOT_FOUND' } }],
    ]);
    const unknown = await town.ask('mutation { volumeDestroy(volumeId: "gone") }');
    expect([unknown.status, unknown.errors[0]?.message]).toEqual([
      400,
      'Cannot query field "volumeDestroy" on type "Mutation".',
    ]);
    expect(town.standIn.executed).toHaveLength(1);
  });

  it('come from no other path and method', async () => {
    const town = await newTown();
    const other = await fetch(town.standIn.url.replace('/v2', '/v1'), { method: 'POST' });
    const got = await fetch(`${town.standIn.url}?query={me{id}}`);
    expect([other.status, got.status]).toEqual([404, 405]);
  });

  it('count requests, and refuse with 429 what is too many', async () => {
    const town = await newTown({ rateLimit: { requestsPerHour: 3, requestsPerSecond: 2 } });
    const query = '{ __typename }';
    const first = await town.ask(query);
    expect(first.headers.get('x-ratelimit-limit')).toBe('3');
    expect(first.headers.get('x-ratelimit-remaining')).toBe('2');
    expect((await town.ask(query)).status).toBe(200);
    const hasty = await town.ask(query);
    expect([hasty.status, hasty.headers.get('retry-after')]).toEqual([429, '1']);
    town.clock.nowMs += 2_000;
    const late = await town.ask(query);
    expect([late.status, late.headers.get('retry-after')]).toEqual([429, '3598']);
    town.clock.nowMs += 3_600_000;
    expect((await town.ask(query)).status).toBe(200);
  });

  it('take every mutation by name, and write it down with its arguments', async () => {
    const town = await newTown();
    const { data, errors } = await town.ask(
      'mutation { webhookTest(payload: "{}", url: "http://127.0.0.1") ' +
        'sshPublicKeyCreate(input: { name: "k", publicKey: "ssh-ed25519 A" }) { id name fingerprint } ' +
        'usageLimitSet(input: { customerId: "c", softLimitDollars: 5 }) }',
    );
    expect(errors).toEqual([]);
    expect(pick(data, 'sshPublicKeyCreate', 'name')).toBe('k');
    expect(town.standIn.executed.map(({ field }) => field)).toEqual([
      'webhookTest',
      'sshPublicKeyCreate',
      'usageLimitSet',
    ]);
    expect(town.standIn.executed[0]?.args).toEqual({ payload: '{}', url: 'http://127.0.0.1' });
  });
});

describe('a rehearsal', () => {
  it('writes down every call of the schema, and does nothing', async () => {
    const town = await newTown({ rehearsal: true });
    const { volumeId, world } = town.ready;
    const query = `mutation { a: volumeDelete(volumeId: "x") b: volumeDelete(volumeId: ${q(volumeId)})
      environmentStageChanges(environmentId: "e", input: {}) { id status environment { id name } }
      projectMemberRemove(input: { projectId: "p", userId: "u" }) { id } sandboxExec(
        environmentId: "e", id: "s", command: "ls") { exitCode } }`;
    const { errors, data } = await town.ask(query, {}, { kind: 'account', secret: 'nobody' });
    expect(errors).toEqual([]);
    expect(pick(data, 'b')).toBe(true);
    expect(
      (
        await town.ask(
          '{ projects { edges { node { id } } } variables(projectId: "p", ' +
            'environmentId: "e") me { id } }',
        )
      ).errors,
    ).toEqual([]);
    expect(town.standIn.executed.map(({ field }) => field)).toEqual([
      'volumeDelete',
      'volumeDelete',
      'environmentStageChanges',
      'projectMemberRemove',
      'sandboxExec',
      'projects',
      'variables',
      'me',
    ]);
    expect(world.backups.size).toBe(6);
  });
});

describe('domains', () => {
  it('are added, listed and removed: what the token was made for', async () => {
    const town = await newTown();
    const { projectId, serviceId, staging } = town.ready;
    const place = `projectId: ${q(projectId)}, environmentId: ${q(staging.id)}, serviceId: ${q(serviceId)}`;
    const made = await town.ask(
      `mutation { customDomainCreate(input: { ${place}, domain: "new.example" }) { id domain serviceId } }`,
    );
    expect(pick(made.data, 'customDomainCreate', 'serviceId')).toBe(serviceId);
    const list = `{ domains(${place}) { customDomains { domain } serviceDomains { domain } } }`;
    const names = async () => pick((await town.ask(list)).data, 'domains', 'customDomains');
    expect(await names()).toEqual([
      { domain: 'staging.car-rental.example' },
      { domain: 'new.example' },
    ]);
    const id = String(pick(made.data, 'customDomainCreate', 'id'));
    await town.ask(`mutation { customDomainDelete(id: ${q(id)}) }`);
    expect(await names()).toEqual([{ domain: 'staging.car-rental.example' }]);
  });
});

describe('an inventory', () => {
  it('finds the id that two environments share, and the backups that would die', async () => {
    const town = await newTown();
    const { projectId, volumeId, production } = town.ready;
    const query = `query($p: String!) { project(id: $p) {
      id name workspaceId primaryEnvironmentId
      buckets { edges { node { id name } } }
      environments { edges { node { id name isEphemeral canAccess deletedAt unmergedChangesCount
        serviceInstances { edges { node { serviceId serviceName startCommand } } }
        volumeInstances(first: 1) { edges { node { id serviceId mountPath environmentId currentSizeMB
          sizeMB state deletedAt isPendingDeletion volume { id name } } }
          pageInfo { hasNextPage endCursor } } } } }
      services { edges { node { id name } } }
      volumes { edges { node { id name createdAt } } } } }`;
    const { data, errors } = await town.ask(query, { p: projectId });
    expect(errors).toEqual([]);
    expect(pick(data, 'project', 'primaryEnvironmentId')).toBe(production.id);
    const ids = [0, 1].map((place) =>
      pick(
        data,
        'project',
        'environments',
        'edges',
        place,
        'node',
        'volumeInstances',
        'edges',
        0,
        'node',
        'volume',
        'id',
      ),
    );
    expect(ids).toEqual([volumeId, volumeId]);
    const evidence = `query($i: String!) {
      volumeInstanceBackupList(volumeInstanceId: $i) { id name createdAt expiresAt usedMB scheduleId }
      volumeInstanceBackupScheduleList(volumeInstanceId: $i) { kind cron retentionSeconds } }`;
    const found = await town.ask(evidence, { i: production.volumeInstanceId });
    expect(found.errors).toEqual([]);
    expect(pick(found.data, 'volumeInstanceBackupList')).toHaveLength(3);
    expect(pick(found.data, 'volumeInstanceBackupScheduleList', 0, 'kind')).toBe('DAILY');
  });

  it('pages', async () => {
    const town = await newTown();
    const page = (after: string | null) =>
      town.ask(
        `query($a: String) { environments(projectId: ${q(town.ready.projectId)}, first: 1, after: $a) {
          edges { node { name } } pageInfo { hasNextPage endCursor } } }`,
        { a: after },
      );
    const first = (await page(null)).data;
    expect(pick(first, 'environments', 'edges', 0, 'node', 'name')).toBe('production');
    expect(pick(first, 'environments', 'pageInfo', 'hasNextPage')).toBe(true);
    const second = (await page(String(pick(first, 'environments', 'pageInfo', 'endCursor')))).data;
    expect(pick(second, 'environments', 'edges', 0, 'node', 'name')).toBe('staging');
    expect(pick(second, 'environments', 'pageInfo', 'hasNextPage')).toBe(false);
  });
});

describe('soft delete', () => {
  it('marks for 48 hours, and then it is done', async () => {
    const town = await newTown({ softDelete: true });
    const { volumeId, production, world } = town.ready;
    const { data } = await town.ask(`mutation { volumeDelete(volumeId: ${q(volumeId)}) }`);
    expect(data).toEqual({ volumeDelete: true });
    const look = `{ volumeInstance(id: ${q(production.volumeInstanceId)}) {
      state deletedAt isPendingDeletion } }`;
    const marked = await town.ask(look);
    expect(pick(marked.data, 'volumeInstance')).toEqual({
      state: 'DELETING',
      deletedAt: '2026-04-24T15:00:00.000Z',
      isPendingDeletion: true,
    });
    town.clock.nowMs += 47 * 3_600_000;
    await town.standIn.settle();
    expect(world.volumeInstances.size).toBe(2);
    town.clock.nowMs += 3_600_000;
    await town.standIn.settle();
    expect([world.volumeInstances.size, world.backups.size]).toEqual([0, 0]);
  });

  it('of a project can be cancelled, and forced', async () => {
    const town = await newTown();
    const { projectId, world } = town.ready;
    const ask = (field: string) => town.ask(`mutation { ${field}(id: ${q(projectId)}) }`);
    await ask('projectScheduleDelete');
    await ask('projectScheduleDeleteCancel');
    town.clock.nowMs += 49 * 3_600_000;
    await town.standIn.settle();
    expect(world.projects.size).toBe(1);
    await ask('projectScheduleDelete');
    town.clock.nowMs += 48 * 3_600_000;
    await town.standIn.settle();
    expect(world.projects.size).toBe(0);
  });
});

describe('clients', () => {
  it('by HTTPS, under both of the names that Railway has', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stand-in-tls-'));
    await loadCertificate({ folder, own: null, hosts: HOSTS, clock: systemClock });
    const cert = readFileSync(join(folder, 'holdfast.crt'), 'utf8');
    const key = readFileSync(join(folder, 'holdfast.key'), 'utf8');
    rmSync(folder, { recursive: true });
    const town = await newTown({ tls: { key, cert } });
    for (const servername of HOSTS) {
      const status = await new Promise((done, fail) => {
        const request = tlsRequest(
          town.standIn.url,
          { method: 'POST', ca: cert, servername },
          (response) => done(response.resume().statusCode),
        );
        request.on('error', fail);
        request.end('{"query":"{ __typename }"}');
      });
      expect(status).toBe(200);
    }
  });

  it('graphql-request works, and sees errors in an answer of 200', async () => {
    const town = await newTown();
    const headers = headersOf(bearer(town, 'account'));
    const client = new GraphQLClient(town.standIn.url, { headers });
    const { volumeId } = town.ready;
    const mutation = 'mutation Wipe($id: String!) { volumeDelete(volumeId: $id) }';
    await expect(client.request(mutation, { id: 'gone' })).rejects.toThrow(ClientError);
    expect(await client.request(mutation, { id: volumeId })).toEqual({ volumeDelete: true });
  });

  it('compressed, in pieces, without a type and without a length', async () => {
    const town = await newTown();
    const query = `mutation { volumeDelete(volumeId: ${q(town.ready.volumeId)}) }`;
    const body = gzipSync(JSON.stringify({ query }));
    const headers = { ...headersOf(bearer(town, 'account')), 'content-encoding': 'gzip' };
    const answer = await new Promise<string>((done, fail) => {
      const request = rawRequest(town.standIn.url, { method: 'POST', headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () => done(text));
      });
      request.on('error', fail);
      request.write(body.subarray(0, 10));
      request.end(body.subarray(10));
    });
    expect(answer).toBe('{"data":{"volumeDelete":true}}');
    expect(town.ready.world.volumes.size).toBe(0);
  });

  it('a batch runs in order where batching is on, and two requests at once run in turn', async () => {
    const town = await newTown({ batching: true });
    const headers = headersOf(bearer(town, 'account'));
    const one = (id: string) => ({ query: `mutation { volumeDelete(volumeId: ${q(id)}) }` });
    const body = JSON.stringify([one(town.ready.volumeId), one(town.ready.volumeId)]);
    const response = await fetch(town.standIn.url, { method: 'POST', headers, body });
    const answers: unknown = await response.json();
    expect(pick(answers, 0, 'data')).toEqual({ volumeDelete: true });
    expect(pick(answers, 1, 'errors', 0, 'message')).toBe('Volume not found');
    const names = ['a', 'b', 'c'].map((name) =>
      town.ask(`mutation { ${name}: fairUseAgree(agree: true) }`),
    );
    await Promise.all(names);
    expect(town.standIn.executed).toHaveLength(5);
  });
});
