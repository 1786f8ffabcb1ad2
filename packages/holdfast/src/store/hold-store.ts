/**
 * Holds and signatures in PostgreSQL. What makes them hold under concurrency is in the schema:
 * one standing hold per digest (partial unique index), one signature per person, and a signature's
 * digest tied to its hold's (foreign key). Row locks are taken hold first, then person.
 */
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import {
  type Card,
  type HoldRecord,
  type HoldState,
  isOpen,
  type NewHold,
  nextState,
  stateAt,
} from '../approvals/hold.ts';
import type { HoldStore, OpenedHold, PersonWord, WordTaken } from '../approvals/hold-store.ts';
import type { PageWish } from '../approvals/list-page.ts';
import { HoldfastError } from '../model/errors.ts';
import type { Database } from './database.ts';
import { type CardRows, holdOfRow, rowOfHold, signaturesOf, storable } from './hold-rows.ts';
import { type JudgeCode, spendOrRefuse } from './people-store.ts';
import type { Tables } from './tables.ts';

export const HOLDS_CHANNEL = 'holdfast_holds';

/** As literals: the planner matches the partial index by its text, not by parameters. */
const STANDING = sql`('waiting', 'signed', 'denied')`;

/** Shorter and it could be anybody's. */
const DIGEST_SHOWN_CHARS_MIN = 8;

/** Open holds come and go between a failed insert and the look; each turn some other caller won. */
const OPEN_TURNS_MAX = 10;

/** `rows`: whose: agents' (HOLD_ROWS) or people's (PROPOSAL_ROWS). Neither sees the other's. */
export class SqlHoldStore<C extends Card> implements HoldStore<C> {
  readonly #database: Database;
  readonly #judgeCode: JudgeCode;
  readonly #rows: CardRows<C>;

  constructor(database: Database, judgeCode: JudgeCode, rows: CardRows<C>) {
    this.#database = database;
    this.#judgeCode = judgeCode;
    this.#rows = rows;
  }

  async findOrOpen(fresh: NewHold<C>, now: Date): Promise<OpenedHold<C>> {
    const expired: HoldRecord<C>[] = [];
    for (let turn = 0; turn < OPEN_TURNS_MAX; turn += 1) {
      const opened = await this.#database.transaction((trx) =>
        tryOpen(trx, this.#rows, fresh, now),
      );
      expired.push(...opened.expired);
      if (opened.hold !== null) return { hold: opened.hold, isNew: opened.isNew, expired };
    }
    throw new HoldfastError('HF_STORE_UNAVAILABLE', {
      expected: 'to find or open the hold',
      found: `it changed hands ${OPEN_TURNS_MAX} times meanwhile`,
      hint: 'Try again.',
    });
  }

  get(id: string): Promise<HoldRecord<C> | null> {
    return this.#database.run((db) => readHold(db, this.#rows, id));
  }

