/**
 * Holds and signatures in PostgreSQL. What makes them hold under concurrency is in the schema:
 * one standing hold per digest (partial unique index), one signature per person, and a signature's
 * digest tied to its hold's (foreign key). What makes them hold against whoever writes to our tables is
 * in `signatures.ts`. Row locks are taken hold first, then person, then passkey.
 */
import { type Kysely, type RawBuilder, type Selectable, sql, type Transaction } from 'kysely';
import {
  APPROVAL_DOMAIN,
  approvalHash,
  type BindingDomain,
  bindingOf,
  challengeOf,
  DENIAL_DOMAIN,
} from '../approvals/binding.ts';
import { isDigestWords } from '../approvals/digest-words.ts';
import {
  type Card,
  type HoldRecord,
  type HoldState,
  isOpen,
  isOwnerAlone,
  type NewHold,
  nextState,
  stateAt,
} from '../approvals/hold.ts';
import type {
  Approval,
  HoldStore,
  OpenedHold,
  PersonWord,
  Speaker,
  StandingHold,
  WordTaken,
} from '../approvals/hold-store.ts';
import type { PageWish } from '../approvals/list-page.ts';
import type { Prover } from '../approvals/proofs.ts';
import type { Permission } from '../identity/roles.ts';
import { HoldfastError } from '../model/errors.ts';
import { DIGEST_SHOWN_CHARS_MIN, HOLD_TURNS_MAX } from '../model/limits.ts';
import { storable } from '../model/text.ts';
import type { Signature } from '../policy/judge.ts';
import type { Database } from './database.ts';
import { type CardRows, holdOfRow, jsonOf, newHoldOfRow, rowOfHold } from './hold-rows.ts';
import { type PersonChecks, proveOrRefuse } from './person-proof.ts';
import { proofJson, provenOf, STILL_COUNTS, signaturesOf } from './signatures.ts';
import type { HoldsTable, Tables } from './tables.ts';

export const HOLDS_CHANNEL = 'holdfast_holds';

/** As literals: the planner matches the partial index by its text, not by parameters. */
const STANDING = sql`('waiting', 'signed', 'denied')`;

/** `rows`: whose: agents' (HOLD_ROWS) or people's (PROPOSAL_ROWS). Neither sees the other's. */
export class SqlHoldStore<C extends Card> implements HoldStore<C> {
  readonly #database: Database;
  readonly #checks: PersonChecks;
  readonly #rows: CardRows<C>;
  readonly #view: View<C>;

  constructor(database: Database, checks: PersonChecks, rows: CardRows<C>) {
    this.#database = database;
    this.#checks = checks;
    this.#rows = rows;
    this.#view = { rows, prover: checks.prover };
  }

