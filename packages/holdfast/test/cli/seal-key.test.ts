/**
 * The seal key from a program, as people use it: a key file that is wrapped, commands and two gateways on
 * one store, and what happens when the key service gives another key or none.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { Rooms, systemClock } from '../../src/holdfast.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';

const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');
const SECRET = 'the-credential-that-is-sealed';
const FIRST = Buffer.alloc(32, 7).toString('base64');
const OTHER = Buffer.alloc(32, 8).toString('base64');

let server: ScratchPostgres;
const folder = scratchFolder('seal-key');
const config = join(folder, 'holdfast.yaml');
const keyFolder = join(folder, 'keys');
const calls = join(folder, 'calls');

function env(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    HOLDFAST_CONFIG: config,
    HOLDFAST_KEY_FOLDER: keyFolder,
    STORE_URL: server.url(),
    TOKEN_OF_RAILWAY: SECRET,
  };
}

interface Finished {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

function holdfast(...words: readonly string[]): Promise<Finished> {
  return new Promise((done) => {
    const options = { env: env(), timeout: 60_000 };
    const child = execFile(process.execPath, [MAIN, ...words], options, (_error, out, err) =>
      done({ exit: child.exitCode, out, err }),
    );
    child.stdin?.end();
  });
}

/** `seal`: the line of holdfast.yaml; '' for none. */
function configure(seal: string): void {
  writeFileSync(
    config,
    `listen: { host: 127.0.0.1, port: 0, tls: off }
dashboard: off
http: { host: 127.0.0.1, port: 0 }
store: { url: { env: STORE_URL } }
environments: { production: { level: sealed } }
providers: { railway: { projects: { shop: { production: production } } } }
${seal}
`,
  );
}

const KMS = `seal: { key: { command: ['${process.execPath}', kms.mjs] } }`;

/** The key service: what `wrapped` holds. It fails when it is told a secret that is none of its business. */
function wrap(text: string): void {
  writeFileSync(join(folder, 'wrapped'), text);
}

async function credential(): Promise<string> {
  const rooms = await Rooms.open({
    config: loadConfig(config, env()),
    env: env(),
    clock: systemClock,
    say: () => {},
  });
  try {
    return await rooms.credentials.open('railway');
  } finally {
    await rooms.close();
  }
}

async function startGateway(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [MAIN, 'up'], { stdio: 'pipe', env: env() });
  await new Promise<void>((done, fail) => {
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('Holdfast listens')) done();
    });
    child.once('exit', (code) => fail(new Error(`up ended with ${code}: ${log}`)));
  });
  return child;
}

async function stopGateway(child: ChildProcess): Promise<string> {
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGINT');
  await gone;
  return log;
}

const timesCalled = (): number =>
  existsSync(calls) ? readFileSync(calls, 'utf8').split('\n').length - 1 : 0;

beforeAll(async () => {
  server = await startScratchPostgres({ conf: ['fsync = on'] });
  mkdirSync(keyFolder);
  writeFileSync(
    join(folder, 'kms.mjs'),
    `import { appendFileSync, readFileSync } from 'node:fs';
appendFileSync('calls', 'called\\n');
if (process.env.STORE_URL !== undefined) throw new Error('told what it need not know');
console.error('kms: one key');
process.stdout.write(readFileSync('wrapped', 'utf8'));
`,
  );
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => rmSync(calls, { force: true }));

describe('the same key, moved from its file to a program', () => {
  it('opens what was sealed before, after each restart, with no key file', async () => {
    configure('');
    const added = await holdfast('credentials', 'add', 'railway', '--from-env', 'TOKEN_OF_RAILWAY');
    expect(added).toMatchObject({ exit: 0 });
    const file = join(keyFolder, 'seal.key');
    wrap(readFileSync(file, 'utf8'));
    configure(KMS);
    expect(await credential()).toBe(SECRET);
    const left = await holdfast('doctor', '--folder', keyFolder, '--json');
    expect(JSON.parse(left.out).seal).toMatchObject({
      kind: 'command',
      from: `the program ${process.execPath}`,
      findings: [{ code: 'seal.left' }],
    });
    rmSync(file);
    expect(await credential()).toBe(SECRET);
    const clean = await holdfast('doctor', '--folder', keyFolder);
    expect(clean.out).toContain(`seal key from the program ${process.execPath}`);
    expect(clean.out).not.toContain('seal.left');
    expect(readdirSync(keyFolder)).not.toContain('seal.key');
  });

  it('is asked for once by each of two gateways on one store, and is in nothing they say', async () => {
    const wrapped = readFileSync(join(folder, 'wrapped'), 'utf8').trim();
    const gateways = await Promise.all([startGateway(), startGateway()]);
    expect(timesCalled()).toBe(2);
    const listed = await holdfast('credentials', 'list', '--json');
    expect(listed.exit).toBe(0);
    const trail = await holdfast('trail', 'tail', '--json');
    const children =
      process.platform === 'linux'
        ? gateways.map(({ pid }) => readFileSync(`/proc/${pid}/environ`, 'utf8'))
        : [];
    const logs = await Promise.all(gateways.map(stopGateway));
    for (const said of [listed.out, trail.out, ...children, ...logs]) {
      expect(said).not.toContain(wrapped);
    }
    expect(readdirSync(keyFolder)).not.toContain('seal.key');
  });
});

describe('what cannot work', () => {
  it.each<readonly [story: string, wrapped: string, found: RegExp]>([
    ['nothing', '', /found +nothing; it says: kms: one key/],
    ['another kind of text', `${FIRST}${FIRST}`, /88 characters that are no such line/],
  ])('stops the start when the program gives %s', async (_story, wrapped, found) => {
    wrap(wrapped);
    configure(KMS);
    const up = await holdfast('up');
    expect(up.exit).not.toBe(0);
    expect(up.err).toMatch(found);
    expect(up.err).toContain('HF_SEAL');
    expect(up.err + up.out).not.toContain(FIRST);
  });

  it('says which record another key does not open', async () => {
    wrap(`${OTHER}\n`);
    configure(KMS);
    await expect(credential()).rejects.toMatchObject({
      code: 'HF_SEAL',
      expected: expect.stringContaining('railway'),
      hint: expect.stringContaining('seal.key'),
    });
  });

  it('makes no key where a file is named that is not there', async () => {
    configure('seal: { key: { file: other.key } }');
    await expect(credential()).rejects.toMatchObject({ code: 'HF_SEAL', found: 'no such file' });
    expect(existsSync(join(folder, 'other.key'))).toBe(false);
  });

  it('is found by `config check`, which runs nothing', async () => {
    configure(KMS);
    const fine = await holdfast('config', 'check');
    expect(fine.out).toContain('which was not run');
    configure('seal: { key: { command: [] } }');
    const empty = await holdfast('config', 'check');
    expect(empty.err).toContain('seal.key.command');
    configure(`seal: { key: { command: [x], file: y } }`);
    const both = await holdfast('config', 'check');
    expect(both.err).toContain('one of command and file');
    expect([fine.exit, empty.exit, both.exit].map((code) => code === 0)).toEqual([
      true,
      false,
      false,
    ]);
    expect(timesCalled()).toBe(0);
  });
});
