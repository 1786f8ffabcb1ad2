/** Reads what a server says of itself, and whether it could decode changes; it asks for no right to replicate. */
import type { TargetDatabase } from '../../../protection/target-database.ts';
import { lookAtServer } from '../server-facts.ts';
import type { DumpServer } from './dump-options.ts';

/** Rejects with HF_RECOVERY_SERVER. */
export async function readDumpServer(database: TargetDatabase): Promise<DumpServer> {
  const { facts, isStandby, walLevel } = await lookAtServer(database);
  if (isStandby) return { ...facts, noChanges: 'it is a standby' };
  const isDecoding = walLevel === 'logical';
  return { ...facts, noChanges: isDecoding ? null : `wal_level is ${walLevel}, not logical` };
}
