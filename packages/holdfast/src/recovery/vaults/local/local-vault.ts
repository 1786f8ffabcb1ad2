/**
 * A vault on a disk of this host, kept by a process of its own (`vaultd.ts`). It holds against agents,
 * against the database and its volume; against root on this host it holds nothing, and says so.
 */
import { statSync } from 'node:fs';
import type { Kept, StoredObject, Vault, VaultKey, VaultLook } from '../vault.ts';
import { HOLDS, lookOf, objectOf } from './calls.ts';
import type { KeptHead } from './kept-head.ts';
import type { Head } from './manifest.ts';
import { type RunAs, VaultProcess } from './vault-process.ts';
import type { Lane } from './wire.ts';
import { lookOfLocal } from './words.ts';

export interface LocalVaultOptions {
  readonly name: string;
  readonly folder: string;
  /** The user its process is to be; needs root. Null: whoever Holdfast runs as. */
  readonly user: RunAs | null;
  /** Data folders of targets on this host: on the vault's own device, they would die together. */
  readonly dataFolders: readonly string[];
  /** Null: nobody keeps what was seen of the manifest before. */
  readonly keptHead: KeptHead | null;
}

export class LocalVault implements Vault {
  readonly kind = 'local';
  readonly name: string;
  readonly #options: LocalVaultOptions;
  readonly #process: VaultProcess;

  constructor(options: LocalVaultOptions) {
    this.name = options.name;
    this.#options = options;
    const { keptHead } = options;
    this.#process = new VaultProcess({
      ...options,
      seen: () => keptHead?.seen() ?? null,
      opened: (head) => keptHead?.opened(head),
    });
  }

  async put(key: VaultKey, body: AsyncIterable<Uint8Array>, kept: Kept): Promise<StoredObject> {
    const call = { method: 'put', key, retainUntil: kept.retainUntil.toISOString() } as const;
    return this.#ask(call, async (lane) => {
      const failures: unknown[] = [];
      const sending = lane.send(body).catch((why: unknown) => {
        failures.push(why);
        lane.fail({});
      });
      try {
        return objectOf(await lane.answer());
      } catch (error) {
        await sending;
        throw failures.length > 0 ? failures[0] : error;
      }
    });
  }

  async *get(object: Pick<StoredObject, 'key' | 'version'>): AsyncGenerator<Uint8Array> {
    const { key, version } = object;
    const lane = this.#process.call({ method: 'get', key, version });
    try {
      yield* lane.body();
    } finally {
      this.#process.forget(lane);
    }
  }

  async *list(prefix: string, asOf: Date | null): AsyncGenerator<StoredObject> {
    const lane = this.#process.call({
      method: 'list',
      prefix,
      asOf: asOf === null ? null : asOf.toISOString(),
    });
    try {
      let rest = '';
      for await (const chunk of lane.body()) {
        const lines = (rest + chunk.toString('latin1')).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) yield objectOf(JSON.parse(line));
      }
    } finally {
      this.#process.forget(lane);
    }
  }

  async stat(object: Pick<StoredObject, 'key' | 'version'>): Promise<StoredObject | null> {
    const { key, version } = object;
    const found = await this.#ask({ method: 'stat', key, version }, (lane) => lane.answer());
    return found === null ? null : objectOf(found);
  }

  async look(): Promise<VaultLook> {
    const look = lookOf(await this.#ask({ method: 'look' }, (lane) => lane.answer()));
    const sameDevice = this.#options.dataFolders.filter(
      (folder) => deviceOf(folder) === look.device,
    );
    const { keptHead } = this.#options;
    const isReadOnly = look.readOnly !== null;
    const cut =
      (await keptHead?.troubleOf(look.head, (head) => this.holds(head), isReadOnly)) ?? null;
    const troubles = cut === null ? look.troubles : [...look.troubles, cut];
    const around = { sameDevice, ownUser: process.getuid?.() ?? null };
    return lookOfLocal({ ...look, troubles }, around);
  }

  /** The end of the manifest's chain: keep it where whoever could cut the manifest cannot reach. */
  async head(): Promise<Head> {
    return lookOf(await this.#ask({ method: 'look' }, (lane) => lane.answer())).head;
  }

  /** Whether the chain still holds a head of before; `no`: it was cut, or written anew. */
  async holds(head: Head): Promise<'yes' | 'no' | 'retired'> {
    return HOLDS.parse(await this.#ask({ method: 'holds', head }, (lane) => lane.answer()));
  }

  /** Of the vault's process; null while it does not run. */
  get pid(): number | null {
    return this.#process.pid;
  }

  close(): Promise<void> {
    return this.#process.close();
  }

  async #ask<T>(
    call: Parameters<VaultProcess['call']>[0],
    read: (lane: Lane) => Promise<T>,
  ): Promise<T> {
    const lane = this.#process.call(call);
    try {
      return await read(lane);
    } finally {
      this.#process.forget(lane);
    }
  }
}

function deviceOf(folder: string): string | null {
  try {
    return String(statSync(folder).dev);
  } catch {
    return null;
  }
}
