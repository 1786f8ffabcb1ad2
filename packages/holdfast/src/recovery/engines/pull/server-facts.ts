/** Reads what a server says of itself, and refuses one that cannot be pulled from, with what to change. */
import { HoldfastError } from '../../../model/errors.ts';
import type { TargetDatabase } from '../../../protection/target-database.ts';
import type { ServerFacts } from '../engine.ts';
import { lookAtServer } from '../server-facts.ts';

/** A segment is held in memory until it is sealed. */
const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;
/** What helps where the server refuses, and what it costs. */
export const DUMP_INSTEAD =
  'Or set recovery.engine: dump, which needs an ordinary login: a restore then takes several times as long, and without logical decoding all since the last dump is lost.';

export async function readServerFacts(database: TargetDatabase): Promise<ServerFacts> {
  const { facts, mayReplicate, walLevel } = await lookAtServer(database);
  const refuse = (expected: string, found: string, hint: string): HoldfastError =>
    new HoldfastError('HF_RECOVERY_SERVER', { expected, found, hint });
  if (walLevel === 'minimal') {
    throw refuse(
      'wal_level replica or logical',
      'minimal',
      `Set wal_level = replica and restart the server. ${DUMP_INSTEAD}`,
    );
  }
  if (!mayReplicate) {
    throw refuse(
      'a role with REPLICATION',
      'one without',
      `ALTER ROLE ... REPLICATION. ${DUMP_INSTEAD}`,
    );
  }
  const { walSegmentBytes } = facts;
  if (!(walSegmentBytes > 0 && walSegmentBytes <= SEGMENT_BYTES_MAX)) {
    throw refuse(
      `WAL segments of at most ${SEGMENT_BYTES_MAX / 1024 ** 2} MiB`,
      `${walSegmentBytes / 1024 ** 2} MiB`,
      DUMP_INSTEAD,
    );
  }
  return facts;
}
