import type { Migration } from './migration.ts';

/**
 * MACs over ceremonies; and rows that an older Holdfast would write without a MAC are refused, so that a gateway of
 * before that still runs beside this one fails aloud, in place of writing what counts as not there.
 */
export const ceremonyMacs: Migration = {
  name: '0026-ceremony-macs',
  sql: `
    -- What somebody is in the middle of, they begin again: ceremonies live minutes.
    delete from holdfast.ceremonies;
    alter table holdfast.ceremonies rename column challenge to nonce;
    -- As text: the MAC is over exactly what was written.
    alter table holdfast.ceremonies alter column facts type text using facts::text;
    alter table holdfast.ceremonies add column mac text not null;

    -- They have theirs from the beginning now, not only once they are decided.
    delete from holdfast.device_requests;

    -- What was used is gone, in place of a mark that anybody could take away.
    delete from holdfast.recovery_codes where used_at is not null;
    alter table holdfast.recovery_codes drop column used_at;

    -- So that nobody brings them back by taking the mark away.
    update holdfast.passkeys set mac = null where removed_at is not null or suspended_at is not null;

    -- Not valid: for what is written from now on. What is here was stamped, is stamped at the end of this
    -- transaction (store/stamp-rows.ts), or is not ours.
    alter table holdfast.people add constraint people_have_a_mac
      check (mac is not null) not valid;
    alter table holdfast.sessions add constraint sessions_have_a_mac
      check (mac is not null or closed_at is not null) not valid;
    alter table holdfast.invites add constraint invites_have_a_mac
      check (mac is not null or used_at is not null) not valid;
    alter table holdfast.agents add constraint agents_have_a_mac
      check (mac is not null) not valid;
    alter table holdfast.tokens add constraint tokens_have_a_mac
      check (mac is not null or revoked_at is not null) not valid;
    alter table holdfast.sso_identities add constraint sso_identities_have_a_mac
      check (mac is not null) not valid;
    alter table holdfast.device_requests add constraint device_requests_have_a_mac
      check (mac is not null) not valid;
  `,
};
