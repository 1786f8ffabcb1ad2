import type { Migration } from './migration.ts';

/** MACs over the rows that say who may come in; pauses after wrong codes of strangers, apart from one's own. */
export const rowMacs: Migration = {
  name: '0024-row-macs',
  sql: `
    -- Base64url; over what store/row-facts.ts says, under a key that is not in this database. Rows that are
    -- here get theirs in this same transaction (store/stamp-rows.ts), and never again. Each \`add column\`
    -- fails where there is one: this step cannot be taken twice.
    alter table holdfast.people add column mac text;
    alter table holdfast.sessions add column mac text;
    alter table holdfast.invites add column mac text;
    alter table holdfast.agents add column mac text;
    alter table holdfast.tokens add column mac text;
    alter table holdfast.sso_identities add column mac text;
    alter table holdfast.device_requests add column mac text;

    -- Wrong codes from browsers that never signed in as this person.
    alter table holdfast.people
      add column stranger_failures integer not null default 0,
      add column stranger_paused_until timestamptz;

    -- Nobody can tell whether these were opened by hand: people sign in again, and are invited again.
    update holdfast.sessions set closed_at = now() where closed_at is null;
    delete from holdfast.invites where used_at is null;
    delete from holdfast.device_requests;
  `,
};
