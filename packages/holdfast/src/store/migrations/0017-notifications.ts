/** What people are told, by which channel, and how that went; and the browsers that are pushed to. */
import type { Migration } from './migration.ts';

export const notifications: Migration = {
  name: '0017-notifications',
  sql: `
    create table holdfast.notices (
      -- A hold, an entry of the trail, or the notice itself: no reference, they outlive each other.
      subject text not null,
      step text not null,
      notice jsonb not null,
      made_at timestamptz not null,
      -- Of the step that opened it: nothing more will come.
      ended_at timestamptz,
      primary key (subject, step)
    );
    create index notices_open on holdfast.notices (subject) where step = 'opened' and ended_at is null;
    create index notices_made on holdfast.notices (made_at);

    create table holdfast.deliveries (
      subject text not null,
      step text not null,
      channel text not null,
      importance text not null check (importance in ('now', 'soon', 'digest')),
      state text not null check (state in ('waiting', 'sending', 'sent', 'failed', 'void')),
      due_at timestamptz not null,
      tries integer not null default 0,
      claimed_by text,
      claimed_until timestamptz,
      ended_at timestamptz,
      reason text,
      -- Told once, whoever tells it.
      primary key (subject, step, channel),
      foreign key (subject, step) references holdfast.notices (subject, step) on delete cascade
    );
    create index deliveries_due on holdfast.deliveries (channel, due_at)
      where state in ('waiting', 'sending');
    create index deliveries_failed on holdfast.deliveries (ended_at) where state = 'failed';

    -- How far the trail was looked through for what people should hear of.
    create table holdfast.signals_seen (
      id boolean primary key default true check (id),
      up_to bigint not null,
      at timestamptz not null
    );

    create table holdfast.push_subscriptions (
      id text primary key,
      -- Whether the person still counts is asked at each use; nobody is ever deleted.
      person_id text not null,
      endpoint text not null unique,
      p256dh text not null,
      auth text not null,
      added_at timestamptz not null
    );
    create index push_subscriptions_person on holdfast.push_subscriptions (person_id);
  `,
};
