/**
 * The contract of capture (docs/decisions/0006) done the plainest way, for tests and benches of what reads it:
 * statement triggers that are written out for each table, and a drain that stops at nothing. It knows
 * no exempt roles, no new tables, no limits; the real one lives in protection/postgres/capture.
 */
import { ident, literal } from '../protection/postgres/layout.ts';
import type { Row, TargetDatabase } from '../protection/target-database.ts';
import type { ActRecord, ShapeColumn, TableShape, UndoEntry } from '../protection/undo-item.ts';
import type { DrainedItem, RowChunk, UndoStore } from '../protection/undo-store.ts';

const FOUNDATION = `
create schema if not exists holdfast;
create sequence if not exists holdfast.seq;
create table if not exists holdfast.journal (seq bigint, txid xid8 default pg_current_xact_id(),
  at timestamptz default clock_timestamp(), role name default session_user,
  application text default current_setting('application_name'),
  shape_id bigint, op "char", rows bigint, detail jsonb);
create or replace function holdfast.note_act(act jsonb) returns void language sql security definer
  set search_path = pg_catalog, pg_temp as
  $$ insert into holdfast.journal (seq, op, rows, detail) values (nextval('holdfast.seq'), 'X', 0, act) $$;
`;

export class PlainCapture {
  readonly #database: TargetDatabase;
  readonly #shapes = new Map<bigint, TableShape>();

  constructor(database: TargetDatabase) {
    this.#database = database;
  }

  /** Of a table and its partitions; again after its columns changed. */
  async attach(...tables: readonly string[]): Promise<void> {
    await this.#database.query(FOUNDATION);
    for (const table of tables) {
      const rows = await this.#database.query(
        `select c.oid::bigint::text as oid, n.nspname as schema, c.relname as name,
                (select count(*) from pg_attribute where attrelid = c.oid and attnum > 0) > 1500 as whole
           from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.oid = $1::regclass
             or c.oid in (select relid from pg_partition_tree($1::regclass))`,
        [table],
      );
      for (const row of rows) await this.#attachOne(row);
    }
  }

  async #attachOne(row: Row): Promise<void> {
    const oid = Number(row['oid']);
    const columns = await this.#columnsOf(oid);
    const [key] = await this.#database.query(
      'select indkey::int2[]::int[] as key from pg_index where indrelid = $1::oid and indisprimary',
      [oid],
    );
    const shapeId = BigInt(this.#shapes.size + 1);
    const shape: TableShape = {
      shapeId,
      tableOid: oid,
      schema: String(row['schema']),
      table: String(row['name']),
      columns,
      key: Array.isArray(key?.['key']) ? key['key'].map(Number) : [],
      isWhole: row['whole'] === true,
    };
    this.#shapes.set(shapeId, shape);
    await this.#database.query(triggersOf(shape));
  }

  async #columnsOf(oid: number): Promise<ShapeColumn[]> {
    const rows = await this.#database.query(
      `select a.attnum::int as attnum, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
              case when b.typnamespace = 'pg_catalog'::regnamespace and (e.oid is null or e.typnamespace = 'pg_catalog'::regnamespace)
                   then case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod)
                             else format_type(a.atttypid, a.atttypmod) end else 'text' end as kept,
              a.attgenerated as generated, a.attidentity as identity, a.attnotnull as not_null
         from pg_attribute a join pg_type t on t.oid = a.atttypid
         join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
         left join pg_type e on e.oid = b.typelem and b.typcategory = 'A'
        where a.attrelid = $1::oid and a.attnum > 0 and not a.attisdropped order by a.attnum`,
      [oid],
    );
    return rows.map((row) => ({
      attnum: Number(row['attnum']),
      name: String(row['name']),
      type: String(row['type']),
      kept: String(row['kept']),
      generated: String(row['generated'] ?? ''),
      identity: String(row['identity'] ?? ''),
      notNull: row['not_null'] === true,
    }));
  }

  async act(act: ActRecord): Promise<void> {
    await this.#database.query('select holdfast.note_act($1::jsonb)', [JSON.stringify(act)]);
  }

  /** Everything captured so far, into the store; the ids of its items, oldest first. */
  async drain(store: UndoStore): Promise<readonly string[]> {
    const journal = await this.#database.query(
      'select j.*, j.txid::text as tx, j.seq::text as s from holdfast.journal j order by j.seq',
    );
    const items = new Map<string, DrainedItem & { entries: UndoEntry[] }>();
    for (const row of journal) {
      const txid = String(row['tx']);
      const entries = items.get(txid)?.entries ?? [];
      entries.push(this.#entryOf(row));
      const application = String(row['application']);
      const at = row['at'] instanceof Date ? row['at'] : new Date(0);
      const undoOf = /^holdfast undo (\S+)/.exec(application)?.[1] ?? null;
      items.set(txid, {
        txid,
        fingerprint: txid,
        at,
        role: String(row['role']),
        agentId: null,
        agentName: null,
        application,
        undoOf,
        entries,
      });
    }
    const before = new Set((await store.list({ limit: 1_000_000 })).map(({ id }) => id));
    await store.keep({
      target: this.#database.target,
      install: 'install',
      shapes: [...this.#shapes.values()],
      items: [...items.values()],
      chunks: this.#chunks([...items.values()]),
      graceMs: 48 * 3_600_000,
    });
    await this.#database.query('truncate holdfast.journal');
    const after = await store.list({ limit: 1_000_000 });
    return after
      .map(({ id }) => id)
      .filter((id) => !before.has(id))
      .reverse();
  }

  async *#chunks(items: readonly DrainedItem[]): AsyncIterable<RowChunk> {
    const found: RowChunk[] = [];
    await this.#database.transaction('read committed', async (session) => {
      for (const [shapeId, shape] of this.#shapes) {
        const of = items.filter(({ entries }) => entries.some((one) => one.shape === shape));
        for (const { txid, entries } of of) {
          const seqs = entries.map(({ seq }) => seq.toString()).join(',');
          let part = 0;
          let rest = Buffer.alloc(0);
          const copy = `copy (select * from holdfast.c${shapeId} where seq in (${seqs}) order by seq, n) to stdout`;
          for await (const piece of session.copyOut(copy)) {
            const all = Buffer.concat([rest, piece]);
            const end = all.lastIndexOf(10) + 1;
            if (end > 0)
              found.push(chunk(txid, shapeId, part++, Buffer.from(all.subarray(0, end))));
            rest = Buffer.from(all.subarray(end));
          }
        }
        await session.query(`truncate holdfast.c${shapeId}`);
      }
    });
    yield* found;
  }

  #entryOf(row: Row): UndoEntry {
    const shape =
      row['shape_id'] === null ? null : this.#shapes.get(BigInt(String(row['shape_id'])));
    const detail: unknown = row['detail'];
    return {
      seq: BigInt(String(row['s'])),
      op: opOf(row['op']),
      rows: Number(row['rows']),
      shape: shape ?? null,
      act: isAct(detail) ? detail : null,
    };
  }
}

