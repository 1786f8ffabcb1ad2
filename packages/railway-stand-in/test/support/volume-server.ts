/** A PostgreSQL whose data folder lies in a volume's folder: started, stopped and started again there. */
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgres, systemClock } from 'holdfast';
import pg from 'pg';
import { freePort } from '../../../holdfast/src/testing/scratch-postgres.ts';
import type { VolumeDisk } from '../../src/stand-in.ts';
import { OlderPostgres } from './older-postgres.ts';

export interface VolumeServer {
  readonly disk: VolumeDisk;
  /** The data folder of PostgreSQL, in the volume's. */
  readonly data: string;
  readonly url: () => string;
  ask(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Process ids of the server, as long as it runs. */
  readonly pid: () => number | null;
  remove(): Promise<void>;
}

interface Running {
  url(database: string): string;
  readonly pid: number | null;
  stop(): Promise<void>;
}

/** `binFolder`: of a server that is installed; null: the one that comes with Holdfast. */
export async function startInVolume(binFolder: string | null): Promise<VolumeServer> {
  const parent = mkdtempSync(join(tmpdir(), 'stand-in-volume-'));
  // The server's user may pass through, as into any ordinary folder.
  chmodSync(parent, 0o755);
  const folder = join(parent, 'volume');
  const port = await freePort();
  const start = (): Promise<Running> =>
    binFolder === null
      ? EmbeddedPostgres.start({ folder, clock: systemClock, port, database: 'postgres' })
      : OlderPostgres.start(folder, binFolder, port);
  let running: Running | null = await start();
  const stop = async (): Promise<void> => {
    await running?.stop();
    running = null;
  };
  const url = (): string => {
    if (running === null) throw new Error('the server is stopped');
    return running.url('postgres');
  };
  return {
    data: join(folder, 'postgres'),
    url,
    pid: () => running?.pid ?? null,
    disk: {
      folder,
      stop,
      start: async () => {
        running ??= await start();
      },
    },
    ask: async (sql) => {
      const client = new pg.Client({ connectionString: url() });
      client.on('error', () => {});
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(sql)).rows;
      } finally {
        await client.end();
      }
    },
    remove: async () => {
      await stop();
      if (existsSync(parent)) rmSync(parent, { recursive: true });
    },
  };
}
