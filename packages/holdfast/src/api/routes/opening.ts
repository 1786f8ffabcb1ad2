/** Opening a session for whoever has just shown who they are. */
import type { PersonRef } from '../../identity/passkeys.ts';
import type { People } from '../../identity/people.ts';
import type { SignInMethod } from '../../identity/session-store.ts';
import type { Sessions } from '../../identity/sessions.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Note } from '../../model/event.ts';
import type { Around } from '../handler.ts';

export interface OpeningParts {
  readonly people: People;
  readonly sessions: Sessions;
  readonly note: Note;
}

/**
 * Always a new session, and the one this browser had is closed: a secret that somebody planted there
 * beforehand opens nothing (fixation).
 */
export async function openSession(
  { note, people, sessions }: OpeningParts,
  ask: Around,
  person: PersonRef,
  method: SignInMethod,
) {
  const { cookies, keepSession, principal, source, userAgent } = ask;
  const { id, name, roles } = await people.byId(person.id);
  const session = await sessions.open({
    personId: id,
    kind: 'browser',
    method,
    userAgent,
    source,
    device: cookies.device,
  });
  if (session.page === null) throw new Error('a session of a browser has no page secret');
  if (principal?.kind === 'person') await sessions.close(principal.sessionId, principal.id);
  if (cookies.session !== null) await sessions.closeShown(cookies.session, cookies.device);
  await note({
    kind: 'signed-in',
    facts: { person: name, personId: id, method, session: session.id, source },
    message: `${name} signed in.`,
  });
  keepSession({ ...session, personId: id });
  return {
    person: { id, name, roles: [...roles] },
    mustEnrol: method === 'recovery',
    page: session.page,
  };
}

/** One thing, whatever the reason. */
export function notLetIn(): HoldfastError {
  return new HoldfastError('HF_SIGN_IN', {
    expected: 'a passkey, or a name and a code that belong together',
    found: 'something else, or a pause after too many attempts',
    hint: 'Try again, or another way to sign in; an owner sees in the trail why not.',
  });
}

/** One thing here, too: who came through the identity provider is not told which part of it was wrong. */
export function notLetInFromThere(): HoldfastError {
  return new HoldfastError('HF_SIGN_IN', {
    expected:
      'somebody whom Holdfast knows or lets in, back from the identity provider once and at once',
    found:
      'somebody it does not let in, or a way back that is used, late, or begun in another browser',
    hint: 'Begin again; if it stays so, ask an owner for an invitation. They see in the trail why not.',
  });
}
