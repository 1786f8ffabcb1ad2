/**
 * Gap rebuilds in PostgreSQL: a record that is written once, and a journal whose entries are chained by
 * MACs with a key that is not in this database. Who writes here without it cannot change a choice, put one
 * in, or take one out of the middle. That the newest ones were cut off nobody can see here; what people
 * sign is the digest of all of them, so that it shows there.
 */
import { createHash, createHmac, timingSafeEqual, webcrypto } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { type Kysely, sql, type Transaction } from 'kysely';
import { canonicalJson } from '../model/canonical.ts';
import { HoldfastError } from '../model/errors.ts';
import { jsonOf } from '../model/json.ts';
import { REBUILD_PROPOSAL_BYTES_MAX } from '../model/limits.ts';
import type {
  AddedBy,
  Adder,
  JournalRecord,
  MakeEntries,
  RecordJournal,
} from '../model/record-journal.ts';
import { inSteps, type Steps } from '../model/steps.ts';
import type { Database } from './database.ts';
import type { PersonChecks } from './person-proof.ts';
import { signedOrRefuse } from './signed-proof.ts';
import type { Tables } from './tables.ts';

interface Row {
  readonly id: string;
  readonly target: string;
  readonly proposed_at: Date;
  readonly proposed_by: string;
  readonly proposal_sha256: string;
  readonly facts: string;
  readonly mac: string;
}

interface EntryRow {
  readonly number: number;
  readonly said: string;
  readonly mac: string;
}

interface Journal {
  readonly entries: readonly unknown[];
  /** MAC of the last one; of the record where there is none. */
  readonly mac: string;
}

const COLUMNS = sql`id, target, proposed_at, proposed_by, proposal_sha256, facts, mac`;
const PERMISSION = 'undo.apply';
/** Checked between two steps. */
const STEP_ENTRIES = 200;
const gzipped = promisify(gzip);
const gunzipped = promisify(gunzip);

export class SqlRebuildStore implements RecordJournal {
  readonly #database: Database;
  readonly #checks: PersonChecks;
  readonly #key: Buffer;

  /** `key`: derived for this and nothing else. */
  constructor(database: Database, checks: PersonChecks, key: Buffer) {
    this.#database = database;
    this.#checks = checks;
    this.#key = key;
  }

