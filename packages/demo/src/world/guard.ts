/**
 * The guarded side: Holdfast's gateway as `holdfast up` runs it, on a holdfast.yaml of its own, with
 * two agents. What it hands out is what agents under Holdfast have: tokens, and no real credential.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  createHoldfast,
  EmbeddedPostgres,
  loadConfig,
  type Rooms,
  systemClock,
  verifyStore,
} from 'holdfast';
import type { RecoveryReport } from '../report.ts';
import { type CarRental, PRODUCTION, STAGING, using } from './car-rental.ts';
import { type CommandLine, commandLine } from './command-line.ts';
import { Person } from './people.ts';
import { portOr } from './ports.ts';
import { type DemoProtection, protect } from './protection.ts';
import { PROJECT, type Railway, SERVICE } from './railway.ts';
import { firstPoint, makeVault, recoveryOf, type VaultPlace } from './vault.ts';

/** What the agents connect to. */
export const MAIN_TARGET = 'main-db';
const STAGING_TARGET = 'staging-db';
const HOST = '127.0.0.1';
const USUAL_PORT = 6432;
const USUAL_HTTP_PORT = 7071;
const USUAL_DASHBOARD_PORT = 7070;

export interface Links {
  readonly staging: string;
  /** A token that was revoked: the agent's credential error. */
  readonly stagingRevoked: string;
  readonly production: string;
  /** Another agent's, for the ordinary work. */
  readonly desk: string;
  /** The token itself, for staging: what stands for a credential of the hosting product. */
  readonly stagingToken: string;
}

/** Who decides: the environment asks for two. */
export interface Team {
  readonly approvers: readonly [Person, Person];
  readonly canceller: Person;
}

/** The forward proxy, and the authority that its clients trust. */
export interface Proxy {
  readonly url: string;
  readonly authority: string;
}

/** Where people decide in a browser. */
export interface Dashboard {
  readonly url: string;
  /** False: the pages were never built, and only the API answers. */
  readonly isBuilt: boolean;
  /** A one-time link, for an owner. */
  invite(name: string): Promise<string>;
}

export interface Guard {
  readonly host: string;
  readonly port: number;
  readonly configPath: string;
  /** Of these holds, how many wait in the store. */
  countWaiting(ids: ReadonlySet<string>): Promise<number>;
  recovery(): Promise<RecoveryReport>;
  verifyTrail(): Promise<{ readonly verified: boolean; readonly entries: number }>;
  readonly links: Links;
  readonly proxy: Proxy;
  readonly protection: DemoProtection;
  readonly holdfast: CommandLine;
  readonly team: Team;
  /** Null: it was not asked for. */
  readonly dashboard: Dashboard | null;
}

/** Starts our own store's server and forgets what a killed run left in it. */
export async function startStore(
  folder: string,
  onStop: (stop: () => Promise<void>) => void,
): Promise<void> {
  const server = await EmbeddedPostgres.start({
    folder: join(folder, 'store'),
    clock: systemClock,
    database: 'postgres',
  });
  onStop(() => server.destroy());
  const { host, port, user, password } = server.connection;
  const login = `${user}:${encodeURIComponent(password)}`;
  await using(`postgres://${login}@${encodeURIComponent(host)}:${port}/postgres`, (client) =>
    client.query('drop database if exists holdfast with (force)'),
  );
}

/** Needs the store's server (`startStore`) and the databases to guard. Tells what stands, as soon as it does. */
export async function startGuard(
  folder: string,
  rental: CarRental,
  railway: Railway,
  onStop: (stop: () => Promise<void>) => void,
  hasDashboard: boolean,
  say: (what: string) => void,
): Promise<Guard> {
  const ports = {
    sql: await portOr(USUAL_PORT),
    http: await portOr(USUAL_HTTP_PORT),
    dashboard: hasDashboard ? await portOr(USUAL_DASHBOARD_PORT) : null,
  };
  const vault = await makeVault(folder);
  onStop(async () => vault.remove());
  const configPath = writeConfig(folder, rental, railway, vault, ports);
  const holdfast = await createHoldfast({
    config: loadConfig(configPath, process.env),
    env: process.env,
    clock: systemClock,
    say: (level, message) => {
      if (level === 'warn') process.stderr.write(`holdfast: ${message}\n`);
    },
  });
  onStop(() => holdfast.stop());
  const { rooms } = holdfast;
  const ada = await Person.enrol('ada', rooms);
  const team: Team = {
    approvers: [ada, await Person.enrol('grace', rooms)],
    canceller: await Person.enrol('margaret', rooms),
  };
  const command = commandLine(configPath);
  const protection = await protect(command, MAIN_TARGET, rental, ada);
  say(`production is protected: holdfast protect, level ${protection.level}`);
  await rooms.credentials.add('railway', railway.accountToken);
  const links = await admit(rooms, team);
  const { host, port } = await holdfast.start();
  say(`Holdfast on ${host}:${port}, with its own store and trail`);
  const drill = await firstPoint(configPath, MAIN_TARGET);
  const came =
    drill?.verdict === 'passed'
      ? 'a point of production, restored in a drill'
      : 'NO POINT CAME BACK';
  say(`a local vault: ${came}`);
  return {
    host,
    port,
    configPath,
    links: links(port),
    proxy: {
      url: `http://${HOST}:${holdfast.httpAddress?.port}`,
      authority: join(rooms.keyFolder, 'authority.crt'),
    },
    protection,
    holdfast: command,
    team,
    dashboard: dashboardOf(holdfast.dashboardUrl, rooms),
    countWaiting: async (ids) => {
      const open = await rooms.holds.list('open');
      return open.filter(({ id, state }) => state === 'waiting' && ids.has(id)).length;
    },
    recovery: () => recoveryOf(configPath, MAIN_TARGET),
    verifyTrail: async () => {
      const trail = await rooms.trail();
      // What was handed in is written and signed first: an unsigned end proves nothing.
      await trail.flush();
      const report = await verifyStore(rooms.trailStore, rooms.signer.verifierKey.text);
      return { verified: report.ok, entries: report.to - report.from };
    },
  };
}

