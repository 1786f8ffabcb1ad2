/**
 * Receipts in a target: signed by the database itself, and counted. A receipt holds all it is good for
 * (the exact text, how it runs, the role, the session, until when, which schemas its names were judged
 * with) under an HMAC-SHA-256 (RFC 2104) of a key that only holdfast_owner reads and that each laying of
 * this foundation makes anew. So nothing has to be looked up that another transaction wrote, and a session
 * with an old snapshot can use one.
 *
 * Each session has a turn: two sequences. The numbers of its receipts only rise; to use one sets the first
 * sequence to its number, and a sequence does not roll back: not by ROLLBACK, nor to a savepoint. The
 * second is set by the gateway when what was not used is void. Agents may touch neither.
 *
 *   `t<turn>n<number>.<MAC in hex>.<JSON in base64>`
 */

export const RECEIPTS_SQL = `
create table if not exists holdfast.receipt_key (inner_pad bytea not null, outer_pad bytea not null);
create table if not exists holdfast.turns (
  turn int primary key,
  pid int not null,
  began timestamptz,
  issued bigint not null default 0,
  -- Transactions of ours that gave receipts to this session lately: they change nothing else.
  issuers xid8[] not null default '{}'
);
create table if not exists holdfast.running (pid int not null, txid xid8 not null, issuers xid8[] not null);
alter table holdfast.receipt_key owner to holdfast_owner;
alter table holdfast.turns owner to holdfast_owner;
alter table holdfast.running owner to holdfast_owner;
revoke all on holdfast.receipt_key, holdfast.turns, holdfast.running from public, holdfast_agents;
delete from holdfast.receipt_key;
with made as materialized (select sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) as key),
  bytes as (select n, case when n < 32 then get_byte(key, n) else 0 end as b from made, generate_series(0, 63) n)
insert into holdfast.receipt_key
  select decode(string_agg(lpad(to_hex(b # 54), 2, '0'), '' order by n), 'hex'), decode(string_agg(lpad(to_hex(b # 92), 2, '0'), '' order by n), 'hex')
  from bytes;`;

/** What layouts before version 2 had. It goes last: the fence asks what stands in its place all the while. */
export const FORMER_SQL = `
drop function if exists holdfast.path_as_judged(text);
drop table if exists holdfast.receipts;`;

/** True only while run() executes a receipt, in this backend and transaction. The fence asks it. */
export const IN_RECEIPT_SQL = `
create or replace function holdfast.in_receipt() returns boolean
language sql volatile security definer set search_path = pg_catalog, pg_temp as $hf$
  select exists (select from holdfast.running where pid = pg_backend_pid() and txid = pg_current_xact_id_if_assigned())
$hf$;
alter function holdfast.in_receipt() owner to holdfast_owner;
grant execute on function holdfast.in_receipt() to public;`;

/** For Holdfast's admin. The key is read where it is used: it is never a parameter, which logs may show. */
export const ISSUE_SQL = `
create or replace function holdfast.receipt_mac(head text, body text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $hf$
  select encode(sha256(outer_pad || sha256(inner_pad || convert_to(head || '.' || body, 'UTF8'))), 'hex') from holdfast.receipt_key
$hf$;
-- The turn of a session: the one it has, one whose session has ended, or a new one.
create or replace function holdfast.take_turn(session_pid int, start timestamptz, wanted int, out slot int, out before bigint, out past xid8[])
language plpgsql set search_path = pg_catalog, pg_temp as $hf$
begin
  lock table holdfast.turns in share row exclusive mode;
  select t.turn into slot from holdfast.turns t where t.pid = session_pid and t.began is not distinct from start;
  if slot is null then
    select t.turn into slot from holdfast.turns t
      where not exists (select from pg_stat_activity a where a.pid = t.pid and a.backend_start is not distinct from t.began) order by 1 limit 1;
  end if;
  if slot is null then
    select coalesce(max(t.turn), 0) + 1 into slot from holdfast.turns t;
    execute format('create sequence holdfast.turn_%s; create sequence holdfast.void_%1$s', slot);
    insert into holdfast.turns (turn, pid, began) values (slot, session_pid, start);
  end if;
  update holdfast.turns t set pid = session_pid, began = start, issued = t.issued + wanted,
      issuers = (case when t.pid = session_pid and t.began is not distinct from start then t.issuers[greatest(cardinality(t.issuers) - 30, 1):] else '{}' end) || pg_current_xact_id()
    where t.turn = slot returning t.issued - wanted, t.issuers into before, past;
end $hf$;
-- In the order of the statements; nothing when there is no such session.
create or replace function holdfast.issue_receipts(session_pid int, session_role name, life_ms int, judged text[], said text[], statements text[], modes text[])
returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $hf$
declare
  start timestamptz;
  mine record;
  one record;
  head text;
  body text;
begin
  select backend_start into start from pg_stat_activity where pid = session_pid and usename = session_role;
  if not found then return; end if;
  select * into mine from holdfast.take_turn(session_pid, start, cardinality(statements));
  for one in select * from unnest(statements, modes) with ordinality w(statement, mode, at) loop
    head := format('t%sn%s', mine.slot, mine.before + one.at);
    body := translate(encode(convert_to(jsonb_build_object(
      'statement', one.statement, 'mode', one.mode, 'role', session_role, 'pid', session_pid,
      'began', extract(epoch from start), 'until', extract(epoch from clock_timestamp()) + life_ms / 1000.0,
      'judged', to_jsonb(judged), 'said', to_jsonb(said), 'issuers', to_jsonb(mine.past::text[]))::text, 'UTF8'), 'base64'), E'\\n', '');
    return next head || '.' || holdfast.receipt_mac(head, body) || '.' || body;
  end loop;
end $hf$;
-- What was given out up to here and not used is void. One that is used at this moment is left.
create or replace function holdfast.void_receipts(turns int[], numbers bigint[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $hf$
declare
  one record;
  last bigint;
begin
  lock table holdfast.turns in share row exclusive mode;
  for one in select t.turn, max(w.number) as number from unnest(turns, numbers) w(turn, number) join holdfast.turns t on t.turn = w.turn group by 1 loop
    last := pg_sequence_last_value(format('holdfast.void_%s', one.turn)::regclass);
    if last is null or last < one.number then perform setval(format('holdfast.void_%s', one.turn)::regclass, one.number); end if;
  end loop;
end $hf$;`;

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
