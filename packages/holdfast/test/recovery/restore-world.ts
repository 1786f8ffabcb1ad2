/**
 * A gateway that keeps recovery points, as a process of its own: the built command line, a real protected
 * server, a local vault, people with codes and sessions. Everything in a temp folder, everything stopped.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig } from '../../src/config/load-config.ts';
import type { Role } from '../../src/identity/roles.ts';
import { systemClock } from '../../src/model/clock.ts';
import { Rooms } from '../../src/rooms.ts';
import { authenticator } from '../../src/testing/authenticator.ts';
import { clearFlags } from '../../src/testing/clear-flags.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { type Ground, pullGround, until } from './pull-ground.ts';

const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');
const STEP_MS = 30_000;

// biome-ignore lint/suspicious/noExplicitAny: JSON that a test looks into
type Json = any;

export interface Finished {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
  readonly said: Json;
}

export class RestoreWorld {
  readonly folder = scratchFolder('restores');
  readonly ground: Ground;
  readonly #port: number;
  readonly #codes = new Map<string, { readonly at: (at: Date) => string; step: number }>();
  readonly #secrets = new Map<string, string>();
  #gateway: ChildProcess | null = null;
  log = '';

  private constructor(ground: Ground, port: number) {
    this.ground = ground;
    this.#port = port;
  }

  /** The tables are made and the target protected; nothing runs yet. */
  static async start(tables: string): Promise<RestoreWorld> {
    const ground = await pullGround(null);
    await ground.server.query(tables);
    const port = await freePort();
    const world = new RestoreWorld(ground, port);
    const own = await freePort();
    writeFileSync(join(world.folder, 'key.txt'), `${ground.identity}\n`, { mode: 0o600 });
    writeFileSync(
      world.config,
      `listen: { host: 127.0.0.1, port: ${own}, tls: off }
dashboard: { port: ${port} }
store: { dataFolder: state }
environments:
  production: { level: guarded }
vaults:
  here: { kind: local, folder: vault }
targets:
  shop:
    environment: production
    upstream: { url: "postgres://postgres@127.0.0.1:${ground.server.port}/postgres" }
    recovery:
      vaults: [here]
      recipients: [${ground.recipient}]
      identity: { file: key.txt }
      promise: { rpo: 5m }
`,
    );
    const made = await world.cli('protect', 'shop', '--apply');
    if (made.exit !== 0) throw new Error(`${made.out} ${made.err}`);
    return world;
  }

  get config(): string {
    return join(this.folder, 'holdfast.yaml');
  }

  get drills(): string {
    return join(this.folder, 'state', 'recovery', 'drills');
  }

  /** What lies where copies and drills are made. */
  left(): readonly string[] {
    return readdirSync(this.drills);
  }

  cli(...words: readonly string[]): Promise<Finished> {
    return this.started(...words).finished;
  }

  started(...words: readonly string[]): {
    readonly child: ChildProcess;
    readonly finished: Promise<Finished>;
  } {
    const env = { ...process.env, HOLDFAST_CONFIG: this.config };
    let child: ChildProcess | null = null;
    const finished = new Promise<Finished>((done) => {
      child = execFile(process.execPath, [MAIN, ...words, '--json'], { env }, (_, out, err) => {
        done({
          exit: child?.exitCode ?? null,
          out,
          err,
          said: out === '' ? null : JSON.parse(out),
        });
      });
    });
    if (child === null) throw new Error('it did not start');
    return { child, finished };
  }

  async up(): Promise<void> {
    this.log = '';
    const child = spawn(process.execPath, [MAIN, 'up', '--config', this.config], { stdio: 'pipe' });
    this.#gateway = child;
    child.stdout?.resume();
    child.stderr?.on('data', (chunk: Buffer) => {
      this.log += chunk.toString();
    });
    await until(() => {
      if (child.exitCode !== null) throw new Error(`up ended: ${this.log}`);
      return this.log.includes('Holdfast listens');
    });
  }

  async down(signal: NodeJS.Signals): Promise<void> {
    const child = this.#gateway;
    this.#gateway = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await gone;
  }

  /** Enrolled with a code, and with a session that was proved just now. */
  async people(names: Readonly<Record<string, readonly Role[]>>): Promise<void> {
    await this.inRooms(async (rooms) => {
      for (const [name, roles] of Object.entries(names)) {
        const { person, uri } = await rooms.people.add(name, roles);
        const at = authenticator(uri);
        await rooms.people.confirm(name, at(new Date()));
        this.#codes.set(name, { at, step: Math.floor(Date.now() / STEP_MS) });
        const { secret } = await rooms.sessions.open({
          personId: person.id,
          kind: 'command-line',
          method: 'totp',
          userAgent: 'test',
          source: '127.0.0.1',
          device: null,
        });
        this.#secrets.set(name, secret);
      }
    });
  }

  async inRooms<T>(work: (rooms: Rooms) => Promise<T>): Promise<T> {
    const config = loadConfig(this.config, {});
    const rooms = await Rooms.open({ config, env: {}, clock: systemClock, say: () => {} });
    try {
      return await work(rooms);
    } finally {
      await rooms.close();
    }
  }

  /** `--as NAME --code 123456`, with a code that was not used yet. */
  async word(name: string): Promise<readonly string[]> {
    const code = this.#codes.get(name);
    if (code === undefined) throw new Error(`nobody is ${name}`);
    await until(() => Math.floor(Date.now() / STEP_MS) > code.step);
    code.step = Math.floor(Date.now() / STEP_MS);
    return ['--as', name, '--code', code.at(new Date())];
  }

  /** As a person with a session, or with any other secret. */
  async api(
    who: string,
    method: string,
    path: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly json: Json }> {
    const secret = this.#secrets.get(who) ?? who;
    const answer = await fetch(`http://localhost:${this.#port}/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secret}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, json: text === '' ? null : JSON.parse(text) };
  }

  /** A restore of the API, once it is ready or has failed. */
  async ready(who: string, wish: object): Promise<Json> {
    const begun = await this.api(who, 'POST', 'recovery/shop/restores', { wish });
    if (begun.status !== 200) throw new Error(JSON.stringify(begun.json));
    let copy = begun.json;
    await until(async () => {
      copy = (await this.api(who, 'GET', `recovery/shop/restores/${copy.id}`)).json;
      return copy.standing.state !== 'running';
    });
    return copy;
  }

  /** Where the server of a copy answers. */
  socketOf(id: string): string {
    const pid = readFileSync(join(this.drills, id, 'root', 'data', 'postmaster.pid'), 'utf8');
    return pid.split('\n')[4] ?? '';
  }

  /** Of the target: how many rows, and their sum. */
  async look(): Promise<string> {
    return this.ground.server.hashOf('bookings');
  }

  async stop(): Promise<void> {
    await this.down('SIGINT');
    await this.ground.close();
    clearFlags(this.folder);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
