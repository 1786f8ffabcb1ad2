/**
 * One decoded change as SQL on a table that is built as it was: values as text, that the server reads as
 * the column's type. A row is found by its key, or where all of it is its identity, by all of it.
 */
import type pg from 'pg';
import { HoldfastError, messageOf } from '../../../model/errors.ts';
import { oneLine } from '../../../model/text.ts';
import type { Change, Relation, Row } from './pgoutput.ts';

type RowChange = Extract<Change, { kind: 'insert' | 'update' | 'delete' | 'truncate' }>;

/** Types of PostgreSQL itself have the same number everywhere. */
const OWN_TYPES_FROM = 16_384;

export class RowWriter {
  readonly #client: pg.Client;
  readonly #relations = new Map<number, Relation>();
  /** By schema, name and columns: what was compared already. */
  readonly #compared = new Set<string>();

  constructor(client: pg.Client) {
    this.#client = client;
  }

  know(relation: Relation): void {
    this.#relations.set(relation.oid, relation);
  }

  /** Rejects with HF_RECOVERY_WAL for a table that was built anew, with HF_RECOVERY_DAMAGED for a row that is not there. */
  async write(change: RowChange): Promise<void> {
    if (change.kind === 'truncate') return this.#truncate(change);
    const relation = this.#relationOf(change.oid);
    await this.#compare(relation);
    switch (change.kind) {
      case 'insert':
        return this.#insert(relation, change.row);
      case 'update':
        return this.#update(relation, change.by, change.row);
      case 'delete': {
        const values: string[] = [];
        const where = this.#where(relation, change.by, values);
        return this.#run(relation, `delete from ${this.#name(relation)} where ${where}`, values);
      }
      default:
        return change satisfies never;
    }
  }

  async #truncate({ oids, restartsIdentity }: Extract<RowChange, { kind: 'truncate' }>) {
    const tables = oids.map((oid) => this.#relationOf(oid));
    for (const table of tables) await this.#compare(table);
    const list = tables.map((table) => this.#name(table)).join(', only ');
    const identity = restartsIdentity ? 'restart' : 'continue';
    await this.#query(`truncate only ${list} ${identity} identity`, []);
  }

  async #insert(relation: Relation, row: Row): Promise<void> {
    const values: (string | null)[] = [];
    const names = relation.columns.map(({ name }) => this.#client.escapeIdentifier(name));
    const places = relation.columns.map((_, at) => {
      const value = row[at];
      if (value === undefined) throw notThere(relation, 'a new row with a value that was not sent');
      values.push(value);
      return `$${values.length}`;
    });
    await this.#run(
      relation,
      names.length === 0
        ? `insert into ${this.#name(relation)} default values`
        : `insert into ${this.#name(relation)} (${names.join(', ')}) overriding system value values (${places.join(', ')})`,
      values,
    );
  }

  async #update(relation: Relation, by: Row | null, row: Row): Promise<void> {
    const values: (string | null)[] = [];
    const sets = relation.columns.flatMap(({ name }, at) => {
      const value = row[at];
      if (value === undefined) return [];
      values.push(value);
      return [`${this.#client.escapeIdentifier(name)} = $${values.length}`];
    });
    if (sets.length === 0) return;
    const where = this.#where(relation, by ?? row, values);
    await this.#run(
      relation,
      `update ${this.#name(relation)} set ${sets.join(', ')} where ${where}`,
      values,
    );
  }

  /** Not every type can be compared; as text each can. Of two rows that are the same one is enough. */
  #where(relation: Relation, by: Row, values: (string | null)[]): string {
    const isWhole = relation.identity === 'f';
    const conditions = relation.columns.flatMap(({ isKey, name }, at) => {
      const value = by[at];
      if (value === undefined || !(isKey || isWhole)) return [];
      const column = this.#client.escapeIdentifier(name);
      if (value === null) return [`${column} is null`];
      values.push(value);
      const place = `$${values.length}`;
      return [isWhole ? `${column}::text = ${place}::text` : `${column} = ${place}`];
    });
    if (conditions.length === 0) throw notThere(relation, 'a row without anything to find it by');
    const condition = conditions.join(' and ');
    if (!isWhole) return condition;
    return `ctid = (select ctid from only ${this.#name(relation)} where ${condition} limit 1)`;
  }

  async #run(relation: Relation, sql: string, values: readonly (string | null)[]): Promise<void> {
    const rows = await this.#query(sql, values);
    if (rows !== 1) throw notThere(relation, `${rows} rows`);
  }

  async #query(sql: string, values: readonly (string | null)[]): Promise<number | null> {
    try {
      return (await this.#client.query(sql, [...values])).rowCount;
    } catch (error) {
      throw new HoldfastError('HF_RECOVERY_DAMAGED', {
        expected: 'a change that fits what was dumped',
        found: oneLine(messageOf(error)),
        hint: 'Restore to a moment before it, or from a later recovery point.',
      });
    }
  }

  #relationOf(oid: number): Relation {
    const relation = this.#relations.get(oid);
    if (relation !== undefined) return relation;
    throw new HoldfastError('HF_RECOVERY_DAMAGED', {
      expected: 'changes that say of which table they are',
      found: `a table ${oid} that was not said`,
      hint: 'Restore to a moment before it, or take a new recovery point.',
    });
  }

  #name({ name, schema }: Relation): string {
    return `${this.#client.escapeIdentifier(schema)}.${this.#client.escapeIdentifier(name)}`;
  }

  async #compare(relation: Relation): Promise<void> {
    const { columns, name, schema } = relation;
    const key = JSON.stringify([schema, name, columns]);
    if (this.#compared.has(key)) return;
    const { rows } = await this.#client.query<{ name: string; type: number }>(
      `select a.attname as name, a.atttypid::int8::float8 as type
         from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped
          and a.attgenerated = '' order by a.attnum`,
      [schema, name],
    );
    const isSame =
      rows.length === columns.length &&
      columns.every((column) => {
        const here = rows.find((row) => row.name === column.name);
        if (here === undefined) return false;
        const isOwn = column.typeOid >= OWN_TYPES_FROM || here.type >= OWN_TYPES_FROM;
        return isOwn || here.type === column.typeOid;
      });
    if (!isSame) {
      throw new HoldfastError('HF_RECOVERY_WAL', {
        expected: `${oneLine(`${schema}.${name}`)} built as in the dump`,
        found: 'that it was built anew before the goal',
        hint: 'Restore to a moment before that, or from a recovery point after it.',
      });
    }
    this.#compared.add(key);
  }
}

function notThere({ name, schema }: Relation, found: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected: `one row of ${oneLine(`${schema}.${name}`)} for each change of one`,
    found,
    hint: 'Restore to a moment before it, or from a later recovery point.',
  });
}
