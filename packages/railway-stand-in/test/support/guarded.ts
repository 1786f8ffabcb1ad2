/**
 * Holdfast before the stand-in: staging guarded, production sealed by two people (or guarded, if that is
 * wanted), two tokens of one agent.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseConfig } from '../../../holdfast/src/config/load-config.ts';
import { createHoldfast, type Holdfast, systemClock } from '../../../holdfast/src/holdfast.ts';
import { scratchFolder } from '../../../holdfast/src/testing/scratch-folder.ts';
import { typed } from '../../../holdfast/test/support/typed-commands.ts';
import type { Town } from './town.ts';

export interface Guarded {
  readonly holdfast: Holdfast;
  /** Where an agent sends GraphQL to. */
  readonly base: string;
  readonly tokens: { readonly staging: string; readonly production: string };
  /** Everything recorded so far, as the trail keeps it. */
  recorded(): Promise<string>;
  /** `holdfast ...` as a process of its own on the same store. */
  cli(...words: readonly string[]): Promise<Said>;
  readonly configPath: string;
  /** The gateway only; what it keeps stays, for another one on `configPath`. */
  leave(): Promise<void>;
  stop(): Promise<void>;
}

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface GuardedOptions {
  /** Of the environment production; sealed by two people when left out. */
  readonly production?: 'guarded';
  /** Where the API is reached, if not at the stand-in itself. */
  readonly origin?: string;
  /** Of the HTTP gateway; any that is free when left out. */
  readonly port?: number;
}

export const CLI = resolve(import.meta.dirname, '../../../holdfast/dist/cli/main.js');

/** `databaseUrl`: the target `main-db`, which lies on the volume of the service `postgres`. */
export async function startGuarded(
  town: Town,
  databaseUrl: string | null,
  options: GuardedOptions = {},
): Promise<Guarded> {
  const { origin = new URL(town.standIn.url).origin, port = 0, production } = options;
  const folder = scratchFolder('railway');
  const target =
    databaseUrl === null
      ? ''
      : `targets: { main-db: { environment: production, upstream: { url: '${databaseUrl}' } } }`;
  const place =
    databaseUrl === null
      ? 'production'
      : '{ environment: production, databases: { postgres: main-db } }';
  const text = `
listen: { host: 127.0.0.1, port: 0, tls: off }
dashboard: off
http: { host: 127.0.0.1, port: ${port} }
store: { dataFolder: '${folder}' }
environments:
  staging: { level: guarded }
  production: { level: ${production ?? 'sealed, people: 2'} }
${target}
providers:
  railway:
    url: ${origin}
    projects: { car-rental: { staging: staging, production: ${place} } }
`;
  const configPath = join(folder, 'holdfast.yaml');
  writeFileSync(configPath, text);
  const config = parseConfig({ text, name: 'holdfast.yaml', folder }, {});
  const holdfast = await createHoldfast({ config, env: {}, clock: systemClock, say: () => {} });
  await holdfast.rooms.credentials.add('railway', town.ready.tokens.account);
  await holdfast.rooms.agents.add('cursor');
  const issue = async (environment: string): Promise<string> =>
    (await holdfast.rooms.agents.issueToken({ agent: 'cursor', environment, targets: [] })).token;
  const tokens = { staging: await issue('staging'), production: await issue('production') };
  await holdfast.start();
  return {
    holdfast,
    base: `http://127.0.0.1:${holdfast.httpAddress?.port}/railway/graphql/v2`,
    tokens,
    recorded: async () => {
      await (await holdfast.rooms.trail()).flush();
      const entries = await holdfast.rooms.trailStore.read(0n, 10_000);
      return entries.map(({ bytes }) => bytes.toString('utf8')).join('\n');
    },
    cli: (...words) => run(configPath, words),
    configPath,
    leave: () => holdfast.stop(),
    stop: async () => {
      await holdfast.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function run(configPath: string, words: readonly string[]): Promise<Said> {
  const env = { ...process.env, HOLDFAST_CONFIG: configPath };
  const { exit, out, err } = await typed({ words, env });
  return { code: exit ?? -1, out, err };
}
