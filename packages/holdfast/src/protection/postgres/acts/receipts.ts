/**
 * Receipts as the gateway asks for them, over Holdfast's own connection: the target signs them itself. A
 * receipt is for one statement, one session, one role, names that mean what was judged, once, and soon.
 */
import { HoldfastError } from '../../../model/errors.ts';
import { RECEIPT_LIFE_MS } from '../../../model/limits.ts';
import type { TargetDatabase } from '../../target-database.ts';
import type { JudgedPath, PermitSession, PermitWish } from '../../target-guard.ts';
import { ident } from '../layout.ts';

export interface ReceiptsOptions {
  readonly lifeMs: number;
}

/** The head of a receipt: whose turn, and which number. */
const HEAD = /^t(\d{1,9})n(\d{1,18})\./;

export class Receipts {
  readonly #lifeMs: number;

  constructor({ lifeMs }: ReceiptsOptions = { lifeMs: RECEIPT_LIFE_MS }) {
    this.#lifeMs = lifeMs;
  }

  /** In the order of the wishes, which is the order they can be used in. */
  async issue(
    db: TargetDatabase,
    session: PermitSession,
    wishes: readonly PermitWish[],
    path: JudgedPath,
  ): Promise<readonly string[]> {
    const rows = await db.query(
      `select receipt from holdfast.issue_receipts($1, $2, $3, $4::text[], $5::text[], $6::text[], $7::text[]) receipt`,
      [
        session.pid,
        session.role,
        this.#lifeMs,
        path.schemas,
        path.said,
        wishes.map((wish) => wish.statement),
        wishes.map((wish) => wish.mode),
      ],
    );
    const receipts = rows.map((row) => String(row['receipt']));
    if (receipts.length === wishes.length) return receipts;
    throw new HoldfastError('HF_UPSTREAM_UNREACHABLE', {
      expected: `a session of ${session.role} with process ${session.pid} on ${db.target}`,
      found: 'none',
      hint: 'The session has ended; connect again.',
    });
  }

  /** What was not used is void from now on, and whatever was given to the same session before it. */
  async void(db: TargetDatabase, receipts: readonly string[]): Promise<void> {
    const heads = receipts.flatMap((receipt) => {
      const [, turn, number] = HEAD.exec(receipt) ?? [];
      return turn === undefined || number === undefined ? [] : [{ turn, number }];
    });
    await db.query('select holdfast.void_receipts($1::int[], $2::bigint[])', [
      heads.map(({ turn }) => turn),
      heads.map(({ number }) => number),
    ]);
  }

  /**
   * A statement that the server refuses inside a transaction, as the owner, in a session of our own. The
   * names in it mean what was judged; where that cannot be told, they need their schemas.
   */
  async runOutside(
    db: TargetDatabase,
    wish: PermitWish,
    session: PermitSession,
    judged: JudgedPath,
  ): Promise<string> {
    if (wish.mode === 'reversible') return dropDatabase(db, wish.statement, session.role);
    const owner = await ownerOf(db);
    return db.transaction('read committed', async (target) => {
      const [row] = await target.query(
        `select path, holdfast.command_tag($1, path) as tag
           from holdfast.path_outside($1, $2, $3::text[], $4::text[]) path`,
        [wish.statement, session.role, judged.schemas, judged.said],
      );
      // Out of the transaction this session was lent with, and back into one for its end.
      await target.query('commit');
      try {
        await target.query(`select pg_catalog.set_config('search_path', $1, false)`, [
          row?.['path'],
        ]);
        await target.query(`set role ${ident(owner)}`);
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
