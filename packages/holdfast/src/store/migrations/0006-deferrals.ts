import type { Migration } from './migration.ts';

/** What waits out the grace, and what people propose to each other. */
export const deferrals: Migration = {
  name: '0006-deferrals',
  sql: `
    -- A proposal is a hold that no agent asked for: the same signatures, the same moves.
    alter table holdfast.holds
      alter column agent_id drop not null,
      alter column agent_name drop not null,
      alter column token_id drop not null,
      alter column session_id drop not null,
      alter column source drop not null,
      alter column client drop not null,
      add column act_kind text,
      -- Canonical JSON, the very text that the digest covers.
      add column act text,
      add column outcome text check (outcome in ('done', 'failed')),
      add column outcome_note text,
      add constraint holds_asked_by check (
        case when act_kind is null
          then act is null and outcome is null
            and num_nulls(agent_id, agent_name, token_id, session_id, source, client) = 0
          else act is not null and people_needed >= 2
            and num_nonnulls(agent_id, agent_name, token_id, session_id, source, client) = 0
        end);

    create table holdfast.deferrals (
      id text primary key,
      digest text not null check (digest ~ '^[0-9a-f]{64}$'),
      state text not null check (state in
        ('scheduled', 'cancelled', 'running', 'done', 'failed', 'unknown', 'void')),
      -- The approval it used up; null when policy asked for none.
      hold_id text,
      card jsonb not null,
      -- What the digest covers; the last is the text that runs.
      acts bytea[] not null check (cardinality(acts) > 0),
      search_path text[] not null,
      scheduled_at timestamptz not null,
      -- By the ledger of watched time, not by any clock on a wall.
      due_tick_ms bigint not null,
      decided_at timestamptz,
      -- A person's name, for a cancellation.
      decided_by text,
      note text,
      -- The instance that runs it: once it is settled, nobody will say what became of it.
      run_by text,
      check ((state in ('scheduled', 'cancelled', 'void')) = (run_by is null)),
      -- For another digest than the one that was signed it cannot even be stored.
      foreign key (hold_id, digest) references holdfast.holds (id, digest)
    );
    -- The same bytes on the same target wait once.
    create unique index deferrals_standing on holdfast.deferrals (digest)
      where state in ('scheduled', 'running');
    -- One approval, one act.
    create unique index deferrals_hold on holdfast.deferrals (hold_id);
    create index deferrals_due on holdfast.deferrals (due_tick_ms) where state = 'scheduled';
    create index deferrals_running on holdfast.deferrals (id) where state = 'running';
    create index deferrals_newest on holdfast.deferrals (scheduled_at desc, id desc);
  `,
};
