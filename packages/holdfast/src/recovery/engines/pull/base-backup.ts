/**
 * One base backup, streamed: what the server sends is split by tablespace, hashed file by file, packed
 * and stored as it comes; then the manifest is compared with what came, the globals are stored, and the
 * WAL it needs is waited for. The point.json is written last, so what is broken off leaves objects that
 * nothing points to.
 *
 * Where the server has data checksums it reads them as it sends; a page that is wrong fails the backup.
 */
import { HoldfastError } from '../../../model/errors.ts';
import { oneLine } from '../../../model/text.ts';
import { type Placed, putChecked } from '../../checked-objects.ts';
import { serverTime } from '../../clocks.ts';
import { lsnText } from '../../lsn.ts';
import { packBytes } from '../../packing/pack.ts';
import { PackCrew } from '../../packing/pack-crew.ts';
import type { FoundFile } from '../../packing/thread-words.ts';
import { digestOfNewest, newPointId, writePoint } from '../../point-store.ts';
import { ProgressTeller } from '../../progress.ts';
import { type PointFile, pointPrefix, type RecoveryPoint } from '../../recovery-point.ts';
import type { Kept } from '../../vaults/vault.ts';
import type { ServerFacts, Tell } from '../engine.ts';
import { sealedStream } from '../stream-seal.ts';
import type { Foundation, Plan, SentManifest } from './foundation.ts';
import { readGlobals } from './globals.ts';
import { compareWithManifest, readManifest } from './manifest.ts';
import type { PullOptions } from './pull-options.ts';
import {
  type BackupEvent,
  openReplication,
  type ReplicationConnection,
  ServerRefusal,
  type ServerTablespace,
} from './replication-connection.ts';
import type { PullWalStream } from './wal-stream.ts';

/** A hundred thousand files make some 20 MB of it. */
const MANIFEST_BYTES_MAX = 512 * 1024 * 1024;
const PAGES_NAMED_MAX = 5;
const CORRUPTED_STATE = 'XX001';
/** A server that was built without LZ4 says no before it sends anything: as a syntax error from 16 on. */
const CANNOT_COMPRESS_STATES: readonly string[] = ['0A000', '42601'];

interface Taken {
  readonly files: readonly PointFile[];
  readonly found: ReadonlyMap<string, FoundFile>;
  readonly manifest: Buffer;
  readonly start: Extract<BackupEvent, { kind: 'start' }>;
  readonly end: bigint;
}

export interface TakenBackup {
  readonly point: RecoveryPoint;
  readonly sent: SentManifest;
}

