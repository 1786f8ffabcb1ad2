/**
 * Deferrals in PostgreSQL. What makes them hold under concurrency is in the schema: one standing
 * deferral per digest, one per approval, and a row lock that cancelling and running both take. Row
 * locks are taken deferral first, then person.
 */
import { type Kysely, sql, type Transaction } from 'kysely';
import { approvalHash } from '../approvals/binding.ts';
import type {
  DeferralLine,
  DeferralRecord,
  DeferralState,
  NewDeferral,
} from '../approvals/deferral.ts';
import type {
  Cancelled,
  CancelWord,
  DeferralEnd,
  DeferralStore,
  DueTurn,
  DueWord,
  Scheduled,
} from '../approvals/deferral-store.ts';
import { isOwnerAlone } from '../approvals/hold.ts';
import type { PageWish } from '../approvals/list-page.ts';
import type { Prover } from '../approvals/proofs.ts';
import { HoldfastError } from '../model/errors.ts';
import { storable } from '../model/text.ts';
import type { Database } from './database.ts';
import { deferralOfRow, LINE_COLUMNS, lineOfRow, rowOfDeferral } from './deferral-rows.ts';
import { HOLD_ROWS, newHoldOfRow } from './hold-rows.ts';
import type { PersonChecks } from './person-proof.ts';
import { provenOf } from './signatures.ts';
import { signedOrRefuse } from './signed-proof.ts';
import type { Tables } from './tables.ts';

/** As a literal: the planner matches the partial index by its text, not by parameters. */
const STANDING = sql<boolean>`state in ('scheduled', 'running')`;

export class SqlDeferralStore implements DeferralStore {
  readonly #database: Database;
  readonly #checks: PersonChecks;

  constructor(database: Database, checks: PersonChecks) {
    this.#database = database;
    this.#checks = checks;
  }

  standing(digest: string): Promise<DeferralLine | null> {
    return this.#database.run((db) => standingOf(db, digest));
  }

