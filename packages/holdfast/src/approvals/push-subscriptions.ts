/**
 * Browsers that people have turned notices on in (Push API). What a browser says is a stranger's word: the
 * endpoint must be https at its usual port, and no address of our own network; where its name leads is
 * looked at again when it is called.
 *
 * A browser counts until its person is removed, the session that asked for it is closed, or
 * PUSH_LIFE_MS_MAX after they last signed in there. A session that ran out by itself ends nothing: people are
 * told while they are away. The next one of the same browser and person takes it over.
 */
import { ECDH } from 'node:crypto';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { newId } from '../model/ids.ts';
import {
  PUSH_ENDPOINT_CHARS_MAX,
  PUSH_LIFE_MS_MAX,
  PUSH_SUBSCRIPTIONS_MAX,
} from '../model/limits.ts';
import { isPublicAddress } from './channels/public-address.ts';

/** As `PushSubscription.toJSON()` has it (W3C Push API §8). */
export interface PushKeys {
  /** A point on P-256, uncompressed, base64url. */
  readonly p256dh: string;
  /** 16 bytes, base64url. */
  readonly auth: string;
}

export interface PushSubscription {
  readonly id: string;
  readonly personId: string;
  /** Which asked for it, or took it over. */
  readonly sessionId: string;
  readonly endpoint: string;
  readonly keys: PushKeys;
  readonly addedAt: Date;
  /** When that session was opened. */
  readonly signedInAt: Date;
  /** What its browser calls itself. */
  readonly userAgent: string;
  /** On this machine, which only tests allow. */
  readonly isLocal: boolean;
}

export type PushRecord = Omit<PushSubscription, 'isLocal'>;
export type NewPush = Omit<PushRecord, 'signedInAt' | 'userAgent'>;

/**
 * - `full`    the person has so many others
 * - `taken`   another person's browser, shown with keys that are not its own
 * - `closed`  the session is over, or another person's
 */
export type PushAdded =
  | { readonly kind: 'added'; readonly record: PushRecord }
  | { readonly kind: 'full' | 'taken' | 'closed' };

/** Of a session that was opened at `since` or before it none counts. */
export interface PushStore {
  /** One of the same endpoint is replaced: it is the same browser. */
  add(record: NewPush, max: number, since: Date): Promise<PushAdded>;
  /** Null: it was not that person's. */
  remove(personId: string, id: string): Promise<PushRecord | null>;
  /** Whoever's it was. */
  forget(id: string): Promise<void>;
  /** Oldest first; null: of everybody who still counts. */
  list(personId: string | null, since: Date): Promise<readonly PushRecord[]>;
}

export interface PushOwner {
  readonly personId: string;
  readonly sessionId: string;
}

export interface PushSubscriptionsParts {
  readonly store: PushStore;
  readonly clock: Clock;
  /** `loopback`: http on this machine is taken, too. For tests. */
  readonly allow: 'public' | 'loopback';
}

const POINT_BYTES = 65;
const AUTH_BYTES = 16;

export class PushSubscriptions {
  readonly #parts: PushSubscriptionsParts;

  constructor(parts: PushSubscriptionsParts) {
    this.#parts = parts;
  }

