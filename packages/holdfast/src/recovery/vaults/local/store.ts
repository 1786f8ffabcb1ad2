/**
 * A local vault from the inside: what runs in the vault's own process. At its start it reads the
 * manifest, finishes or clears what a crash left, and names what is not as it was.
 *
 * There is no delete: `sweep` lets go what `retention.ts` says, and nothing at all while anything about
 * the vault looks wrong. It will not mend: what was changed from outside is said and stays as it is.
 *
 * It is opened for reading only, and changes nothing, where its disk is read-only and where it does not go
 * on from what was seen before: what is stored in another vault in its place would be a hole in this one.
 */
import { createHash, hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import type { Clock } from '../../../model/clock.ts';
import { HoldfastError, hasCode } from '../../../model/errors.ts';
import {
  VAULT_BEAT_MS,
  VAULT_PACKED_BYTES_MAX,
  VAULT_RESERVE_BYTES,
  VAULT_RETAIN_MS_MIN,
} from '../../../model/limits.ts';
import { checkKey, checkPrefix } from '../key.ts';
import type { Kept, StoredObject, VaultKey } from '../vault.ts';
import type { Disk } from './disk.ts';
import type { News, StoredEntry } from './entry.ts';
import type { OpenFlags } from './flags.ts';
import { VaultFolder } from './folder.ts';
import { LargeBody, readBody } from './incoming.ts';
import { listObjects, objectOf } from './listing.ts';
import { type Head, Manifest, type Placed, type Seen } from './manifest.ts';
import { NewestPoints } from './newest-points.ts';
import { folderOf, ObjectIndex } from './object-index.ts';
import { Packs } from './packs.ts';
import { Putter } from './putter.ts';
import { growUnit, letGo, newUnit, type Unit } from './retention.ts';
import { type Place, segmentOf } from './segments.ts';
import { changed, full, notTheSame, putFailure, readOnly } from './troubles.ts';
import { VaultTime } from './vault-time.ts';

export interface StoreParts {
  readonly root: string;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly openFlags: OpenFlags;
  /** Null: nothing was seen of it before. */
  readonly seen: Seen | null;
}

export interface StoreLook {
  readonly troubles: readonly string[];
  /** What the system says of its folder when nothing can be written there; null: it can. */
  readonly readOnly: string | null;
  readonly isFrozen: boolean;
  readonly freeBytes: bigint;
  readonly objects: number;
  readonly device: string;
  readonly user: number | null;
  readonly head: Head;
}

export class LocalStore {
  readonly #parts: StoreParts;
  readonly #folder: VaultFolder;
  readonly #index = new ObjectIndex();
  readonly #units = new Map<string, Unit>();
  readonly #newest = new NewestPoints();
  readonly #voided = new Set<number>();
  readonly #missing: string[] = [];
  /** Listed and not yet in their places, where we may not move them there: by unit, their version. */
  readonly #waiting = new Map<string, string>();
  /** Said to be gone by the manifest as it was read, or since. */
  readonly #expired = new Set<string>();
  #manifest: Manifest | null = null;
  readonly #packs: Packs;
  readonly #putter: Putter;
  #time: VaultTime;
  #writing: Promise<void> = Promise.resolve();
  #saidMs = 0;
  #isClosed = false;
  #unlike: HoldfastError | null = null;

  private constructor(parts: StoreParts, folder: VaultFolder) {
    this.#parts = parts;
    this.#folder = folder;
    this.#time = new VaultTime(parts.clock, 0, null);
    this.#packs = new Packs({
      root: parts.root,
      disk: parts.disk,
      unique: () => parts.clock.random(4).toString('hex'),
      begun: (path) => folder.flags.grow(path),
      sealed: (path) => folder.flags.freeze(path),
    });
    this.#putter = new Putter({
      folder,
      disk: parts.disk,
      packs: this.#packs,
      alone: (act) => this.#alone(act),
      next: () => this.#chain.next,
      owes: () => this.#chain.owes,
      say: (news) => this.#say(news),
      saw: (placed) => this.#saw(placed),
    });
  }

  static async open(parts: StoreParts): Promise<LocalStore> {
    const { disk, openFlags, root, seen } = parts;
    const folder = await VaultFolder.take(root, disk, openFlags, seen);
    const store = new LocalStore(parts, folder);
    try {
      await store.#start();
      return store;
    } catch (error) {
      await folder.leave();
      throw error;
    }
  }

  /** Puts are refused for as long as it is open so. */
  get isForReading(): boolean {
    return this.#folder.isForReading || this.#unlike !== null;
  }

  get head(): Head {
    return this.#chain.head;
  }

  /** Whether it would be opened as it is now: whoever opens a large one anew reads all of its manifest. */
  async isStill(seen: Seen | null): Promise<boolean> {
    if (this.#folder.isForReading) return (await this.#folder.readOnlyWords()) !== null;
    return this.#unlike === null || (await this.#unlikeness(seen)) !== null;
  }

  async put(key: VaultKey, body: AsyncIterable<Uint8Array>, kept: Kept): Promise<StoredObject> {
    checkKey(key);
    if (this.#unlike !== null) throw this.#unlike;
    const words = await this.#folder.readOnlyWords();
    if (words !== null || this.#folder.isForReading) throw readOnly(words ?? 'opened for reading');
    await this.#checkRoom();
    const floorMs = this.#parts.clock.now().getTime() + VAULT_RETAIN_MS_MIN;
    const retainUntil = new Date(Math.max(kept.retainUntil.getTime(), floorMs));
    try {
      const read = await readBody(body, VAULT_PACKED_BYTES_MAX, () =>
        LargeBody.begin(this.#parts.disk, (name) => this.#folder.incoming(name), this.#unique()),
      );
      const sha256 = read instanceof LargeBody ? read.sha256 : hash('sha256', read, 'hex');
      return await this.#putter.put({ key, retainUntil, body: read, sha256 });
    } catch (error) {
      throw putFailure(error);
    }
  }

  async *get(object: Pick<StoredObject, 'key' | 'version'>): AsyncGenerator<Uint8Array> {
    const entry = await this.#find(object.key, object.version);
    const sum = createHash('sha256');
    let bytes = 0;
    if (entry.bytes > 0) {
      const end = entry.offset + entry.bytes - 1;
      const path = this.#pathOf(entry.unit);
      try {
        for await (const chunk of createReadStream(path, { start: entry.offset, end })) {
          if (!(chunk instanceof Uint8Array)) continue;
          sum.update(chunk);
          bytes += chunk.length;
          yield chunk;
        }
      } catch (error) {
        if (error instanceof Error && 'code' in error) throw changed(`the file of ${object.key}`);
        throw error;
      }
    }
    if (bytes !== entry.bytes || sum.digest('hex') !== entry.sha256) {
      throw changed(`${entry.bytes} bytes of ${object.key}`);
    }
  }

  async *list(prefix: string, asOf: Date | null): AsyncGenerator<StoredObject> {
    checkPrefix(prefix);
    const source = {
      index: this.#index,
      read: (place: Place) => this.#read(place),
      isGone: (entry: StoredEntry) =>
        this.#voided.has(entry.number) || !this.#units.has(entry.unit),
    };
    yield* listObjects(source, prefix, asOf);
  }

  async stat(object: Pick<StoredObject, 'key' | 'version'>): Promise<StoredObject | null> {
    try {
      return objectOf(await this.#find(object.key, object.version));
    } catch (error) {
      if (hasCode(error, 'HF_VAULT_UNKNOWN')) return null;
      throw error;
    }
  }

  async look(): Promise<StoreLook> {
    const room = await statfs(this.#parts.root, { bigint: true });
    const jump = this.#time.jump();
    return {
      troubles: [...this.#troubles(), ...(jump === null ? [] : [jump])],
      readOnly: await this.#folder.readOnlyWords(),
      isFrozen: this.#folder.flags.works,
      freeBytes: room.bavail * room.bsize,
      objects: this.#index.count,
      device: String((await stat(this.#parts.root)).dev),
      user: process.getuid?.() ?? null,
      head: this.head,
    };
  }

  holds(head: Head): Promise<'yes' | 'no' | 'retired'> {
    return this.#chain.holds(head);
  }

  /** Lets go what may go, and writes down that the vault watched. Asked for every minute. */
  sweep(): Promise<void> {
    return this.#alone(async () => {
      if (this.isForReading || (await this.#folder.readOnlyWords()) !== null) return;
      const watchedMs = this.#time.watchedMs();
      const jump = this.#time.jump();
      if (watchedMs - this.#saidMs >= VAULT_BEAT_MS) await this.#say([{ kind: 'beat' }]);
      if (jump !== null || this.#troubles().length > 0) return;
      await letGo({
        watchedMs,
        nowMs: this.#parts.clock.now().getTime(),
        units: this.#units,
        from: await this.#newest.keptFrom((family, id) => this.#priorOf(family, id)),
        growing: this.#packs.openUnits(),
        say: async (news) => {
          for (const placed of await this.#say(news)) this.#saw(placed);
        },
        remove: (unit) => this.#folder.remove(this.#folder.path(unit)),
      });
      await this.#retire();
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#alone(async () => {
      if (!this.isForReading) await this.#say([{ kind: 'beat' }]).catch(() => {});
    });
    await this.#packs.close();
    await this.#chain.close();
    await this.#folder.leave();
  }

  get #chain(): Manifest {
    if (this.#manifest === null) throw new Error('the vault is not open');
    return this.#manifest;
  }

  async #start(): Promise<void> {
    let last: { readonly watchedMs: number; readonly at: string | null } = {
      watchedMs: 0,
      at: null,
    };
    this.#manifest = await Manifest.open(
      {
        folder: this.#folder.path('manifest'),
        disk: this.#parts.disk,
        clock: this.#parts.clock,
        watchedMs: () => this.#time.watchedMs(),
        begun: (path) => this.#folder.flags.grow(path),
        sealed: (path) => this.#folder.flags.freeze(path),
        remove: (path) => this.#folder.remove(path),
      },
      (placed) => {
        last = placed.entry;
        this.#saw(placed);
      },
    );
    const { watchedMs, at } = last;
    this.#time = new VaultTime(this.#parts.clock, watchedMs, at);
    this.#unlike = await this.#unlikeness(this.#parts.seen);
    await this.#settle();
    if (this.isForReading) return;
    await this.#chain.dropRetired();
    await this.#removeExpired();
    await this.#folder.emptyIncoming();
    await this.#folder.freezeFinished();
    await this.#say([{ kind: 'opened', by: String(process.getuid?.() ?? 'unknown') }]);
  }

  #saw({ entry, place }: Placed): void {
    if (entry.kind === 'stored') {
      const unit = this.#units.get(entry.unit) ?? newUnit();
      this.#units.set(entry.unit, unit);
      growUnit(unit, entry, segmentOf(place));
      this.#newest.saw(entry);
      this.#index.add(entry.key, place);
    }
    if (entry.kind === 'voided') this.#void(entry.entry);
    if (entry.kind === 'expired') {
      this.#units.delete(entry.unit);
      this.#expired.add(entry.unit);
    }
    if (entry.kind === 'expiring') {
      const unit = this.#units.get(entry.unit);
      if (unit) unit.expiringMs = entry.watchedMs;
    }
  }

  /** A large object's own file goes with it; a pack stays for the others in it. */
  #void(number: number): void {
    this.#voided.add(number);
    for (const name of this.#units.keys()) {
      if (name.startsWith('objects/') && name.includes(`@${number}-`)) this.#units.delete(name);
    }
  }

  /** After a crash: what is listed comes into its place, and what is not there is named. */
  async #settle(): Promise<void> {
    for (const name of this.#units.keys()) {
      if (await isThere(this.#folder.path(name))) continue;
      const version = name.slice(name.lastIndexOf('@') + 1);
      const isWaiting = name.startsWith('objects/') && (await this.#isWhole(version));
      if (!isWaiting) this.#missing.push(name);
      else if (this.isForReading) this.#waiting.set(name, version);
      else await this.#folder.settle(version, name);
    }
  }

  #pathOf(unit: string): string {
    const version = this.#waiting.get(unit);
    return version === undefined ? this.#folder.path(unit) : this.#folder.incoming(version);
  }

  /** Null: the chain goes on from what was seen before, or nobody can tell. */
  async #unlikeness(seen: Seen | null): Promise<HoldfastError | null> {
    if (seen === null || seen.head === null) return null;
    if ((await this.#chain.holds(seen.head)) !== 'no') return null;
    return notTheSame(seen.head.number, seen.keptAt);
  }

  /** What the crash of a sweep left; not when the manifest may be somebody else's. */
  async #removeExpired(): Promise<void> {
    const isSure = this.#troubles().length === 0;
    for (const unit of isSure ? this.#expired : []) {
      const path = this.#folder.path(unit);
      if (!this.#units.has(unit) && (await isThere(path))) await this.#folder.remove(path);
    }
    this.#expired.clear();
  }

  async #isWhole(version: string): Promise<boolean> {
    const path = this.#folder.incoming(version);
    if (!(await isThere(path))) return false;
    const sum = createHash('sha256');
    for await (const chunk of createReadStream(path)) sum.update(chunk);
    return sum.digest('hex').startsWith(version.slice(version.indexOf('-') + 1));
  }

  #troubles(): readonly string[] {
    const lost = this.#missing.filter((name) => this.#units.has(name));
    const words = `${lost.length} file(s) that the manifest lists are gone, ${lost[0]} the first: somebody removed them from outside, and nothing is let go until people have looked.`;
    return [...this.#chain.troubles, ...(lost.length > 0 ? [words] : [])];
  }

  async #checkRoom(): Promise<void> {
    const room = await statfs(this.#parts.root, { bigint: true });
    const freeBytes = room.bavail * room.bsize;
    if (freeBytes < BigInt(VAULT_RESERVE_BYTES)) throw full(`${freeBytes} bytes free`);
  }

  /** One writer at a time. */
  #alone(act: () => Promise<void>): Promise<void> {
    const run = this.#writing.then(act);
    this.#writing = run.catch(() => {});
    return run;
  }

  async #say(news: readonly News[]): Promise<readonly Placed[]> {
    const placed = await this.#chain.append(news);
    this.#saidMs = this.#time.watchedMs();
    return placed;
  }

  async #retire(): Promise<void> {
    for (const segment of this.#chain.closedSegments()) {
      if ([...this.#units.values()].some((unit) => unit.segments.has(segment))) return;
      await this.#chain.retire(segment);
      this.#index.forget(segment);
    }
  }

  async #find(key: VaultKey, version: string): Promise<StoredEntry> {
    checkKey(key);
    const number = Number(version.split('-')[0]);
    const places = this.#index.placesOf(folderOf(key));
    let low = 0;
    for (let high = places.length; low < high; ) {
      const middle = (low + high) >>> 1;
      const entry = await this.#read(places[middle] ?? 0);
      if (entry.number < number) low = middle + 1;
      else high = middle;
    }
    const place = places[low];
    const entry = place === undefined ? null : await this.#read(place);
    const isIt = entry?.key === key && entry.version === version;
    if (entry !== null && isIt && !this.#voided.has(entry.number) && this.#units.has(entry.unit)) {
      return entry;
    }
    throw new HoldfastError('HF_VAULT_UNKNOWN', {
      expected: `version ${version} of ${key}`,
      found: 'none',
      hint: 'List what the vault holds.',
    });
  }

  async #read(place: Place): Promise<StoredEntry> {
    const entry = await this.#chain.read(place);
    if (entry.kind === 'stored') return entry;
    throw changed('a line of the manifest that says what is stored');
  }

  /** Reads `prior` out of the newest point.json; a point that cannot be read stops all letting go. */
  async #priorOf(family: string, id: string): Promise<string | null> {
    const key = `${family}/points/${id}/point.json`;
    for await (const object of this.list(key, null)) {
      if (object.key !== key) continue;
      const chunks: Uint8Array[] = [];
      for await (const chunk of this.get(object)) chunks.push(chunk);
      const point: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      const prior = point !== null && typeof point === 'object' && 'prior' in point && point.prior;
      return typeof prior === 'string' ? prior : null;
    }
    throw changed(`the point ${key}, which must not be let go`);
  }

  #unique(): string {
    return this.#parts.clock.random(8).toString('hex');
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
