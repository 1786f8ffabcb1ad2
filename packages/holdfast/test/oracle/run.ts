/** Runs scripts through reader and server side by side and adds up what came of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SqlReader, SqlReading } from '../../src/languages/sql/sql-reading.ts';
import { type Claim, judge, said } from './judge.ts';
import { type Step, steps } from './script.ts';
import { changeBetween, type Ran, WatchedSession } from './server.ts';

export interface Tally {
  files: number;
  statements: number;
  /** Ran without error and was watched from before to after. */
  watched: number;
  /** The server refused it, so nothing of it happened. */
  failed: number;
  /** Cannot run in a transaction, or is about one (BEGIN, ROLLBACK TO): not watched. */
  unwatched: number;
  readonly claims: Record<Claim, number>;
  executes: number;
  /** Statements the reader could not tell, by reason, and whether the server took them. */
  readonly untold: Map<string, number>;
  readonly opaque: Map<string, string[]>;
  readonly wrong: string[];
}

function newTally(): Tally {
  return {
    files: 0,
    statements: 0,
    watched: 0,
    failed: 0,
    unwatched: 0,
    claims: { harmless: 0, rows: 0, other: 0, 'could-not-tell': 0 },
    executes: 0,
    untold: new Map(),
    opaque: new Map(),
    wrong: [],
  };
}

const FLUSH = 'select pg_catalog.pg_stat_force_next_flush()';
const TRANSACTION =
  /^\s*(begin|start\s+transaction|commit|end|rollback|abort|savepoint|release|prepare\s+transaction)\b/i;

export class Oracle {
  readonly #reader: SqlReader;
  readonly #url: (user: string | null) => string;
  readonly #folder: string;
  readonly #variables: Map<string, string>;
  readonly #prepared = new Map<string, SqlReading>();
  /** Cursors declared over something that changes things: a FETCH is what carries it out. */
  #cursorsChange = false;
  readonly tally = newTally();

  constructor(reader: SqlReader, folder: string, url: (user: string | null) => string) {
    this.#reader = reader;
    this.#folder = folder;
    this.#url = url;
    this.#variables = new Map([
      ['PG_ABS_SRCDIR', folder],
      ['PG_ABS_BUILDDIR', '/tmp'],
      ['PG_LIBDIR', '/nowhere'],
      ['PG_DLSUFFIX', '.so'],
      ['DBNAME', 'postgres'],
      ['USER', 'postgres'],
    ]);
  }

  async file(name: string): Promise<void> {
    const text = readFileSync(join(this.#folder, 'sql', `${name}.sql`), 'latin1');
    // Some files are in other encodings on purpose; psql would send the bytes as they are.
    const utf8 = Buffer.from(text, 'latin1').toString('utf8');
    let session = await this.#connect(null);
    this.tally.files += 1;
    try {
      for (const step of steps(utf8, this.#variables)) {
        if (step.kind === 'connect') {
          await session.close();
          session = await this.#connect(step.user);
        } else if (!(await this.#statement(name, step, session))) {
          await session.close();
          session = await this.#connect(null);
        }
      }
    } finally {
      await session.close();
    }
  }

  async #connect(user: string | null): Promise<WatchedSession> {
    this.#prepared.clear();
    this.#cursorsChange = false;
    try {
      return await WatchedSession.open(this.#url(user));
    } catch {
      return WatchedSession.open(this.#url(null));
    }
  }

  /** False when the session is lost. */
  async #statement(
    file: string,
    step: Extract<Step, { kind: 'statement' }>,
    session: WatchedSession,
  ): Promise<boolean> {
    const bytes = Buffer.from(step.text, 'utf8');
    const reading = await this.#reader.read(bytes, 0, bytes.length);
    const words = said(reading, this.#prepared);
    const { tally } = this;
    tally.statements += 1;
    tally.claims[words.claim] += 1;
    if (words.effects.some((effect) => effect.kind === 'execute')) tally.executes += 1;
    const own = session.status === 'I' && !TRANSACTION.test(step.text);
    const watch = own || session.status === 'T';
    const before = watch ? await session.snapshot(own) : null;
    let ran = await session.run(step.text, step.data);
    if (ran.kind === 'error' && ran.code === '25001' && own) {
      await session.run('rollback');
      ran = await session.run(step.text, step.data);
      tally.unwatched += 1;
    } else if (ran.kind === 'error') {
      tally.failed += 1;
    } else if (before !== null && session.status === 'T' && !TRANSACTION.test(step.text)) {
      await this.#compare(file, step.text, words, before, session);
    } else {
      tally.unwatched += 1;
    }
    // The counters start again from nothing, or the next statement would be blamed for this one.
    const end = ran.kind === 'ok' ? 'commit' : 'rollback';
    if (own && session.status !== 'I') await session.run(`${end}; ${FLUSH}`);
    else if (session.status === 'I') await session.run(FLUSH);
    this.#note(reading, ran);
    return ran.kind === 'ok' || ran.code !== '?';
  }

  async #compare(
    file: string,
    text: string,
    words: ReturnType<typeof said>,
    before: NonNullable<Awaited<ReturnType<WatchedSession['snapshot']>>>,
    session: WatchedSession,
  ): Promise<void> {
    const after = await session.snapshot();
    if (after === null) {
      this.tally.unwatched += 1;
      return;
    }
    this.tally.watched += 1;
    const finding = await judge(words, changeBetween(before, after), (query, values) =>
      session.ask(query, values),
    );
    const line = `${file}: ${text.replaceAll(/\s+/g, ' ').slice(0, 160)}`;
    if (finding.kind === 'opaque') this.#opaque(finding.door, line);
    if (finding.kind === 'wrong') {
      // Temporary tables are the session's own: they end with it, as with DISCARD.
      if (/^\s*discard\b/i.test(text)) this.#opaque(`temporary tables: ${finding.what}`, line);
      else if (/^\s*(fetch|move)\b/i.test(text) && this.#cursorsChange) {
        this.#opaque(`cursor declared earlier: ${finding.what}`, line);
      } else this.tally.wrong.push(`${line} -> ${finding.what}`);
    }
  }

  #opaque(door: string, line: string): void {
    const kind = door.split(' ')[0] ?? door;
    this.tally.opaque.set(kind, [...(this.tally.opaque.get(kind) ?? []), `${line} -> ${door}`]);
  }

  #note(reading: SqlReading, ran: Ran): void {
    if (reading.kind === 'could-not-tell') {
      const key = `${reading.reason.code}, ${ran.kind === 'ok' ? 'taken' : 'refused'} by the server`;
      this.tally.untold.set(key, (this.tally.untold.get(key) ?? 0) + 1);
    }
    if (ran.kind === 'error') return;
    if (reading.effects.some((effect) => effect.kind !== 'read')) this.#cursorsChange = true;
    for (const act of reading.session) {
      if (act.kind === 'prepare') this.#prepared.set(act.name, act.reading);
      if (act.kind === 'deallocate' && act.name !== null) this.#prepared.delete(act.name);
      if (act.kind === 'deallocate' && act.name === null) this.#prepared.clear();
    }
  }
}
