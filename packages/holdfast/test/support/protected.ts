/**
 * A company behind Holdfast, protected: upstream with its data, the gateway in this process, the wall and
 * the capture put in by `holdfast protect --apply`, people who approve whatever is held as soon as it is
 * held, and the way back by `holdfast undo`. What is protected and undone is done by the built command
 * line, as a person does it, on the same store.
 *
 * It will not: reach past the command line into the parts, or repair anything that an undo left.
 */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fillCompany } from './company.ts';
import {
  AGENT,
  type Gateway,
  type GatewayOptions,
  somebodysWord,
  startGateway,
  TARGET,
} from './gateway.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';
import { APP_PASSWORD } from './upstream.ts';

const CLI = join(dirname(fileURLToPath(import.meta.url)), '../../dist/cli/main.js');
/** The promise is one second; the test machine may be busy. */
const DRAIN_MS_MAX = 30_000;
const LOOK_MS = 50;

export interface Protected extends Gateway {
  /** Everything of the target; `other`: of another database on its server. */
  snapshot(database?: string): Promise<Snapshot>;
  /** By the target's clock, for `--since`. */
  now(): Promise<string>;
  /** Until what is captured has been taken out of the target. */
  drained(): Promise<void>;
  /** `holdfast undo apply --agent AGENT --since T`; what it said, parsed. */
  undoSince(since: string): Promise<unknown>;
  cli(...words: readonly string[]): Promise<unknown>;
  /** Approves each hold as it opens, until `stop`; the ids it approved. */
  approving(): { stop(): Promise<readonly string[]> };
}

/** Null when this build has the commands; else which one is not there, for `ctx.skip`. */
export async function notBuilt(...commands: readonly string[]): Promise<string | null> {
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, '--help']);
  for (const command of commands) {
    if (!new RegExp(`^\\s+${command}\\b`, 'm').test(stdout)) {
      return `this build has no \`holdfast ${command}\` yet`;
    }
  }
  return null;
}

export async function startProtected(
  options: Omit<GatewayOptions, 'level'> & { readonly otherDatabase?: boolean },
): Promise<Protected> {
  const gateway = await startGateway({
    level: 'guarded',
    superuserAdmin: true,
    holdWait: '60s',
    prepare: (upstream) => fillCompany(upstream, { otherDatabase: options.otherDatabase === true }),
    ...options,
  });
  try {
    const cli = commandLine(gateway);
    await cli('protect', TARGET, '--apply');
    return { ...gateway, ...handles(gateway, cli) };
  } catch (error) {
    await gateway.stop();
    throw error;
  }
}

function handles(gateway: Gateway, cli: Protected['cli']): Omit<Protected, keyof Gateway> {
  const { upstream, holdfast } = gateway;
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
    snapshot: (database = upstream.direct.database) => takeSnapshot(upstream.server.url(database)),
    now: async () => {
      const found = await upstream.ask('select clock_timestamp()::text as now');
      return new Date(String(found[0]?.['now'])).toISOString();
    },
    undoSince: async (since) => {
      await drained();
      const { person, code } = await somebodysWord(holdfast, '');
      const who = ['--as', person, '--code', code];
      return cli('undo', 'apply', '--agent', AGENT, '--since', since, ...who);
    },
    approving: () => {
      let isOver = false;
      const work = approveAll(gateway, () => isOver);
      return {
        stop: () => {
          isOver = true;
          return work;
        },
      };
    },
  };
}

async function approveAll(gateway: Gateway, isOver: () => boolean): Promise<readonly string[]> {
  const approved: string[] = [];
  while (!isOver()) {
    const open = await gateway.holdfast.rooms.holds.list('open');
    const waiting = open.filter(({ id, state }) => state === 'waiting' && !approved.includes(id));
    for (const { id } of waiting) {
      approved.push(id);
      await gateway.approve(id);
    }
    await pause();
  }
  return approved;
}

function commandLine(gateway: Gateway): Protected['cli'] {
  const env = { ...process.env, APP_PASSWORD, HOLDFAST_CONFIG: gateway.configPath };
  return async (...words) => {
    const ran = await promisify(execFile)(process.execPath, [CLI, ...words, '--json'], {
      env,
      maxBuffer: 256 * 1024 * 1024,
    });
    return JSON.parse(ran.stdout);
  };
}

function pause(): Promise<void> {
  return new Promise((done) => setTimeout(done, LOOK_MS));
}
