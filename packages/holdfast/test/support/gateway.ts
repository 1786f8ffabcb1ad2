/**
 * Holdfast as it is in use, for journeys: a scratch PostgreSQL as the target, the whole gateway
 * composed in this process with a store, policy and trail of its own, one agent with a token, and
 * people who answer holds with real codes. Everything in a temp folder, everything stopped by `stop`.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TOTP, URI } from 'otpauth';
import type { Env } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/load-config.ts';
import { createHoldfast, type Holdfast, systemClock } from '../../src/holdfast.ts';
import type { EnvironmentLevel } from '../../src/model/target.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { AT_ONCE_MS_MAX, codeBefore } from './one-time-codes.ts';
import { type Login, RawClient, ServerError } from './raw-client.ts';
import { APP_PASSWORD, APP_ROLE, DATABASE, startUpstream, type Upstream } from './upstream.ts';

/** One entry of the trail as the export shows it: `kind` and what that kind has. */
interface Entry {
  readonly index: number;
  readonly kind: string;
  readonly [key: string]: unknown;
}

export interface GatewayOptions {
  readonly level: EnvironmentLevel;
  /** Folder with initdb and postgres of the target; the npm package's own when left out. */
  readonly binFolder?: string;
  readonly readsWhenUnavailable?: 'refuse' | 'forward';
  /** With holdfast.yaml written and the store open, before the gateway looks at its targets. */
  readonly beforeStart?: (configPath: string) => Promise<void>;
  /** Fills the target before Holdfast starts. */
  readonly prepare?: (upstream: Upstream) => Promise<void>;
  /** `targets.main-db.protection` with the superuser as admin; without it the app's own role is. */
  readonly superuserAdmin?: true;
  /** How long a held unit waits on the wire, as in holdfast.yaml; `0s` when left out. */
  readonly holdWait?: string;
  /** Where the dashboard listens; without it, it is off. */
  readonly dashboardPort?: number;
  /** How many sign a hold; one when left out. */
  readonly people?: number;
  /** More of holdfast.yaml, and the variables that it names. */
  readonly more?: { readonly lines: readonly string[]; readonly env: Env };
}

export interface Gateway {
  /** holdfast.yaml of this gateway, for the command line. */
  readonly configPath: string;
  readonly upstream: Upstream;
  /** Major version of the target. */
  readonly serverMajor: number;
  /** As the agent, through Holdfast. */
  readonly through: Login;
  readonly holdfast: Holdfast;
  /** Everything recorded so far, durable. */
  entries(): Promise<Entry[]>;
  countOf(kind: string): Promise<number>;
  approve(holdId: string): Promise<void>;
  deny(holdId: string, note: string): Promise<void>;
  /** Another token of the same agent. */
  issueToken(): Promise<Login & { revoke(): Promise<void> }>;
  stop(): Promise<void>;
}

export const AGENT = 'cursor-backend';
export const TARGET = 'main-db';
export const ENVIRONMENT = 'production';

