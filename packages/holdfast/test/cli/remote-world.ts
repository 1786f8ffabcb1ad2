/** A gateway's API on a port, people who are signed in, and the command line somewhere else. */
import { join } from 'node:path';
import { Interrupt } from '../../src/cli/interrupt.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import type { Role } from '../../src/identity/roles.ts';
import { authenticator } from '../../src/testing/authenticator.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { ApiWorld } from '../api/support.ts';

export interface Said {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

export type Env = Readonly<Record<string, string>>;

/** Whoever types commands: a session of theirs, and the codes of their phone. */
export interface Somebody {
  readonly name: string;
  readonly env: Env;
  readonly code: () => string;
  run(...words: readonly string[]): Promise<Said>;
}

interface Around {
  /** Whatever is written, as it is. */
  readonly heard?: (text: string) => void;
  readonly interrupt?: Interrupt;
}

const STEP_MS = 30_000;

export class RemoteWorld {
  readonly api: ApiWorld;
  readonly url: string;
  /** A home without a store and without a holdfast.yaml. */
  readonly home: string;

  private constructor(api: ApiWorld, url: string) {
    this.api = api;
    this.url = url;
    this.home = scratchFolder('elsewhere');
  }

  static async start(yaml = ''): Promise<RemoteWorld> {
    const api = await ApiWorld.start(yaml);
    const { port } = await api.room.api.listen({ host: '127.0.0.1', port: 0 });
    return new RemoteWorld(api, `http://127.0.0.1:${port}`);
  }

  stop(): Promise<void> {
    return this.api.stop();
  }

  async somebody(name: string, roles: readonly Role[]): Promise<Somebody> {
    const { people, sessions } = this.api.rooms;
    const { clock } = this.api;
    const { person, uri } = await people.add(name, roles);
    const code = authenticator(uri);
    await people.confirm(name, code(clock.now()));
    // Each code counts once: the next one is for what comes.
    clock.pass(STEP_MS);
    const { secret } = await sessions.open({
      personId: person.id,
      kind: 'command-line',
      method: 'totp',
      userAgent: 'test',
      source: '127.0.0.1',
      device: null,
    });
    const env = { HOLDFAST_TOKEN: secret };
    return {
      name,
      env,
      code: () => {
        clock.pass(STEP_MS);
        return code(clock.now());
      },
      run: (...words) => this.run(words, env),
    };
  }

  /** In this process, as another machine's: its own home, nothing of the gateway's but its address. */
  async run(words: readonly string[], env: Env = {}, around: Around = {}): Promise<Said> {
    const { heard = () => {}, interrupt = new Interrupt() } = around;
    const written = { out: '', err: '' };
    const stream = (name: 'out' | 'err') => ({
      write: (text: string) => {
        written[name] += text;
        heard(text);
        return true;
      },
    });
    const home = {
      HOME: this.home,
      XDG_CONFIG_HOME: join(this.home, 'config'),
      HOLDFAST_CONFIG: join(this.home, 'holdfast.yaml'),
      HOLDFAST_URL: this.url,
      ...env,
    };
    const input = {
      on: () => {},
      off: () => {},
      once: () => {},
      resume: () => {},
      pause: () => {},
    };
    const streams = { out: stream('out'), err: stream('err'), in: input, env: home };
    const surroundings = { streams, clock: this.api.clock, interrupt };
    const exit = await runCommandLine([...words], surroundings, '1.2.3');
    return { exit, ...written };
  }
}
