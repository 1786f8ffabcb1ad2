/**
 * Puts, in this order: bytes into a pack, or into `incoming/` and the folders of their place made; the
 * line in the manifest, synced, which is the moment from which the object is in the vault; a large one
 * is moved into its place and frozen. A crash before the line leaves nothing that is listed, and one
 * after it is finished at the next start. What failed after its line is voided by another.
 *
 * One batch at a time; puts that come while it is written go together in the next.
 */
import type { StoredObject, VaultKey } from '../vault.ts';
import type { Disk } from './disk.ts';
import type { News } from './entry.ts';
import type { VaultFolder } from './folder.ts';
import { LargeBody } from './incoming.ts';
import type { Placed } from './manifest.ts';
import type { PackPlace, Packs } from './packs.ts';
import { putFailure } from './troubles.ts';

export interface PutOrder {
  readonly key: VaultKey;
  readonly retainUntil: Date;
  readonly body: Uint8Array | LargeBody;
  readonly sha256: string;
}

export interface PutterParts {
  readonly folder: VaultFolder;
  readonly disk: Disk;
  readonly packs: Packs;
  readonly alone: (act: () => Promise<void>) => Promise<void>;
  /** The number of the next line. */
  readonly next: () => number;
  /** Whether lines may stand there that are still to be voided. */
  readonly owes: () => boolean;
  readonly say: (news: readonly News[]) => Promise<readonly Placed[]>;
  readonly saw: (placed: Placed) => void;
}

interface Waiting extends PutOrder {
  readonly done: (stored: StoredObject) => void;
  readonly failed: (why: unknown) => void;
}

type Stored = Extract<News, { readonly kind: 'stored' }>;
interface Ready {
  readonly put: Waiting;
  readonly place: PackPlace | null;
}

export class Putter {
  readonly #parts: PutterParts;
  #waiting: Waiting[] = [];

  constructor(parts: PutterParts) {
    this.#parts = parts;
  }

  put(order: PutOrder): Promise<StoredObject> {
    return new Promise((done, failed) => {
      this.#waiting.push({ ...order, done, failed });
      if (this.#waiting.length > 1) return;
      void this.#parts.alone(async () => {
        const batch = this.#waiting;
        this.#waiting = [];
        await this.#commit(batch);
      });
    });
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const ready = [...(await this.#packed(batch)), ...(await this.#ready(batch))];
    const news: Stored[] = [];
    try {
      const next = this.#parts.next();
      for (const [at, { put, place }] of ready.entries()) {
        const version = `${next + at}-${put.sha256.slice(0, 16)}`;
        news.push(newsOf(put, version, place));
        if (put.body instanceof LargeBody) await put.body.call(version);
      }
      if (news.some(({ unit }) => unit.startsWith('objects/'))) {
        await this.#parts.disk.syncFolder(this.#parts.folder.path('incoming'));
      }
      const placed = news.length === 0 ? [] : await this.#parts.say(news);
      for (const [at, { put }] of ready.entries()) {
        const [said, line] = [news[at], placed[at]];
        if (said !== undefined && line !== undefined) await this.#finish(put, said, line);
      }
    } catch (error) {
      for (const { put } of ready) {
        if (this.#parts.owes()) put.failed(putFailure(error));
        else await fail(put, error);
      }
    }
  }

  /** The small ones, by the day on which they may go. */
  async #packed(batch: readonly Waiting[]): Promise<readonly Ready[]> {
    const days = new Map<string, { put: Waiting; bytes: Uint8Array }[]>();
    for (const put of batch) {
      if (put.body instanceof LargeBody) continue;
      const day = put.retainUntil.toISOString().slice(0, 10).replaceAll('-', '');
      days.set(day, [...(days.get(day) ?? []), { put, bytes: put.body }]);
    }
    const ready: Ready[] = [];
    for (const [day, puts] of days) {
      try {
        const places = await this.#parts.packs.add(
          day,
          puts.map(({ bytes }) => bytes),
        );
        for (const [at, { put }] of puts.entries()) ready.push({ put, place: places[at] ?? null });
      } catch (error) {
        for (const { put } of puts) await fail(put, error);
      }
    }
    return ready;
  }

  /** The large ones that have a place to go to. */
  async #ready(batch: readonly Waiting[]): Promise<readonly Ready[]> {
    const ready: Ready[] = [];
    for (const put of batch) {
      if (!(put.body instanceof LargeBody)) continue;
      try {
        await this.#parts.folder.makeWay(`objects/${put.key}`);
        ready.push({ put, place: null });
      } catch (error) {
        await fail(put, error);
      }
    }
    return ready;
  }

  async #finish(put: Waiting, said: Stored, placed: Placed): Promise<void> {
    const { folder, say, saw } = this.#parts;
    try {
      if (put.body instanceof LargeBody) await folder.settle(said.version, said.unit);
    } catch (error) {
      const voided = say([{ kind: 'voided', entry: placed.entry.number }]);
      const isVoided = await voided.then(
        () => true,
        () => false,
      );
      // Listed, and nobody could say otherwise: then its bytes stay for the next start to finish.
      if (isVoided) await fail(put, error);
      else put.failed(putFailure(error));
      return;
    }
    saw(placed);
    put.done({
      key: said.key,
      version: said.version,
      bytes: said.bytes,
      sha256: said.sha256,
      storedAt: new Date(placed.entry.at),
      retainUntil: put.retainUntil,
    });
  }
}

function newsOf(put: Waiting, version: string, place: PackPlace | null): Stored {
  return {
    kind: 'stored',
    key: put.key,
    version,
    bytes: put.body instanceof LargeBody ? put.body.bytes : put.body.length,
    sha256: put.sha256,
    retainUntil: put.retainUntil.toISOString(),
    unit: place?.unit ?? `objects/${put.key}@${version}`,
    offset: place?.offset ?? 0,
  };
}

async function fail(put: Waiting, why: unknown): Promise<void> {
  if (put.body instanceof LargeBody) await put.body.discard();
  put.failed(putFailure(why));
}
