/** Each client, by both ways in and both of Railway's host names: what it reads of a pass, a hold and a refusal. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { missingCommand } from '../../holdfast/src/testing/commands.ts';
import { CLIENTS, type WayIn } from './support/clients.ts';
import { type Guarded, startGuarded } from './support/guarded.ts';
import { startTown, type Town } from './support/town.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let town: Town;
let guarded: Guarded;
let ways: Readonly<Record<string, WayIn>>;

beforeAll(async () => {
  town = await startTown();
  guarded = await startGuarded(town, null);
  const { base, holdfast } = guarded;
  const authority = join(holdfast.rooms.keyFolder, 'authority.crt');
  const proxy = new URL(base).origin;
  const certificate = readFileSync(authority, 'utf8');
  const through = (host: string): WayIn => {
    return { kind: 'proxy', url: `https://${host}/graphql/v2`, proxy, authority, certificate };
  };
  ways = {
    'the base URL': { kind: 'base', url: base },
    'the proxy, to the old host': through('backboard.railway.app'),
    'the proxy, to the host of the docs': through('backboard.railway.com'),
    'the proxy, with the port said': through('backboard.railway.com:443'),
  };
});
afterAll(async () => {
  await guarded?.stop();
  await town?.stop();
});

const WAYS = [
  'the base URL',
  'the proxy, to the old host',
  'the proxy, to the host of the docs',
  'the proxy, with the port said',
];

const changes = (): number =>
  town.standIn.executed.filter(({ operation }) => operation === 'mutation').length;

describe.each(CLIENTS)('%s', (_name, client, command) => {
  const why = command === null ? null : missingCommand(command);
  it.for(WAYS)('by %s', async (name, ctx) => {
    ctx.skip(why !== null, why ?? '');
    const way = ways[name];
    if (way === undefined) throw new Error(`no way is called ${name}`);
    const { tokens } = guarded;
    const { projectId, volumeId } = town.ready;
    const read = `{ project(id: "${projectId}") { name } }`;
    expect(await client(way, tokens.staging, read)).toContain('car-rental');
    const destroy = `mutation { volumeDelete(volumeId: "${volumeId}") }`;
    const held = await client(way, tokens.staging, destroy);
    expect(held).toMatch(/Hold hold_[0-9a-z]{16} on railway\/car-rental\/production/);
    expect(held).toContain('Do not try to reach the same result by another');
    const found = await client(way, town.ready.tokens.account, destroy);
    expect(found).toMatch(/Do not use credentials you find/);
    expect(changes()).toBe(0);
  });
});
