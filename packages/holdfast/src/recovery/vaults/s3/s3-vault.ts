/**
 * A vault at an object store that keeps Object Lock in COMPLIANCE mode: each object is put with its own
 * retention, never trusting to the bucket's default, and counts only when its head, asked for by another
 * identity, shows the lock, the size and the version. Listings ignore what was deleted or written over.
 *
 * It makes no bucket and changes no configuration. Whether the lock holds is for the proof to say.
 */
import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../../model/clock.ts';
import { HoldfastError } from '../../../model/errors.ts';
import { checkKey, checkPrefix } from '../key.ts';
import type { Kept, StoredObject, Vault, VaultKey, VaultLook } from '../vault.ts';
import { vaultError } from './answer.ts';
import { connectS3, loadSdk } from './connect.ts';
import { EntityTag } from './parts.ts';
import type { S3Identities, S3Keys, S3Place } from './place.ts';
import { SHA_METADATA, type Uploaded, upload } from './upload.ts';
import { keyVersions, type ObjectVersion, versionAsOf } from './versions.ts';
import { lookOfS3, type S3State } from './words.ts';

export interface S3VaultOptions {
  readonly name: string;
  readonly place: S3Place;
  readonly identities: S3Identities;
  readonly clock: Clock;
  /** What the newest proof of the blast radius said; null: none was made, or it is too old. */
  readonly proven: () => 'PROVEN' | 'REFUTED' | 'UNKNOWN' | null;
}

export class S3Vault implements Vault {
  readonly kind = 's3';
  readonly name: string;
  readonly #options: S3VaultOptions;
  readonly #clients = new Map<S3Keys, Promise<S3Client>>();