  list(which: 'open' | 'all', now: Date, limit: number): Promise<readonly HoldRecord<C>[]> {
    return this.#database.run(async (db) => {
      let query = db.selectFrom('holdfast.holds').selectAll().where(this.#rows.own);
      if (which === 'open') {
        query = query.where('state', 'in', ['waiting', 'signed']).where('expires_at', '>', now);
      }
      const rows = await query
        .orderBy('opened_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      const signatures = await signaturesOf(
        db,
        rows.map(({ id }) => id),
      );
      return rows.map((row) => holdOfRow(this.#rows, row, signatures.get(row.id) ?? []));
    });
  }

  page(wish: PageWish<HoldState>, now: Date): Promise<readonly HoldRecord<C>[]> {
    const { after, agent, limit, target } = wish;
    return this.#database.run(async (db) => {
      let query = db
        .selectFrom('holdfast.holds')
        .selectAll()
        .where(this.#rows.own)
        .where(stateIn(wish.states, now));
      if (agent !== null) query = query.where('agent_name', '=', agent);
      if (target !== null) query = query.where('target', '=', target);
      if (after !== null) {
        query = query.where(sql<boolean>`(opened_at, id) < (${after.at}, ${after.id})`);
      }
      const rows = await query
        .orderBy('opened_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      const ids = rows.map(({ id }) => id);
      const signatures = await signaturesOf(db, ids);
      return rows.map((row) => holdOfRow(this.#rows, row, signatures.get(row.id) ?? []));
    });
  }

  sign(word: PersonWord, now: Date, expiresAt: Date): Promise<WordTaken<C>> {
    return this.#take(word, now, async (trx, hold, personId) => {
      const added = await trx
        .insertInto('holdfast.signatures')
        .values({
          hold_id: hold.id,
          digest: hold.card.digest,
          person_id: personId,
          person_name: word.person,
          method: 'totp',
          signed_at: now,
        })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      const signed = (await signaturesOf(trx, [hold.id])).get(hold.id) ?? [];
      const count = { ...hold, peopleSigned: signed.length };
      const state = nextState(count, { kind: 'sign' }) ?? hold.state;
      if (state !== hold.state) {
        const deadline = state === 'signed' ? { expires_at: expiresAt, decided_at: now } : {};
        await change(trx, hold.id)
          .set({ state, ...deadline })
          .execute();
      }
      return added.numInsertedOrUpdatedRows === 0n;
    });
  }

  deny(word: PersonWord, note: string, now: Date): Promise<WordTaken<C>> {
    return this.#take(word, now, async (trx, hold) => {
      await change(trx, hold.id)
        .set({ state: 'denied', decided_at: now, decided_by: word.person, note: storable(note) })
        .execute();
      return false;
    });
  }

  consume(id: string, now: Date): Promise<boolean> {
    return this.#database.transaction((trx) => consumeHold(trx, id, now));
  }

  expireDue(now: Date): Promise<readonly HoldRecord<C>[]> {
    return this.#database.transaction((trx) => expire(trx, this.#rows, null, now));
  }

  /** Hold first, then code, then the deed. The code's verdict is committed even when it is no. */
  async #take(
    word: PersonWord,
    now: Date,
    deed: (trx: Transaction<Tables>, hold: HoldRecord<C>, personId: string) => Promise<boolean>,
  ): Promise<WordTaken<C>> {
    const taken = await this.#database.transaction(
      async (trx): Promise<WordTaken<C> | HoldfastError> => {
        const hold = await lockHold(trx, this.#rows, word.holdId, now);
        if (hold === null) return { kind: 'unknown-hold' };
        if (!isOpen(hold.state)) return { kind: 'not-open', hold };
        if (word.digestShown !== null && !isBeginning(word.digestShown, hold.card.digest)) {
          return { kind: 'other-digest', hold };
        }
        const personId = await spendOrRefuse(trx, word, this.#judgeCode);
        if (personId instanceof HoldfastError) return personId;
        const wasThere = await deed(trx, hold, personId);
        await tell(trx, hold.id);
        return {
          kind: 'taken',
          hold: (await readHold(trx, this.#rows, hold.id)) ?? hold,
          wasThere,
        };
      },
    );
    if (taken instanceof HoldfastError) throw taken;
    return taken;
  }
}

/** `hold` null: another's hold stood in the way and was gone when we looked; ask again. */
async function tryOpen<C extends Card>(
  trx: Transaction<Tables>,
  rows: CardRows<C>,
  fresh: NewHold<C>,
  now: Date,
): Promise<{ hold: HoldRecord<C> | null; isNew: boolean; expired: readonly HoldRecord<C>[] }> {
  const expired = await expire(trx, rows, fresh.card.digest, now);
  const added = await trx
    .insertInto('holdfast.holds')
    .values(rowOfHold(rows, fresh))
    .onConflict((conflict) =>
      conflict.column('digest').where(sql<boolean>`state in ${STANDING}`).doNothing(),
    )
    .executeTakeFirst();
  const isNew = added.numInsertedOrUpdatedRows === 1n;
  if (isNew) await tell(trx, fresh.id);
  const standing = await trx
    .selectFrom('holdfast.holds')
    .select('id')
    .where('digest', '=', fresh.card.digest)
    .where(sql<boolean>`state in ${STANDING}`)
    .executeTakeFirst();
  const hold = standing === undefined ? null : await lockHold(trx, rows, standing.id, now);
  if (hold === null || hold.state === 'consumed' || hold.state === 'expired') {
    return { hold: null, isNew, expired };
  }
  return { hold: await raise(trx, hold, fresh.peopleNeeded), isNew, expired };
}

/** More people may be asked for, never fewer; and a signature may have stopped counting. */
async function raise<C extends Card>(
  trx: Transaction<Tables>,
  hold: HoldRecord<C>,
  people: number,
): Promise<HoldRecord<C>> {
  if (!isOpen(hold.state)) return hold;
  const peopleNeeded = Math.max(hold.peopleNeeded, people);
  const count = { state: hold.state, peopleNeeded, peopleSigned: hold.signatures.length };
  const state = nextState(count, { kind: 'raise' }) ?? hold.state;
  if (state === hold.state && peopleNeeded === hold.peopleNeeded) return hold;
  await change(trx, hold.id).set({ state, people_needed: peopleNeeded }).execute();
  await tell(trx, hold.id);
  return { ...hold, state, peopleNeeded };
}

/** `digest` null: every hold that is due. Skips what another process is at. */
async function expire<C extends Card>(
  trx: Transaction<Tables>,
  rows: CardRows<C>,
  digest: string | null,
  now: Date,
): Promise<readonly HoldRecord<C>[]> {
  let due = trx
    .selectFrom('holdfast.holds')
    .select('id')
    .where(rows.own)
    .where('state', 'in', ['waiting', 'signed'])
    .where('expires_at', '<=', now)
    .orderBy('id')
    .forUpdate();
  due = digest === null ? due.skipLocked() : due.where('digest', '=', digest);
  const expired: HoldRecord<C>[] = [];
  for (const { id } of await due.execute()) {
    await change(trx, id).set({ state: 'expired', decided_at: now }).execute();
    await tell(trx, id);
    const hold = await readHold(trx, rows, id);
    if (hold !== null) expired.push(hold);
  }
  return expired;
}

/** The hold with its row locked; its state is as of `now`. */
async function lockHold<C extends Card>(
  trx: Transaction<Tables>,
  rows: CardRows<C>,
  id: string,
  now: Date,
): Promise<HoldRecord<C> | null> {
  await trx
    .selectFrom('holdfast.holds')
    .select('id')
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  const hold = await readHold(trx, rows, id);
  return hold === null ? null : { ...hold, state: stateAt(hold, now) };
}

async function readHold<C extends Card>(
  db: Kysely<Tables>,
  rows: CardRows<C>,
  id: string,
): Promise<HoldRecord<C> | null> {
  const row = await db
    .selectFrom('holdfast.holds')
    .selectAll()
    .where('id', '=', id)
    .where(rows.own)
    .executeTakeFirst();
  if (row === undefined) return null;
  return holdOfRow(rows, row, (await signaturesOf(db, [id])).get(id) ?? []);
}

/** One statement: of many at once, the row lock lets one see `signed`. */
async function consumeHold(trx: Transaction<Tables>, id: string, now: Date): Promise<boolean> {
  const used = await sql`
    update holdfast.holds h set state = 'consumed', decided_at = ${now}
    where h.id = ${id} and h.state = 'signed' and h.expires_at > ${now}
      and h.people_needed <= (
        select count(*) from holdfast.signatures s join holdfast.people p on p.id = s.person_id
        where s.hold_id = h.id and s.digest = h.digest and p.removed_at is null)
    returning h.id`.execute(trx);
  if (used.rows.length === 0) return false;
  await tell(trx, id);
  return true;
}

/** What has run out and is not written down yet counts as expired, and is open no more. */
function stateIn(states: readonly HoldState[], now: Date): RawBuilder<boolean> {
  const open = states.filter(isOpen);
  const over = states.filter((state) => !isOpen(state));
  const ways = [
    ...(open.length > 0
      ? [sql`(state in ('waiting', 'signed') and state = any(${open}) and expires_at > ${now})`]
      : []),
    ...(over.length > 0 ? [sql`state = any(${over})`] : []),
    ...(over.includes('expired')
      ? [sql`(state in ('waiting', 'signed') and expires_at <= ${now})`]
      : []),
  ];
  return ways.length === 0 ? sql`false` : sql<boolean>`(${sql.join(ways, sql` or `)})`;
}

function change(trx: Transaction<Tables>, id: string) {
  return trx.updateTable('holdfast.holds').where('id', '=', id);
}

function isBeginning(shown: string, digest: string): boolean {
  return shown.length >= DIGEST_SHOWN_CHARS_MIN && digest.startsWith(shown.toLowerCase());
}

/** Delivered when the transaction commits, and not at all when it does not. */
function tell(trx: Kysely<Tables>, holdId: string): Promise<unknown> {
  return sql`select pg_notify(${HOLDS_CHANNEL}, ${holdId})`.execute(trx);
}
