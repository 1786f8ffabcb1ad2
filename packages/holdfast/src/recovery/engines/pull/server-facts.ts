/** Reads what a server says of itself, and refuses one that cannot be pulled from, with what to change. */
import { HoldfastError } from '../../../model/errors.ts';
import type { TargetDatabase } from '../../../protection/target-database.ts';
import type { ServerFacts } from '../engine.ts';

/** A segment is held in memory until it is sealed. */
const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;
const VERSION_MIN = 150_000;
/** What helps where the server refuses, and what it costs. */
export const DUMP_INSTEAD =
  'Or set recovery.engine: dump, which needs an ordinary login: a restore then takes several times as long, and without logical decoding all since the last dump is lost.';

export async function readServerFacts(database: TargetDatabase): Promise<ServerFacts> {
  const [row] = await database.query(
    `select current_setting('server_version_num') as version,
            current_setting('wal_level') as level,
            current_setting('data_checksums') as checksums,
            (select setting from pg_settings where name = 'wal_segment_size') as segment,
            (select system_identifier::text from pg_control_system()) as system,
            (select rolreplication or rolsuper from pg_roles where rolname = current_user) as may`,
  );
  const text = (key: string): string => String(row?.[key] ?? '');
  const refuse = (expected: string, found: string, hint: string): HoldfastError =>
    new HoldfastError('HF_RECOVERY_SERVER', { expected, found, hint });
  const version = Number(text('version'));
  if (version < VERSION_MIN) {
    throw refuse('PostgreSQL 15 or later', `${version}`, 'Upgrade the server.');
  }
  if (text('level') === 'minimal') {
    throw refuse(
      'wal_level replica or logical',
      'minimal',
      `Set wal_level = replica and restart the server. ${DUMP_INSTEAD}`,
    );
  }
  if (row?.['may'] !== true) {
    throw refuse(
      'a role with REPLICATION',
      'one without',
      `ALTER ROLE ... REPLICATION. ${DUMP_INSTEAD}`,
    );
  }
  const walSegmentBytes = Number(text('segment'));
  if (!(walSegmentBytes > 0 && walSegmentBytes <= SEGMENT_BYTES_MAX)) {
    throw refuse(
      `WAL segments of at most ${SEGMENT_BYTES_MAX / 1024 ** 2} MiB`,
      `${walSegmentBytes / 1024 ** 2} MiB`,
      DUMP_INSTEAD,
    );
  }
  return {
    version,
    systemIdentifier: text('system'),
    walSegmentBytes,
    hasChecksums: text('checksums') === 'on',
  };
}
