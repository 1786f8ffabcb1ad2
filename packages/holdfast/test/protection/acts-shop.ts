/** A schema with one of everything that can hang on something else. */
export const SHOP = `
create schema shop; create schema aside; grant all on schema shop to other with grant option; grant usage on schema shop to readers;
create type shop.state as enum ('new', 'paid');
create domain shop.price as numeric check (value >= 0);
create function shop.stamp() returns trigger language plpgsql as 'begin return new; end';
create function shop.double(n int) returns int language sql immutable as 'select n * 2';
create table shop.client (id int generated always as identity primary key, name text not null collate "C" unique, area text default 'x');
create table shop.orders (id bigserial primary key, client int references shop.client on delete cascade deferrable initially deferred,
  total shop.price, state shop.state not null default 'new', twice numeric generated always as (total * 2) stored, note text,
  constraint noted check (note <> '') not valid);
create index orders_state on shop.orders (state) where total > 1;
create unique index on shop.orders (lower(note));
create statistics shop.orders_stat (dependencies) on client, state from shop.orders;
create table shop.line (orders bigint not null, n int, foreign key (orders) references shop.orders not valid);
create trigger stamped before update on shop.orders for each row execute function shop.stamp();
create trigger quiet before update on shop.client for each row execute function shop.stamp();
alter table shop.orders enable always trigger stamped; alter table shop.client disable trigger quiet;
alter table shop.orders enable row level security; 
create policy own on shop.orders as restrictive for select to readers using (client = 1);
create policy seen on shop.client using (exists (select from shop.orders o where o.client = client.id));
comment on table shop.orders is 'what was ordered'; comment on column shop.orders.note is 'a note';
comment on policy seen on shop.client is 'only with orders';
grant select on shop.orders to readers with grant option; grant update (note) on shop.orders to readers;
create view shop.open as select * from shop.orders where state = 'new'; grant select on shop.open to readers;
create materialized view shop.sums as select client, sum(total) from shop.orders group by 1;
create unique index on shop.sums (client);
create rule gone as on delete to shop.line do also select count(*) from shop.orders;
create sequence shop.free start 5; create table shop.numbered (n int default nextval('shop.free'));
create table shop.base (k int, v text); create table shop.heir (more text) inherits (shop.base);
create table shop.log (at int, said text, client int references shop.client) partition by range (at);
create table shop.log_1 partition of shop.log for values from (0) to (10);
create table shop.log_2 partition of shop.log for values from (10) to (20);
create table aside.log_3 partition of shop.log default; create index on shop.log (said);
create table shop.loose (k int, v text collate "C" default 'v' not null);
insert into shop.loose values (1, 'a'), (1, 'b'), (1, 'b'), (2, 'c');
create aggregate shop.total(int) (sfunc = int4pl, stype = int, initcond = '0');
create procedure shop.nothing() language sql as 'select 1';
insert into shop.client (name) values ('ann'), ('bob'); insert into shop.orders (client, total, note) values (1, 5, 'a'), (2, 7, null);
insert into shop.line values (1, 1); insert into shop.numbered values (default); insert into shop.log values (1, 'a', 1), (11, 'b', 2), (99, 'c', 1);
insert into shop.base values (1, 'b'); insert into shop.heir values (2, 'h', 'm'); refresh materialized view shop.sums; set constraints all immediate; alter table shop.orders force row level security;`;
