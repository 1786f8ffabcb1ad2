/**
 * A company behind Holdfast, protected: upstream with its data, the wall and the capture put in by
 * `holdfast protect --apply`, then the gateway in this process, people who answer whatever is held, and
 * the way back by `holdfast undo`. What is protected and undone is done by the built command line, as a
 * person does it, on the same store.
 *
 * It will not: reach past the command line into the parts, or repair anything that an undo left.
 */
import { CLERK_ROLE, fillCompany } from './company.ts';
import {
  AGENT,
  type Gateway,
  type GatewayOptions,
  somebodysWord,
  startGateway,
  TARGET,
} from './gateway.ts';
import type { Login } from './raw-client.ts';
import { type Snapshot, type SnapshotOptions, takeSnapshot } from './snapshot.ts';
import { typed } from './typed-commands.ts';
import { APP_PASSWORD } from './upstream.ts';

/** The promise is one second; the test machine may be busy. */
const DRAIN_MS_MAX = 30_000;
const LOOK_MS = 50;

/** Whose work is undone: what stands in `undo apply` before `--since`. */
export type Doer = readonly ['--agent' | '--role', string];
export const BY_AGENT: Doer = ['--agent', AGENT];
export const BY_CLERK: Doer = ['--role', CLERK_ROLE];

export interface Protected extends Gateway {
  /** Everything of the target; `database`: of another one on its server. */
  snapshot(options?: SnapshotOptions, database?: string): Promise<Snapshot>;
  /** By the target's clock, for `--since`. */
  now(): Promise<string>;
  /** Until what is captured has been taken out of the target. */
  drained(): Promise<void>;
  /** `holdfast undo list --agent AGENT --since T`: how many items there are to take back. */
  undoable(doer: Doer, since: string): Promise<number>;
  /** `holdfast undo apply --agent AGENT --since T`; what it said. */
  undo(doer: Doer, since: string): Promise<Said>;
  cli(...words: readonly string[]): Promise<Said>;
  /** Answers each hold as it opens, until `stop`; how many it answered. */
  answering(answer: 'approve' | 'deny'): { stop(): Promise<number> };
  /** Straight to the server, as the role that agents are logged in as. */
  agentRole(): Promise<Login>;
  /** Straight to the server, with the app credential that lies in a file. */
  readonly clerk: Login;
}

export interface Said {
  readonly code: number;
  /** What --json printed. */
  readonly out: string;
  readonly err: string;
}

export async function startProtected(
  options: Omit<GatewayOptions, 'level'> = {},
): Promise<Protected> {
  const gateway = await startGateway({
    level: 'guarded',
    superuserAdmin: true,
    holdWait: '60s',
    prepare: (upstream) => fillCompany(upstream, { otherDatabase: true }),
    beforeStart: async (configPath) => {
      const said = await commandLine(configPath)('protect', TARGET, '--apply');
      if (said.code !== 0) throw new Error(`holdfast protect: ${said.out}${said.err}`);
    },
    ...options,
  });
  return { ...gateway, ...handles(gateway) };
}

function handles(gateway: Gateway): Omit<Protected, keyof Gateway> {
  const { upstream, holdfast } = gateway;
  const cli = commandLine(gateway.configPath);
  const drained = async (): Promise<void> => {
    for (let left = DRAIN_MS_MAX / LOOK_MS; ; left -= 1) {
      const found = await upstream.ask('select count(*)::int as n from holdfast.journal');
      if (found[0]?.['n'] === 0) return;
      if (left <= 0) throw new Error(`${found[0]?.['n']} captured statements were not drained.`);
      await pause();
    }
  };
  return {
    cli,
    drained,
    snapshot: (options = {}, database = upstream.direct.database) =>
      takeSnapshot(upstream.server.url(database), options),
    now: async () => {
      const found = await upstream.ask('select clock_timestamp() as now');
      const now = found[0]?.['now'];
      if (!(now instanceof Date)) throw new Error('No time.');
      return now.toISOString();
    },
    undoable: async (doer, since) => {
      await drained();
      const { out } = await cli('undo', 'list', ...doer, '--since', since);
      return (JSON.parse(out).items as unknown[]).length;
    },
    undo: async (doer, since) => {
      const { person, code } = await somebodysWord(holdfast, '');
      return cli('undo', 'apply', ...doer, '--since', since, '--as', person, '--code', code);
    },
    answering: (answer) => answering(gateway, answer),
    agentRole: async () => ({ ...upstream.direct, ...(await roleOfAgent(gateway)) }),
    clerk: { ...upstream.direct, user: CLERK_ROLE, password: 'clerk password' },
  };
}

/** As if the password of the agent's own role had leaked: the worst that can be found in its reach. */
async function roleOfAgent({ holdfast }: Gateway): Promise<Pick<Login, 'user' | 'password'>> {
  const { agentRoleStore, seal } = holdfast.rooms;
  const record = (await agentRoleStore.byTarget(TARGET))[0];
  if (record === undefined) throw new Error('The agent has no role yet.');
  const sealedFor = { kind: 'agent-role', id: `${TARGET}/${record.agentId}` } as const;
  const password = seal.open(record.passwordSealed, sealedFor).toString('utf8');
  return { user: record.role, password };
}

function answering(gateway: Gateway, answer: 'approve' | 'deny'): { stop(): Promise<number> } {
  let isOver = false;
  const answered = new Set<string>();
  const work = (async () => {
    while (!isOver) {
      const open = await gateway.holdfast.rooms.holds.list('open');
      for (const { id } of open.filter((one) => one.state === 'waiting' && !answered.has(one.id))) {
        answered.add(id);
        if (answer === 'approve') await gateway.approve(id);
        else await gateway.deny(id, 'no');
      }
      await pause();
    }
  })();
  return {
    stop: async () => {
      isOver = true;
      await work;
      return answered.size;
    },
  };
}

function commandLine(configPath: string): Protected['cli'] {
  const env = { ...process.env, APP_PASSWORD, HOLDFAST_CONFIG: configPath };
  return async (...words) => {
    const { exit, out, err } = await typed({ words: [...words, '--json'], env });
    return { code: exit ?? 1, out, err };
  };
}

function pause(): Promise<void> {
  return new Promise((done) => setTimeout(done, LOOK_MS));
}