  schedule(fresh: NewDeferral): Promise<Scheduled> {
    return this.#database.run(async (db) => {
      // Whichever index it meets: what stands is looked for next.
      const added = await db
        .insertInto('holdfast.deferrals')
        .values(rowOfDeferral(fresh))
        .onConflict((conflict) => conflict.doNothing())
        .returning(LINE_COLUMNS)
        .executeTakeFirst();
      if (added !== undefined) return { deferral: lineOfRow(added), isNew: true };
      const standing = await standingOf(db, fresh.card.digest);
      if (standing === null) throw holdGone(fresh.holdId);
      return { deferral: standing, isNew: false };
    });
  }

  get(id: string): Promise<DeferralRecord | null> {
    return this.#database.run((db) => readDeferral(db, id, this.#checks.prover));
  }

  page(wish: PageWish<DeferralState>): Promise<readonly DeferralLine[]> {
    const { after, agent, limit, states, target } = wish;
    return this.#database.run(async (db) => {
      let query = db
        .selectFrom('holdfast.deferrals')
        .select(LINE_COLUMNS)
        .where('state', 'in', [...states]);
      if (agent !== null) query = query.where(sql<boolean>`card->>'agentName' = ${agent}`);
      if (target !== null) query = query.where(sql<boolean>`card->>'target' = ${target}`);
      if (after !== null) {
        query = query.where(sql<boolean>`(scheduled_at, id) < (${after.at}, ${after.id})`);
      }
      const newest = query.orderBy('scheduled_at', 'desc').orderBy('id', 'desc').limit(limit);
      return (await newest.execute()).map(lineOfRow);
    });
  }

  /** Deferral first, then code. The code's verdict is committed even when it is no. */
  async cancel(word: CancelWord, now: Date): Promise<Cancelled> {
    const cancelled = await this.#database.transaction(
      async (trx): Promise<Cancelled | HoldfastError> => {
        const row = await trx
          .selectFrom('holdfast.deferrals')
          .select(LINE_COLUMNS)
          .where('id', '=', word.deferralId)
          .forUpdate()
          .executeTakeFirst();
        if (row === undefined) return { kind: 'unknown-deferral' };
        const deferral = lineOfRow(row);
        if (deferral.state !== 'scheduled') return { kind: 'too-late', deferral };
        const wanted = { permission: 'deferrals.cancel', now } as const;
        const by = await signedOrRefuse(trx, word.signed, wanted, this.#checks);
        if (by instanceof HoldfastError) return by;
        const changed = await change(trx, word.deferralId)
          .set({
            state: 'cancelled',
            decided_at: now,
            decided_by: by.name,
            note: storable(word.note),
          })
          .returning(LINE_COLUMNS)
          .executeTakeFirstOrThrow();
        return { kind: 'cancelled', deferral: lineOfRow(changed), by };
      },
    );
    if (cancelled instanceof HoldfastError) throw cancelled;
    return cancelled;
  }

  hasten(id: string, digest: string, tickMs: bigint): Promise<boolean> {
    return this.#database.run(async (db) => {
      const changed = await change(db, id)
        .set({ due_tick_ms: sql<bigint>`least(due_tick_ms, ${tickMs})` })
        .where('digest', '=', digest)
        .where('state', '=', 'scheduled')
        .executeTakeFirst();
      return changed.numUpdatedRows === 1n;
    });
  }

  takeDue(
    turn: DueTurn,
    decide: (deferral: DeferralRecord) => Promise<DueWord>,
  ): Promise<{ readonly deferral: DeferralRecord; readonly word: DueWord } | null> {
    return this.#database.transaction(async (trx) => {
      let due = trx
        .selectFrom('holdfast.deferrals')
        .select('id')
        .where('state', '=', 'scheduled')
        .where('due_tick_ms', '<=', turn.tickMs);
      if (turn.except.length > 0) due = due.where('id', 'not in', [...turn.except]);
      const first = await due
        .orderBy('due_tick_ms')
        .orderBy('id')
        .limit(1)
        .forUpdate()
        .skipLocked()
        .executeTakeFirst();
      const deferral =
        first === undefined ? null : await readDeferral(trx, first.id, this.#checks.prover);
      if (deferral === null) return null;
      const word = await decide(deferral);
      const news =
        word.kind === 'run'
          ? { state: 'running', run_by: turn.runBy }
          : { state: 'void', decided_at: turn.now, note: storable(word.reason) };
      await change(trx, deferral.id).set(news).execute();
      return { deferral, word };
    });
  }

  /** From `unknown` too: who ran it knows better than who thought it gone. */
  async finish(id: string, runBy: string, end: DeferralEnd, now: Date): Promise<void> {
    await this.#database.run((db) =>
      change(db, id)
        .set({ state: end.state, decided_at: now, note: storable(end.note) })
        .where('state', 'in', ['running', 'unknown'])
        .where('run_by', '=', runBy)
        .execute(),
    );
  }

  async putBack(id: string, runBy: string): Promise<void> {
    await this.#database.run((db) =>
      change(db, id)
        .set({ state: 'scheduled', run_by: null })
        .where('state', '=', 'running')
        .where('run_by', '=', runBy)
        .execute(),
    );
  }

  settle(now: Date): Promise<readonly DeferralLine[]> {
    return this.#database.run(async (db) => {
      const settled = await db
        .updateTable('holdfast.deferrals')
        .set({
          state: 'unknown',
          decided_at: now,
          note: 'Holdfast ended before the answer came. It may or may not have happened.',
        })
        .where('state', '=', 'running')
        .where(
          sql<boolean>`exists (select from holdfast.instance i
            where i.id = run_by and i.settled_at is not null)`,
        )
        .returning(LINE_COLUMNS)
        .execute();
      return settled.map(lineOfRow);
    });
  }
}

function holdGone(id: string | null): HoldfastError {
  return new HoldfastError('HF_HOLD_STATE', {
    expected: 'an approval that nothing was scheduled by yet',
    found: `${id ?? 'none'}, used before`,
    hint: 'Try again: a new hold opens.',
  });
}

async function standingOf(db: Kysely<Tables>, digest: string): Promise<DeferralLine | null> {
  const row = await db
    .selectFrom('holdfast.deferrals')
    .select(LINE_COLUMNS)
    .where('digest', '=', digest)
    .where(STANDING)
    .executeTakeFirst();
  return row === undefined ? null : lineOfRow(row);
}

/**
 * With the signatures of its approval that are proven now: of people who still count, for its very digest,
 * under a hold that nobody denied or voided while it was being put off.
 */
async function readDeferral(
  db: Kysely<Tables>,
  id: string,
  prover: Prover,
): Promise<DeferralRecord | null> {
  const row = await db
    .selectFrom('holdfast.deferrals')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return null;
  const hold =
    row.hold_id === null
      ? undefined
      : await db
          .selectFrom('holdfast.holds')
          .selectAll()
          .where('id', '=', row.hold_id)
          .where('digest', '=', row.digest)
          .where('state', 'not in', ['denied', 'void'])
          .where(HOLD_ROWS.own)
          .executeTakeFirst();
  if (hold === undefined) return deferralOfRow(row, [], null);
  const signed = newHoldOfRow(HOLD_ROWS, hold);
  const of = { id: hold.id, challenge: () => approvalHash(signed) };
  const signatures = await provenOf(db, of, prover);
  return deferralOfRow(row, isOwnerAlone(signed.card, signatures) ? [] : signatures, signed);
}

function change(db: Kysely<Tables> | Transaction<Tables>, id: string) {
  return db.updateTable('holdfast.deferrals').where('id', '=', id);
}
