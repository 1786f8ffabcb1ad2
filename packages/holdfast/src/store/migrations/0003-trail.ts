/** The trail: head, entries, checkpoints, and the instances that write them. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create schema if not exists holdfast`.execute(db);
  await sql`
    create table holdfast.trail_head (
      id boolean primary key default true check (id),
      size bigint not null check (size >= 0),
      frontier bytea not null
    ) with (fillfactor = 10)`.execute(db);
  await sql`insert into holdfast.trail_head (size, frontier) values (0, '')`.execute(db);
  await sql`
    create table holdfast.trail_entry (
      index bigint primary key,
      kind text not null,
      decision_index bigint,
      instance_id text not null,
      bytes bytea not null
    )`.execute(db);
  // The store's own word on "exactly one outcome per decision".
  await sql`
    create unique index trail_entry_outcome on holdfast.trail_entry (decision_index)
    where decision_index is not null`.execute(db);
  await sql`
    create table holdfast.trail_checkpoint (
      size bigint primary key,
      frontier bytea not null,
      note text not null
    )`.execute(db);
  await sql`
    create table holdfast.instance (
      id text primary key,
      lock_key integer generated always as identity unique,
      trail_size bigint not null,
      gone_at timestamptz,
      settled_at timestamptz
    )`.execute(db);
}
