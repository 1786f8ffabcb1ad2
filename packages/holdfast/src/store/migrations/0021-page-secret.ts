import type { Migration } from './migration.ts';

/** The third secret of a browser's session: the page's, which no cookie carries to another port. */
export const pageSecret: Migration = {
  name: '0021-page-secret',
  sql: `
    -- SHA-256; null for a command line.
    alter table holdfast.sessions add column page_hash bytea;

    -- A browser that signed in before has no such secret, and signs in again.
    update holdfast.sessions set closed_at = now() where kind = 'browser' and closed_at is null;
    alter table holdfast.sessions
      add constraint sessions_page
        check (kind <> 'browser' or page_hash is not null or closed_at is not null);
  `,
};
