import type { Migration } from './migration.ts';

/** MACs over browsers that people are pushed to: who writes one there would read what people are told. */
export const pushMacs: Migration = {
  name: '0028-push-macs',
  sql: `
    -- Nobody can tell whether these were put there by hand: people turn notices on again.
    delete from holdfast.push_subscriptions;
    alter table holdfast.push_subscriptions add column mac text not null;
  `,
};
