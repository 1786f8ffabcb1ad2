/**
 * `holdfast.run`, which uses a receipt up. The order: genuine? -> for this role, session, moment -> not
 * used and not void -> its names mean what was judged -> one statement -> marked as used, for good -> run ->
 * could everything be seen that it touched?
 *
 * The last is for REPEATABLE READ and SERIALIZABLE: there the queries of ours see the catalogs and the rows
 * as of the snapshot, while the server changes them as they are now. What another transaction committed in
 * between would be lost without being kept. So such a run stands only when nothing was committed since.
 *
 * It will not: say which part of a receipt that is not genuine was wrong.
 */

import { createHash } from 'node:crypto';
import { EXECUTE_AS_OWNER_SQL } from './permit-sql.ts';

/** As PostgreSQL keeps it: what stands between the dollar quotes. */
function bodyDigest(sql: string): string {
  const [, body = ''] = sql.split('$hf$');
  return createHash('md5').update(body).digest('hex');
}

/**
 * The command tag, by the server's own parser: a cursor over anything but one query is refused with the
 * tag in the message, before anything runs. Two statements in one text have no tag. One query is planned when
 * it is opened, and a function that calls itself immutable runs then: so it is not, but for the one that counts.
 */
export const TAG_SQL = `
create or replace function holdfast.is_unlink(statement text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $hf$
  select statement ~* '^\\s*select\\s+(pg_catalog\\.)?lo_unlink\\s*\\(\\s*\\d+\\s*\\)\\s*;?\\s*$'
$hf$;
alter function holdfast.is_unlink(text) owner to holdfast_owner;
revoke all on function holdfast.is_unlink(text) from public;
create or replace function holdfast.command_tag(statement text, path text) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  opened refcursor;
  said text;
begin
  if holdfast.is_unlink(statement) then return 'SELECT'; end if;
  if statement ~* '^[\\s(]*(select|with|values|table|insert|update|delete|merge|explain|show|execute|fetch)\\M' and statement !~* '\\minto\\M' then
    return null;
  end if;
  begin
    perform set_config('search_path', path, true);
    open opened for execute statement;
    close opened;
    return 'SELECT';
  exception when invalid_cursor_definition then
    said := sqlerrm;
  end;
  return substring(said from '(?:[A-Z][A-Z]+)(?: [A-Z][A-Z]+)*');
end $hf$;
alter function holdfast.command_tag(text, text) owner to holdfast_owner;
revoke all on function holdfast.command_tag(text, text) from public;`;

/** Numbers of transactions are counted on from our own; more than 100,000 are not looked at. */
export const UNSEEN_SQL = `
-- Something was committed that this transaction's snapshot does not show; never under READ COMMITTED.
create or replace function holdfast.is_behind() returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp as $hf$
declare
  seen pg_snapshot := pg_current_snapshot();
  oldest bigint := pg_snapshot_xmin(seen)::text::bigint;
  newest bigint;
  probe xid;
begin
  if current_setting('transaction_isolation') not in ('repeatable read', 'serializable') then return false; end if;
  begin
    insert into holdfast.running values (0, '0', '{}') returning xmin into probe;
    raise exception using errcode = 'HFTRY';
  exception when sqlstate 'HFTRY' then null;
  end;
  newest := pg_current_xact_id()::text::bigint + age(pg_current_xact_id()::xid) - age(probe);
  if newest - oldest > 100000 then return true; end if;
  return exists (select from generate_series(oldest, newest - 1) g(n)
    where not pg_visible_in_snapshot(n::text::xid8, seen) and not exists (select from holdfast.running r where r.pid = pg_backend_pid() and n::text::xid8 = any(r.issuers)) and pg_xact_status(n::text::xid8) = 'committed');
end $hf$;
-- What it makes was not there before, whatever else was: nothing can be lost by it.
create or replace function holdfast.only_creates(tag text, statement text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $hf$
  select tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE INDEX', 'CREATE SEQUENCE', 'CREATE SCHEMA', 'CREATE TYPE',
    'CREATE DOMAIN', 'CREATE VIEW', 'CREATE MATERIALIZED VIEW', 'CREATE FUNCTION', 'CREATE PROCEDURE') and statement !~* 'replace'
$hf$;
create or replace function holdfast.refuse_behind() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
begin
  raise exception 'holdfast: a % transaction cannot change structure once another was committed that it does not see', current_setting('transaction_isolation')
    using errcode = '40001',
    hint = 'Roll back and try again; or change the structure in a READ COMMITTED transaction: BEGIN ISOLATION LEVEL READ COMMITTED. Nothing was changed.';
end $hf$;`;

/**
 * `run` has no SET of its own, on purpose: it would hide the session's search path, which says what the
 * names mean. It uses no operator, and every name in it is qualified.
 */
