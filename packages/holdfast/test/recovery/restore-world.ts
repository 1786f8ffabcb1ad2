/**
 * A gateway that keeps recovery points, as a process of its own: the built command line, a real protected
 * server, a local vault, people with codes and sessions. Everything in a temp folder, everything stopped.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load-config.ts';
import type { Role } from '../../src/identity/roles.ts';
import { systemClock } from '../../src/model/clock.ts';
import { Rooms } from '../../src/rooms.ts';
import { authenticator } from '../../src/testing/authenticator.ts';
import { clearFlags } from '../../src/testing/clear-flags.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { Operator, type Said } from './operator.ts';
import { type Ground, pullGround, until } from './pull-ground.ts';
import { shopConfig } from './shop-config.ts';

const STEP_MS = 30_000;

export class RestoreWorld {
  readonly folder = scratchFolder('restores');
  readonly ground: Ground;
  readonly #port: number;
  readonly #codes = new Map<string, { readonly at: (at: Date) => string; step: number }>();
  readonly #secrets = new Map<string, string>();
  readonly #operator: Operator;

  private constructor(ground: Ground, port: number) {
    this.ground = ground;
    this.#port = port;
    this.#operator = new Operator(this.config);
  }

  /** The tables are made and the target protected; nothing runs yet. */
  static async start(tables: string): Promise<RestoreWorld> {
    const ground = await pullGround(null);
    await ground.server.query(tables);
    const port = await freePort();
    const world = new RestoreWorld(ground, port);
    writeFileSync(join(world.folder, 'key.txt'), `${ground.identity}\n`, { mode: 0o600 });
    writeFileSync(
      world.config,
      await shopConfig({
        ...{ ground, vault: 'vault', recipient: ground.recipient, keyFile: 'key.txt' },
        ...{ level: 'guarded', dashboardPort: port },
        more: ['promise: { rpo: 5m }'],
      }),
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

  get log(): string {
    return this.#operator.log;
  }

  cli(...words: readonly string[]): Promise<Said> {
    return this.#operator.json(words);
  }

  /** What people read: without --json. */
  async lines(...words: readonly string[]): Promise<string> {
    return (await this.#operator.holdfast(words)).out;
  }

  started(...words: readonly string[]): ReturnType<Operator['started']> {
    return this.#operator.started([...words, '--json']);
  }

  up(): Promise<void> {
    return this.#operator.up();
  }

  down(signal: NodeJS.Signals): Promise<void> {
    return this.#operator.down(signal);
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
  ): Promise<{ readonly status: number; readonly json: Said['said'] }> {
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
  async ready(who: string, wish: object): Promise<Said['said']> {
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