  async add(record: Omit<JournalRecord, 'bodySha256'>, body: string): Promise<void> {
    const bytes = Buffer.from(body);
    if (bytes.length > REBUILD_PROPOSAL_BYTES_MAX) throw tooLarge(bytes.length);
    const bodySha256 = createHash('sha256').update(bytes).digest('hex');
    const packed = await gzipped(bytes);
    const { at, by, facts, id, target } = record;
    await this.#database.run((db) =>
      sql`
        insert into holdfast.rebuilds (id, target, proposed_at, proposed_by, proposal, proposal_sha256, facts, mac)
        values (${id}, ${target}, ${at}, ${by}, ${packed}, ${bodySha256}, ${canonicalJson(facts)},
          ${this.#macOf({ ...record, bodySha256 })})`.execute(db),
    );
  }

  list({ after, limit }: Parameters<RecordJournal['list']>[0]): Promise<readonly JournalRecord[]> {
    return this.#database.run(async (db) => {
      const behind =
        after === null ? sql`true` : sql`(proposed_at, id) < (${after.at}, ${after.id})`;
      const { rows } = await sql<Row>`
        select ${COLUMNS} from holdfast.rebuilds where ${behind}
        order by proposed_at desc, id desc limit ${limit}`.execute(db);
      return rows.map((row) => this.#record(row));
    });
  }

  get(id: string): Promise<JournalRecord | null> {
    return this.#database.run(async (db) => {
      const row = await rowOf(db, id, sql``);
      return row === null ? null : this.#record(row);
    });
  }

  async body({ bodySha256, id }: JournalRecord): Promise<Buffer> {
    const { rows } = await this.#database.run((db) =>
      sql<{ proposal: Buffer }>`select proposal from holdfast.rebuilds where id = ${id}`.execute(
        db,
      ),
    );
    const packed = rows[0]?.proposal ?? Buffer.alloc(0);
    const bytes = await gunzipped(packed, { maxOutputLength: REBUILD_PROPOSAL_BYTES_MAX }).catch(
      () => Buffer.alloc(0),
    );
    // On another thread: a hundred megabytes are a tenth of a second here.
    const found = Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
    if (found !== bodySha256) throw foreign(id);
    return bytes;
  }

  entries(id: string): Promise<readonly unknown[]> {
    return this.#database.run(async (db) => {
      const row = await rowOf(db, id, sql``);
      return row === null ? [] : (await this.#journal(db, row)).entries;
    });
  }

  /** Rebuild first, then person. What a code was worth is committed even when it is no. */
  async append(
    id: string,
    adder: Adder,
    now: Date,
    make: MakeEntries,
  ): Promise<readonly unknown[]> {
    const added = await this.#database.transaction(
      async (trx): Promise<readonly unknown[] | HoldfastError> => {
        const row = await rowOf(trx, id, sql`for update`);
        if (row === null) return unknown(id);
        const by = await this.#who(trx, adder, now);
        if (by instanceof HoldfastError) return by;
        const before = await this.#journal(trx, row);
        const made = await make(before.entries, by);
        if (made instanceof HoldfastError) return made;
        let { mac } = before;
        for (const [at, entry] of made.entries()) {
          const number = before.entries.length + at + 1;
          const said = canonicalJson(entry);
          mac = this.#mac({ domain: 'holdfast/rebuild-entry/1', id, number, before: mac, said });
          await sql`
            insert into holdfast.rebuild_entries (rebuild_id, number, said, mac)
            values (${id}, ${number}, ${said}, ${mac})`.execute(trx);
        }
        return [...before.entries, ...made];
      },
    );
    if (added instanceof HoldfastError) throw added;
    return added;
  }

  async #who(
    trx: Transaction<Tables>,
    adder: Adder,
    now: Date,
  ): Promise<AddedBy | null | HoldfastError> {
    if (adder.kind === 'machine') return null;
    const wanted = { permission: PERMISSION, now } as const;
    const spoken = await signedOrRefuse(trx, adder.signed, wanted, this.#checks);
    if (spoken instanceof HoldfastError) return spoken;
    const { id } = await trx
      .selectFrom('holdfast.people')
      .select('id')
      .where('name', '=', spoken.name)
      .executeTakeFirstOrThrow();
    return { ...spoken, id };
  }

  async #journal(db: Kysely<Tables>, row: Row): Promise<Journal> {
    this.#record(row);
    const { id } = row;
    const { rows } = await sql<EntryRow>`
      select number, said, mac from holdfast.rebuild_entries where rebuild_id = ${id}
      order by number`.execute(db);
    return await inSteps(this.#checked(row, rows));
  }

  *#checked({ id, mac: first }: Row, rows: readonly EntryRow[]): Steps<Journal> {
    let mac = first;
    const entries: unknown[] = [];
    for (const [at, { number, said, mac: own }] of rows.entries()) {
      const facts = { domain: 'holdfast/rebuild-entry/1', id, number: at + 1, before: mac, said };
      if (number !== at + 1 || !same(own, this.#mac(facts))) throw foreign(id);
      entries.push(JSON.parse(said));
      mac = own;
      if (at % STEP_ENTRIES === STEP_ENTRIES - 1) yield;
    }
    return { entries, mac };
  }

  #record(row: Row): JournalRecord {
    const { id, target } = row;
    const facts = jsonOf(row.facts);
    const { proposal_sha256: bodySha256, proposed_at: at, proposed_by: by } = row;
    const record = { id, target, at, by, bodySha256, facts };
    // What has no form of ours (a date of infinity) was never ours.
    const isDated = at instanceof Date && Number.isFinite(at.getTime());
    if (!isDated || facts === null || !same(row.mac, this.#macOf(record))) throw foreign(id);
    return record;
  }

  #macOf({ at, ...record }: JournalRecord): string {
    return this.#mac({ domain: 'holdfast/rebuild-record/1', ...record, at: at.toISOString() });
  }

  #mac(facts: unknown): string {
    return createHmac('sha256', this.#key).update(canonicalJson(facts)).digest('base64url');
  }
}

async function rowOf(
  db: Kysely<Tables>,
  id: string,
  lock: ReturnType<typeof sql>,
): Promise<Row | null> {
  const { rows } = await sql<Row>`
    select ${COLUMNS} from holdfast.rebuilds where id = ${id} ${lock}`.execute(db);
  return rows[0] ?? null;
}

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

export function unknown(id: string): HoldfastError {
  return new HoldfastError('HF_NOT_FOUND', {
    expected: 'the id of a rebuild (rebuild_…)',
    found: id.slice(0, 100),
    hint: 'See holdfast recovery rebuild list.',
  });
}

function foreign(id: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `${id} as Holdfast wrote it`,
    found: 'something that somebody else put into our database',
    hint: 'Find out who. Propose the rebuild again: its sources are still kept.',
  });
}

function tooLarge(bytes: number): HoldfastError {
  return new HoldfastError('HF_REBUILD_SOURCE', {
    expected: `a proposal of at most ${REBUILD_PROPOSAL_BYTES_MAX} bytes`,
    found: `${bytes} bytes`,
    hint: 'Rebuild a shorter time at once.',
  });
}
