/**
 * Marks by which a browser shows that somebody has signed in from it before: a cookie beside the device's,
 * with a MAC over both. It opens nothing. Who shows one has limits of their own, so that whoever else stands
 * at the same address, or knows the name, does not use theirs up.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from '../model/canonical.ts';
import type { Seal } from './seal.ts';
import { hashSecret, isSecret } from './secrets.ts';

/** A browser that more people share forgets the first. */
const PEOPLE_MAX = 8;
const PURPOSE = 'known browsers';

export class KnownBrowsers {
  readonly #key: Buffer;

  constructor(seal: Seal) {
    this.#key = seal.derive(PURPOSE);
  }

  /** Ids of people, `person_…`, then the MAC: characters that a cookie takes as they are. */
  mark(device: string, people: readonly string[]): string {
    const kept = [...new Set(people)].slice(-PEOPLE_MAX);
    return [...kept, this.#mac(device, kept)].join('.');
  }

  /** Empty: a stranger's, or a mark of another browser. */
  people(device: string | null, mark: string | null): readonly string[] {
    if (device === null || mark === null || !isSecret('hfd', device)) return [];
    const parts = mark.split('.');
    const mac = Buffer.from(parts.pop() ?? '');
    if (parts.length === 0 || parts.length > PEOPLE_MAX) return [];
    if (!parts.every((part) => /^[a-z0-9_]{1,64}$/.test(part))) return [];
    const own = Buffer.from(this.#mac(device, parts));
    return own.length === mac.length && timingSafeEqual(own, mac) ? parts : [];
  }

  #mac(device: string, people: readonly string[]): string {
    const facts = {
      domain: 'holdfast/known-browser/1',
      device: hashSecret(device).toString('hex'),
    };
    return createHmac('sha256', this.#key)
      .update(canonicalJson({ ...facts, people: [...people] }))
      .digest('base64url');
  }
}
