/**
 * The hosting product in the demo: Railway's API on this machine (packages/railway-stand-in), over a
 * project whose volume holds the car rental's PostgreSQL, and three daily backups of it. What is deleted
 * there is gone.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readyWorld, startRailwayStandIn } from '@holdfast/railway-stand-in';
import { PRODUCTION } from './car-rental.ts';
import { Measure } from './measure.ts';
import type { VolumeServer } from './server.ts';

export const PROJECT = 'car-rental';
/** The service whose data the volume holds. */
export const SERVICE = 'postgres';

export interface Railway {
  readonly port: number;
  /** Of the whole account: "for domains". */
  readonly accountToken: string;
  /** Of staging only. */
  readonly stagingToken: string;
  readonly volumeId: string;
  /** What is on disk and answers; nothing of it is remembered. */
  look(): Promise<VolumeLook>;
  /** Mutations that ran. */
  changes(): readonly string[];
}

export interface VolumeLook {
  /** 0: there is no server to ask. */
  readonly rows: number;
  readonly backups: number;
}

/** The server is stopped for as long as its backups are made. */
export async function startRailway(
  server: VolumeServer,
  onStop: (stop: () => Promise<void>) => void,
): Promise<Railway> {
  const disks = { production: server, staging: null };
  const { tokens, volumeId, world } = await readyWorld({ disks, name: PROJECT });
  const standIn = await startRailwayStandIn({ world });
  onStop(() => standIn.stop());
  return {
    port: standIn.port,
    accountToken: tokens.account,
    stagingToken: tokens.project,
    volumeId,
    look: async () => ({ rows: await rowsOf(server), backups: backupsOf(server) }),
    changes: () =>
      standIn.executed
        .filter(({ operation }) => operation === 'mutation')
        .map(({ field }) => field),
  };
}

async function rowsOf(server: VolumeServer): Promise<number> {
  let measure: Measure;
  try {
    measure = await Measure.open(server.url(PRODUCTION));
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
    if (isGone && !existsSync(join(server.folder, 'postgres'))) return 0;
    throw error;
  }
  try {
    return (await measure.picture()).total;
  } finally {
    await measure.close();
  }
}

/** Of those whose data are there. */
function backupsOf(server: VolumeServer): number {
  const folder = join(server.folder, 'backups');
  if (!existsSync(folder)) return 0;
  return readdirSync(folder).filter((id) => existsSync(join(folder, id, 'postgres', 'PG_VERSION')))
    .length;
}
