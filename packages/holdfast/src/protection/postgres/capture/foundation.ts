/**
 * The capture: old rows of whatever is changed, typed and exact, in the same transaction as the change
 * (docs/decisions/0006). It lies wholly in the target, so that it also keeps what a session does that
 * never saw the gateway.
 *
 * The order: tables first, then the functions that describe a table, those that write a table's own
 * trigger functions, those that attach them. `attach_missing` then covers the database.
 *
 * It will not: take rows out of the target (the drain does), judge who may change what (roles do), or
 * keep rows of foreign tables, temporary tables and what a subscription fills; `uncaptured` names them.
 */
import { OWNER_ROLE } from '../layout.ts';
import type { Step } from '../step.ts';
import { OVER_ALL } from './all-tables.ts';
import { ATTACHING, VACUUMED } from './attach.ts';
import { DESCRIBING } from './describe.ts';
import { SOURCES } from './sources.ts';
import { sqlFunction } from './sql-function.ts';

/**
 * No index where a statement of the user's would pay for it: journal and captured rows are emptied within
 * a second, and read whole by the drain.
 */
const TABLES = `
create table if not exists holdfast.meta (key text primary key, value jsonb not null);
create sequence if not exists holdfast.seq as bigint no cycle;
create sequence if not exists holdfast.shape_seq as bigint no cycle;
create table if not exists holdfast.shapes (
  shape_id bigint primary key default pg_catalog.nextval('holdfast.shape_seq'),
  table_oid oid not null, schema_name name not null, table_name name not null,
  columns jsonb not null, key jsonb not null, whole boolean not null);
create unlogged table if not exists holdfast.busy (txid xid8 not null);
create table if not exists holdfast.journal (
  seq bigint not null,
  txid xid8 not null default pg_catalog.pg_current_xact_id(),
  at timestamptz not null default pg_catalog.clock_timestamp(),
  role name not null default session_user,
  pid integer not null default pg_catalog.pg_backend_pid(),
  application text not null default pg_catalog.current_setting('application_name'),
  shape_id bigint, op "char" not null, rows bigint not null, detail jsonb);
alter table holdfast.journal drop constraint if exists journal_pkey;
-- So that a publication of all tables does not refuse the drain its DELETE.
alter table holdfast.journal replica identity full;
alter table holdfast.journal set (${VACUUMED});
`;

/** Functions of former versions. */
const GONE = `
drop function if exists holdfast.wanted_condition();
drop function if exists holdfast.keep_rows(holdfast.shapes, boolean, boolean, text, text, text);
`;

const OWNED = [
  'table holdfast.meta',
  'sequence holdfast.seq',
  'sequence holdfast.shape_seq',
  'table holdfast.shapes',
  'table holdfast.busy',
  'table holdfast.journal',
];

export function captureFoundation(): Step[] {
  const owned = OWNED.map((object) => `alter ${object} owner to ${OWNER_ROLE};`).join('\n');
  const functions = [...DESCRIBING, ...SOURCES, ...ATTACHING, ...OVER_ALL];
  return [
    {
      id: 'capture.tables',
      about: 'Makes the journal of changes, the shapes of captured tables and their sequences.',
      sql: `${TABLES}${owned}\ngrant usage on language plpgsql, sql to ${OWNER_ROLE};`,
      needs: 'owner',
    },
    {
      id: 'capture.functions',
      about:
        'Makes the functions that put the capture on tables; only holdfast_owner may call them.',
      sql: `${functions.map(sqlFunction).join('\n')}${GONE}`,
      needs: 'owner',
    },
  ];
}
