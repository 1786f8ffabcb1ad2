/** What every engine asks a server first, as far as an ordinary login may. */
import { HoldfastError } from '../../model/errors.ts';
import type { TargetDatabase } from '../../protection/target-database.ts';
import type { ServerFacts } from './engine.ts';

const VERSION_MIN = 150_000;

export interface ServerLook {
  readonly facts: ServerFacts;
  /** `minimal`, `replica` or `logical`. */
  readonly walLevel: string;
  readonly isStandby: boolean;
  /** The login has REPLICATION, or is a superuser. */
  readonly mayReplicate: boolean;
}

/** Rejects with HF_RECOVERY_SERVER for a server that is too old. */
export async function lookAtServer(database: TargetDatabase): Promise<ServerLook> {
  const [row] = await database.query(
    `select current_setting('server_version_num') as version,
            current_setting('wal_level') as level,
            current_setting('data_checksums') as checksums,
            pg_is_in_recovery() as standby,
            (select setting from pg_settings where name = 'wal_segment_size') as segment,
            (select system_identifier::text from pg_control_system()) as system,
            (select rolreplication or rolsuper from pg_roles where rolname = current_user) as may`,
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
  return {
    facts: {
      version,
      systemIdentifier: text('system'),
      walSegmentBytes: Number(text('segment')),
      hasChecksums: text('checksums') === 'on',
    },
    walLevel: text('level'),
    isStandby: row?.['standby'] === true,
    mayReplicate: row?.['may'] === true,
  };
}
