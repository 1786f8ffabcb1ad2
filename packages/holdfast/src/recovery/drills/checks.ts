/**
 * What is looked at in a server that came back: tables against the witness, every B-tree against its
 * table, roles, extensions, and what the user says must be true. Each check says in one sentence what it
 * found; one that stumbles says that it could not run.
 */
import type pg from 'pg';
import type { DrillAssertion } from '../../config/drill-assertions.ts';
import { messageOf } from '../../model/errors.ts';
import { askedAlone } from '../asked-alone.ts';
import type { NotCounted } from '../point-seal.ts';
import type { CheckName, CheckResult } from './drill-result.ts';
import { extensionsOf, rolesOf, type TableWitness, tablesOf, type Witness } from './witness.ts';

const ASSERTION_MS_MAX = 60_000;
/** Of tables that differ; a list of all would hide the sentence. */
const NAMED_MAX = 5;

type Look = () => Promise<{ readonly isTrue: boolean; readonly said: string }>;

export interface ChecksAsked {
  readonly witness: Witness | null;
  /** Of the point: with one that is `foreign` came the witness, too. */
  readonly seal: NotCounted | null;
  readonly assertions: readonly DrillAssertion[];
}

export async function checkAll(
  client: pg.Client,
  { assertions, seal, witness }: ChecksAsked,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  const by = seal === 'foreign' ? UNVOUCHED : '';
  if (witness !== null) {
    results.push(await look('tables', () => compareTables(client, witness, by)));
    results.push(await look('roles', () => compareRoles(client, witness)));
    results.push(await look('extensions', () => compareExtensions(client, witness)));
  }
  results.push(await look('indexes', () => checkIndexes(client)));
  for (const assertion of assertions) {
    results.push(await look('assertion', () => assertOne(client, assertion)));
  }
  return results;
}

async function look(name: CheckName, act: Look): Promise<CheckResult> {
  try {
    const { isTrue, said } = await act();
    return { name, end: isTrue ? 'passed' : 'failed', said };
  } catch (error) {
    const found = messageOf(error);
    return { name, end: 'could-not-run', said: `It could not be looked at: ${found}` };
  }
}

/** Whoever can write into a vault can plant a point with a witness that fits it. */
const UNVOUCHED =
  ', which another installation took, or somebody who says so: nobody here can vouch for it';

async function compareTables(client: pg.Client, witness: Witness, by: string) {
  const found = new Map((await tablesOf(client)).map((table) => [nameOf(table), table]));
  const differing = witness.tables.filter((table) => !isSame(table, found.get(nameOf(table))));
  const extra = found.size - (witness.tables.length - missingIn(witness, found));
  if (differing.length === 0 && extra === 0) {
    const rows = witness.tables.reduce((sum, table) => sum + BigInt(table.rows), 0n);
    const said = `All ${witness.tables.length} tables, ${rows} rows, hash as at the witness of ${witness.takenAt}${by}.`;
    return { isTrue: true, said };
  }
  const words = differing.slice(0, NAMED_MAX).map((table) => {
    const now = found.get(nameOf(table));
    return now === undefined
      ? `${nameOf(table)} is missing`
      : `${nameOf(table)} has ${now.rows} rows for ${table.rows}${now.rows === table.rows ? ', with other contents' : ''}`;
  });
  if (extra > 0) words.push(`${extra} tables are there that were not`);
  // A witness whose place is only near proves nothing against the restore.
  if (witness.method === 'close' && differing.every((table) => found.has(nameOf(table)))) {
    throw new Error(
      `the witness was taken while others wrote, so it cannot tell: ${words.join('; ')}`,
    );
  }
  const from = by === '' ? '' : ` from the witness${by}`;
  return { isTrue: false, said: `${differing.length} tables differ${from}: ${words.join('; ')}.` };
}

function missingIn(witness: Witness, found: ReadonlyMap<string, TableWitness>): number {
  return witness.tables.filter((table) => !found.has(nameOf(table))).length;
}

function nameOf({ name, schema }: TableWitness): string {
  return `${JSON.stringify(schema)}.${JSON.stringify(name)}`;
}

function isSame(a: TableWitness, b: TableWitness | undefined): boolean {
  return b !== undefined && a.rows === b.rows && a.hash === b.hash;
}

async function compareRoles(client: pg.Client, { roles }: Witness) {
  const found = new Set(await rolesOf(client));
  const missing = roles.filter((role) => !found.has(role));
  return missing.length === 0
    ? { isTrue: true, said: `All ${roles.length} roles are there.` }
    : { isTrue: false, said: `Roles are missing: ${missing.slice(0, NAMED_MAX).join(', ')}.` };
}

async function compareExtensions(client: pg.Client, { extensions }: Witness) {
  const found = new Map((await extensionsOf(client)).map(({ name, version }) => [name, version]));
  const missing = extensions.filter(({ name, version }) => found.get(name) !== version);
  return missing.length === 0
    ? { isTrue: true, said: `All ${extensions.length} extensions are there.` }
    : {
        isTrue: false,
        said: `Extensions are missing or of another version: ${missing.map(({ name }) => name).join(', ')}.`,
      };
}

/** amcheck, with a look for every row of the table in the index (PostgreSQL manual, F.1). */
async function checkIndexes(client: pg.Client) {
  const { rowCount } = await client.query(
    "select from pg_catalog.pg_available_extensions where name = 'amcheck'",
  );
  if (rowCount === 0) {
    throw new Error('PostgreSQL has no amcheck here: install its contrib modules on this machine');
  }
  await client.query('create extension if not exists amcheck schema pg_catalog');
  const { rows } = await client.query<{ oid: number; name: string }>(
    `select c.oid::int as oid, c.oid::regclass::text as name
     from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
     join pg_catalog.pg_am a on a.oid = c.relam
     where a.amname = 'btree' and c.relkind = 'i' and i.indisready and i.indisvalid
       and c.relpersistence = 'p'
     order by c.relpages`,
  );
  const broken: string[] = [];
  for (const { name, oid } of rows) {
    try {
      await client.query('select pg_catalog.bt_index_check($1::oid::regclass, true)', [oid]);
    } catch (error) {
      broken.push(`${name}: ${messageOf(error)}`);
    }
  }
  return broken.length === 0
    ? { isTrue: true, said: `All ${rows.length} B-tree indexes agree with their tables.` }
    : {
        isTrue: false,
        said: `${broken.length} indexes are broken: ${broken.slice(0, NAMED_MAX).join('; ')}.`,
      };
}

async function assertOne(client: pg.Client, { sentence, sql }: DrillAssertion) {
  await client.query('begin transaction read only');
  try {
    await client.query(`set local statement_timeout = ${ASSERTION_MS_MAX}`);
    const { rows } = await client.query<unknown[]>({
      ...{ text: askedAlone(sql, 2), values: [true], rowMode: 'array' },
    });
    const value = rows[0]?.[0];
    if (rows.length !== 1 || rows[0]?.length !== 1 || typeof value !== 'boolean') {
      throw new Error(`${sentence}: the query has to say true or false, in one row`);
    }
    return { isTrue: value, said: value ? sentence : `Not true: ${sentence}` };
  } finally {
    await client.query('rollback');
  }
}
