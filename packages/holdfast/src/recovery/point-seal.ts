/**
 * The seal of a recovery point: a MAC of this installation over all that its point.json says, the key that
 * it lies under and the vault that it was taken into. It stands last in the point.json, with the id of the
 * key that made it, so that one which this installation cannot tell is not taken for one that is wrong.
 *
 * It says who wrote the point.json, and no more: not that the point comes back (a drill says that), nor that
 * it is the newest there was. Nothing here is needed to restore: a point without any seal opens as well.
 *
 * What is streamed after a point has a seal in the header of its age file: a MAC over the key it lies under
 * and the file key, which who writes the file and who can open it know alone. So whoever has the public key
 * and the vault's credentials can lay something there, and cannot make it ours.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { jsonOf } from '../model/json.ts';
import type { HeaderSeal } from './packing/age.ts';
import type { VaultKey } from './vaults/vault.ts';

const KEY_ID = /^[0-9a-f]{16}$/;
const SEALED = z.looseObject({
  seal: z.strictObject({
    vault: z.string(),
    keyId: z.string().regex(KEY_ID),
    mac: z.string().regex(/^[0-9a-f]{64}$/),
  }),
});
const OBJECT = z.looseObject({});

/**
 * `ours`: made here, for this vault and key. `elsewhere`: made here, for another vault. `none`: there is no
 * seal, as before there were any. `foreign`: of a key that is not here, so nobody can tell. `broken`: it
 * names our key, and does not fit.
 */
export const SEAL_VERDICTS = ['ours', 'elsewhere', 'none', 'foreign', 'broken'] as const;
export type SealVerdict = (typeof SEAL_VERDICTS)[number];

/** What is looked at and restored when it is asked for, and counts for nothing here. */
export const NOT_COUNTED = ['elsewhere', 'foreign'] as const;
export type NotCounted = (typeof NOT_COUNTED)[number];

/** Null: it counts here, or is broken and looked at by nobody. */
export function notCounted(verdict: SealVerdict): NotCounted | null {
  return NOT_COUNTED.find((one) => one === verdict) ?? null;
}

/** Those that are not told apart. */
export function countedOf<T extends { readonly seal: SealVerdict }>(points: readonly T[]): T[] {
  return points.filter(({ seal }) => notCounted(seal) === null);
}

/** Null: nobody here can tell. */
export function isSealed(verdict: SealVerdict): boolean | null {
  if (verdict === 'foreign') return null;
  return verdict === 'ours' || verdict === 'elsewhere';
}

export class PointSeal {
  readonly #macKey: Buffer;
  readonly #keyId: string;

  /** 32 bytes, of this installation and for nothing else. */
  constructor(macKey: Buffer) {
    this.#macKey = macKey;
    this.#keyId = createHmac('sha256', macKey).update('key id').digest('hex').slice(0, 16);
  }

  /** 16 hexadecimal digits. */
  get keyId(): string {
    return this.#keyId;
  }

  /** Of a file that is to lie under that key, of whichever vault. */
  headerSeal(key: VaultKey, fileKey: Uint8Array): HeaderSeal {
    return { keyId: this.#keyId, mac: this.#headerMac(key, fileKey) };
  }

  /** Of a file that lies under that key and opens with that file key. */
  headerVerdictOf(
    key: VaultKey,
    fileKey: Uint8Array,
    seal: HeaderSeal | null,
  ): Exclude<SealVerdict, 'elsewhere'> {
    if (seal === null) return 'none';
    if (seal.keyId !== this.#keyId) return KEY_ID.test(seal.keyId) ? 'foreign' : 'broken';
    const mac = this.#headerMac(key, fileKey);
    const isIt = seal.mac.length === mac.length && timingSafeEqual(seal.mac, mac);
    return isIt ? 'ours' : 'broken';
  }

  /** The text of a point.json that is to lie under that key of that vault. */
  write(vault: string, key: VaultKey, facts: object): string {
    const mac = this.#mac(vault, key, textOf(facts)).toString('hex');
    return textOf({ ...facts, seal: { vault, keyId: this.#keyId, mac } });
  }

  /** Of the text that lies there, to the byte: the same facts written in another way are not what was sealed. */
  verdictOf(vault: string, key: VaultKey, text: string): SealVerdict {
    const json = jsonOf(text);
    const object = OBJECT.safeParse(json);
    if (object.success && !Object.hasOwn(object.data, 'seal')) return 'none';
    const read = SEALED.safeParse(json);
    if (!read.success) return 'broken';
    const { seal, ...facts } = read.data;
    if (seal.keyId !== this.#keyId) return 'foreign';
    if (textOf({ ...facts, seal }) !== text) return 'broken';
    const mac = this.#mac(seal.vault, key, textOf(facts));
    if (!timingSafeEqual(Buffer.from(seal.mac, 'hex'), mac)) return 'broken';
    return seal.vault === vault ? 'ours' : 'elsewhere';
  }

  /** Of two, where that of a point.json is of three: the one is never the other. */
  #headerMac(key: VaultKey, fileKey: Uint8Array): Buffer {
    return createHmac('sha256', this.#macKey)
      .update(JSON.stringify([key, Buffer.from(fileKey).toString('hex')]))
      .digest();
  }

  #mac(vault: string, key: VaultKey, facts: string): Buffer {
    return createHmac('sha256', this.#macKey)
      .update(JSON.stringify([vault, key, facts]))
      .digest();
  }
}

function textOf(facts: object): string {
  return `${JSON.stringify(facts, null, 2)}\n`;
}