export const RUN_SQL = `
create or replace procedure holdfast.run(receipt text) language plpgsql security definer as $hf$
begin
  perform holdfast.use_receipt(receipt, pg_catalog.current_setting('search_path'));
end $hf$;
alter procedure holdfast.run(text) owner to holdfast_owner;
revoke all on procedure holdfast.run(text) from public;
grant execute on procedure holdfast.run(text) to holdfast_agents;
-- What a genuine receipt says; fails for any other.
create or replace function holdfast.read_receipt(receipt text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  parts text[] := regexp_match(receipt, '^(t[0-9]{1,9}n[0-9]{1,18})[.]([0-9a-f]{64})[.]([A-Za-z0-9+/=]+)$');
begin
  if parts is null or parts[2] is distinct from holdfast.receipt_mac(parts[1], parts[3]) then
    raise exception 'holdfast: there is no such receipt' using errcode = '42501', hint = 'Send the statement itself.';
  end if;
  return convert_from(decode(parts[3], 'base64'), 'UTF8')::jsonb || jsonb_build_object(
    'turn', substring(parts[1] from '^t([0-9]+)'), 'number', substring(parts[1] from 'n([0-9]+)$')::bigint);
end $hf$;
create or replace function holdfast.check_receipt(permit jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  began numeric;
  number bigint := (permit ->> 'number')::bigint;
begin
  select extract(epoch from backend_start) into began from pg_stat_activity where pid = pg_backend_pid();
  if permit ->> 'role' is distinct from session_user::text then
    raise exception 'holdfast: this receipt is for another role' using errcode = '42501';
  elsif (permit ->> 'pid')::int is distinct from pg_backend_pid() or (permit ->> 'began')::numeric is distinct from began then
    raise exception 'holdfast: this receipt is for another session' using errcode = '42501';
  elsif (permit ->> 'until')::numeric < extract(epoch from clock_timestamp()) then
    raise exception 'holdfast: this receipt has expired' using errcode = '42501',
      hint = 'Send the statement again.';
  elsif number <= pg_sequence_last_value(format('holdfast.turn_%s', permit ->> 'turn')::regclass) then
    raise exception 'holdfast: this receipt was used already, or one after it' using errcode = '42501',
      hint = 'A receipt is for one run. Send the statement again.';
  elsif number <= pg_sequence_last_value(format('holdfast.void_%s', permit ->> 'turn')::regclass) then
    raise exception 'holdfast: this receipt is void' using errcode = '42501',
      hint = 'Send the statement again.';
  end if;
end $hf$;
-- By it statements run as the owner; its owner may alter it where there is no fence.
create or replace function holdfast.check_own() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
begin
  if not exists (select from pg_proc p join pg_roles r on r.oid = p.proowner
    where p.oid = 'holdfast.execute_as_owner(text, text)'::regprocedure and p.prosecdef and not r.rolsuper
      and p.proconfig = array['search_path=pg_catalog, pg_temp'] and md5(p.prosrc) = '${bodyDigest(EXECUTE_AS_OWNER_SQL)}'
      and (select count(*) from pg_proc q where q.pronamespace = p.pronamespace and q.proname = p.proname) = 1) then
    raise exception 'holdfast: execute_as_owner is not what Holdfast put there' using errcode = '42501',
      hint = 'A person looks at: holdfast protect TARGET --check';
  end if;
end $hf$;
create or replace function holdfast.use_receipt(receipt text, setting text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  permit jsonb;
  statement text;
  path text;
  tag text;
begin
  if holdfast.in_receipt() then
    raise exception 'holdfast: a receipt cannot be used inside another one' using errcode = '42501';
  end if;
  permit := holdfast.read_receipt(receipt);
  statement := permit ->> 'statement';
  perform holdfast.check_receipt(permit);
  perform holdfast.check_own();
  path := holdfast.judged_path(statement, setting, array(select jsonb_array_elements_text(permit -> 'judged')),
    case when jsonb_typeof(permit -> 'said') = 'array' then array(select jsonb_array_elements_text(permit -> 'said')) end);
  tag := holdfast.command_tag(statement, path);
  if tag is null then
    raise exception 'holdfast: a receipt is for one statement' using errcode = '42501';
  elsif current_setting('transaction_read_only')::boolean then
    raise exception 'cannot execute % in a read-only transaction', tag using errcode = '25006';
  end if;
  perform setval(format('holdfast.turn_%s', permit ->> 'turn')::regclass, (permit ->> 'number')::bigint);
  insert into holdfast.running values (pg_backend_pid(), pg_current_xact_id(),
    array(select e::xid8 from jsonb_array_elements_text(permit -> 'issuers') e));
  if permit ->> 'mode' = 'plain' then
    perform holdfast.run_noted(statement, path);
  else
    perform holdfast.run_reversibly(statement, path);
  end if;
  if not (permit ->> 'mode' = 'plain' and holdfast.only_creates(tag, statement)) and holdfast.is_behind() then
    perform holdfast.refuse_behind();
  end if;
  delete from holdfast.running where pid = pg_backend_pid();
end $hf$;`;
