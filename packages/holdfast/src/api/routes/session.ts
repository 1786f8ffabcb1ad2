import type { PersonRef } from '../../identity/passkeys.ts';
import { mayDo, type Principal } from '../../identity/principal.ts';
import { PERMISSION_NAMES, PERMISSIONS, ROLES } from '../../identity/roles.ts';
import type { Sessions } from '../../identity/sessions.ts';
import type { HoldfastEvent, Note } from '../../model/event.ts';
import type { SESSION_ROUTES } from '../contract/session.ts';
import type { Handlers } from '../handler.ts';

export interface SessionRouteParts {
  readonly sessions: Sessions;
  /** Nobody has enrolled yet. */
  readonly note: Note;
  readonly isNew: () => Promise<boolean>;
  /** Null: there is no single sign-on. */
  readonly sso: { readonly host: string } | null;
}

export function sessionRoutes({
  isNew,
  note,
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
      const { id, name, sessionId } = principal;
      const closed = await sessions.close(sessionId, id);
      if (closed) await note(signedOut({ id, name }, sessionId, name));
      return { closed };
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

/** `by`: who closed it. */
export function signedOut(person: PersonRef, session: string, by: string): HoldfastEvent {
  return {
    kind: 'signed-out',
    facts: { person: person.name, personId: person.id, session, by },
    message: `A session of ${person.name} was closed by ${by}.`,
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
