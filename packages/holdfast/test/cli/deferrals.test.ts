/**
 * `holdfast deferrals` and `holdfast proposals` as people use them: processes on one store, real
 * codes, and the gateway beside them that runs what two people brought forward.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TOTP, URI } from 'otpauth';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { Rooms, systemClock } from '../../src/holdfast.ts';
import type { Reading } from '../../src/model/effect.ts';
import { agentNamed } from '../../src/testing/agent-records.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import {
  freePort,
  type ScratchPostgres,
  startScratchPostgres,
} from '../../src/testing/scratch-postgres.ts';
import { intentOf, TARGET } from '../../src/testing/trail-fixtures.ts';
import { codeBefore } from '../support/one-time-codes.ts';
import { type Finished, typed } from '../support/typed-commands.ts';

const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');
const PROTECT = { kind: 'protect', rule: 'guarded.destroy', reason: 'No undo.' } as const;

let server: ScratchPostgres;
let gateway: ChildProcess | null = null;
const folder = scratchFolder('cli-deferrals');
const config = join(folder, 'holdfast.yaml');
const codes = new Map<string, TOTP>();

function env(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    HOLDFAST_CONFIG: config,
    HOLDFAST_KEY_FOLDER: join(folder, 'keys'),
    STORE_URL: server.url('ours'),
  };
}

function holdfast(...words: readonly string[]): Promise<Finished> {
  return typed({ words, env: env() });
}

async function json(...words: readonly string[]) {
  const { exit, out, err } = await holdfast(...words, '--json');
  expect({ exit, err }).toEqual({ exit: 0, err: '' });
  return JSON.parse(out);
}

/** With a code of the step before, so that the current one is fresh. */
async function enrol(name: string): Promise<void> {
  const totp = URI.parse((await json('people', 'add', name)).otpauth);
  if (!(totp instanceof TOTP)) throw new Error('not a TOTP');
  codes.set(name, totp);
  await json('people', 'confirm', name, '--code', await codeBefore(totp));
}

function as(name: string): string[] {
  return ['--as', name, '--code', codes.get(name)?.generate() ?? '000000'];
}

async function withRooms<T>(work: (rooms: Rooms) => Promise<T>): Promise<T> {
  const rooms = await Rooms.open({
    config: loadConfig(config, env()),
    env: env(),
    clock: systemClock,
    say: () => {},
  });
  try {
    return await work(rooms);
  } finally {
    await rooms.close();
  }
}

/** By the agent of `intentOf`, whom the store knows from the first one on. */
function scheduled(text: string, reading?: Reading): Promise<string> {
  return withRooms(async ({ agentStore, deferrals }) => {
    const intent = intentOf(text, reading);
    const { id: agentId, name } = intent.actor;
    await agentStore.addAgent(agentNamed(name, { id: agentId }));
    const { id } = await deferrals.schedule(intent, TARGET, PROTECT, null, ['public']);
    return id;
  });
}

/** As if its time were over. */
function bringForward(id: string): Promise<boolean> {
  return withRooms(async ({ deferralStore }) => {
    const digest = (await deferralStore.get(id))?.card.digest ?? '';
    return await deferralStore.hasten(id, digest, 0n);
  });
}

function withTrail(): Promise<string[]> {
  return withRooms(async ({ trailStore }) =>
    (await trailStore.read(0n, 10_000)).map(({ bytes }) => bytes.toString('utf8')),
  );
}

async function startGateway(): Promise<void> {
  const child = spawn(process.execPath, [MAIN, 'up'], { stdio: 'pipe', env: env() });
  gateway = child;
  await new Promise<void>((done, fail) => {
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('Holdfast listens')) done();
    });
    child.once('exit', (code) => fail(new Error(`up ended with ${code}: ${log}`)));
  });
}

beforeAll(async () => {
  server = await startScratchPostgres({ conf: ['fsync = on'] });
  const client = new pg.Client(server.url());
  await client.connect();
  for (const name of ['ours', 'app', 'doomed']) await client.query(`create database ${name}`);
  await client.query('create role books');
  await client.end();
  writeFileSync(
    config,
    `listen: { host: 127.0.0.1, port: ${await freePort()}, tls: off }
dashboard: off
store: { url: { env: STORE_URL } }
environments:
  production: { level: guarded }
  vaulted: { level: sealed }
targets:
  sealed-db:
    environment: vaulted
    upstream: { url: "${server.url('app')}" }
  main-db:
    environment: production
    upstream: { url: "${server.url('app')}" }
    protection: { owner: books }
`,
  );
});

