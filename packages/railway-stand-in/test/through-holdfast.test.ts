/**
 * The published request through Holdfast: refused with the token that lay about, held with the one
 * that is brokered, and nothing of it reached Railway. By the real clients, over both ways in.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { GraphQLClient } from 'graphql-request';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { Holdfast } from '../../holdfast/src/holdfast.ts';
import { fingerprintOf } from '../../holdfast/src/identity/credentials.ts';
import { missingCommand } from '../../holdfast/src/testing/commands.ts';
import {
  type ScratchPostgres,
  startScratchPostgres,
} from '../../holdfast/src/testing/scratch-postgres.ts';
import { somebodysWord } from '../../holdfast/test/support/gateway.ts';
import { type Guarded, startGuarded } from './support/guarded.ts';
import { startTown, type Town } from './support/town.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const NO_CURL = missingCommand('curl');
beforeEach((ctx) => ctx.skip(NO_CURL !== null, NO_CURL ?? ''));

let town: Town;
let database: ScratchPostgres;
let guarded: Guarded;
let holdfast: Holdfast;
let base: string;
let token: string;
let productionToken: string;

beforeAll(async () => {
  town = await startTown();
  database = await startScratchPostgres();
  await fill(database.url());
  guarded = await startGuarded(town, database.url());
  ({ base, holdfast } = guarded);
  ({ staging: token, production: productionToken } = guarded.tokens);
});
afterAll(async () => {
  await guarded?.stop();
  await town?.stop();
  await database?.stop();
});

/** 200,000 rentals; ANALYZE, so that the test need not wait for the server's own. */
async function fill(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(
    'create table rentals as select i as id, now() as at from generate_series(1, 200000) i',
  );
  await client.query('analyze rentals');
  await client.end();
}

const incident = (): string =>
  `{"query":"mutation { volumeDelete(volumeId: \\"${town.ready.volumeId}\\") }"}`;

/** As it was published: curl, the body called a form, the id in the text. */
async function curl(bearer: string, body: string): Promise<string> {
  const args = ['-s', '-X', 'POST', base, '-H', `Authorization: Bearer ${bearer}`, '-d', body];
  return (await promisify(execFile)('curl', args, { encoding: 'utf8' })).stdout;
}

const changed = (): readonly string[] =>
  town.standIn.executed
    .filter(({ operation }) => operation === 'mutation')
    .map(({ field }) => field);

it('refuses the token that lay about, and tells people by its fingerprint', async () => {
  const answer = await curl(town.ready.tokens.account, incident());
  expect(answer).toContain('HF_CREDENTIAL_FOREIGN');
  expect(answer).not.toContain(town.ready.tokens.account);
  const recorded = await guarded.recorded();
  expect(recorded).toContain('foreign-credential');
  expect(recorded).toContain(fingerprintOf(town.ready.tokens.account));
  expect(recorded).not.toContain(town.ready.tokens.account);
  expect(changed()).toEqual([]);
});

it('holds it with the brokered one: the card names production and the backups', async () => {
  const startedMs = performance.now();
  const answer = await curl(token, incident());
  const seconds = (performance.now() - startedMs) / 1000;
  expect(answer).toMatch(/hold_[0-9a-z]{16}/);
  expect(seconds).toBeLessThan(9);
  expect(changed()).toEqual([]);
  expect(town.ready.world.backups.size).toBeGreaterThan(0);
  const id = /hold_[0-9a-z]{16}/.exec(answer)?.[0] ?? '';
  const { card, peopleNeeded } = await holdfast.rooms.holds.show(id);
  expect(peopleNeeded).toBe(2);
  expect(card).toMatchObject({
    target: 'railway/car-rental/production',
    environment: 'production',
    environmentLevel: 'sealed',
  });
  expect(card.resolvedBy).toMatch(
    /found in .*staging.* and .*production|production.* and .*staging/,
  );
  const words = card.effects.map(({ why }) => why).join(' ');
  expect(words).toContain('all its backups');
  expect(words).toContain('postgres-volume of production (service postgres');
  expect(words).toContain('3 backups die with it');
  expect(words).toMatch(/database main-db with about 200,000 rows in 1 table\(s\), \d+ MB/);
});

it('is put off for 48 hours although two people approve it, and cancelled by one', async () => {
  const id = /hold_[0-9a-z]{16}/.exec(await curl(token, incident()))?.[0] ?? '';
  for (let count = 0; count < 2; count += 1) {
    await holdfast.rooms.holds.approve(await somebodysWord(holdfast, id));
  }
  const answer = await curl(token, incident());
  expect(answer).toContain('HF_DEFERRED');
  expect(changed()).toEqual([]);
  const [waiting] = await holdfast.rooms.deferrals.list('open');
  const leftMs = (waiting?.dueAt.getTime() ?? 0) - Date.now();
  expect(leftMs / 3_600_000).toBeCloseTo(48, 1);
  const deferralId = waiting?.id ?? '';
  const shown = await holdfast.rooms.deferrals.show(deferralId);
  expect(shown.statement.toString()).toBe(`POST /graphql/v2\n${incident()}`);
  const { person, code } = await somebodysWord(holdfast, id);
  const note = 'this is production';
  const signed = { kind: 'code', person, code } as const;
  await holdfast.rooms.deferrals.cancel({ deferralId, signed, note });
  expect(await holdfast.rooms.deferrals.list('open')).toEqual([]);
  expect(changed()).toEqual([]);
  expect(town.ready.world.volumes.has(town.ready.volumeId)).toBe(true);
});