export async function takeBaseBackup(
  options: PullOptions,
  facts: ServerFacts,
  plan: Plan,
  stream: Pick<PullWalStream, 'durableUpTo' | 'storedFrom'>,
  tell: Tell,
  signal: AbortSignal,
): Promise<TakenBackup> {
  const { clock, vault, target, recipients } = options;
  const id = newPointId(clock);
  const startedAt = clock.now().toISOString();
  const kept = plan.on === null ? plan.kept : plan.on.kept;
  const folder = `${pointPrefix(target, facts.systemIdentifier)}${id}/`;
  tell({ phase: 'start', doneBytes: 0, totalBytes: null, bytesPerSecond: 0 });

  const taken = await withConnection(options, signal, (connection) =>
    new BackupRun(options, facts, folder, kept, tell).run(connection, plan.on),
  );
  const manifest = readManifest(taken.manifest);
  compareWithManifest(manifest, taken.found);

  const wholeAt = (await serverTime(options)).toISOString();
  const globals = await readGlobals(options.connection, target);
  const small = async (
    role: 'manifest' | 'globals',
    name: string,
    bytes: Uint8Array,
  ): Promise<PointFile> => {
    const { body, plainBytes, plainSha256 } = packBytes(bytes, recipients);
    const placed = await putChecked(vault, `${folder}${name}.lz4.age`, body, kept);
    return { ...placed, plainBytes, plainSha256, role, tablespace: null };
  };
  const manifestFile = await small('manifest', 'backup_manifest', taken.manifest);
  const globalsFile = await small('globals', 'globals.sql', Buffer.from(globals));

  tell({ phase: 'wal', doneBytes: 0, totalBytes: null, bytesPerSecond: 0 });
  await stream.durableUpTo(taken.end, signal);
  const point: RecoveryPoint = {
    format: 'holdfast/point/1',
    id,
    target,
    engine: 'pull',
    server: { ...facts },
    wal: {
      timeline: taken.start.timeline,
      startLsn: lsnText(taken.start.lsn),
      endLsn: lsnText(taken.end),
      sealed: sealedStream(options.seal, stream.storedFrom),
    },
    startedAt,
    endedAt: clock.now().toISOString(),
    wholeAt,
    files: [...taken.files, manifestFile, globalsFile],
    prior: plan.on?.point.id ?? null,
    buildsOn: plan.on?.below ?? null,
    fullBecause: plan.on === null ? plan.because : null,
    keptUntil: kept.retainUntil.toISOString(),
    recipients: [...recipients],
    previous: await digestOfNewest(vault, target, facts.systemIdentifier, options.seal),
  };
  signal.throwIfAborted();
  await writePoint(vault, point, kept, options.seal);
  return { point, sent: { point: id, manifest: taken.manifest } };
}

