/** A copy that is worked in again, on real servers: one that a person started in it is theirs, and stays so. */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { findPostgres, type PostgresBinaries } from '../../src/programs/postgres-binaries.ts';
import { runningPostmaster } from '../../src/programs/postmaster.ts';
import { noteLeft } from '../../src/recovery/restore/left-state.ts';
import { removeCopy } from '../../src/recovery/restore/remove-copy.ts';
import { openStandingCopy, type StandingCopy } from '../../src/recovery/restore/standing-copy.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { pullGround } from './pull-ground.ts';

const SEEN = { timeout: 60_000, interval: 50 };
const folder = scratchFolder('standing-copy');
const copy = join(folder, 'copy');
const data = join(copy, 'root', 'data');
const worker = join(copy, 'holdfast-worker');
let binaries: PostgresBinaries;

function open(): Promise<StandingCopy> {
  return openStandingCopy({
    ...{ folder: copy, target: 'shop', superuser: 'postgres', binaries: [], clock: systemClock },
    signal: new AbortController().signal,
  });
}

/** As `restore --into` says to. */
async function startedByPerson(): Promise<ChildProcess> {
  const words = ['-D', data, '-c', 'listen_addresses=', '-c', `unix_socket_directories=${data}`];
  const server = spawn(join(binaries.folder, 'postgres'), words, {
    ...{ cwd: data, stdio: 'ignore' },
    ...(binaries.runAs ?? {}),
  });
  await expect.poll(() => runningPostmaster(data)?.status, SEEN).toBe('ready');
  return server;
}

async function stopped(server: ChildProcess): Promise<void> {
  const gone = new Promise((done) => server.once('exit', done));
  server.kill('SIGINT');
  await gone;
}

beforeAll(async () => {
  const ground = await pullGround(null);
  await ground.server.stop();
  mkdirSync(join(copy, 'root'), { recursive: true });
  cpSync(ground.server.data, data, { recursive: true, preserveTimestamps: true });
  appendFileSync(join(data, 'postgresql.auto.conf'), '# Restored by Holdfast from a point\n');
  await ground.close();
  noteLeft(copy);
  binaries = await findPostgres({ major: 18, named: [], copyFolder: copy }, systemClock);
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('is nobody’s any more when it could not be started', async () => {
  const version = join(data, 'PG_VERSION');
  writeFileSync(version, '7\n');
  await expect(open()).rejects.toMatchObject({ code: 'HF_DRILL_NO_SERVER' });
  expect(existsSync(worker)).toBe(false);
  writeFileSync(version, '18\n');
});

it('keeps another out while it is worked in', async () => {
  const standing = await open();
  await expect(open()).rejects.toThrow('that nobody works in');
  await expect(removeCopy(copy, systemClock)).rejects.toThrow('that nobody works in');
  await standing.close();
  expect(existsSync(worker)).toBe(false);
});

it('lets a server of a person’s be, also where a command of ours was killed before', async () => {
  const server = await startedByPerson();
  for (const mark of [null, `999999999 1 ${hostname()}\n`]) {
    if (mark !== null) writeFileSync(worker, mark);
    await expect(open()).rejects.toThrow('that no server runs');
    await expect(removeCopy(copy, systemClock)).rejects.toThrow('that no server runs');
    expect(runningPostmaster(data)?.mark.pid).toBe(server.pid);
  }
  await stopped(server);
});

it('is not removed once a person’s server ran in it, whatever was done in it since', async () => {
  await expect(removeCopy(copy, systemClock)).rejects.toThrow('as Holdfast left it');
  const standing = await open();
  await standing.close();
  await expect(removeCopy(copy, systemClock)).rejects.toThrow('as Holdfast left it');
  expect(existsSync(join(data, 'PG_VERSION'))).toBe(true);
});

it('is removed after our own work in it', async () => {
  noteLeft(copy);
  const standing = await open();
  await standing.close();
  expect(await removeCopy(copy, systemClock)).toMatchObject({ wasThere: true, left: [] });
  expect(existsSync(copy)).toBe(false);
});
