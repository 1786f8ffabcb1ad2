/** Holdfast before the stand-in: staging guarded, production sealed by two people, two tokens of one agent. */
import { rmSync } from 'node:fs';
import { parseConfig } from '../../../holdfast/src/config/load-config.ts';
import { createHoldfast, type Holdfast, systemClock } from '../../../holdfast/src/holdfast.ts';
import { scratchFolder } from '../../../holdfast/src/testing/scratch-folder.ts';
import type { Town } from './town.ts';

export interface Guarded {
  readonly holdfast: Holdfast;
  /** Where an agent sends GraphQL to. */
  readonly base: string;
  readonly tokens: { readonly staging: string; readonly production: string };
  /** Everything recorded so far, as the trail keeps it. */
  recorded(): Promise<string>;
  stop(): Promise<void>;
}

/** `databaseUrl`: the target `main-db`, which lies on the volume of the service `postgres`. */
export async function startGuarded(town: Town, databaseUrl: string | null): Promise<Guarded> {
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
http: { host: 127.0.0.1, port: 0 }
store: { dataFolder: '${folder}' }
environments: { staging: { level: guarded }, production: { level: sealed, people: 2 } }
${target}
providers:
  railway:
    url: ${new URL(town.standIn.url).origin}
    projects: { car-rental: { staging: staging, production: ${place} } }
`;
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
    stop: async () => {
      await holdfast.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