class BackupRun {
  readonly #options: PullOptions;
  readonly #facts: ServerFacts;
  readonly #folder: string;
  readonly #kept: Kept;
  readonly #tell: Tell;
  readonly #crew = new PackCrew();
  readonly #files: PointFile[] = [];
  readonly #found = new Map<string, FoundFile>();
  readonly #manifest: Buffer[] = [];
  #manifestBytes = 0;
  #archive: {
    readonly tablespace: ServerTablespace | null;
    readonly stored: Promise<Placed>;
  } | null = null;

  constructor(options: PullOptions, facts: ServerFacts, folder: string, kept: Kept, tell: Tell) {
    this.#options = options;
    this.#facts = facts;
    this.#folder = folder;
    this.#kept = kept;
    this.#tell = tell;
  }

  async run(connection: ReplicationConnection, on: Foundation | null): Promise<Taken> {
    try {
      if (on !== null) await connection.uploadManifest(on.manifest);
      return await this.#receive(connection, on !== null);
    } catch (error) {
      this.#crew.fail(error);
      await this.#archive?.stored.catch(() => {});
      throw error instanceof ServerRefusal ? refusedBy(error) : error;
    } finally {
      await this.#crew.close();
    }
  }

  /** Compressed by the server, which costs it no more than to send what is not; by us where it cannot. */
  async #receive(connection: ReplicationConnection, isIncremental: boolean): Promise<Taken> {
    try {
      return await this.#receiveAs(connection, { isCompressed: true, isIncremental });
    } catch (error) {
      const isUnable =
        error instanceof ServerRefusal && CANNOT_COMPRESS_STATES.includes(error.state);
      if (!isUnable || this.#archive !== null || this.#files.length > 0) throw error;
      return await this.#receiveAs(connection, { isCompressed: false, isIncremental });
    }
  }

  async #receiveAs(
    connection: ReplicationConnection,
    as: { readonly isCompressed: boolean; readonly isIncremental: boolean },
  ): Promise<Taken> {
    const { clock, target, acceptsCorruptPages } = this.#options;
    const backup = connection.baseBackup({
      label: `holdfast ${target}`,
      verifiesPages: this.#facts.hasChecksums && !acceptsCorruptPages,
      ...as,
    });
    let plainBytes = 0;
    let start: Extract<BackupEvent, { kind: 'start' }> | null = null;
    let end: bigint | null = null;
    let progress = new ProgressTeller(this.#tell, clock, 'backup', null);
    let isManifest = false;
    for await (const event of backup) {
      switch (event.kind) {
        case 'start':
          start = event;
          progress = new ProgressTeller(this.#tell, clock, 'backup', event.totalBytes);
          break;
        case 'archive':
          await this.#endArchive();
          this.#beginArchive(event.tablespace, as.isCompressed);
          plainBytes = 0;
          break;
        case 'manifest':
          await this.#endArchive();
          isManifest = true;
          break;
        case 'data':
          if (isManifest) this.#addManifest(event.bytes);
          else await this.#crew.write(event.bytes);
          progress.add(this.#crew.plainBytes - plainBytes);
          plainBytes = this.#crew.plainBytes;
          break;
        case 'end':
          end = event.lsn;
          break;
      }
    }
    progress.say();
    if (start === null || end === null || !isManifest) {
      throw new HoldfastError('HF_RECOVERY_SERVER', {
        expected: 'a base backup to its end',
        found: 'one that ended early',
        hint: 'Look into the log of the server, then take the backup again.',
      });
    }
    return {
      files: this.#files,
      found: this.#found,
      manifest: Buffer.concat(this.#manifest),
      start,
      end,
    };
  }

  #beginArchive(tablespace: ServerTablespace | null, isCompressed: boolean): void {
    const prefix = tablespace === null ? '' : `pg_tblspc/${tablespace.oid}/`;
    const { recipients } = this.#options;
    this.#crew.begin({ kind: 'pack', recipients, prefix, isCompressed });
    const key = `${this.#folder}${tablespace === null ? 'base' : tablespace.oid}.tar.lz4.age`;
    const stored = putChecked(this.#options.vault, key, this.#crew.results(), this.#kept);
    stored.catch((error: unknown) => this.#crew.fail(error));
    this.#archive = { tablespace, stored };
  }

  async #endArchive(): Promise<void> {
    const archive = this.#archive;
    if (archive === null) return;
    const { plainBytes, files } = await this.#crew.end();
    const { tablespace, stored } = archive;
    const role = tablespace === null ? 'base' : 'tablespace';
    this.#files.push({
      ...(await stored),
      plainBytes,
      plainSha256: null,
      role,
      tablespace,
    });
    for (const file of files) this.#found.set(file.path, file);
    this.#archive = null;
  }

  #addManifest(bytes: Buffer): void {
    this.#manifestBytes += bytes.length;
    if (this.#manifestBytes > MANIFEST_BYTES_MAX) {
      throw new HoldfastError('HF_LIMIT', {
        expected: `a manifest of at most ${MANIFEST_BYTES_MAX} bytes`,
        found: 'a longer one',
        hint: 'This cluster has more files than Holdfast can check.',
      });
    }
    // A view of what the socket brought: kept, so copied.
    this.#manifest.push(Buffer.from(bytes));
  }
}

async function withConnection<T>(
  options: PullOptions,
  signal: AbortSignal,
  work: (connection: ReplicationConnection) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const connection = await openReplication(options.connection);
  const stop = (): void => connection.close();
  signal.addEventListener('abort', stop);
  try {
    return await work(connection);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    connection.close();
  }
}

function refusedBy(refusal: ServerRefusal): HoldfastError {
  if (refusal.state === CORRUPTED_STATE) {
    const pages = refusal.notices.slice(0, PAGES_NAMED_MAX).map(oneLine).join('; ');
    return new HoldfastError('HF_RECOVERY_PAGES', {
      expected: 'pages whose checksums are right',
      found: pages === '' ? refusal.message : pages,
      hint: 'Restore what those files hold from an older recovery point. A point with such pages is taken only when asked for.',
      cause: refusal,
    });
  }
  return new HoldfastError('HF_RECOVERY_SERVER', {
    expected: 'a base backup',
    found: refusal.message,
    hint: 'Look into the log of the server.',
    cause: refusal,
  });
}
