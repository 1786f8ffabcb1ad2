/**
 * The receipts in the target, and `holdfast.run`, which uses one up. The agent gives an id; what runs is
 * the text that the gateway wrote down, in the session, for the role and until the time it was written for.
 */

export const RECEIPTS_SQL = `
create table if not exists holdfast.receipts (
  id text primary key,
  statement text not null,
  mode text not null check (mode in ('plain', 'reversible')),
  role name not null,
  pid int not null,
  backend_start timestamptz,
  issued_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  used_txid xid8,
  done boolean not null default false,
  void boolean not null default false
);
create index if not exists receipts_by_pid on holdfast.receipts (pid) where not done;
alter table holdfast.receipts owner to holdfast_owner;
revoke all on holdfast.receipts from public, holdfast_agents;`;

/** True only while run() executes a receipt, in this backend and transaction. The fence asks it. */
export const IN_RECEIPT_SQL = `
create or replace function holdfast.in_receipt() returns boolean
language sql volatile security definer set search_path = pg_catalog, pg_temp as $hf$
  select exists (
    select from holdfast.receipts
    where pid = pg_backend_pid() and not done and used_txid = pg_current_xact_id_if_assigned())
$hf$;
alter function holdfast.in_receipt() owner to holdfast_owner;
grant execute on function holdfast.in_receipt() to public;`;

/**
 * The search path as the session means it: schemas its own role may use, "$user" as that role, pg_temp
 * last. Otherwise a name would mean another thing to the owner than to who judged the statement.
 */
export const PATH_SQL = String.raw`
create or replace function holdfast.path_as_judged(setting text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $hf$
declare
  written text;
  called text;
  found oid;
  path text := '';
begin
  for written in
    select btrim(m[1]) from regexp_matches(setting, '("(?:[^"]|"")*"|[^,"]+)', 'g') m
  loop
    if written = '' then continue; end if;
    called := case when written like '"%' then replace(substr(written, 2, length(written) - 2), '""', '"')
                   else lower(written) end;
    if called = '$user' then called := session_user; end if;
    if called like 'pg\_temp%' then continue; end if;
    select oid into found from pg_namespace where nspname = called;
    if found is null or not has_schema_privilege(session_user, found, 'USAGE') then continue; end if;
    path := path || quote_ident(called) || ', ';
  end loop;
  return path || 'pg_temp';
end $hf$;
alter function holdfast.path_as_judged(text) owner to holdfast_owner;
revoke all on function holdfast.path_as_judged(text) from public;`;

/** Owned by the role that owns what the statements make (`ddlOwner`); only holdfast_owner may call it. */
export const EXECUTE_AS_OWNER_SQL = `
create or replace function holdfast.execute_as_owner(statement text, path text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $hf$
declare
  made bigint;
begin
  -- It belongs to a role that may give EXECUTE on it away.
  if not holdfast.in_receipt() then
    raise exception 'holdfast: only a receipt is run as the owner' using errcode = '42501';
  end if;
  -- Taken back when this function is left: it has a SET of its own for the same setting.
  perform set_config('search_path', path, true);
  execute statement;
  -- How many rows a CREATE TABLE AS made; always sent (INFO), and seen by the gateway only.
  get diagnostics made = row_count;
  raise info 'holdfast: % rows', made using errcode = 'HFROW';
end $hf$;`;

/**
 * The command tag, by the server's own parser: a cursor over anything but one query is refused with the
 * tag in the message, before anything runs. Two statements in one text have no tag.
 */
export const TAG_SQL = String.raw`
create or replace function holdfast.is_unlink(statement text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $hf$
  select statement ~* '^\s*select\s+(pg_catalog\.)?lo_unlink\s*\(\s*\d+\s*\)\s*;?\s*$'
$hf$;
alter function holdfast.is_unlink(text) owner to holdfast_owner;
revoke all on function holdfast.is_unlink(text) from public;
create or replace function holdfast.command_tag(statement text, path text) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  opened refcursor;
  said text;
begin
  -- Not asked of the server: to plan a call is to look for the function by the path, and may run it.
  if holdfast.is_unlink(statement) then return 'SELECT'; end if;
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
create or replace function holdfast.use_receipt(receipt text, setting text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
declare
  permit holdfast.receipts;
  began timestamptz;
  path text := holdfast.path_as_judged(setting);
begin
  if holdfast.in_receipt() then
    raise exception 'holdfast: a receipt cannot be used inside another one' using errcode = '42501';
  end if;
  select * into permit from holdfast.receipts where id = receipt for update;
  select backend_start into began from pg_stat_activity where pid = pg_backend_pid();
  if permit.id is null and current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    raise exception 'holdfast: a % transaction does not see a receipt that is newer than its snapshot', current_setting('transaction_isolation')
      using errcode = '25001',
      hint = 'Roll back, and change the structure in a READ COMMITTED transaction: BEGIN ISOLATION LEVEL READ COMMITTED. Nothing was changed.';
  elsif permit.id is null then
    raise exception 'holdfast: there is no such receipt' using errcode = '42501', hint = 'Send the statement itself.';
  elsif permit.void then
    raise exception 'holdfast: this receipt is void' using errcode = '42501';
  elsif permit.used_txid is not null then
    raise exception 'holdfast: this receipt was used already' using errcode = '42501',
      hint = 'A receipt is for one run. Send the statement again.';
  elsif permit.role <> session_user then
    raise exception 'holdfast: this receipt is for another role' using errcode = '42501';
  elsif permit.pid <> pg_backend_pid() or permit.backend_start is distinct from coalesce(began, permit.backend_start) then
    raise exception 'holdfast: this receipt is for another session' using errcode = '42501';
  elsif permit.expires_at < clock_timestamp() then
    raise exception 'holdfast: this receipt has expired' using errcode = '42501',
      hint = 'Send the statement again.';
  end if;
  if holdfast.command_tag(permit.statement, path) is null then
    raise exception 'holdfast: a receipt is for one statement' using errcode = '42501';
  end if;
  update holdfast.receipts set used_txid = pg_current_xact_id() where id = receipt;
  if permit.mode = 'plain' then
    perform holdfast.run_noted(permit.statement, path);
  else
    perform holdfast.run_reversibly(permit.statement, path);
  end if;
  update holdfast.receipts set done = true where id = receipt;
end $hf$;
alter function holdfast.use_receipt(text, text) owner to holdfast_owner;
revoke all on function holdfast.use_receipt(text, text) from public;`;