function chunk(txid: string, shapeId: bigint, part: number, data: Buffer): RowChunk {
  return { txid, shapeId, part, data, rows: data.filter((byte) => byte === 10).length };
}

function isAct(value: unknown): value is ActRecord {
  return typeof value === 'object' && value !== null && 'undo' in value && 'verb' in value;
}

function opOf(value: unknown): UndoEntry['op'] {
  if (value === 'D' || value === 'U' || value === 'I' || value === 'T' || value === 'X')
    return value;
  throw new Error(`no op: ${String(value)}`);
}

function triggersOf({ shapeId, schema, table, columns, isWhole }: TableShape): string {
  const kept = isWhole
    ? 'whole text'
    : columns.map(({ attnum, kept: type }) => `c${attnum} ${type}`).join(', ');
  const values = (alias: string): string =>
    isWhole
      ? `${alias}::text`
      : columns
          .map(
            ({ name, kept: type }) => `${alias}.${ident(name)}${type === 'text' ? '::text' : ''}`,
          )
          .join(', ');
  const rows = (side: '-' | '+', from: string): string =>
    `select hf_s, row_number() over (), '${side}', ${values('hf_x')} from ${from} hf_x`;
  const name = `${ident(schema)}.${ident(table)}`;
  const on = (op: string, letter: string, referencing: string, copy: string): string => `
create or replace function holdfast.f${shapeId}_${op}() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp as ${literal(`
declare hf_s bigint := nextval('holdfast.seq'); hf_n bigint;
begin insert into holdfast.c${shapeId} ${copy}; get diagnostics hf_n = row_count;
  insert into holdfast.journal (seq, shape_id, op, rows) values (hf_s, ${shapeId}, '${letter}', hf_n); return null; end`)};
create or replace trigger holdfast_${op} ${op === 'truncate' ? 'before' : 'after'} ${op} on ${name}
  ${referencing} for each statement execute function holdfast.f${shapeId}_${op}();
alter table ${name} enable always trigger holdfast_${op};`;
  const before = 'referencing old table as old_rows';
  return [
    `create table holdfast.c${shapeId} (seq bigint, n bigint, side "char", ${kept});`,
    on('delete', 'D', before, rows('-', 'old_rows')),
    on(
      'update',
      'U',
      `${before} new table as new_rows`,
      `${rows('-', 'old_rows')} union all ${rows('+', 'new_rows')}`,
    ),
    on('insert', 'I', 'referencing new table as new_rows', rows('+', 'new_rows')),
    on('truncate', 'T', '', rows('-', name)),
  ].join('\n');
}
