/**
 * What is kept before it is sent, when Holdfast is killed between the two or before the answer; and what a
 * sealed environment makes of the same request.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  createHoldfast,
  type Holdfast,
  loadConfig,
  systemClock,
} from '../../holdfast/src/holdfast.ts';
import { accepts, freePort } from '../../holdfast/src/testing/scratch-postgres.ts';
import { somebodysWord } from '../../holdfast/test/support/gateway.ts';
import { type Between, standBetween } from './support/between.ts';
import { CLI, type Guarded, startGuarded } from './support/guarded.ts';
import { startTown, type Town } from './support/town.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let town: Town;
let between: Between;
let guarded: Guarded;
let port: number;

beforeAll(async () => {
  town = await startTown();
  between = await standBetween(town.standIn);
  port = await freePort();
  guarded = await startGuarded(town, null, { origin: between.origin, port });
});
afterAll(async () => {
  await guarded?.stop();
  await between?.stop();
  await town?.stop();
});

const variables = (environment: string) =>
  Object.fromEntries(town.ready.world.variables(environment, town.ready.serviceId));

async function remove(environmentId: string, token: string): Promise<string> {
  const { projectId, serviceId } = town.ready;
  const i = { projectId, environmentId, serviceId, name: 'DATABASE_URL' };
  const query = 'mutation D($i: VariableDeleteInput!) { variableDelete(input: $i) }';
  const response = await fetch(`http://127.0.0.1:${port}/railway/graphql/v2`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { i } }),
  });
  return await response.text();
}

async function undone(holdfast: Holdfast, item: string): Promise<string> {
  const { person, code } = await somebodysWord(holdfast, '');
  const words = ['undo', 'apply', item, '--as', person, '--code', code, '--json'];
  return (await guarded.cli(...words)).out;
}

it('in a sealed environment people sign first; then it passes, and can be taken back', async () => {
  const { holdfast, tokens } = guarded;
  const { id } = town.ready.production;
  const before = variables(id);
  const held = await remove(id, tokens.production);
  const hold = /hold_[0-9a-z]{16}/.exec(held)?.[0] ?? '';
  const { card, peopleNeeded } = await holdfast.rooms.holds.show(hold);
  expect(peopleNeeded).toBe(2);
  expect(card.takingBack).toMatchObject({ reversal: 'inverse' });
  expect((await guarded.cli('holds', 'show', hold)).out).toContain('inverse: the state as it was');
  expect(await holdfast.rooms.undoStore.list({ limit: 1 })).toEqual([]);
  for (let count = 0; count < 2; count += 1) {
    await holdfast.rooms.holds.approve(await somebodysWord(holdfast, hold));
  }
  expect(await remove(id, tokens.production)).toContain('"data":{');
  expect(variables(id)).not.toHaveProperty('DATABASE_URL');
  const [item] = await holdfast.rooms.undoStore.list({ limit: 1 });
  expect(await undone(holdfast, item?.id ?? '')).toContain('"isWhole":true');
  expect(variables(id)).toEqual(before);
  // The approval was for once.
  expect(await remove(id, tokens.production)).toContain('HF_HELD');
});

it('holds a setting that Railway may change in production, too, by its own description', async () => {
  const { id } = town.ready.staging;
  const query = `mutation { serviceInstanceUpdate(environmentId: "${id}", serviceId: "${town.ready.serviceId}", input: {numReplicas: 2}) }`;
  const response = await fetch(guarded.base, {
    method: 'POST',
    headers: { authorization: `Bearer ${guarded.tokens.staging}` },
    body: JSON.stringify({ query }),
  });
  const hold = /hold_[0-9a-z]{16}/.exec(await response.text())?.[0] ?? '';
  const { card } = await guarded.holdfast.rooms.holds.show(hold);
  expect(card.takingBack).toMatchObject({
    reversal: 'defer',
    reason: expect.stringContaining('may change it in a stricter environment'),
  });
});

it.each([
  ['after Railway had it', 'lost'],
  ['before Railway had it', 'stopped'],
] as const)('killed %s: the item is there, and an undo finds out', async (_story, kind) => {
  const { id } = town.ready.staging;
  const before = variables(id);
  await guarded.leave();
  const arrived = new Promise<void>((done) => {
    between.way = async (body) => {
      if (!body.includes('variableDelete')) return 'pass';
      if (kind === 'lost') {
        town.ready.world.variables(id, town.ready.serviceId).delete('DATABASE_URL');
      }
      done();
      return 'stop';
    };
  });
  const gateway = await up();
  const asked = remove(id, guarded.tokens.staging).catch(() => 'no answer');
  await arrived;
  await killed(gateway);
  expect(await asked).toBe('no answer');
  between.way = () => 'pass';
  expect('DATABASE_URL' in variables(id)).toBe(kind === 'stopped');

  const config = loadConfig(guarded.configPath, {});
  const next = await createHoldfast({ config, env: {}, clock: systemClock, say: () => {} });
  try {
    const [item] = await next.rooms.undoStore.list({ limit: 1 });
    expect(item).toMatchObject({ state: 'kept', inverse: { happened: 'unknown' } });
    const shown = await guarded.cli('undo', 'preview', item?.id ?? '', '--json');
    expect(JSON.parse(shown.out).report.sql).toHaveLength(kind === 'lost' ? 1 : 0);
    expect(await undone(next, item?.id ?? '')).toContain('"isWhole":true');
    expect(variables(id)).toEqual(before);
  } finally {
    await next.stop();
  }
});

async function up(): Promise<ChildProcess> {
  const env = { ...process.env, HOLDFAST_CONFIG: guarded.configPath };
  const child = spawn(process.execPath, [CLI, 'up'], { env, stdio: 'ignore' });
  for (let tries = 0; tries < 600; tries += 1) {
    if (child.exitCode !== null) break;
    if (await accepts(port)) return child;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error('Holdfast did not start');
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await gone;
}
