/**
 * A PostgreSQL whose data lies on a volume of the hosting product: whoever makes a backup or deletes the
 * volume stops it, and starts it again where it was, if it is still there.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { VolumeDisk } from '@holdfast/railway-stand-in';
import { EmbeddedPostgres, systemClock } from 'holdfast';
import { freePort } from './ports.ts';

/** What recovery by Holdfast needs of a server (docs/recovery.md), and no more WAL kept than it can miss. */
const SETTINGS = {
  max_wal_size: '2GB',
  min_wal_size: '32MB',
  wal_level: 'replica',
  max_wal_senders: '4',
  max_replication_slots: '4',
  max_slot_wal_keep_size: '1GB',
};

export class VolumeServer implements VolumeDisk {
  readonly port: number;
  readonly #asked: string;
  #server: EmbeddedPostgres;
  #isUp = true;

  private constructor(asked: string, port: number, server: EmbeddedPostgres) {
    this.#asked = asked;
    this.port = port;
    this.#server = server;
    // Of a run that was killed.
    rmSync(join(this.folder, 'backups'), { recursive: true, force: true });
  }

  /** Uses the data that are there; `folder` is its own. */
  static async open(folder: string): Promise<VolumeServer> {
    const port = await freePort();
    return new VolumeServer(folder, port, await startIn(folder, port));
  }

  /** All data and their backups lie in it. */
  get folder(): string {
    return this.#server.home;
  }

  /** By the superuser. */
  url(database: string): string {
    return this.#server.url(database);
  }

  async stop(): Promise<void> {
    this.#isUp = false;
    await this.#server.stop();
  }

  async start(): Promise<void> {
    if (this.#isUp) return;
    this.#server = await startIn(this.#asked, this.port);
    this.#isUp = true;
  }

  /** Nothing of it stays; also when the volume was deleted under it. */
  async destroy(): Promise<void> {
    mkdirSync(this.#asked, { recursive: true });
    await this.#server.destroy();
    for (const path of [this.folder, this.#asked]) rmSync(path, { recursive: true, force: true });
  }
}

function startIn(folder: string, port: number): Promise<EmbeddedPostgres> {
  return EmbeddedPostgres.start({
    folder,
    clock: systemClock,
    port,
    database: 'postgres',
    letsReplicate: true,
    settings: SETTINGS,
  });
}
