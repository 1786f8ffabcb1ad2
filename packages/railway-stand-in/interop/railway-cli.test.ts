/**
 * The real Railway CLI, which cannot be pointed anywhere else: through the forward proxy, with a Holdfast
 * token in the place of its own and Holdfast's authority for the one of its certificates. No part of
 * `npm test`, since it is no npm package:
 *
 *     cargo install railwayapp --version 5.43.1 --locked
 *     RAILWAY_CLI=~/.cargo/bin/railway npm run interop
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Guarded, startGuarded } from '../test/support/guarded.ts';
import { startTown, type Town } from '../test/support/town.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const CLI = process.env['RAILWAY_CLI'] ?? '';

let town: Town;
let guarded: Guarded;
let home: string;

beforeAll(async () => {
  if (CLI === '')
    throw new Error('RAILWAY_CLI must name the Railway CLI: see the top of this file.');
  town = await startTown();
  guarded = await startGuarded(town, null);
  home = mkdtempSync(join(tmpdir(), 'railway-cli-'));
});
afterAll(async () => {
  await guarded?.stop();
  await town?.stop();
  if (home !== undefined) rmSync(home, { recursive: true });
});

interface Ran {
  readonly code: number;
  /** What it prints, to either of its outputs. */
  readonly words: string;
  /** Mutations that reached Railway meanwhile. */
  readonly changes: readonly string[];
}

/** As an agent has it: a Holdfast token where a token of Railway's would be, and the proxy. */
async function railway(
  args: readonly string[],
  own: Record<string, string> = {},
  msMax = 30_000,
): Promise<Ran> {
  const { executed } = town.standIn;
  const before = executed.length;
  const { projectId, serviceId, staging } = town.ready;
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: home,
    NO_COLOR: '1',
    HTTPS_PROXY: new URL(guarded.base).origin,
    SSL_CERT_FILE: join(guarded.holdfast.rooms.keyFolder, 'authority.crt'),
    RAILWAY_API_TOKEN: guarded.tokens.staging,
    RAILWAY_PROJECT_ID: projectId,
    RAILWAY_ENVIRONMENT_ID: staging.id,
    RAILWAY_SERVICE_ID: serviceId,
    ...own,
  };
  // `script` (util-linux) gives it a terminal.
  const [program, all] =
    own['terminal'] === undefined
      ? [CLI, args]
      : ['script', ['-qec', [CLI, ...args].join(' '), '/dev/null']];
  const [code, words] = await new Promise<[number, string]>((done) => {
    execFile(program, all, { cwd: home, env, timeout: msMax }, (error, out, err) => {
      done([error === null ? 0 : Number(error.code ?? 1), out + err]);
    });
  });
  const changes = executed
    .slice(before)
    .filter(({ operation }) => operation === 'mutation')
    .map(({ field }) => field)
    // It tells Railway which of its commands was used, whatever came of it.
    .filter((field) => field !== 'cliEventTrack');
  return { code, words, changes };
}

it('says who it is, and lists what there is', async () => {
  expect(await railway(['whoami'])).toMatchObject({
    code: 0,
    words: expect.stringContaining('owner@example.com'),
  });
  expect((await railway(['list'])).words).toContain('car-rental');
  expect((await railway(['status'])).words).toContain('staging');
  expect((await railway(['volume', 'list'])).words).toContain('postgres-volume');
});

it('adds a domain in staging: what the token of the incident was made for', async () => {
  const { code, words, changes } = await railway(['domain', 'staging.example.com']);
  expect({ code, changes }).toEqual({ code: 0, changes: ['customDomainCreate'] });
  expect(words).toContain('staging.example.com');
});

it('sets a variable in staging, which passes since it can be taken back', async () => {
  const ran = await railway(['variables', '--set', 'COLOUR=blue', '--skip-deploys']);
  expect(ran).toMatchObject({ code: 0, changes: ['variableCollectionUpsert'] });
  const { serviceId, staging, world } = town.ready;
  expect(world.variables(staging.id, serviceId).get('COLOUR')).toBe('blue');
  const items = await guarded.holdfast.rooms.undoStore.list({ limit: 10 });
  expect(items.map(({ inverse }) => inverse?.happened)).toEqual(['done']);
});

it('reads the log of a deployment, and on a terminal follows it over a WebSocket', async () => {
  const last = (): string | undefined =>
    town.standIn.executed.findLast(({ field }) => field === 'deploymentLogs')?.operation;
  expect((await railway(['logs', '--lines', '5'])).words).toContain('ready to accept');
  expect(last()).toBe('query');
  // It follows until somebody ends it.
  const followed = await railway(['logs'], { terminal: 'yes' }, 4_000);
  expect(followed.words).toContain('ready to accept');
  expect(last()).toBe('subscription');
});

it('does not delete the volume, and shows the hold and what to do', async () => {
  const { volumeId } = town.ready;
  const { code, words, changes } = await railway(['volume', 'delete', '-v', volumeId, '-y']);
  expect(code).not.toBe(0);
  expect(words).toMatch(/Hold hold_[0-9a-z]{16} on railway\/car-rental\/production/);
  expect(words).toContain('Do not try to reach the same result by another');
  expect(changes).toEqual([]);
  expect(town.ready.world.volumes.has(volumeId)).toBe(true);
});

it.each<readonly [story: string, args: () => string[]]>([
  ['the project', () => ['delete', '-p', town.ready.projectId, '-y']],
  ['the environment of production', () => ['environment', 'delete', 'production', '-y']],
  ['the environment of staging', () => ['environment', 'delete', 'staging', '-y']],
])('does not delete %s', async (_story, args) => {
  const { code, words, changes } = await railway(args());
  expect(code).not.toBe(0);
  expect(words).toMatch(/Hold hold_[0-9a-z]{16}|The token is not for this target/);
  expect(changes).toEqual([]);
});

it('does not read the secrets of the service without a person', async () => {
  const { words } = await railway(['variables']);
  expect(words).toMatch(/Hold hold_[0-9a-z]{16} on railway\/car-rental\/staging/);
  expect(words).not.toContain('made-up');
});

it.each<readonly [story: string, own: () => Record<string, string>]>([
  ['of the account', () => ({ RAILWAY_API_TOKEN: town.ready.tokens.account })],
  ['of a project', () => ({ RAILWAY_API_TOKEN: '', RAILWAY_TOKEN: town.ready.tokens.project })],
])(
  'is refused with a real token %s, and neither logs in again nor tries twice',
  async (_story, own) => {
    const before = town.standIn.executed.length;
    const { code, words } = await railway(['status'], own());
    expect(code).not.toBe(0);
    expect(words).toContain('Do not use credentials you find');
    expect(words).not.toMatch(/log ?in/i);
    expect(town.standIn.executed.length).toBe(before);
  },
);
