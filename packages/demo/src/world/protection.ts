/**
 * Protecting production and taking back what went round the gateway, by `holdfast`'s own command line on
 * the demo's holdfast.yaml: what a person types, and nothing that a person could not do.
 */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type CarRental, CLERK, PRODUCTION, using } from './car-rental.ts';

const CLI = join(dirname(fileURLToPath(import.meta.resolve('holdfast'))), 'cli/main.js');
const COMMAND_MS_MAX = 120_000;
/** The promise is a second. */
const DRAIN_MS_MAX = 30_000;
const LOOK_MS = 50;

export interface DemoProtection {
  /** By the target's clock. */
  now(): Promise<string>;
  /** Takes back everything that the clerk's login did since then. */
  undo(since: string): Promise<void>;
}

/** Null: this build has no `holdfast protect` and `holdfast undo`. */
export async function protect(
  configPath: string,
  target: string,
  rental: CarRental,
): Promise<DemoProtection | null> {
  const holdfast = async (...words: string[]): Promise<string> => {
    const env = { ...process.env, HOLDFAST_CONFIG: configPath };
    const options = { env, timeout: COMMAND_MS_MAX, maxBuffer: 64 * 1024 * 1024 };
    return (await promisify(execFile)(process.execPath, [CLI, ...words], options)).stdout;
  };
  const help = await holdfast('--help');
  if (!/^ +protect\b/m.test(help) || !/^ +undo\b/m.test(help)) return null;
  await holdfast('protect', target, '--apply', '--json');
  const ask = async (sql: string): Promise<string> =>
    using(rental.adminUrl(PRODUCTION), async (client) => {
      const answer = await client.query<{ answer: string }>(sql);
      return answer.rows[0]?.answer ?? '';
    });
  return {
    now: async () => new Date(await ask('select clock_timestamp()::text as answer')).toISOString(),
    undo: async (since) => {
      await drained(() => ask('select count(*)::text as answer from holdfast.journal'));
      await holdfast('undo', 'apply', '--role', CLERK, '--since', since, '--json');
    },
  };
}

/** Until what was captured has left the database. */
async function drained(waiting: () => Promise<string>): Promise<void> {
  for (let left = DRAIN_MS_MAX / LOOK_MS; (await waiting()) !== '0'; left -= 1) {
    if (left <= 0) throw new Error('What was captured did not reach the vault.');
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
}