afterAll(async () => {
  if (gateway?.exitCode === null) {
    const gone = new Promise((done) => gateway?.once('exit', done));
    gateway.kill('SIGINT');
    await gone;
  }
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('what waits out its grace', () => {
  it('is shown with its countdown, and one person calls it off', async () => {
    await enrol('ada');
    const id = await scheduled('drop database "x\u001b[2Ky"');
    const { out } = await holdfast('deferrals');
    expect(out).toContain(id);
    expect(out).toMatch(/in (47 h 59 min|2 days)/);
    expect(out).not.toContain('\u001b');
    const wrong = await holdfast('deferrals', 'cancel', id, '--as', 'ada', '--code', '000000');
    expect([wrong.exit, wrong.err.includes('HF_TOTP_WRONG')]).toEqual([1, true]);
    const agent = await holdfast('deferrals', 'cancel', id, ...as('cursor-backend'));
    expect([agent.exit, agent.err.includes('HF_NOT_FOUND')]).toEqual([1, true]);
    const { deferral } = await json('deferrals', 'cancel', id, '--note', 'no', ...as('ada'));
    expect(deferral).toMatchObject({ state: 'cancelled', decidedBy: 'ada', note: 'no' });
    expect((await json('deferrals')).deferrals).toEqual([]);
    expect((await json('deferrals', '--all')).deferrals).toHaveLength(1);
    const late = await holdfast('deferrals', 'cancel', id, ...as('ada'));
    expect([late.exit, late.err.includes('HF_DEFERRAL_STATE')]).toEqual([1, true]);
  });

  it('comes before its time only when two people sign, and then policy is asked again', async () => {
    const id = await scheduled('drop database doomed');
    const alone = await holdfast('deferrals', 'hasten', id);
    expect([alone.exit, alone.err.includes('HF_QUORUM')]).toEqual([1, true]);
    for (const name of ['ben', 'eve']) await enrol(name);
    const { out } = await holdfast('deferrals', 'hasten', id, '--json');
    const { proposal } = JSON.parse(out);
    expect(proposal).toMatchObject({ state: 'waiting', peopleNeeded: 2 });
    expect((await holdfast('proposals', 'show', proposal.id)).out).toContain(
      'drop database doomed',
    );
    const digest = ['--digest', proposal.card.digest.slice(0, 16)];
    await json('proposals', 'approve', proposal.id, ...digest, ...as('ben'));
    expect((await json('deferrals', 'show', id)).deferral.state).toBe('scheduled');
    const done = await json('proposals', 'approve', proposal.id, ...digest, ...as('eve'));
    expect(done.proposal).toMatchObject({ state: 'consumed', outcome: { kind: 'done' } });

    await startGateway();
    await expect
      .poll(async () => (await json('deferrals', 'show', id)).deferral, { timeout: 30_000 })
      .toMatchObject({ state: expect.stringMatching(/^(done|void)$/) });
    const { deferral } = await json('deferrals', 'show', id);
    // On a target that is not protected, policy holds it for people, and nobody signed for it.
    expect(deferral).toMatchObject({ state: 'void', note: expect.stringContaining('people') });
    expect((await json('trail', 'verify')).ok).toBe(true);
  });

  it('does not run for an agent that was paused since, and says so; for one that was not it does', async () => {
    const READS: Reading = {
      kind: 'understood',
      effects: [
        { kind: 'read', verb: 'SELECT', object: null, reach: 'none', additive: false, why: null },
      ],
    };
    const ended = async (id: string) => {
      await expect
        .poll(async () => (await json('deferrals', 'show', id)).deferral.state, { timeout: 30_000 })
        .toMatch(/^(done|void|failed)$/);
      return (await json('deferrals', 'show', id)).deferral;
    };
    const first = await scheduled('select 1', READS);
    await bringForward(first);
    expect(await ended(first)).toMatchObject({ state: 'done' });

    const second = await scheduled('select 2', READS);
    await json('agents', 'pause', 'cursor-backend', '--note', 'odd deletes');
    await bringForward(second);
    expect(await ended(second)).toMatchObject({
      state: 'void',
      note: expect.stringContaining('paused by the command line: odd deletes (agent.paused)'),
    });
    const { exit } = await holdfast('agents', 'resume', 'cursor-backend');
    expect(exit).toBe(0);

    // Hours are for asking: what was approved within them may be due at night.
    const night = ['--hours', 'Mon 00:00-00:01 UTC'];
    await json('agents', 'set', 'cursor-backend', ...night, '--effects', 'read,write');
    const third = await scheduled('select 3', READS);
    await bringForward(third);
    expect(await ended(third)).toMatchObject({ state: 'done' });

    await json('agents', 'set', 'cursor-backend', '--effects', 'write');
    const fourth = await scheduled('select 4', READS);
    await bringForward(fourth);
    expect(await ended(fourth)).toMatchObject({
      state: 'void',
      note: expect.stringContaining('agent.effect-kinds'),
    });
    const voids = (await withTrail()).filter((one) => one.includes('deferral-void'));
    expect(voids.some((one) => one.includes(second) && one.includes('agent.paused'))).toBe(true);
  }, 120_000);

  it.each([
    [
      'an unknown deferral',
      ['deferrals', 'show', 'deferral_0000000000000000'],
      'HF_DEFERRAL_UNKNOWN',
    ],
    [
      'an unknown proposal',
      ['proposals', 'show', 'proposal_0000000000000000'],
      'HF_PROPOSAL_UNKNOWN',
    ],
  ] as const)('answers %s in four parts', async (_story, words, code) => {
    const { exit, err } = await holdfast(...words);
    expect([exit, err.includes(code)]).toEqual([1, true]);
    for (const part of ['expected', 'found', 'do']) expect(err).toContain(`\n  ${part} `);
  });
});
