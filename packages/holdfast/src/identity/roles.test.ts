import { describe, expect, it } from 'vitest';
import { mayDo } from './principal.ts';
import { PERMISSION_NAMES, PERMISSIONS, ROLES, type Role, rolesAllow } from './roles.ts';

describe('the table of roles', () => {
  it('lets an owner do all that anybody may', () => {
    const shut = PERMISSION_NAMES.filter((name) => !rolesAllow(['owner'], name));
    expect(shut).toEqual([]);
  });

  it('lets an auditor change nothing but what is their own', () => {
    const open = PERMISSION_NAMES.filter((name) => rolesAllow(['auditor'], name));
    const changing = open.filter((name) => !/\.(read|verify|export)$/.test(name));
    expect(changing).toEqual([
      'devices.let-in',
      'break-glass',
      'self.enrol',
      'self.manage',
      'self.notices',
    ]);
  });

  it('lets nobody without a role do anything, and an agent neither', () => {
    for (const name of PERMISSION_NAMES) {
      expect(rolesAllow([], name)).toBe(false);
      const agent = { kind: 'agent', id: 'a', name: 'a', tokenId: 't' } as const;
      expect(mayDo(agent, name)).toBe(false);
    }
  });

  it('opens to a recovery code nothing but the way to a passkey', () => {
    const person = {
      kind: 'person',
      id: 'p',
      name: 'ana',
      roles: [...ROLES],
      isRaised: false,
      sessionId: 's',
      method: 'recovery',
      provedAt: new Date(),
    } as const;
    expect(PERMISSION_NAMES.filter((name) => mayDo(person, name))).toEqual(['self.enrol']);
  });

  it('stands in docs/roles.md as it stands here (npx vitest -u writes it anew)', async () => {
    const mark = (role: Role, roles: readonly Role[]) => (roles.includes(role) ? 'yes' : '');
    const rows = PERMISSION_NAMES.map((name) => {
      const { roles, words } = PERMISSIONS[name];
      return `| \`${name}\` | ${words} | ${ROLES.map((role) => mark(role, roles)).join(' | ')} |`;
    });
    const page = [
      '# Roles',
      '',
      'Generated from `packages/holdfast/src/identity/roles.ts`; do not edit. The API asks this table before',
      'each route, and each cell is tested against each route. Several roles of one person add up. An agent',
      'may do nothing of it. See [people](people.md).',
      '',
      `| permission | may | ${ROLES.join(' | ')} |`,
      `|---|---|${ROLES.map(() => '---|').join('')}`,
      ...rows,
      '',
    ].join('\n');
    await expect(page).toMatchFileSnapshot('../../../../docs/roles.md');
  });
});
