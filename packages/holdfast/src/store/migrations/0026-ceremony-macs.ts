import type { Migration } from './migration.ts';

/** MACs over ceremonies. */
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
  `,
};