function dashboardOf(url: string | null, { ways }: Rooms): Dashboard | null {
  if (url === null) return null;
  const page = join(
    dirname(fileURLToPath(import.meta.resolve('holdfast'))),
    'dashboard/index.html',
  );
  return {
    url,
    isBuilt: existsSync(page),
    invite: async (name) => {
      const { secret } = await ways.invites.make(name, ['owner'], 'the demo');
      return `${url}/join#${secret}`;
    },
  };
}

/** Two agents with a token each for what they do, and one token that is taken back. */
async function admit(rooms: Rooms, { canceller }: Team): Promise<(port: number) => Links> {
  const owned = { owner: canceller.name };
  const token = async (agent: string, environment: string) => {
    const issued = await rooms.agents.issueToken({ agent, environment, targets: [] });
    return { ...issued, agent };
  };
  await rooms.agents.add('cursor-backend', {
    ...owned,
    purpose: 'features of the booking service',
  });
  await rooms.agents.add('booking-desk', {
    ...owned,
    purpose: 'bookings, cancellations, payments',
  });
  const production = await token('cursor-backend', 'production');
  const staging = await token('cursor-backend', 'staging');
  const revoked = await token('cursor-backend', 'staging');
  await rooms.agents.revoke({ kind: 'token', id: revoked.id });
  const desk = await token('booking-desk', 'production');
  return (port) => {
    const url = (one: { agent: string; token: string }, target: string): string =>
      `postgres://${one.agent}:${one.token}@${HOST}:${port}/${target}`;
    return {
      production: url(production, MAIN_TARGET),
      staging: url(staging, STAGING_TARGET),
      stagingRevoked: url(revoked, STAGING_TARGET),
      desk: url(desk, MAIN_TARGET),
      stagingToken: staging.token,
    };
  };
}

/** As a user would write it; the passwords lie in files beside it. */
function writeConfig(
  folder: string,
  rental: CarRental,
  railway: Railway,
  vault: VaultPlace,
  ports: { readonly sql: number; readonly http: number; readonly dashboard: number | null },
): string {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const secret = (name: string, text: string): string => {
    writeFileSync(join(folder, name), `${text}\n`, { mode: 0o600 });
    return name;
  };
  const server = `${HOST}:${rental.port}`;
  const dashboard =
    ports.dashboard === null ? 'off' : `{ host: ${HOST}, port: ${ports.dashboard} }`;
  const path = join(folder, 'holdfast.yaml');
  writeFileSync(
    path,
    `# Written by the demo at each start.
listen: { host: ${HOST}, port: ${ports.sql}, tls: off }
dashboard: ${dashboard}
http: { host: ${HOST}, port: ${ports.http} }
${vault.lines.vaults}
store: { dataFolder: . }
environments:
  production: { level: guarded, people: 2, holdExpires: 12h } # nobody is hurried in a demo
  staging: { level: open }
targets:
  ${MAIN_TARGET}:
    environment: production
    upstream:
      url: postgres://${rental.owner.user}@${server}/${PRODUCTION}
      password: { file: ${secret('production.password', rental.owner.password)} }
    protection:
      owner: ${rental.owner.user}
      admin:
        url: postgres://${rental.superuser.user}@${server}/${PRODUCTION}
        password: { file: ${secret('admin.password', rental.superuser.password)} }
    ${vault.lines.recovery}
  ${STAGING_TARGET}:
    environment: staging
    upstream:
      url: postgres://${rental.stagingApp.user}@${server}/${STAGING}
      password: { file: ${secret('staging.password', rental.stagingApp.password)} }
providers:
  railway:
    url: http://${HOST}:${railway.port} # the stand-in; without this line, Railway itself
    projects:
      ${PROJECT}:
        staging: staging
        production: { environment: production, databases: { ${SERVICE}: ${MAIN_TARGET} } }
trail: { origin: demo.example/holdfast }
`,
    { mode: 0o600 },
  );
  return path;
}
