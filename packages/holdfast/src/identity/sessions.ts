/**
 * Sessions of people: short, revocable, bound to a device.
 *
 * A browser holds three secrets: two cookies, the session's and the device's, and the page's, which the
 * dashboard keeps in its origin's storage and shows itself. One without the others opens nothing. Cookies
 * know a host and no port (RFC 6265, 8.5), so that a server at another port of it is sent both; an
 * origin's storage it does not see. A command line holds one.
 *
 * A session ends after SESSION_IDLE_MS_MAX without use and SESSION_LIFE_MS_MAX in any case, at once when
 * it is closed or its person removed, and what its person may do is read anew at every request. A new
 * sign-in is a new secret: nobody can plant one beforehand (fixation).
 */
import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../model/clock.ts';
import { newId } from '../model/ids.ts';
import {
  SESSION_IDLE_MS_MAX,
  SESSION_LIFE_MS_MAX,
  SESSION_TOUCH_MS,
  SOURCE_CHARS_MAX,
} from '../model/limits.ts';
import { cut } from '../model/text.ts';
import type { PersonPrincipal } from './principal.ts';
import type { Role } from './roles.ts';
import { hashSecret, isSecret, newSecret } from './secrets.ts';
import type {
  LiveSession,
  SessionKind,
  SessionRecord,
  SessionStore,
  SignInMethod,
} from './session-store.ts';

/** A session that never proved that its person is there. */
const NEVER = new Date(0);

export interface SessionsParts {
  readonly store: SessionStore;
  readonly clock: Clock;
}

export interface SessionRequest {
  readonly personId: string;
  readonly kind: SessionKind;
  readonly method: SignInMethod;
  readonly userAgent: string;
  readonly source: string;
  /** The secret of the device, when it has one already; a browser without gets a fresh one. */
  readonly device: string | null;
}

export interface OpenedSession {
  readonly id: string;
  /** `hfs_...`: the only time it is seen. */
  readonly secret: string;
  /** `hfd_...`; null for a command line. */
  readonly device: string | null;
  /** `hfp_...`, as `secret`; null for a command line. */
  readonly page: string | null;
  readonly expiresAt: Date;
}

/** What a browser shows beside the session's secret; null: it did not. */
export interface ShownByBrowser {
  readonly device: string | null;
  readonly page: string | null;
}

export class Sessions {
  readonly #parts: SessionsParts;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  /** For whoever has just proved to be this person. */
  async open(request: SessionRequest): Promise<OpenedSession> {
    const { clock, store } = this.#parts;
    const now = clock.now();
    const secret = newSecret('hfs', clock);
    const device = request.kind === 'browser' ? deviceOf(request, clock) : null;
    const page = request.kind === 'browser' ? newSecret('hfp', clock) : null;
    const session: SessionRecord = {
      id: newId('session', clock),
      personId: request.personId,
      kind: request.kind,
      method: request.method,
      userAgent: cut(request.userAgent, SOURCE_CHARS_MAX),
      source: cut(request.source, SOURCE_CHARS_MAX),
      openedAt: now,
      lastUsedAt: now,
      provedAt: isProof(request) ? now : NEVER,
      expiresAt: new Date(now.getTime() + SESSION_LIFE_MS_MAX),
    };
    await store.add({
      ...session,
      secretHash: hashSecret(secret),
      deviceHash: device === null ? null : hashSecret(device),
      pageHash: page === null ? null : hashSecret(page),
    });
    return { id: session.id, secret, device, page, expiresAt: session.expiresAt };
  }

  /**
   * Null: no session opens with this, for whatever reason. `browser`: null when a command line shows it;
   * neither opens with what the other has. `isUse`: it is asked for because the person does something; else
   * it runs out as if nobody had asked.
   */
  async find(
    secret: string,
    browser: ShownByBrowser | null,
    isUse = true,
  ): Promise<PersonPrincipal | null> {
    if (!isSecret('hfs', secret)) return null;
    const { clock, store } = this.#parts;
    const live = await store.bySecret(hashSecret(secret));
    const now = clock.now();
    if (live === null || !isTimely(live.session, now) || !isShownBy(live, browser)) return null;
    const { session } = live;
    if (isUse && now.getTime() - session.lastUsedAt.getTime() >= SESSION_TOUCH_MS) {
      await store.touch(session.id, now);
    }
    const roles = rolesAt(live, now);
    return {
      kind: 'person',
      id: session.personId,
      name: live.personName,
      roles,
      isRaised: roles.includes('owner') && !live.roles.includes('owner'),
      sessionId: session.id,
      method: session.method,
      provedAt: session.provedAt,
    };
  }

  /** The person has proved again to be there. */
  async proved(id: string, method: SignInMethod): Promise<void> {
    await this.#parts.store.proved(id, method, this.#parts.clock.now());
  }

  async list(personId: string): Promise<readonly SessionRecord[]> {
    const now = this.#parts.clock.now();
    const all = await this.#parts.store.list(personId, now);
    return all.filter((session) => isTimely(session, now));
  }

  /** How many there were. */
  closeOthers(id: string, personId: string): Promise<number> {
    return this.#parts.store.closeOthers(id, personId, this.#parts.clock.now());
  }

  /**
   * For what lay in a browser's cookies before a new sign-in, whoever's it was and whether or not its page
   * is still there.
   */
  async closeShown(secret: string, device: string | null): Promise<void> {
    if (!isSecret('hfs', secret)) return;
    const live = await this.#parts.store.bySecret(hashSecret(secret));
    if (live === null || !isSame(live.deviceHash, device)) return;
    await this.close(live.session.id, live.session.personId);
  }

  /** False: this person has no such session open. */
  close(id: string, personId: string): Promise<boolean> {
    return this.#parts.store.close(id, personId, this.#parts.clock.now());
  }
}

/** By break-glass somebody is an owner for an hour. */
function rolesAt({ ownerUntil, roles }: LiveSession, now: Date): readonly Role[] {
  const isRaised = ownerUntil !== null && ownerUntil.getTime() > now.getTime();
  return isRaised && !roles.includes('owner') ? ['owner', ...roles] : roles;
}

/**
 * Another's word for who somebody is proves nothing to us. Nor is a command line where its person is:
 * that somebody let it in from a browser does not show who sits before it now.
 */
function isProof({ kind, method }: SessionRequest): boolean {
  return kind === 'browser' && method !== 'sso';
}

function isTimely({ expiresAt, lastUsedAt }: SessionRecord, now: Date): boolean {
  return (
    expiresAt.getTime() > now.getTime() &&
    lastUsedAt.getTime() + SESSION_IDLE_MS_MAX > now.getTime()
  );
}

function isShownBy(live: LiveSession, browser: ShownByBrowser | null): boolean {
  if (browser === null) return live.session.kind === 'command-line';
  if (live.session.kind !== 'browser') return false;
  return isSame(live.deviceHash, browser.device) && isSame(live.pageHash, browser.page);
}

/** What has no hash is never shown. */
function isSame(hash: Buffer | null, shown: string | null): boolean {
  return hash !== null && shown !== null && timingSafeEqual(hash, hashSecret(shown));
}

function deviceOf({ device }: SessionRequest, clock: Clock): string {
  return device !== null && isSecret('hfd', device) ? device : newSecret('hfd', clock);
}
