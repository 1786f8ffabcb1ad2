/**
 * The command line against a running `holdfast up`, as an operator and an agent use it: real
 * processes, a real PostgreSQL behind the gateway, a real client in front.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TOTP, URI } from 'otpauth';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import {
  freePort,
  type ScratchPostgres,
  startScratchPostgres,
} from '../../src/testing/scratch-postgres.ts';
import { codeBefore } from '../support/one-time-codes.ts';

const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');
const COMMAND_MS_MAX = 60_000;

let upstream: ScratchPostgres;
let gateway: ChildProcess;
const folder = scratchFolder('cli-test');
const config = join(folder, 'holdfast.yaml');

interface Finished {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

function holdfast(words: readonly string[], input = ''): Promise<Finished> {
  return new Promise((done) => {
    const env = { ...process.env, HOLDFAST_CONFIG: config };
    const child = execFile(
      process.execPath,
      [MAIN, ...words],
      { env, timeout: COMMAND_MS_MAX },
      (_error, out, err) => done({ exit: child.exitCode, out, err }),
    );
    child.stdin?.end(input);
  });
}

async function json(words: readonly string[]) {
  const { exit, out, err } = await holdfast([...words, '--json']);
  expect({ exit, err }).toEqual({ exit: 0, err: '' });
  return JSON.parse(out);
}

async function agentUrl(): Promise<{ url: string; id: string }> {
  const { token, urls } = await json(['agents', 'token', 'cursor', '--env', 'production']);
  return { url: urls[0], id: token.id };
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

function writeConfig(port: number): void {
  writeFileSync(
    config,
    `listen: { host: 127.0.0.1, port: ${port}, tls: off }
dashboard: off
store: { dataFolder: state }
environments:
  production: { level: guarded }
targets:
  main-db:
    environment: production
    upstream: { url: "${upstream.url()}" }
`,
  );
}

beforeAll(async () => {
  upstream = await startScratchPostgres();
  const client = await connect(upstream.url());
  await client.query('create table bookings as select generate_series(1, 100) as id');
  await client.end();
  writeConfig(await freePort());
  gateway = spawn(process.execPath, [MAIN, 'up', '--config', config], { stdio: 'pipe' });
  await new Promise<void>((done, fail) => {
    let log = '';
    gateway.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('Holdfast listens')) done();
    });
    gateway.once('exit', (code) => fail(new Error(`up ended with ${code}: ${log}`)));
  });
  await json(['agents', 'add', 'cursor', '--purpose', 'a test']);
});

afterAll(async () => {
  if (gateway?.exitCode === null) {
    const gone = new Promise((done) => gateway.once('exit', done));
    gateway.kill('SIGINT');
    await gone;
  }
  await upstream?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('holdfast up, and the commands beside it', () => {
  it('lets an approved statement pass exactly once', async () => {
    const { url } = await agentUrl();
    const agent = await connect(url);
    const sql = 'DELETE FROM bookings';
    await expect(agent.query(sql)).rejects.toMatchObject({
      message: expect.stringContaining('Holdfast holds this for a person'),
    });
    const { holds } = await json(['holds']);
    expect(holds).toHaveLength(1);
    const [{ id, card }] = holds;
    expect(card.statement).toBe(sql);

    const { otpauth } = await json(['people', 'add', 'ada']);
    const totp = URI.parse(otpauth);
    if (!(totp instanceof TOTP)) throw new Error('not a TOTP');
    // The code of the step before counts for confirming; the current one is then still fresh.
    const before = await codeBefore(totp);
    await json(['people', 'confirm', 'ada', '--code', before]);
    const shown = await holdfast(['holds', 'show', id]);
    const words = /words +((?:[a-z]+ ){5}[a-z]+) /.exec(shown.out)?.[1] ?? '';
    expect(shown.out).toContain('to type');
    const code = `${totp.generate()}\n`;
    const approve = ['holds', 'approve', id, '--as', 'ada', '--digest', words];
    // Nothing takes it back: its name has to be typed. The code is not spent on that.
    const unnamed = await holdfast(approve, code);
    expect([unnamed.exit, unnamed.err]).toEqual([1, expect.stringContaining('bookings')]);
    const why = ['--name', 'bookings', '--comment', 'agreed with ben'];
    const approved = await holdfast([...approve, ...why], code);
    expect({ exit: approved.exit, err: approved.err }).toEqual({ exit: 0, err: '' });

    expect((await agent.query(sql)).rowCount).toBe(100);
    await expect(agent.query(sql)).rejects.toMatchObject({
      message: expect.stringContaining('Holdfast holds this for a person'),
    });
    await agent.end();
  });

  it('shows a statement with control characters without obeying them', async () => {
    const { url } = await agentUrl();
    const agent = await connect(url);
    await expect(agent.query('DROP TABLE "x\u001b[2Ky"')).rejects.toThrow();
    await agent.end();
    const { out } = await holdfast(['holds']);
    expect(out).toContain('DROP TABLE "x\\u{1b}[2Ky"');
    expect(out).not.toContain('\u001b');
  });

  it('ends the live connections of a token that is revoked', async () => {
    const { url, id } = await agentUrl();
    const agent = await connect(url);
    await agent.query('SELECT 1');
    const ended = new Promise<Error>((done) => agent.once('error', done));
    expect(await json(['agents', 'revoke', id])).toEqual({ revoked: [id] });
    expect(await ended).toBeInstanceOf(Error);
    await expect(connect(url)).rejects.toThrow();
  });

  it('says what agents are for and may, pauses them, and finds what is to be done', async () => {
    await json(['people', 'add', 'olga']);
    const night = 'Fri 22:00-06:00 Europe/Lisbon';
    const said = ['--purpose', 'nightly sums', '--owner', 'olga', '--effects', 'read,write'];
    const { agent } = await json(['agents', 'add', 'night-job', ...said, '--env', 'production']);
    expect(agent).toMatchObject({
      purpose: 'nightly sums',
      owner: { name: 'olga' },
      effectKinds: ['read', 'write'],
      environments: ['production'],
    });
    const changed = ['--hours', night, '--expires', '90d', '--target', 'any'];
    expect((await json(['agents', 'set', 'night-job', ...changed])).agent).toMatchObject({
      workingHours: night,
      purpose: 'nightly sums',
    });
    const sub = ['agents', 'add', 'night-sub', '--purpose', 'a part', '--parent', 'night-job'];
    const wider = await holdfast([...sub, '--effects', 'destroy', '--json']);
    expect([wider.exit, JSON.parse(wider.out).error.code]).toEqual([1, 'HF_AGENT_SCOPE']);
    await json(sub);

    const paused = await json(['agents', 'pause', 'night-job', '--note', 'odd sums']);
    expect(paused).toMatchObject({ changed: true, agent: { state: 'paused' } });
    const { out } = await holdfast(['agents', 'show', 'night-sub']);
    expect(out).toContain(
      'agent night-job, the parent of night-sub, was paused by the command line',
    );
    expect(out).toContain('With what night-job may not taken off:');
    expect(out).toMatch(/effects {7}read, write/);
    const again = await json(['agents', 'pause', 'night-job', '--note', 'twice']);
    expect(again).toMatchObject({ changed: false, agent: { paused: { note: 'odd sums' } } });
    const resumed = await json(['agents', 'resume', 'night-job', '--note', 'explained']);
    expect(resumed.agent.paused).toBeNull();

    const found = await holdfast(['agents', 'findings', '--json']);
    expect(found.exit).toBe(1);
    const codes = JSON.parse(found.out).findings.map(
      ({ code, subject }: { code: string; subject: string }) => `${subject} ${code}`,
    );
    // It was added where nobody had joined yet; a sub-agent has its parent's.
    expect(codes).toContain('cursor agent.no-owner');
    expect(codes).not.toContain('night-job agent.no-owner');
    expect(codes).not.toContain('night-sub agent.no-owner');
    const { out: list } = await holdfast(['agents', 'list']);
    expect(list).toMatch(/^agent +state +owner +token +environment +targets +expires +last use$/m);
    expect(list).toMatch(/^night-job +(active|off-hours) +olga +no live token$/m);
  });

  it('verifies the trail of all this', async () => {
    const report = await json(['trail', 'verify']);
    expect(report.ok).toBe(true);
    expect(report.decisions).toBeGreaterThan(3);
  });

  it.each([
    ['an unknown hold', ['holds', 'show', 'hold_0000000000000000'], 1, 'HF_HOLD_UNKNOWN'],
    ['an unknown agent', ['agents', 'revoke', '--agent', 'nobody'], 1, 'HF_NOT_FOUND'],
    ['an agent that nobody knows', ['agents', 'pause', 'nobody', '--note', 'x'], 1, 'HF_NOT_FOUND'],
    ['nothing to change', ['agents', 'set', 'cursor'], 2, 'HF_USAGE'],
    ['a kind of effect', ['agents', 'set', 'cursor', '--effects', 'raed'], 2, 'Did you mean read?'],
    ['hours', ['agents', 'set', 'cursor', '--hours', '9 to 5'], 2, 'Mon-Fri 08:00-19:00'],
    [
      'a day that there is not',
      ['agents', 'set', 'cursor', '--expires', '2027-02-30'],
      2,
      'HF_USAGE',
    ],
    ['a day that is over', ['agents', 'set', 'cursor', '--expires', '2020-01-01'], 2, 'HF_USAGE'],
    ['an environment', ['agents', 'set', 'cursor', '--env', 'prodution'], 2, 'production'],
    ['a name that is taken', ['agents', 'add', 'cursor', '--purpose', 'a test'], 1, 'HF_EXISTS'],
    [
      'an environment that is not declared',
      ['agents', 'token', 'cursor', '--env', 'prodution'],
      2,
      'HF_USAGE',
    ],
    ['a missing file', ['config', 'check', '--config', 'no-such.yaml'], 2, 'HF_CONFIG_INVALID'],
  ] as const)('answers %s in four parts', async (_story, words, exit, code) => {
    const answer = await holdfast(words);
    expect(answer.exit).toBe(exit);
    expect(answer.err).toContain(code);
    for (const part of ['expected', 'found', 'do']) expect(answer.err).toContain(`\n  ${part} `);
  });

  it('ends with exit code 3 when its store cannot be reached', async () => {
    const path = join(folder, 'away.yaml');
    writeFileSync(path, 'store: { url: { env: AWAY_URL } }\n');
    process.env['AWAY_URL'] = `postgres://nobody@127.0.0.1:${await freePort()}/away`;
    const { exit, err } = await holdfast(['holds', '--config', path]);
    expect(exit).toBe(3);
    expect(err).toContain('HF_STORE_UNAVAILABLE');
  });
});
