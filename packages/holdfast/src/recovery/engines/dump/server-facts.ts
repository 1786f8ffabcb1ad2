/** Reads what a server says of itself, as far as an ordinary login may; it asks for no right to replicate. */
import { HoldfastError } from '../../../model/errors.ts';
import type { TargetDatabase } from '../../../protection/target-database.ts';
import type { DumpServer } from './dump-options.ts';

const VERSION_MIN = 150_000;

/** Rejects with HF_RECOVERY_SERVER. */
export async function readDumpServer(database: TargetDatabase): Promise<DumpServer> {
  const [row] = await database.query(
    `select current_setting('server_version_num') as version,
            current_setting('wal_level') as level,
            current_setting('data_checksums') as checksums,
            pg_is_in_recovery() as standby,
            (select setting from pg_settings where name = 'wal_segment_size') as segment,
            (select system_identifier::text from pg_control_system()) as system`,
  );
  const text = (key: string): string => String(row?.[key] ?? '');
  const version = Number(text('version'));
  if (version < VERSION_MIN) {
    throw new HoldfastError('HF_RECOVERY_SERVER', {
      expected: 'PostgreSQL 15 or later',
      found: `${version}`,
      hint: 'Upgrade the server.',
    });
  }
  const level = text('level');
  return {
    version,
    systemIdentifier: text('system'),
    walSegmentBytes: Number(text('segment')),
    hasChecksums: text('checksums') === 'on',
    noChanges:
      row?.['standby'] === true
        ? 'it is a standby'
        : level === 'logical'
          ? null
          : `wal_level is ${level}, not logical`,
  };
}