it('passes what reads, and ordinary work in its own environment', async () => {
  const client = new GraphQLClient(base, { headers: { authorization: `Bearer ${token}` } });
  const { projectId, staging, serviceId } = town.ready;
  const found = await client.request<{ project: { name: string } }>(
    'query P($id: String!) { project(id: $id) { name } }',
    { id: projectId },
  );
  expect(found.project.name).toBe('car-rental');
  await client.request(
    'mutation D($input: CustomDomainCreateInput!) { customDomainCreate(input: $input) { id } }',
    {
      input: {
        projectId,
        environmentId: staging.id,
        serviceId,
        domain: 'staging.example.com',
      },
    },
  );
  expect(changed()).toEqual(['customDomainCreate']);
});

it('keeps a token of staging out of production, and says so in the shape of Railway', async () => {
  const { projectId, production, serviceId } = town.ready;
  const input = { projectId, environmentId: production.id, serviceId, domain: 'x.example.com' };
  const client = new GraphQLClient(base, { headers: { authorization: `Bearer ${token}` } });
  const asked = client.request(
    'mutation D($input: CustomDomainCreateInput!) { customDomainCreate(input: $input) { id } }',
    { input },
  );
  await expect(asked).rejects.toThrow(/not for this target/);
  const own = await fetch(base, {
    method: 'POST',
    headers: { authorization: `Bearer ${productionToken}` },
    body: JSON.stringify({
      query:
        'mutation D($input: CustomDomainCreateInput!) { customDomainCreate(input: $input) { id } }',
      variables: { input },
    }),
  });
  // Sealed: even an addition waits for people.
  expect(await own.text()).toMatch(/hold_[0-9a-z]{16}/);
  expect(changed()).toEqual(['customDomainCreate']);
});

it('lets a token of staging read staging, by whatever id, and nothing else', async () => {
  const { production, projectId, serviceId, staging } = town.ready;
  const ask = (query: string): Promise<string> => curl(token, JSON.stringify({ query }));
  const mine = [
    `{ project(id: "${projectId}") { name } }`,
    `{ service(id: "${serviceId}") { name } }`,
    `{ environment(id: "${staging.id}") { name } }`,
    `{ deployment(id: "${staging.deploymentId}") { status } }`,
    `{ volumeInstance(id: "${staging.volumeInstanceId}") { sizeMB } }`,
    `{ a: deployment(id: "${staging.deploymentId}") { status } me { name } }`,
  ];
  for (const query of mine) expect(await ask(query)).toMatch(/^\{"data":\{/);
  const theirs = [
    `{ environment(id: "${production.id}") { name } }`,
    `{ deployment(id: "${production.deploymentId}") { status } }`,
    `{ volumeInstance(id: "${production.volumeInstanceId}") { sizeMB } }`,
    `query Q($d: String = "${production.deploymentId}") { x: deployment(id: $d) { status } }`,
  ];
  for (const query of theirs) expect(await ask(query)).toContain('HF_TARGET_FORBIDDEN');
  const nobodys = await ask(
    '{ deployment(id: "00000000-0000-4000-8000-000000000000") { status } }',
  );
  expect(nobodys).toContain('HF_REFUSED');
});

it('counts what Railway does not know as sealed', async () => {
  const answer = await curl(token, '{"query":"mutation { volumeDelete(volumeId: \\"nobody\\") }"}');
  const id = /hold_[0-9a-z]{16}/.exec(answer)?.[0] ?? '';
  const { card } = await holdfast.rooms.holds.show(id);
  expect(card).toMatchObject({ target: 'railway (not found)', environmentLevel: 'sealed' });
});

it('opens what is staged before it is committed, and holds what it deletes', async () => {
  const { staging, volumeId, tokens } = town.ready;
  await town.ask(
    'mutation S($e: String!, $c: EnvironmentConfig!) { environmentStageChanges(environmentId: $e, input: $c) { id } }',
    { e: staging.id, c: { volumes: { [volumeId]: { isDeleted: true } } } },
    { kind: 'account', secret: tokens.account },
  );
  const before = changed().length;
  const body = JSON.stringify({
    query: `mutation { environmentPatchCommitStaged(environmentId: "${staging.id}") }`,
  });
  const answer = await curl(token, body);
  const id = /hold_[0-9a-z]{16}/.exec(answer)?.[0] ?? '';
  const { card } = await holdfast.rooms.holds.show(id);
  expect(card.effects).toContainEqual(
    expect.objectContaining({
      kind: 'destroy',
      object: expect.objectContaining({ type: 'volume' }),
    }),
  );
  expect(changed()).toHaveLength(before);
});

it('names the database on the card although its server is away, and still holds', async () => {
  await database.stop();
  const query = `mutation { again: volumeDelete(volumeId: "${town.ready.volumeId}") }`;
  const answer = await curl(token, JSON.stringify({ query }));
  const id = /hold_[0-9a-z]{16}/.exec(answer)?.[0] ?? '';
  const { card } = await holdfast.rooms.holds.show(id);
  const words = card.effects.map(({ why }) => why).join(' ');
  expect(words).toContain('database main-db, whose rows could not be counted (');
  expect(words).not.toContain('HoldfastError');
});
