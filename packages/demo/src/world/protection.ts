/**
 * Protecting production, and taking back what was done to it, by `holdfast`'s own command line on the
 * demo's holdfast.yaml: what a person types, and nothing that a person could not do.
 */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type CarRental, PRODUCTION, using } from './car-rental.ts';
import type { Phone } from './phone.ts';

const CLI = join(dirname(fileURLToPath(import.meta.resolve('holdfast'))), 'cli/main.js');
const COMMAND_MS_MAX = 120_000;

/** One transaction that can be taken back. */
export interface Undoable {
  readonly id: string;
  /** An agent's name, or the login role of a session that never saw the gateway. */
  readonly who: string;
  readonly rows: number;
}

export interface DemoProtection {
  /** How far the server lets it be protected, by name. */
  readonly level: string;
  readonly person: string;
  /** By the target's clock. */
  now(): Promise<string>;
  list(since: string): Promise<readonly Undoable[]>;
  /** Takes back everything that anybody did since then, in one transaction. */
  undo(since: string): Promise<void>;
}

export interface Decider {
  readonly person: string;
  readonly phone: Phone;
}

export async function protect(
  configPath: string,
  target: string,
  rental: CarRental,
  { person, phone }: Decider,
): Promise<DemoProtection> {
  const holdfast = async (...words: string[]): Promise<unknown> => {
    const env = { ...process.env, HOLDFAST_CONFIG: configPath };
    const options = { env, timeout: COMMAND_MS_MAX, maxBuffer: 64 * 1024 * 1024 };
    const run = promisify(execFile)(process.execPath, [CLI, ...words, '--json'], options);
    return JSON.parse((await run).stdout);
  };
  const applied = await holdfast('protect', target, '--apply');
  return {
    level: textAt(applied, 'plan', 'level'),
    person,
    now: () =>
      using(rental.adminUrl(PRODUCTION), async (client) => {
        const answer = await client.query<{ now: Date }>('select clock_timestamp() as now');
        const [row] = answer.rows;
        if (row === undefined) throw new Error('The server did not say what time it is.');
        return row.now.toISOString();
      }),
    list: async (since) => {
      const listed = at(
        await holdfast('undo', 'list', '--target', target, '--since', since),
        'items',
      );
      return (Array.isArray(listed) ? listed : []).map(undoableOf);
    },
    undo: async (since) => {
      const chosen = ['--target', target, '--since', since];
      await holdfast('undo', 'apply', ...chosen, '--as', person, '--code', phone.code());
    },
  };
}

function undoableOf(item: unknown): Undoable {
  const agent = at(item, 'agentName');
  const parts = at(item, 'parts');
  const rows = (Array.isArray(parts) ? parts : []).map((part) => Number(at(part, 'rows')));
  return {
    id: textAt(item, 'id'),
    who: typeof agent === 'string' ? agent : textAt(item, 'role'),
    rows: rows.reduce((sum, count) => sum + count, 0),
  };
}

/** What another program printed is looked at, not believed. */
function at(value: unknown, ...path: readonly string[]): unknown {
  let there: unknown = value;
  for (const name of path) {
    if (typeof there !== 'object' || there === null || !(name in there)) return undefined;
    there = Reflect.get(there, name);
  }
  return there;
}

function textAt(value: unknown, ...path: readonly string[]): string {
  const text = at(value, ...path);
  if (typeof text !== 'string') throw new Error(`holdfast printed no ${path.join('.')}.`);
  return text;
}
