import { mayDo, type Principal } from '../../identity/principal.ts';
import { PERMISSION_NAMES, PERMISSIONS, ROLES } from '../../identity/roles.ts';
import type { Sessions } from '../../identity/sessions.ts';
import type { SESSION_ROUTES } from '../contract/session.ts';
import type { Handlers } from '../handler.ts';

export interface SessionRouteParts {
  readonly sessions: Sessions;
  /** Nobody has enrolled yet. */
  readonly isNew: () => Promise<boolean>;
  /** Null: there is no single sign-on. */
  readonly sso: { readonly host: string } | null;
}

export function sessionRoutes({
  isNew,
  sessions,
  sso,
}: SessionRouteParts): Handlers<typeof SESSION_ROUTES> {
  return {
    'session.show': async ({ principal }) => ({
      person: personOf(principal),
      may: principal === null ? [] : PERMISSION_NAMES.filter((name) => mayDo(principal, name)),
      isNew: principal === null && (await isNew()),
      sso,
    }),
    'session.close': async ({ principal, keepSession }) => {
      keepSession(null);
      if (principal?.kind !== 'person') return { closed: false };
      return { closed: await sessions.close(principal.sessionId, principal.id) };
    },
    'roles.table': async () => ({
      roles: [...ROLES],
      permissions: PERMISSION_NAMES.map((name) => {
        const { roles, words } = PERMISSIONS[name];
        return { name, words, roles: [...roles] };
      }),
    }),
  };
}

function personOf(principal: Principal | null) {
  if (principal?.kind !== 'person') return null;
  const { id, method, name, provedAt, roles } = principal;
  return {
    id,
    name,
    roles: [...roles],
    method,
    provedAt: provedAt.toISOString(),
    mustEnrol: method === 'recovery',
  };
}