  constructor(options: S3VaultOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async put(key: VaultKey, body: AsyncIterable<Uint8Array>, kept: Kept): Promise<StoredObject> {
    checkKey(key);
    const { place, identities } = this.#options;
    const name = place.prefix + key;
    // Stores count in seconds: never less than was asked for.
    const retainUntil = new Date(Math.ceil(kept.retainUntil.getTime() / 1000) * 1000);
    try {
      const client = await this.#client(identities.writer);
      const order = { client, bucket: place.bucket, key: name, body, retainUntil };
      const uploaded = await upload(order);
      return await this.#readBack(key, uploaded, retainUntil);
    } catch (error) {
      throw vaultError(error, `${this.name} to take ${key}`);
    }
  }

  async *get(object: Pick<StoredObject, 'key' | 'version'>): AsyncGenerator<Uint8Array> {
    checkKey(object.key);
    const { GetObjectCommand } = await loadSdk();
    const expected = `version ${object.version} of ${object.key} in ${this.name}`;
    if (object.version === '') throw unknownVersion(expected);
    const client = await this.#reader();
    const names = { Bucket: this.#options.place.bucket, Key: this.#name(object.key) };
    try {
      const answer = await client.send(
        new GetObjectCommand({ ...names, VersionId: object.version }),
      );
      const sum = createHash('sha256');
      const tag = new EntityTag();
      let bytes = 0;
      for await (const chunk of chunksOf(answer.Body)) {
        sum.update(chunk);
        tag.add(chunk);
        bytes += chunk.length;
        yield chunk;
      }
      const said = answer.Metadata?.[SHA_METADATA];
      const isSame =
        said === undefined ? isTag(answer.ETag, tag.end()) : said === sum.digest('hex');
      if (!isSame || bytes !== answer.ContentLength) throw changedObject(object.key);
    } catch (error) {
      if (isVersionWord(error)) throw unknownVersion(expected);
      throw vaultError(error, expected);
    }
  }

  /** `retainUntil` is null here: only the head of each would say. `put` says it. */
  async *list(prefix: string, asOf: Date | null): AsyncGenerator<StoredObject> {
    checkPrefix(prefix);
    const { place } = this.#options;
    try {
      const client = await this.#reader();
      for await (const key of keyVersions(client, place, place.prefix + prefix)) {
        const found = versionAsOf(key, asOf);
        if (found === null || !isOurs(key.name, place.prefix)) continue;
        yield listed(key.name.slice(place.prefix.length), found);
      }
    } catch (error) {
      throw vaultError(error, `a listing of ${this.name}`);
    }
  }

  /** By a listing: a head may be refused for what is gone, and then nobody could tell. */
  async stat({
    key,
    version,
  }: Pick<StoredObject, 'key' | 'version'>): Promise<StoredObject | null> {
    checkKey(key);
    const name = this.#name(key);
    try {
      const client = await this.#reader();
      for await (const one of keyVersions(client, this.#options.place, name)) {
        // In order: the key itself comes before those that it begins.
        if (one.name !== name) break;
        const found = one.versions.find((each) => each.version === version);
        return version === '' || found === undefined ? null : listed(key, found);
      }
      return null;
    } catch (error) {
      throw vaultError(error, `version ${version} of ${key} to be looked for in ${this.name}`);
    }
  }

  async look(): Promise<VaultLook> {
    const { identities, place, proven } = this.#options;
    return lookOfS3(await stateOf(await this.#client(identities.prober), place), proven());
  }

  async close(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    for (const client of clients) (await client).destroy();
  }

  async #readBack(key: string, uploaded: Uploaded, retainUntil: Date): Promise<StoredObject> {
    const { version, bytes, sha256, etag } = uploaded;
    if (version === null) throw unlocked(key, 'no version of what was put');
    const { HeadObjectCommand } = await loadSdk();
    const client = await this.#client(this.#options.identities.prober);
    const names = { Bucket: this.#options.place.bucket, Key: this.#name(key) };
    const head = await client.send(new HeadObjectCommand({ ...names, VersionId: version }));
    const until = head.ObjectLockRetainUntilDate;
    if (head.ObjectLockMode !== 'COMPLIANCE' || until === undefined) {
      throw unlocked(key, `mode ${head.ObjectLockMode ?? 'none'}`);
    }
    if (until < retainUntil) throw unlocked(key, `kept until ${until.toISOString()} only`);
    const isSame = head.ContentLength === bytes && isTag(head.ETag, etag);
    if (!isSame) throw changedObject(key);
    const storedAt = head.LastModified ?? this.#options.clock.now();
    return { key, version, bytes, sha256, storedAt, retainUntil: until };
  }

  #name(key: string): string {
    return this.#options.place.prefix + key;
  }

  #reader(): Promise<S3Client> {
    const { prober, restorer } = this.#options.identities;
    return this.#client(restorer ?? prober);
  }

  #client(keys: S3Keys): Promise<S3Client> {
    const known = this.#clients.get(keys) ?? connectS3(this.#options.place, keys);
    this.#clients.set(keys, known);
    return known;
  }
}

function listed(key: VaultKey, { bytes, storedAt, version }: ObjectVersion): StoredObject {
  return { key, version, bytes, sha256: null, storedAt, retainUntil: null };
}

/** What the bucket says of itself; a question that is refused or not understood is answered by null. */
async function stateOf(client: S3Client, place: S3Place): Promise<S3State> {
  const sdk = await loadSdk();
  const Bucket = place.bucket;
  const failures: unknown[] = [];
  const ask = <T>(asked: Promise<T>): Promise<T | null> =>
    asked.catch((error: unknown) => {
      failures.push(error);
      return null;
    });
  const versioning = await ask(client.send(new sdk.GetBucketVersioningCommand({ Bucket })));
  const lock = await ask(client.send(new sdk.GetObjectLockConfigurationCommand({ Bucket })));
  const configuration = lock?.ObjectLockConfiguration;
  return {
    isVersioned: versioning?.Status === 'Enabled',
    isLocked: configuration?.ObjectLockEnabled === 'Enabled',
    defaultMode: configuration?.Rule?.DefaultRetention?.Mode ?? null,
    failure: failures.length === 0 ? null : vaultError(failures[0], 'the state of the bucket'),
  };
}

async function* chunksOf(body: unknown): AsyncGenerator<Uint8Array> {
  if (!isStream(body)) return;
  for await (const chunk of body) if (chunk instanceof Uint8Array) yield chunk;
}

function isStream(body: unknown): body is AsyncIterable<unknown> {
  return body !== null && typeof body === 'object' && Symbol.asyncIterator in body;
}

/** Tags of buckets that encrypt with keys of their own are no MD5: then the size has to do. */
function isTag(said: string | undefined, own: string): boolean {
  const tag = said?.replaceAll('"', '') ?? '';
  return /^[0-9a-f]{32}(-\d+)?$/.test(tag) ? tag === own : tag !== '';
}

function isOurs(name: string, prefix: string): boolean {
  try {
    checkKey(name.slice(prefix.length));
    return true;
  } catch {
    return false;
  }
}

/** A version that is no version of theirs is a bad request to some stores. */
function isVersionWord(error: unknown): boolean {
  return error instanceof Error && /^(InvalidArgument|NoSuchVersion)$/.test(error.name);
}

function unknownVersion(expected: string): HoldfastError {
  return new HoldfastError('HF_VAULT_UNKNOWN', {
    expected,
    found: 'none',
    hint: 'List what the vault holds.',
  });
}

function changedObject(key: string): HoldfastError {
  return new HoldfastError('HF_VAULT_CHANGED', {
    expected: `${key} as it was put`,
    found: 'other bytes, or another size',
    hint: 'The object store lies or fails: take another copy elsewhere now.',
  });
}

function unlocked(key: string, found: string): HoldfastError {
  return new HoldfastError('HF_VAULT_UNLOCKED', {
    expected: `${key} to be locked in COMPLIANCE mode, as it was put`,
    found,
    hint: 'This store, or this bucket, does not lock: it does not count. See docs/recovery.md.',
  });
}
