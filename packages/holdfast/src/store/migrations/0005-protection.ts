import type { Migration } from './migration.ts';

export const protection: Migration = {
  name: '0005-protection',
  sql: `
    -- As whom agents log in at protected targets; the password opens with seal.key only.
    create table holdfast.agent_roles (
      target text not null,
      agent_id text not null references holdfast.agents (id),
      role text not null,
      password_sealed bytea not null,
      valid_until timestamptz not null,
      -- Set once the target has it; until then it is sent again, the same one.
      applied_at timestamptz,
      primary key (target, agent_id),
      unique (target, role)
    );
  `,
};
