/**
 * Undoes a mass delete in an S3 vault, with the restorer's keys: locked versions are all still there,
 * hidden by delete markers or written over. For each key that had a version at `asOf`, the markers set
 * since are removed; where another version was put on top, the old one is copied over it, locked anew.
 *
 * Reading as of a time needs none of this (`list`); programs that know only the newest version do. It
 * removes markers and nothing else, leaves keys alone that came later, and can be run again. A look counts the
 * same and changes nothing.
 */
import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../../model/clock.ts';
import { VAULT_UNDELETE_AT_ONCE } from '../../../model/limits.ts';
import { answerOf } from './answer.ts';
import { connectS3, loadSdk } from './connect.ts';
import type { S3Keys, S3Place } from './place.ts';
import { type KeyVersions, keyVersions, type ObjectVersion, versionAsOf } from './versions.ts';

export interface UndeleteOrder {
  readonly mode: 'look' | 'apply';
  readonly place: S3Place;
  readonly restorer: S3Keys;
  readonly clock: Clock;
  /** Keys that begin so; empty: all. */
  readonly prefix: string;
  readonly asOf: Date;
  /** Of what is copied back. */
  readonly retainUntil: Date;
  readonly tell: (progress: UndeleteProgress) => void;
  readonly signal: AbortSignal;
}

/** How many keys there are, nobody knows before a look was through. */
export interface UndeleteProgress {
  readonly keys: number;
  readonly keysPerSecond: number;
}

export interface Undeleted {
  readonly keys: number;
  readonly markersRemoved: number;
  readonly copiedBack: number;
  /** Came after `asOf`; left as they are. */
  readonly newer: number;
  /** The first of those that could not be brought back, each with why. */
  readonly failed: readonly string[];
  readonly failures: number;
}

const FAILED_NAMED_MAX = 20;
const TELL_MS = 250;

export async function undelete(order: UndeleteOrder): Promise<Undeleted> {
  const client = await connectS3(order.place, order.restorer);
  const run = new Run(order, client);
  try {
    return await run.all();
  } finally {
    client.destroy();
  }
}

class Run {
  readonly #order: UndeleteOrder;
  readonly #client: S3Client;
  readonly #startedMs: number;
  readonly #failed: string[] = [];
  #failures = 0;
  #keys = 0;
  #markersRemoved = 0;
  #copiedBack = 0;
  #newer = 0;
  #toldMs = 0;

  constructor(order: UndeleteOrder, client: S3Client) {
    this.#order = order;
    this.#client = client;
    this.#startedMs = order.clock.monotonicMs();
  }

  async all(): Promise<Undeleted> {
    const { place, prefix, signal } = this.#order;
    const running = new Set<Promise<void>>();
    for await (const key of keyVersions(this.#client, place, place.prefix + prefix)) {
      if (signal.aborted) break;
      const one: Promise<void> = this.#one(key).finally(() => running.delete(one));
      running.add(one);
      if (running.size >= VAULT_UNDELETE_AT_ONCE) await Promise.race(running);
      this.#tell();
    }
    await Promise.all(running);
    this.#toldMs = 0;
    this.#tell();
    return {
      keys: this.#keys,
      markersRemoved: this.#markersRemoved,
      copiedBack: this.#copiedBack,
      newer: this.#newer,
      failed: this.#failed,
      failures: this.#failures,
    };
  }

  async #one(key: KeyVersions): Promise<void> {
    this.#keys += 1;
    const found = versionAsOf(key, this.#order.asOf);
    if (found === null) {
      this.#newer += 1;
      return;
    }
    try {
      for (const marker of key.markers.filter(({ madeAt }) => madeAt > this.#order.asOf)) {
        await this.#removeMarker(key.name, marker.version);
      }
      if (key.versions[0]?.version !== found.version) await this.#copyBack(key.name, found);
    } catch (error) {
      this.#failures += 1;
      const answer = answerOf(error);
      const words = answer.kind === 'done' ? '' : answer.words;
      if (this.#failed.length < FAILED_NAMED_MAX) this.#failed.push(`${key.name}: ${words}`);
    }
  }

  async #removeMarker(Key: string, VersionId: string): Promise<void> {
    if (this.#order.mode === 'apply') {
      const { DeleteObjectCommand } = await loadSdk();
      const Bucket = this.#order.place.bucket;
      await this.#client.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
    }
    this.#markersRemoved += 1;
  }

  async #copyBack(Key: string, { version }: ObjectVersion): Promise<void> {
    const { mode, place, retainUntil } = this.#order;
    if (mode === 'apply') {
      const { CopyObjectCommand } = await loadSdk();
      const source = `${place.bucket}/${encodeURIComponent(Key)}?versionId=${encodeURIComponent(version)}`;
      await this.#client.send(
        new CopyObjectCommand({
          ...{ Bucket: place.bucket, Key, CopySource: source },
          ObjectLockMode: 'COMPLIANCE',
          ObjectLockRetainUntilDate: retainUntil,
        }),
      );
    }
    this.#copiedBack += 1;
  }

  #tell(): void {
    const nowMs = this.#order.clock.monotonicMs();
    if (this.#toldMs !== 0 && nowMs - this.#toldMs < TELL_MS) return;
    this.#toldMs = nowMs;
    const seconds = Math.max((nowMs - this.#startedMs) / 1000, 0.001);
    this.#order.tell({ keys: this.#keys, keysPerSecond: Math.round(this.#keys / seconds) });
  }
}
