/** The API over a real store, with people who are signed in already. */

import { PAGE_HEADER } from '../../src/api/who.ts';
import { type ApiRoom, type Live, openApiRoom } from '../../src/api-room.ts';
import { parseConfig } from '../../src/config/load-config.ts';
import type { TokenVerifier } from '../../src/identity/agent-directory.ts';
import type { Role } from '../../src/identity/roles.ts';
import { Rooms } from '../../src/rooms.ts';
import { authenticator } from '../../src/testing/authenticator.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { withUndoRoom } from '../../src/undo-room.ts';

export const ORIGIN = 'http://localhost:7070';

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly json: unknown;
}

export interface AskOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of whoever sends it; 127.0.0.1 when left out. */
  readonly address?: string;
}

export interface WorldOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** As a gateway that runs would hand it in. */
  readonly live?: Live | null;
  readonly beatMs?: number;
  /** Where browsers may have us push to; `public` when left out. */
  readonly pushTo?: 'loopback';
}

/** What a browser sends with a request of our page. */
export interface Shown {
  readonly cookie: string;
  /** The page's secret; null: it has none. */
  readonly page: string | null;
}

/** A browser with its cookies. */
export interface Browser extends Shown {
  readonly person: string;
  ask(path: string, options?: AskOptions): Promise<Answered>;
}

export class ApiWorld {
  readonly rooms: Rooms;
  readonly room: ApiRoom;
  readonly clock: ManualClock;
  /** Tokens of agents that are live, by hand. */
  readonly tokens: Map<string, TokenVerifier>;
  readonly troubles: unknown[];
  readonly #codes = new Map<string, (at: Date) => string>();

  private constructor(
    rooms: Rooms,
    room: ApiRoom,
    clock: ManualClock,
    tokens: Map<string, TokenVerifier>,
    troubles: unknown[],
  ) {
    this.rooms = rooms;
    this.room = room;
    this.clock = clock;
    this.tokens = tokens;
    this.troubles = troubles;
  }

  /** `yaml`: more of holdfast.yaml. */
  static async start(
    yaml = '',
    { env = {}, live = null, beatMs, pushTo }: WorldOptions = {},
  ): Promise<ApiWorld> {
    const folder = scratchFolder('api');
    const clock = new ManualClock('2026-11-21T09:00:00Z', folder);
    const text = `store: { dataFolder: data }\n${yaml}`;
    const config = parseConfig({ text, name: 'holdfast.yaml', folder }, env);
    const to = pushTo === undefined ? {} : { pushTo };
    const rooms = await Rooms.open({ config, env, clock, say: () => {}, ...to });
    const tokens = new Map<string, TokenVerifier>();
    const troubles: unknown[] = [];
    const room = await openApiRoom({
      rooms,
      env,
      clock,
      withUndos: (work) => withUndoRoom(rooms, env, clock, work),
      live,
      ...(beatMs === undefined ? {} : { beatMs }),
      agentByHash: (hash) => tokens.get(hash.toString('hex')) ?? null,
      trouble: (error) => troubles.push(error),
    });
    return new ApiWorld(rooms, room, clock, tokens, troubles);
  }

  async stop(): Promise<void> {
    await this.room.close();
    await this.rooms.close();
  }

  /** A fresh code of theirs: half a minute passes, so that none is used twice. */
  code(name: string): string {
    this.clock.pass(30_000);
    return this.#codes.get(name)?.(this.clock.now()) ?? '000000';
  }

  /** Enrolled with a code, and a session opened for them without a ceremony. */
  async person(name: string, roles: readonly Role[]): Promise<Browser> {
    const { person, uri } = await this.rooms.people.add(name, roles);
    const codeAt = authenticator(uri);
    await this.rooms.people.confirm(name, codeAt(this.clock.now()));
    this.#codes.set(name, codeAt);
    return this.signedIn(name, person.id);
  }

  async signedIn(name: string, personId: string): Promise<Browser> {
    const opened = await this.rooms.sessions.open({
      personId,
      kind: 'browser',
      method: 'totp',
      userAgent: 'test',
      source: '127.0.0.1',
      device: null,
    });
    const cookie = `holdfast=${opened.secret}; holdfast-device=${opened.device}`;
    const shown = { cookie, page: opened.page };
    return { person: name, ...shown, ask: (path, options) => this.ask(path, options, shown) };
  }

  async ask(path: string, options: AskOptions = {}, shown?: Shown): Promise<Answered> {
    const { address = '127.0.0.1', body, headers = {}, method = 'GET' } = options;
    const answer = await this.room.api.inject({
      method,
      url: path,
      remoteAddress: address,
      headers: {
        host: 'localhost:7070',
        origin: ORIGIN,
        ...sentBy(shown),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: body }),
    });
    const isJson = /[/+]json\b(?!l)/.test(String(answer.headers['content-type']));
    return {
      status: answer.statusCode,
      headers: answer.headers,
      json: isJson ? answer.json() : answer.body,
    };
  }
}

/** The headers that say so. */
export function sentBy(shown: Shown | undefined): Readonly<Record<string, string>> {
  if (shown === undefined) return {};
  const { cookie, page } = shown;
  return {
    ...(cookie === '' ? {} : { cookie }),
    ...(page === null ? {} : { [PAGE_HEADER]: page }),
  };
}