  /**
   * HF_USAGE for an endpoint or keys that cannot be used; HF_LIMIT for one browser too many; HF_SIGN_IN when
   * the session was closed meanwhile.
   */
  async add(
    owner: PushOwner,
    asked: { readonly endpoint: string; readonly keys: PushKeys },
  ): Promise<PushSubscription> {
    const { clock, store } = this.#parts;
    const endpoint = this.#endpoint(asked.endpoint);
    const record = {
      id: newId('push', clock),
      personId: owner.personId,
      sessionId: owner.sessionId,
      endpoint,
      keys: keysOf(asked.keys),
      addedAt: clock.now(),
    };
    const added = await store.add(record, PUSH_SUBSCRIPTIONS_MAX, this.#since());
    switch (added.kind) {
      case 'added':
        return this.#marked(added.record);
      case 'full':
        throw tooManyBrowsers();
      case 'taken':
        throw badKeys('those of another browser');
      case 'closed':
        throw sessionClosed();
      default:
        return added satisfies never;
    }
  }

  /** HF_NOT_FOUND when it is not that person's. */
  async remove(personId: string, id: string): Promise<PushSubscription> {
    const removed = await this.#parts.store.remove(personId, id);
    if (removed !== null) return this.#marked(removed);
    throw new HoldfastError('HF_NOT_FOUND', {
      expected: 'a browser of yours that notices are turned on in',
      found: 'none by that id',
      hint: 'Load the list again.',
    });
  }

  async list(personId: string): Promise<readonly PushSubscription[]> {
    return this.#list(personId);
  }

  /** Of everybody who still counts. */
  async all(): Promise<readonly PushSubscription[]> {
    return this.#list(null);
  }

  /** Its push service says that it is no more. */
  async gone(id: string): Promise<void> {
    await this.#parts.store.forget(id);
  }

  async #list(personId: string | null): Promise<readonly PushSubscription[]> {
    const found = await this.#parts.store.list(personId, this.#since());
    return found.map((one) => this.#marked(one));
  }

  #since(): Date {
    return new Date(this.#parts.clock.now().getTime() - PUSH_LIFE_MS_MAX);
  }

  #marked(record: PushRecord): PushSubscription {
    return { ...record, isLocal: this.#isLocal(new URL(record.endpoint)) };
  }

  #isLocal({ hostname, protocol }: URL): boolean {
    return (
      this.#parts.allow === 'loopback' &&
      protocol === 'http:' &&
      /^(?:127\.\d+\.\d+\.\d+|localhost)$/.test(hostname)
    );
  }

  /** As the URL standard writes it: `https://0x7f.1/` shows itself as 127.0.0.1. */
  #endpoint(text: string): string {
    const url = text.length <= PUSH_ENDPOINT_CHARS_MAX ? URL.parse(text) : null;
    if (url === null) throw notUsable('another text');
    if (this.#isLocal(url)) return url.href;
    if (url.protocol !== 'https:') throw notUsable(`${url.protocol}//`);
    if (url.username !== '' || url.password !== '') throw notUsable('one with a user in it');
    if (url.port !== '') throw notUsable(`port ${url.port}`);
    const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
    const isAddress = /^[\d.]+$/.test(host) || host.includes(':');
    if (isAddress && !isPublicAddress(host)) throw notUsable('an address that is not public');
    if (!isAddress && isOurOwn(host)) throw notUsable('a name of a network of one’s own');
    return url.href;
  }
}

/** RFC 6761 and 6762, and a name without a dot. */
function isOurOwn(host: string): boolean {
  return (
    !host.includes('.') ||
    /\.(?:local|localhost|internal|intranet|home\.arpa|lan|invalid|test)$/.test(host)
  );
}

function keysOf({ auth, p256dh }: PushKeys): PushKeys {
  const point = bytesOf(p256dh);
  const secret = bytesOf(auth);
  if (point?.length !== POINT_BYTES || point[0] !== 4 || !isOnCurve(point)) {
    throw badKeys('p256dh that is no uncompressed point on P-256');
  }
  if (secret?.length !== AUTH_BYTES) throw badKeys(`auth that is not ${AUTH_BYTES} bytes`);
  return { p256dh: point.toString('base64url'), auth: secret.toString('base64url') };
}

function bytesOf(text: string): Buffer | null {
  return /^[A-Za-z0-9_-]{1,200}={0,2}$/.test(text) ? Buffer.from(text, 'base64url') : null;
}

function isOnCurve(point: Buffer): boolean {
  try {
    ECDH.convertKey(point, 'prime256v1');
    return true;
  } catch {
    return false;
  }
}

function notUsable(found: string): HoldfastError {
  return new HoldfastError('HF_USAGE', {
    expected: 'the endpoint of a push service: https, its usual port, a public address',
    found,
    hint: 'Turn notices on again in a browser of today.',
  });
}

function tooManyBrowsers(): HoldfastError {
  return new HoldfastError('HF_LIMIT', {
    expected: `at most ${PUSH_SUBSCRIPTIONS_MAX} browsers of one person`,
    found: 'one more',
    hint: 'Turn notices off in one that is not used any more.',
  });
}

function sessionClosed(): HoldfastError {
  return new HoldfastError('HF_SIGN_IN', {
    expected: 'a session that is open',
    found: 'one that was closed',
    hint: 'Sign in, and turn notices on again.',
  });
}

function badKeys(found: string): HoldfastError {
  return new HoldfastError('HF_USAGE', {
    expected: 'the keys of a push subscription',
    found,
    hint: 'Turn notices on again in a browser of today.',
  });
}
