/**
 * Receipts as the gateway writes them: over Holdfast's own connection, committed before the agent's
 * session hears of them. A receipt is for one statement, one session, one role, once, and soon.
 */
import type { Clock } from '../../../model/clock.ts';
import { HoldfastError } from '../../../model/errors.ts';
import type { TargetDatabase } from '../../target-database.ts';
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
   * names in it mean what they mean by the search path that the agent's role starts with.
   */
  async runOutside(db: TargetDatabase, wish: PermitWish, session: PermitSession): Promise<string> {
    if (wish.mode === 'reversible') return dropDatabase(db, wish.statement, session.role);
    const path = await pathOf(db, session.role);
    const owner = await ownerOf(db);
    return db.transaction('read committed', async (target) => {
      const [row] = await target.query('select holdfast.command_tag($1, $2) as tag', [
        wish.statement,
        path,
      ]);
      // Out of the transaction this session was lent with, and back into one for its end.
      await target.query('commit');
      try {
        await target.query(`set role ${ident(owner)}`);
        await target.query(`select pg_catalog.set_config('search_path', $1, false)`, [path]);
        await target.query(wish.statement);
      } finally {
        await target.query('reset role');
        await target.query('reset search_path');
      }
      await target.query('begin');
      return typeof row?.['tag'] === 'string' ? row['tag'] : '';
    });
  }
}

const DROP_DATABASE =
  /^\s*drop\s+database\s+(if\s+exists\s+)?("(?:[^"]|"")+"|[a-z_][\w$]*)\s*;?\s*$/i;

/** The one statement outside of transactions that can be taken back: the database is renamed and closed. */
async function dropDatabase(db: TargetDatabase, statement: string, role: string): Promise<string> {
  const [, optional, written] = DROP_DATABASE.exec(statement) ?? [];
  if (written === undefined) {
    throw new HoldfastError('HF_UNDO_STATE', {
      expected: 'a statement that can be taken back',
      found: statement.slice(0, 200),
      hint: 'It runs outside of any transaction, so nothing of it is kept. DROP DATABASE can be taken back, without FORCE.',
    });
  }
  const name = written.startsWith('"')
    ? written.slice(1, -1).replaceAll('""', '"')
    : written.toLowerCase();
  if (optional !== undefined) {
    const found = await db.query('select from pg_database where datname = $1', [name]);
    if (found.length === 0) return 'DROP DATABASE';
  }
  await db.transaction('read committed', async (target) => {
    const [act] = await target.query('select holdfast.trash_database($1)::text as seq', [name]);
    // It was run by us, and for the agent: by its name it is found and taken back.
    await target.query('update holdfast.journal set role = $1 where seq = $2::bigint', [
      role,
      act?.['seq'],
    ]);
  });
  return 'DROP DATABASE';
}

/** As whom statements run that cannot run in a transaction: noted by `holdfast protect`. */
async function ownerOf(db: TargetDatabase): Promise<string> {
  const [row] = await db.query(
    `select value #>> '{}' as owner from holdfast.meta where key = 'ddl_owner'`,
  );
  if (typeof row?.['owner'] === 'string') return row['owner'];
  throw new HoldfastError('HF_PROTECT', {
    expected: `the owner of what agents create to be noted in ${db.target}`,
    found: 'none',
    hint: `Run: holdfast protect ${db.target} --apply`,
  });
}

/** With what search path sessions of a role begin, `$user` as that role, pg_temp last. */
async function pathOf(db: TargetDatabase, role: string): Promise<string> {
  const [row] = await db.query(
    `select coalesce((
       select substr(setting, 13) from pg_db_role_setting s
       cross join unnest(s.setconfig) setting
       where setting like 'search_path=%'
         and s.setrole in (0, (select oid from pg_roles where rolname = $1))
         and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
       order by s.setrole = 0, s.setdatabase = 0 limit 1), '"$user", public') as path`,
    [role],
  );
  const path = typeof row?.['path'] === 'string' ? row['path'] : 'public';
  return `${path.replace('"$user"', ident(role))}, pg_temp`;
}
