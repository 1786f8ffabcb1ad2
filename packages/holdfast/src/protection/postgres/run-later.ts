/**
 * Runs one text on a target, once, as the owner of its tables, over a login that is made for it and dropped
 * after it (`runner.ts`), so that nothing in the text leads back to the admin: what waited out its grace. Outside any transaction of ours, because what has no reversal is
 * mostly what cannot run in one (DROP DATABASE, CREATE INDEX CONCURRENTLY).
 *
 * It will not: try again, run as the admin, or call anything but the server's own answer an end. A connection that could
 * not be had sent nothing; one that was lost meanwhile leaves `unknown`.
 */
import pg from 'pg';
import type { Clock } from '../../model/clock.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { SessionSetting } from '../../model/session-settings.ts';
import type { TargetDatabase } from '../target-database.ts';
import type { AgentRole } from '../target-guard.ts';
import { type AdminConnection, clientConfigOf } from './admin.ts';
import { ident } from './layout.ts';
import {
  dropRunner,
  findOwner,
  makeRunner,
  type OwnerWish,
  type Runner,
  shutRunner,
} from './runner.ts';

export interface LaterParameter {
  readonly typeOid: number;
  readonly isBinary: boolean;
  readonly value: Buffer | null;
}

export interface LaterText {
  readonly statement: string;
  /** Bound to it as they once were; types of pg_type, 0: inferred. */
  readonly parameters: readonly LaterParameter[];
  /** Schemas that unqualified names are looked up in, in order. */
  readonly searchPath: readonly string[];
  /** Of the session it was approved in, those that may change what it means. */
  readonly settings?: readonly SessionSetting[];
  /** As whom: see `findOwner`. */
  readonly owner: OwnerWish;
}

export interface LaterPlace {
  /** As the admin: makes the login, and drops it. */
  readonly db: TargetDatabase;
  /** Where a role with a password logs in. */
  readonly loginOf: (role: AgentRole) => AdminConnection;
  readonly clock: Pick<Clock, 'random'>;
  /** The login could not be dropped; it is shut, and goes with the next run. */
  readonly trouble: (error: unknown) => void;
}

const CONNECT_MS_MAX = 10_000;
/** Nobody waits for it, but a lock that it cannot have must not hold up the deferrals behind it. */
const LOCK_MS_MAX = 60_000;
const STATEMENT_MS_MAX = 60 * 60 * 1000;
/** Shut down, killed, connection trouble: said by the server, and no answer to the statement. */
const NO_ANSWER = /^(57P|08)/;

/** `BEGIN; DROP ...` and no COMMIT: it said yes to each, and nothing of it lasts. */
const LEFT_OPEN: Outcome = {
  kind: 'failed',
  code: '25P01',
  message: 'it left a transaction open, which was rolled back with its connection',
};

export async function runLater(place: LaterPlace, text: LaterText): Promise<Outcome> {
  const { clock, db, loginOf, trouble } = place;
  let runner: Runner;
  try {
    const found = await findOwner(db, text.owner);
    if (found.kind === 'none') {
      return { kind: 'not-forwarded', reason: `${found.why}. ${found.hint}` };
    }
    runner = await makeRunner(db, found.owner, clock);
  } catch (error) {
    return { kind: 'not-forwarded', reason: wordsOf(error) };
  }
  try {
    return await runAs(loginOf(runner), runner, text, () => shutRunner(db, runner));
  } finally {
    await dropRunner(db, runner).catch(trouble);
  }
}

/** `shut`: once it is in, nobody else logs in as it, whatever the text does to its password. */
async function runAs(
  connection: AdminConnection,
  { owner }: Runner,
  text: LaterText,
  shut: () => Promise<void>,
): Promise<Outcome> {
  const client = new pg.Client({
    ...clientConfigOf(connection),
    connectionTimeoutMillis: CONNECT_MS_MAX,
  });
  // The statement that runs is rejected all the same.
  client.on('error', () => {});
  try {
    await client.connect();
    await shut();
    await prepare(client, owner, text);
  } catch (error) {
    await client.end().catch(() => {});
    return { kind: 'not-forwarded', reason: wordsOf(error) };
  }
  try {
    const tags: string[] = [];
    let status = 'I';
    client.connection.on('commandComplete', ({ text: tag }: { readonly text: string }) => {
      tags.push(tag);
    });
    client.connection.on('readyForQuery', (ready: { readonly status: string }) => {
      status = ready.status;
    });
    await send(client, text);
    return status === 'I'
      ? { kind: 'done', tag: tags.join('; '), transaction: 'ended' }
      : LEFT_OPEN;
  } catch (error) {
    const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
    return code === '' || NO_ANSWER.test(code)
      ? { kind: 'unknown', reason: wordsOf(error) }
      : { kind: 'failed', code, message: wordsOf(error) };
  } finally {
    await client.end().catch(() => {});
  }
}

/** Without parameters a simple query, as it was or might have been. */
async function send(client: pg.Client, { parameters, statement }: LaterText): Promise<void> {
  if (parameters.length === 0) {
    await client.query(statement);
    return;
  }
  // The driver hands on the numbers as the types of parameters, and asks the same object how to read results.
  const types = Object.assign(
    parameters.map(({ typeOid }) => typeOid),
    { getTypeParser: () => String },
  );
  // A Buffer is bound as binary, a string as text: so is it sent.
  const values = parameters.map(({ isBinary, value }) =>
    value === null || isBinary ? value : value.toString('utf8'),
  );
  await client.query({ text: statement, values, types });
}

async function prepare(
  client: pg.Client,
  owner: string,
  { searchPath, settings = [] }: LaterText,
): Promise<void> {
  await client.query(
    `set lock_timeout = ${LOCK_MS_MAX}; set statement_timeout = ${STATEMENT_MS_MAX}; set standard_conforming_strings = on`,
  );
  if (searchPath.length > 0) {
    await client.query("select pg_catalog.set_config('search_path', $1, false)", [
      searchPath.map(ident).join(', '),
    ]);
  }
  for (const { name, value } of settings) {
    // The path was said above, in the order that was judged.
    if (name === 'search_path') continue;
    if (value === null) throw new Error(`what ${name} was set to is not known`);
    await client.query('select pg_catalog.set_config($1, $2, false)', [name, value]);
  }
  // What is made is the owner's; it has these rights without it too.
  await client.query(`set role ${ident(owner)}`);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