/** holdfast.yaml for a target as `startUpstream` makes it; the password comes from APP_PASSWORD. */
export function configText(
  port: number,
  dataFolder: string,
  {
    level,
    readsWhenUnavailable = 'refuse',
    superuserAdmin,
    holdWait,
    dashboardPort,
    people,
    more,
  }: GatewayOptions,
): string {
  const admin = `postgres://postgres@127.0.0.1:${port}/${DATABASE}`;
  return [
    'listen: { host: 127.0.0.1, port: 0, tls: off }',
    dashboardPort === undefined ? 'dashboard: off' : `dashboard: { port: ${dashboardPort} }`,
    `store: { dataFolder: '${dataFolder}' }`,
    `environments: { ${ENVIRONMENT}: { level: ${level}${people === undefined ? '' : `, people: ${people}`} } }`,
    `targets:`,
    `  ${TARGET}:`,
    `    environment: ${ENVIRONMENT}`,
    `    upstream:`,
    `      url: postgres://${APP_ROLE}@127.0.0.1:${port}/${DATABASE}`,
    `      password: { env: APP_PASSWORD }`,
    ...(superuserAdmin
      ? [`    protection: { admin: { url: '${admin}' }, owner: ${APP_ROLE} }`]
      : []),
    ...(holdWait === undefined ? [] : [`approvals: { holdWait: ${holdWait} }`]),
    `trail: { readsWhenUnavailable: ${readsWhenUnavailable} }`,
    ...(more?.lines ?? []),
  ].join('\n');
}

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const folder = scratchFolder('journey');
  const undo: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const upstream = await startUpstream(options.binFolder);
    undo.push(() => upstream.stop());
    await options.prepare?.(upstream);
    const text = configText(upstream.server.port, join(folder, 'data'), options);
    const env = { APP_PASSWORD, ...options.more?.env };
    const configPath = join(folder, 'holdfast.yaml');
    writeFileSync(configPath, text);
    const holdfast = await createHoldfast({
      config: parseConfig({ text, name: 'journey.yaml', folder }, env),
      env,
      clock: systemClock,
      say: () => {},
    });
    undo.push(() => holdfast.stop());
    await options.beforeStart?.(configPath);
    const { port } = await holdfast.start();
    return { ...(await furnished(holdfast, upstream, port, stop)), configPath };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function furnished(
  holdfast: Holdfast,
  upstream: Upstream,
  port: number,
  stop: () => Promise<void>,
): Promise<Omit<Gateway, 'configPath'>> {
  const { rooms } = holdfast;
  await rooms.agents.add(AGENT);
  const issue = async (): Promise<Login & { revoke(): Promise<void> }> => {
    const request = { agent: AGENT, environment: ENVIRONMENT, targets: [] };
    const { id, token } = await rooms.agents.issueToken(request);
    const login = { host: '127.0.0.1', port, user: AGENT, password: token, database: TARGET };
    await admitted(login);
    return {
      ...login,
      revoke: async () => {
        await rooms.agents.revoke({ kind: 'token', id });
      },
    };
  };
  const entries = async (): Promise<Entry[]> => {
    const trail = await rooms.trail();
    await trail.flush();
    const all: Entry[] = [];
    for (;;) {
      const page = await rooms.trailStore.read(BigInt(all.length), 10_000);
      if (page.length === 0) return all;
      for (const { bytes } of page) {
        all.push({ ...JSON.parse(bytes.toString('utf8')), index: all.length });
      }
    }
  };
  const version = await upstream.ask('show server_version_num');
  return {
    upstream,
    serverMajor: Math.floor(Number(version[0]?.['server_version_num']) / 10_000),
    through: await issue(),
    holdfast,
    entries,
    countOf: async (kind) => (await entries()).filter((entry) => entry.kind === kind).length,
    approve: async (holdId) => {
      await rooms.holds.approve(await somebodysWord(holdfast, holdId));
    },
    deny: async (holdId, note) => {
      await rooms.holds.deny({ ...(await somebodysWord(holdfast, holdId)), note });
    },
    issueToken: issue,
    stop,
  };
}

/** The gateway hears of a new token by a notice, a moment after it was issued. */
async function admitted(login: Login): Promise<void> {
  for (let left = 100; ; left -= 1) {
    try {
      const client = await RawClient.open(login);
      return await client.end();
    } catch (error) {
      if (left === 0 || !(error instanceof ServerError) || error.fields['C'] !== '28P01')
        throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

let people = 0;

/** A new person each time: a code is good once, and a test does not wait half a minute for the next. */
export async function somebodysWord({ rooms }: Holdfast, holdId: string) {
  people += 1;
  const person = `person-${people}`;
  const { uri } = await rooms.people.add(person, ['owner']);
  const totp = URI.parse(uri);
  if (!(totp instanceof TOTP)) throw new Error('The enrolment is no TOTP.');
  await rooms.people.confirm(person, await codeBefore(totp, AT_ONCE_MS_MAX));
  // Typed as whoever looks at the card types it; of no hold: a word for something else.
  const typedName = holdId === '' ? null : (await rooms.holds.show(holdId)).card.typedName;
  return {
    kind: 'totp',
    holdId,
    person,
    code: totp.generate(),
    digestShown: null,
    ...(typedName === null ? {} : { typedName }),
  } as const;
}
