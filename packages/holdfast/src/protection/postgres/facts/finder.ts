/**
 * What an act would touch at a PostgreSQL target, from its own catalogs, over Holdfast's own credential. In
 * this order, so that what was found stands when the time is up: what its names mean and hold by the
 * statistics -> exact sizes, and counts of what was never analyzed -> what hangs on it. Beside that, over a
 * login of the agent's, how many rows a condition picks (`estimate.ts`).
 *
 * It will not: change anything (read only), wait for a lock longer than FACTS_LOCK_MS_MAX, run a view, a policy or a
 * function of the database as the admin, believe the agent's text, or reject.
 */
import { LATE_WORDS } from '../../../model/touched.ts';
import type { TargetDatabase } from '../../target-database.ts';
import type { AdminConnection } from '../admin.ts';
import { type Asked, notLookedUp, WANTED_MAX, wantedOf } from './asked.ts';
import { type Estimated, estimateRows } from './estimate.ts';
import type { Gathering } from './gathering.ts';
import { whyNot } from './late.ts';
import { Look } from './look.ts';
import type { Relation } from './relations.ts';

/** An agent that works holds its locks for longer than a card can wait. */
export const FACTS_LOCK_MS_MAX = 80;

export interface PostgresFactsParts {
  /** As the admin, with the short timeouts of whoever cannot wait. */
  readonly db: Pick<TargetDatabase, 'transaction'>;
  readonly msMax: number;
}

export class PostgresFacts {
  readonly #parts: PostgresFactsParts;

  constructor(parts: PostgresFactsParts) {
    this.#parts = parts;
  }

  /** Fills `into` as it finds out. Never rejects; whoever has waited long enough takes what is there. */
  async lookUp(
    asked: Asked,
    loginOf: () => Promise<AdminConnection | null>,
    into: Gathering,
  ): Promise<void> {
    for (const sentence of notLookedUp(asked)) into.note(sentence);
    const all = wantedOf(asked.effects);
    const wanted = all.slice(0, WANTED_MAX);
    if (all.length > WANTED_MAX) {
      into.note(`all of it: only ${WANTED_MAX} of the ${all.length} things it names are looked up`);
    }
    if (wanted.every(({ fate }) => fate === 'read')) return;
    into.ask('what it touches', 'rows', 'size', 'dependents');
    try {
      await this.#parts.db.transaction('repeatable read', async (session) => {
        await session.query('set transaction read only; set local row_security = off');
        const estimate = (named: readonly Relation[]): Promise<Estimated> =>
          this.#inTime(this.#estimate(named, asked, loginOf));
        const isAll = all.length <= WANTED_MAX;
        await new Look({ session, asked, wanted, isAll, into, estimate }).run();
      });
    } catch (error) {
      into.giveUp(whyNot(error, this.#parts.msMax));
    }
  }

  /** The transaction of the admin waits for it. */
  async #inTime(work: Promise<Estimated>): Promise<Estimated> {
    const { msMax } = this.#parts;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Estimated>((done) => {
      const why = `the server ${LATE_WORDS} ${msMax} ms`;
      timer = setTimeout(() => done({ kind: 'not', why }), msMax);
    });
    const first = await Promise.race([work, late]);
    clearTimeout(timer);
    return first;
  }

  async #estimate(
    relations: readonly Relation[],
    { path, settings, statement }: Asked,
    loginOf: () => Promise<AdminConnection | null>,
  ): Promise<Estimated> {
    if (statement === null) return { kind: 'not', why: 'it is more than one statement' };
    const { msMax } = this.#parts;
    try {
      const login = await loginOf();
      if (login === null) return { kind: 'not', why: 'the agent has no login there' };
      const parts = { login, msMax, lockMsMax: FACTS_LOCK_MS_MAX };
      return await estimateRows({ statement, path, relations, settings }, parts);
    } catch (error) {
      return { kind: 'not', why: whyNot(error, msMax) };
    }
  }
}