  standing(digest: string, now: Date): Promise<StandingHold<C>> {
    return this.#database.transaction(async (trx) => {
      const expired = await expire(trx, this.#view, digest, now);
      return { hold: await lockStanding(trx, this.#view, digest, now), expired };
    });
  }

  async findOrOpen(fresh: NewHold<C>, now: Date): Promise<OpenedHold<C>> {
    const expired: HoldRecord<C>[] = [];
    for (let turn = 0; turn < HOLD_TURNS_MAX; turn += 1) {
      const opened = await this.#database.transaction((trx) =>
        tryOpen(trx, this.#view, fresh, now),
      );
      expired.push(...opened.expired);
      if (opened.hold !== null) return { hold: opened.hold, isNew: opened.isNew, expired };
    }
    throw new HoldfastError('HF_STORE_UNAVAILABLE', {
      expected: 'to find or open the hold',
      found: `it changed hands ${HOLD_TURNS_MAX} times meanwhile`,
      hint: 'Try again.',
    });
  }

  get(id: string): Promise<HoldRecord<C> | null> {
    return this.#database.run((db) => readHold(db, this.#view, id));
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
      return await this.#withSignatures(db, rows);
    });
  }

  async sign(word: PersonWord, now: Date, expiresAt: Date): Promise<WordTaken<C>> {
    const { prover } = this.#checks;
    return await this.#take(word, APPROVAL_DOMAIN, now, async (trx, hold, speaker) => {
      const wasThere = hold.signatures.some(({ personId }) => personId === speaker.id);
      if (!wasThere) await addSignature(trx, hold, speaker, word.comment ?? '', now, prover);
      const signed = (await readHold(trx, this.#view, hold.id)) ?? hold;
      const state = nextState(countOf(signed), { kind: 'sign' }) ?? hold.state;
      if (state !== hold.state) {
        const deadline =
          state === 'signed' ? { expires_at: earlier(expiresAt, hold), decided_at: now } : {};
        await change(trx, hold.id)
          .set({ state, ...deadline })
          .execute();
      }
      return wasThere;
    });
  }

  async deny(word: PersonWord, note: string, now: Date): Promise<WordTaken<C>> {
    const { prover } = this.#checks;
    return await this.#take(word, DENIAL_DOMAIN, now, async (trx, hold, speaker) => {
      const { challenge, id: personId, method } = speaker;
      const proof: unknown = JSON.parse(proofJson(speaker, hold.id, now, note, prover));
      await change(trx, hold.id)
        .set({
          state: 'denied',
          decided_at: now,
          decided_by: speaker.name,
          note: storable(note),
          denial: jsonOf({ personId, method, challenge, at: now.toISOString(), proof }),
        })
        .execute();
      return false;
    });
  }

  proven(id: string, challenge: string): Promise<readonly Signature[]> {
    return this.#database.run((db) =>
      provenOf(db, { id, challenge: () => challenge }, this.#checks.prover),
    );
  }

  annul(id: string, changes: string, now: Date): Promise<HoldRecord<C> | null> {
    return this.#database.transaction(async (trx) => {
      const hold = await lockHold(trx, this.#view, id, now);
      const state = hold === null ? null : nextState(countOf(hold), { kind: 'void' });
      if (hold === null || state === null) return null;
      const note = storable(changes);
      await change(trx, id).set({ state, decided_at: now, note }).execute();
      await tell(trx, id);
      return { ...hold, state, note };
    });
  }

  consume(id: string, approval: Approval, now: Date): Promise<boolean> {
    return this.#database.transaction((trx) => consumeHold(trx, id, approval, now));
  }

  expireDue(now: Date): Promise<readonly HoldRecord<C>[]> {
    return this.#database.transaction((trx) => expire(trx, this.#view, null, now));
  }

  async #withSignatures(
    db: Kysely<Tables>,
    rows: readonly Selectable<HoldsTable>[],
  ): Promise<readonly HoldRecord<C>[]> {
    const signed = rows.map((row) => ({
      id: row.id,
      challenge: () => approvalHash(newHoldOfRow(this.#rows, row)),
    }));
    const signatures = await signaturesOf(db, signed, this.#checks.prover);
    return rows.map((row) => holdOfRow(this.#rows, row, signatures.get(row.id) ?? []));
  }

  /** Hold first, then proof, then the deed. A code's verdict is committed even when it is no. */
  async #take(
    word: PersonWord,
    domain: BindingDomain,
    now: Date,
    deed: (trx: Transaction<Tables>, hold: HoldRecord<C>, speaker: Speaker) => Promise<boolean>,
  ): Promise<WordTaken<C>> {
    const taken = await this.#database.transaction(
      async (trx): Promise<WordTaken<C> | HoldfastError> => {
        const hold = await lockHold(trx, this.#view, word.holdId, now);
        if (hold === null) return { kind: 'unknown-hold' };
        if (!isOpen(hold.state)) return { kind: 'not-open', hold };
        if (word.digestShown !== null && !isShown(word.digestShown, hold)) {
          return { kind: 'other-digest', hold };
        }
        const { typedName } = hold.card;
        const mustType = domain === APPROVAL_DOMAIN && typedName !== null;
        if (mustType && word.typedName?.trim() !== typedName) return { kind: 'other-name', hold };
        const challenge = challengeOf(bindingOf(hold, domain));
        const speaker = await proveOrRefuse(
          trx,
          word,
          { challenge, permission: permissionFor(hold.card), now },
          this.#checks,
        );
        if (speaker instanceof HoldfastError) return speaker;
        const wasThere = await deed(trx, hold, speaker);
        await tell(trx, hold.id);
        const after = (await readHold(trx, this.#view, hold.id)) ?? hold;
        return { kind: 'taken', hold: after, speaker, wasThere };
      },
    );
    if (taken instanceof HoldfastError) throw taken;
    return taken;
  }
}

/** Whose rows, and what their signatures are checked with. */
interface View<C extends Card> {
  readonly rows: CardRows<C>;
  readonly prover: Prover;
}

/** In place of a row of that person's which is no signature: it would keep the real one out. */
async function addSignature<C extends Card>(
  trx: Transaction<Tables>,
  hold: HoldRecord<C>,
  speaker: Speaker,
  comment: string,
  now: Date,
  prover: Prover,
): Promise<void> {
  await trx
    .deleteFrom('holdfast.signatures')
    .where('hold_id', '=', hold.id)
    .where('person_id', '=', speaker.id)
    .execute();
  await trx
    .insertInto('holdfast.signatures')
    .values({
      hold_id: hold.id,
      digest: hold.card.digest,
      person_id: speaker.id,
      person_name: speaker.name,
      method: speaker.method,
      signed_at: now,
      binding: speaker.challenge,
      proof: proofJson(speaker, hold.id, now, comment, prover),
      comment: storable(comment),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function countOf<C extends Card>({ card, peopleNeeded, signatures, state }: HoldRecord<C>) {
  const isAlone = isOwnerAlone(card, signatures);
  return { state, peopleNeeded, peopleSigned: signatures.length, isOwnerAlone: isAlone };
}

/** The life of an approval ends no later than what was signed says. */
function earlier<C extends Card>(expiresAt: Date, { approvalUntil }: HoldRecord<C>): Date {
  return approvalUntil !== null && approvalUntil < expiresAt ? approvalUntil : expiresAt;
}

/** `hold` null: another's hold stood in the way and was gone when we looked; ask again. */
async function tryOpen<C extends Card>(
  trx: Transaction<Tables>,
  view: View<C>,
  fresh: NewHold<C>,
  now: Date,
): Promise<{ hold: HoldRecord<C> | null; isNew: boolean; expired: readonly HoldRecord<C>[] }> {
  const { digest } = fresh.card;
  const expired = await expire(trx, view, digest, now);
  const added = await trx
    .insertInto('holdfast.holds')
    .values(rowOfHold(view.rows, fresh))
    .onConflict((conflict) =>
      conflict.column('digest').where(sql<boolean>`state in ${STANDING}`).doNothing(),
    )
    .executeTakeFirst();
  const isNew = added.numInsertedOrUpdatedRows === 1n;
  if (isNew) await tell(trx, fresh.id);
  return { hold: await lockStanding(trx, view, digest, now), isNew, expired };
}

/** With its row locked and its signatures counted anew; null: none stands, or it was gone when we had it. */
async function lockStanding<C extends Card>(
  trx: Transaction<Tables>,
  view: View<C>,
  digest: string,
  now: Date,
): Promise<HoldRecord<C> | null> {
  const standing = await trx
    .selectFrom('holdfast.holds')
    .select('id')
    .where('digest', '=', digest)
    .where(sql<boolean>`state in ${STANDING}`)
    .executeTakeFirst();
  const hold = standing === undefined ? null : await lockHold(trx, view, standing.id, now);
  if (hold === null || !(isOpen(hold.state) || hold.state === 'denied')) return null;
  return await recount(trx, hold);
}

/** A signature may have stopped counting, or not have been one. */
async function recount<C extends Card>(
  trx: Transaction<Tables>,
  hold: HoldRecord<C>,
): Promise<HoldRecord<C>> {
  const state = nextState(countOf(hold), { kind: 'recount' }) ?? hold.state;
  if (state === hold.state) return hold;
  await change(trx, hold.id).set({ state }).execute();
  await tell(trx, hold.id);
  return { ...hold, state };
}

/** `digest` null: every hold that is due. Skips what another process is at. */
async function expire<C extends Card>(
  trx: Transaction<Tables>,
  view: View<C>,
  digest: string | null,
  now: Date,
): Promise<readonly HoldRecord<C>[]> {
  let due = trx
    .selectFrom('holdfast.holds')
    .select('id')
    .where(view.rows.own)
    .where('state', 'in', ['waiting', 'signed'])
    .where('expires_at', '<=', now)
    .orderBy('id')
    .forUpdate();
  due = digest === null ? due.skipLocked() : due.where('digest', '=', digest);
  const expired: HoldRecord<C>[] = [];
  for (const { id } of await due.execute()) {
    await change(trx, id).set({ state: 'expired', decided_at: now }).execute();
    await tell(trx, id);
    const hold = await readHold(trx, view, id);
    if (hold !== null) expired.push(hold);
  }
  return expired;
}

/** The hold with its row locked; its state is as of `now`. */
async function lockHold<C extends Card>(
  trx: Transaction<Tables>,
  view: View<C>,
  id: string,
  now: Date,
): Promise<HoldRecord<C> | null> {
  await trx
    .selectFrom('holdfast.holds')
    .select('id')
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  const hold = await readHold(trx, view, id);
  return hold === null ? null : { ...hold, state: stateAt(hold, now) };
}

async function readHold<C extends Card>(
  db: Kysely<Tables>,
  { prover, rows }: View<C>,
  id: string,
): Promise<HoldRecord<C> | null> {
  const row = await db
    .selectFrom('holdfast.holds')
    .selectAll()
    .where('id', '=', id)
    .where(rows.own)
    .executeTakeFirst();
  if (row === undefined) return null;
  const challenge = (): string => approvalHash(newHoldOfRow(rows, row));
  const signatures = await signaturesOf(db, [{ id, challenge }], prover);
  return holdOfRow(rows, row, signatures.get(id) ?? []);
}

/**
 * One statement: of many at once, the row lock lets one see `signed`. Counted are those that were just
 * verified, for that challenge, if they still count at this moment and their passkey was not removed. Of an
 * agent's, on `sealed`, there is one among them who neither was its owner when it was signed nor is now; where
 * nobody is said to be, there are two (`isOwnerAlone`).
 */
async function consumeHold(
  trx: Transaction<Tables>,
  id: string,
  { challenge, personIds }: Approval,
  now: Date,
): Promise<boolean> {
  const used = await sql`
    update holdfast.holds h set state = 'consumed', decided_at = ${now}
    where h.id = ${id} and h.state = 'signed' and h.expires_at > ${now} and h.approval_until > ${now}
      and (
        select count(distinct s.person_id) >= h.people_needed and (
            h.act_kind is not null or h.environment_level <> 'sealed' or (
              ${notAlone(sql`h.owner_id`)}
              and (not exists (select from holdfast.agents a where a.id = h.agent_id) or ${notAlone(OWNER_NOW)})))
        from holdfast.signatures s join holdfast.people p on p.id = s.person_id
        where s.hold_id = h.id and s.digest = h.digest and s.binding = ${challenge}
          and s.person_id = any (${sql.val([...personIds])}::text[]) and ${STILL_COUNTS}
          and (s.method = 'totp' or exists (
            select from holdfast.passkeys k
            where k.credential_id = s.proof #>> '{assertion,id}' and k.removed_at is null
              and k.suspended_at is null)))
    returning h.id`.execute(trx);
  if (used.rows.length === 0) return false;
  await tell(trx, id);
  return true;
}

/** Of an agent's hold `h`: who of the people here answers for it now; a sub-agent without one has its parent's. */
const OWNER_NOW = sql`(
  with recursive owned as (
    select a.id, p.id as owner_id, a.parent_id from holdfast.agents a
      left join holdfast.people p on p.id = a.owner_id and p.removed_at is null),
  line as (
    select o.id, o.owner_id, o.parent_id from owned o where o.id = h.agent_id
    union
    select o.id, o.owner_id, o.parent_id from line l join owned o on o.id = l.parent_id
      where l.owner_id is null)
  select l.owner_id from line l where l.owner_id is not null limit 1)`;

/** `isOwnerAlone`, over the signatures `s` that are counted. */
function notAlone(owner: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`(case when ${owner} is null then count(distinct s.person_id) > 1
    else count(*) filter (where s.person_id <> ${owner}) > 0 end)`;
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

/** The beginning of the digest, or the words of the binding. */
function isShown<C extends Card>(shown: string, hold: HoldRecord<C>): boolean {
  const { digest } = hold.card;
  if (shown.length >= DIGEST_SHOWN_CHARS_MIN && digest.startsWith(shown.toLowerCase())) return true;
  return isDigestWords(shown, approvalHash(hold));
}

/** Delivered when the transaction commits, and not at all when it does not. */
function tell(trx: Kysely<Tables>, holdId: string): Promise<unknown> {
  return sql`select pg_notify(${HOLDS_CHANNEL}, ${holdId})`.execute(trx);
}

/** Who may be an owner for an hour, everybody who is here may say; the rest wants who decides. */
function permissionFor(card: Card): Permission {
  return 'actKind' in card && card.actKind === 'break-glass' ? 'break-glass' : 'holds.decide';
}
