/**
 * The guarded side: Holdfast's gateway as `holdfast up` runs it, on a holdfast.yaml of its own, with
 * two agents. What it hands out is what agents under Holdfast have: tokens, and no real credential.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createHoldfast,
  EmbeddedPostgres,
  loadConfig,
  type Rooms,
  systemClock,
  verifyStore,
} from 'holdfast';
import { type CarRental, PRODUCTION, STAGING, using } from './car-rental.ts';
import { Phone } from './phone.ts';
import { portOr } from './ports.ts';
import { type DemoProtection, protect } from './protection.ts';

/** What the agents connect to. */
export const MAIN_TARGET = 'main-db';
const STAGING_TARGET = 'staging-db';
const HOST = '127.0.0.1';
const USUAL_PORT = 6432;
/** Who decides. */
const PERSON = 'ada';

export interface Links {
  readonly staging: string;
  /** A token that was revoked: the agent's credential error. */
  readonly stagingRevoked: string;
  readonly production: string;
  /** Another agent's, for the ordinary work. */
  readonly desk: string;
}

export interface Guard {
  readonly host: string;
  readonly port: number;
  readonly configPath: string;
  /** Of these holds, how many wait in the store. */
  countWaiting(ids: ReadonlySet<string>): Promise<number>;
  verifyTrail(): Promise<{ readonly verified: boolean; readonly entries: number }>;
  readonly links: Links;
  readonly protection: DemoProtection;
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

/** Needs the store's server (`startStore`) and the databases to guard. Tells when production is protected. */
export async function startGuard(
  folder: string,
  rental: CarRental,
  onStop: (stop: () => Promise<void>) => void,
  protectedIn: (level: string) => void,
): Promise<Guard> {
  const configPath = writeConfig(folder, rental, await portOr(USUAL_PORT));
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
  const phone = await enrol(rooms);
  const protection = await protect(configPath, MAIN_TARGET, rental, { person: PERSON, phone });
  protectedIn(protection.level);
  const links = await admit(rooms);
  const { host, port } = await holdfast.start();
  return {
    host,
    port,
    configPath,
    links: links(port),
    protection,
    countWaiting: async (ids) => {
      const open = await rooms.holds.list('open');
      return open.filter(({ id, state }) => state === 'waiting' && ids.has(id)).length;
    },
    verifyTrail: async () => {
      const trail = await rooms.trail();
      // What was handed in is written and signed first: an unsigned end proves nothing.
      await trail.flush();
      const report = await verifyStore(rooms.trailStore, rooms.signer.verifierKey.text);
      return { verified: report.ok, entries: report.to - report.from };
    },
  };
}

/** As `holdfast people add` and `confirm` do. The code before now confirms: no code counts twice. */
async function enrol({ people }: Rooms): Promise<Phone> {
  const phone = new Phone((await people.add(PERSON)).uri);
  await people.confirm(PERSON, phone.code('before'));
  return phone;
}

/** Two agents with a token each for what they do, and one token that is taken back. */
async function admit(rooms: Rooms): Promise<(port: number) => Links> {
  const token = async (agent: string, environment: string) => {
    const issued = await rooms.agents.issueToken({ agent, environment, targets: [] });
    return { ...issued, agent };
  };
  await rooms.agents.add('cursor-backend');
  await rooms.agents.add('booking-desk');
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
    };
  };
}

/** As a user would write it; the passwords lie in files beside it. */
function writeConfig(folder: string, rental: CarRental, port: number): string {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const secret = (name: string, text: string): string => {
    writeFileSync(join(folder, name), `${text}\n`, { mode: 0o600 });
    return name;
  };
  const server = `${HOST}:${rental.port}`;
  const path = join(folder, 'holdfast.yaml');
  writeFileSync(
    path,
    `# Written by the demo at each start.
listen: { host: ${HOST}, port: ${port}, tls: off }
store: { dataFolder: . }
environments:
  production: { level: guarded }
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
  ${STAGING_TARGET}:
    environment: staging
    upstream:
      url: postgres://${rental.stagingApp.user}@${server}/${STAGING}
      password: { file: ${secret('staging.password', rental.stagingApp.password)} }
trail: { origin: demo.example/holdfast }
`,
    { mode: 0o600 },
  );
  return path;
}
