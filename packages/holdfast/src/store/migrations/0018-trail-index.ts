import type { Migration } from './migration.ts';

/**
 * What the lists of people are read by. The trail is written as before; what it can be filtered by is
 * taken out of its entries behind it, in batches, so that nothing that acts waits for it.
 */
export const trailIndex: Migration = {
  name: '0018-trail-index',
  sql: `
    -- One row per entry; of a batch of reads one per agent and target, so that each is found.
    create table holdfast.trail_facts (
      index bigint not null,
      place integer not null,
      at timestamptz not null,
      kind text not null,
      agent text,
      target text,
      verdict text,
      hold text,
      primary key (index, place)
    );
    create index trail_facts_kind on holdfast.trail_facts (kind, index) where place = 0;
    create index trail_facts_agent on holdfast.trail_facts (agent, index) where agent is not null;
    create index trail_facts_target on holdfast.trail_facts (target, index) where target is not null;
    create index trail_facts_verdict on holdfast.trail_facts (verdict, index)
      where verdict is not null;
    create index trail_facts_hold on holdfast.trail_facts (hold, index) where hold is not null;
    create index trail_facts_at on holdfast.trail_facts (at, index) where place = 0;

    -- How far that has come; one process at a time moves it.
    create table holdfast.trail_indexed (
      id boolean primary key default true check (id),
      size bigint not null check (size >= 0)
    ) with (fillfactor = 10);
    insert into holdfast.trail_indexed (size) values (0);

    -- How many entries there are of each kind, and decisions of each verdict ('' for what has none).
    create table holdfast.trail_counts (
      kind text not null,
      verdict text not null,
      entries bigint not null,
      primary key (kind, verdict)
    ) with (fillfactor = 10);

    create index holds_open on holdfast.holds (opened_at, id) where state in ('waiting', 'signed');
    create index holds_agent on holdfast.holds (agent_name, opened_at, id);
    create index holds_target on holdfast.holds (target, opened_at, id);
  `,
};
