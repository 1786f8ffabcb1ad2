/**
 * pg_dump of one snapshot, as a stream, in its custom format and uncompressed: what is stored is packed by
 * us, and nothing of it lies on this machine's disk. A second program reads the table of contents from the
 * same bytes as they pass, so that what cannot be listed is not called a dump. Neither sees anything of our
 * environment.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { HoldfastError } from '../../../model/errors.ts';
import { oneLine } from '../../../model/text.ts';
import { bareEnvironment } from '../../../programs/bare-environment.ts';
import type { ClientSession, PostgresClient } from '../../../programs/postgres-client.ts';

/** Of the contents; 100,000 tables make some 30 MB. */
const CONTENTS_BYTES_MAX = 256 * 1024 * 1024;
const COMPLAINT_CHARS_MAX = 2_000;
const LOCK_WAIT_MS = 60_000;

export interface DumpEnd {
  /** As `pg_restore --list` says it. */
  readonly contents: string;
}

/** Rejects with HF_RECOVERY_SERVER and what pg_dump said. `take` is given bytes it may keep no longer. */
export async function runDump(
  client: PostgresClient,
  session: ClientSession,
  snapshot: string,
  take: (bytes: Buffer) => Promise<void>,
  signal: AbortSignal,
): Promise<DumpEnd> {
  signal.throwIfAborted();
  const dump = spawn(
    join(client.folder, 'pg_dump'),
    [
      '--format=custom',
      '--compress=0',
      '--no-password',
      `--lock-wait-timeout=${LOCK_WAIT_MS}`,
      `--snapshot=${snapshot}`,
    ],
    { env: session.env, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' },
  );
  const list = spawn(join(client.folder, 'pg_restore'), ['--list'], {
    env: bareEnvironment(),
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
  });
  const stop = (): void => {
    dump.kill('SIGTERM');
    list.kill('SIGTERM');
  };
  signal.addEventListener('abort', stop);
  try {
    const contents = contentsOf(list);
    const [dumped, listed] = [ended(dump), ended(list)];
    for (const promise of [contents, dumped, listed]) promise.catch(() => {});
    // It has what it wants long before the end.
    list.stdin.on('error', () => {});
    for await (const chunk of dump.stdout) {
      if (!Buffer.isBuffer(chunk)) continue;
      session.forget();
      await offer(list, chunk);
      await take(chunk);
    }
    list.stdin.end();
    const { complaint, isWell } = await dumped;
    signal.throwIfAborted();
    if (!isWell) throw refused(complaint);
    const listing = await listed;
    if (!listing.isWell) throw unlisted(listing.complaint);
    return { contents: await contents };
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

async function offer(list: ChildProcess, chunk: Buffer): Promise<void> {
  const { stdin } = list;
  if (stdin === null || !stdin.writable || list.exitCode !== null) return;
  if (stdin.write(chunk)) return;
  // Whichever comes first: it reads on, or it has read enough.
  const over = new AbortController();
  const { signal } = over;
  await Promise.race([
    once(stdin, 'drain', { signal }),
    once(stdin, 'close', { signal }),
    once(list, 'exit', { signal }),
  ]).catch(() => {});
  over.abort();
}

async function contentsOf(list: ChildProcess): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  if (list.stdout === null) return '';
  for await (const chunk of list.stdout) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > CONTENTS_BYTES_MAX) {
      throw new HoldfastError('HF_LIMIT', {
        expected: `a table of contents of at most ${CONTENTS_BYTES_MAX} bytes`,
        found: 'a longer one',
        hint: 'This database has more tables than Holdfast can list.',
      });
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}

interface Ended {
  readonly isWell: boolean;
  readonly complaint: string;
}

export function ended(child: ChildProcess): Promise<Ended> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (said.length < COMPLAINT_CHARS_MAX) said += chunk.toString('utf8');
  });
  return new Promise((done) => {
    child.once('error', (error) => done({ isWell: false, complaint: error.message }));
    child.once('close', (code) => {
      const complaint = oneLine(said.trim().slice(0, COMPLAINT_CHARS_MAX));
      done({ isWell: code === 0, complaint });
    });
  });
}

function refused(complaint: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_SERVER', {
    expected: 'pg_dump to end well',
    found: complaint === '' ? 'that it was ended' : complaint,
    hint: 'The login must be able to read every table (pg_read_all_data, and BYPASSRLS where rows are secured), and no lock may hold a table for a minute.',
  });
}

function unlisted(complaint: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_MANIFEST', {
    expected: 'a dump whose table of contents can be listed',
    found: complaint === '' ? 'one that cannot' : complaint,
    hint: 'Take the recovery point again.',
  });
}
