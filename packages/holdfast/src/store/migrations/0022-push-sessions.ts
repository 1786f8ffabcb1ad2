import type { Migration } from './migration.ts';

/** A browser that is pushed to belongs to the session that turned notices on: who closes it ends both. */
export const pushSessions: Migration = {
  name: '0022-push-sessions',
  sql: `
    -- There was no way to turn them on before.
    delete from holdfast.push_subscriptions;
    alter table holdfast.push_subscriptions
      add column session_id text not null references holdfast.sessions (id) on delete cascade;
    create index push_subscriptions_session on holdfast.push_subscriptions (session_id);
  `,
};
