/** What tells a restored data folder up to where it recovers, and that nothing of it reaches out. */
import { existsSync } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RestoredWal } from './pull/wal-restore.ts';

/** What the server reads at its start. Files of the backup are added to, never changed. */
export async function writeRecoverySettings(data: string, wal: RestoredWal): Promise<void> {
  const lines = [
    '',
    '# Written by Holdfast for this restore.',
    // The WAL lies in pg_wal; a server that recovers insists on a command all the same.
    "restore_command = 'false'",
    `recovery_target_timeline = '${wal.timeline}'`,
    // What an earlier restore, or a standby, has left behind; the last line of a name counts.
    ...EMPTIED.map((name) => `${name} = ''`),
    'recovery_min_apply_delay = 0',
    ...wal.target,
    'archive_mode = off',
    // Settings that a standby must have as large as its primary do not matter then.
    'hot_standby = off',
    '',
  ];
  await appendFile(join(data, 'postgresql.auto.conf'), lines.join('\n'), { mode: 0o600 });
  await writeFile(join(data, 'recovery.signal'), '', { mode: 0o600 });
  // Where a distribution keeps these elsewhere, the backup has none, and the server does not start.
  for (const [name, text] of Object.entries(STAND_INS)) {
    if (!existsSync(join(data, name))) await writeFile(join(data, name), text, { mode: 0o600 });
  }
}

const EMPTIED = [
  'recovery_target',
  'recovery_target_lsn',
  'recovery_target_name',
  'recovery_target_time',
  'recovery_target_xid',
  'archive_cleanup_command',
  'recovery_end_command',
  'primary_conninfo',
  'primary_slot_name',
  'synchronous_standby_names',
];
const STAND_INS: Readonly<Record<string, string>> = {
  'postgresql.conf': '# The server kept its configuration outside its data folder.\n',
  'pg_hba.conf':
    '# The server kept its own elsewhere; until that is back, only its owner gets in.\nlocal all all peer\n',
};
