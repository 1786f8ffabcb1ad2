/**
 * Sessions of people: short, revocable, bound to a device.
 *
 * A browser holds two cookies, the session's secret and the device's; one without the other opens
 * nothing. A session ends after SESSION_IDLE_MS_MAX without use and SESSION_LIFE_MS_MAX in any case,
 * at once when it is closed or its person removed, and what its person may do is read anew at every
 * request. A new sign-in is a new secret: nobody can plant one beforehand (fixation).
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
  readonly expiresAt: Date;
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
    });
    return { id: session.id, secret, device, expiresAt: session.expiresAt };
  }

  /** Null: no session opens with this, for whatever reason. */
  async find(secret: string, device: string | null): Promise<PersonPrincipal | null> {
    if (!isSecret('hfs', secret)) return null;
    const { clock, store } = this.#parts;
    const live = await store.bySecret(hashSecret(secret));
    const now = clock.now();
    if (live === null || !isTimely(live.session, now) || !isOfDevice(live, device)) return null;
    const { session } = live;
    if (now.getTime() - session.lastUsedAt.getTime() >= SESSION_TOUCH_MS) {
      await store.touch(session.id, now);
    }
    return {
      kind: 'person',
      id: session.personId,
      name: live.personName,
      roles: rolesAt(live, now),
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

function isOfDevice({ deviceHash }: LiveSession, device: string | null): boolean {
  if (deviceHash === null) return true;
  return device !== null && timingSafeEqual(deviceHash, hashSecret(device));
}

function deviceOf({ device }: SessionRequest, clock: Clock): string {
  return device !== null && isSecret('hfd', device) ? device : newSecret('hfd', clock);
}
