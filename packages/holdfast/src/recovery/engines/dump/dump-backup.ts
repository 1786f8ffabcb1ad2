/**
 * One dump of one snapshot. In this order: the tables that can be carried are published, the snapshot is
 * taken (at an exact place in the WAL where changes are decoded), pg_dump reads it while what it holds is
 * witnessed in the same snapshot, what comes is packed and stored as it comes, then the globals and what a
 * restore has to know. The point.json is written last: what is broken off leaves objects that nothing
 * points to, and nothing at the server.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DRILL_SMALL_BYTES_MAX } from '../../../model/limits.ts';
import { clientSession, findPostgresClient } from '../../../programs/postgres-client.ts';
import { putChecked } from '../../checked-objects.ts';
import { serverTime } from '../../clocks.ts';
import { type Witness, witnessIn } from '../../drills/witness.ts';
import { packBytes } from '../../packing/pack.ts';
import { PackCrew } from '../../packing/pack-crew.ts';
import { digestOfNewest, newPointId, writePoint } from '../../point-store.ts';
import { ProgressTeller } from '../../progress.ts';
import { type PointFile, pointPrefix, type RecoveryPoint } from '../../recovery-point.ts';
import type { Kept } from '../../vaults/vault.ts';
import type { Tell } from '../engine.ts';
import { readGlobals } from '../pull/globals.ts';
import { sealedStream } from '../stream-seal.ts';
import type { ChangeStream } from './change-stream.ts';
import type { DumpContents } from './dump-facts.ts';
import type { DumpOptions, DumpServer } from './dump-options.ts';
import { runDump } from './dump-run.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';
import { readStructure, type Structure } from './structure.ts';

export interface TakenDump {
  readonly point: RecoveryPoint;
  /** Of the same snapshot; null: the database is too large to be read twice. */
  readonly witness: Witness | null;
}

/** `stream`: of decoded changes, so that the snapshot is taken where they can follow; null: none are. */
export async function takeDump(
  options: DumpOptions,
  server: DumpServer,
  stream: Pick<ChangeStream, 'storedFrom'> | null,
  tell: Tell,
  signal: AbortSignal,
): Promise<TakenDump> {
  const { binaries, clock, connection, recipients, slot, target, vault } = options;
  const client = findPostgresClient(Math.trunc(server.version / 10_000), binaries);
  const id = newPointId(clock);
  const kept = options.kept();
  const folder = `${pointPrefix(target, server.systemIdentifier)}${id}/`;
  tell({ phase: 'start', doneBytes: 0, totalBytes: null, bytesPerSecond: 0 });
  const held = `${slot.slice(0, 50)}_${clock.random(4).toString('hex')}`;
  const snapshot = await takeSnapshot(connection, stream !== null, held, signal);
  const startedAt = clock.now().toISOString();
  try {
    const wholeAt = await serverTime(options);
    const facts = await factsIn(snapshot);
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    const dumping = dumpInto(
      { options, client, snapshot, folder, kept, tell, totalBytes: facts.bytes },
      both,
    );
    const isSmall = facts.bytes <= DRILL_SMALL_BYTES_MAX;
    const moment = { lsn: snapshot.lsn, method: stream !== null ? 'slot' : 'snapshot' } as const;
    const witnessing = isSmall
      ? witnessIn(snapshot.client, { target, now: () => new Date(startedAt) }, moment)
      : Promise.resolve(null);
    witnessing.catch((error: unknown) => stop.abort(error));
    const { contents, file } = await dumping;
    const witness = await witnessing;
    const { structure } = facts;
    const said: DumpContents = {
      format: 'holdfast/dump/1',
      ...facts.cluster,
      client: client.major,
      extensions: facts.extensions,
      notCarried: [...structure.notCarried],
      contents,
    };
    const small = async (
      role: 'manifest' | 'globals',
      name: string,
      text: string,
    ): Promise<PointFile> => {
      const { body, plainBytes, plainSha256 } = packBytes(Buffer.from(text), recipients);
      const placed = await putChecked(vault, `${folder}${name}.lz4.age`, body, kept);
      return { ...placed, plainBytes, plainSha256, role, tablespace: null };
    };
    const manifest = await small('manifest', 'dump.json', JSON.stringify(said));
    const globals = await small('globals', 'globals.sql', await readGlobals(connection, target));
    const { lsn } = snapshot;
    const { noChanges: _why, ...serverFacts } = server;
    const point: RecoveryPoint = {
      format: 'holdfast/point/1',
      id,
      target,
      engine: 'dump',
      server: serverFacts,
      wal:
        stream === null
          ? null
          : {
              timeline: facts.timeline,
              startLsn: lsn,
              endLsn: lsn,
              sealed: sealedStream(options.seal, stream.storedFrom),
            },
      dump: { structure: structure.digest, carriesAll: structure.notCarried.length === 0 },
      startedAt,
      endedAt: clock.now().toISOString(),
      wholeAt: wholeAt.toISOString(),
      files: [file, manifest, globals],
      prior: null,
      keptUntil: kept.retainUntil.toISOString(),
      recipients: [...recipients],
      previous: await digestOfNewest(vault, target, server.systemIdentifier, options.seal),
    };
    signal.throwIfAborted();
    await writePoint(vault, point, kept, options.seal);
    return { point, witness };
  } finally {
    await snapshot.release();
  }
}

interface DumpParts {
  readonly options: DumpOptions;
  readonly client: ReturnType<typeof findPostgresClient>;
  readonly snapshot: Snapshot;
  readonly folder: string;
  readonly kept: Kept;
  readonly tell: Tell;
  /** Of the database as it lies on disk: near to what comes, no more. */
  readonly totalBytes: number;
}

async function dumpInto(
  { client, folder, kept, options, snapshot, tell, totalBytes }: DumpParts,
  signal: AbortSignal,
): Promise<{ readonly file: PointFile; readonly contents: string }> {
  const { clock, connection, recipients, vault } = options;
  const place = join(options.folder, `dump-${clock.random(6).toString('hex')}`);
  const crew = new PackCrew();
  const progress = new ProgressTeller(tell, clock, 'backup', totalBytes);
  try {
    const session = clientSession({ ...connection, password: connection.password() }, place);
    crew.begin({ kind: 'seal', recipients });
    const stored = putChecked(vault, `${folder}dump.pgc.lz4.age`, crew.results(), kept);
    stored.catch((error: unknown) => crew.fail(error));
    try {
      const { contents } = await runDump(
        client,
        session,
        snapshot.name,
        async (bytes) => {
          await crew.write(bytes);
          progress.add(bytes.length);
        },
        signal,
      );
      progress.say();
      const { files, plainBytes } = await crew.end();
      const plainSha256 = files[0]?.sha256 ?? null;
      const file: PointFile = {
        ...(await stored),
        plainBytes,
        plainSha256,
        role: 'dump',
        tablespace: null,
      };
      return { file, contents };
    } catch (error) {
      crew.fail(error);
      await stored.catch(() => {});
      throw error;
    }
  } finally {
    await crew.close();
    rmSync(place, { recursive: true, force: true });
  }
}

interface Facts {
  readonly bytes: number;
  readonly timeline: number;
  readonly structure: Structure;
  readonly cluster: Pick<DumpContents, 'database' | 'encoding' | 'collate' | 'ctype' | 'superuser'>;
  readonly extensions: DumpContents['extensions'];
}

async function factsIn({ client }: Snapshot): Promise<Facts> {
  const { rows } = await client.query<Record<string, unknown>>(
    `select datname as database, pg_encoding_to_char(encoding) as encoding,
            datcollate as collate, datctype as ctype,
            pg_database_size(current_database())::float8 as bytes,
            (select timeline_id from pg_control_checkpoint()) as timeline,
            (select rolname from pg_roles where rolsuper and rolcanlogin
              order by rolname = current_user desc, oid limit 1) as superuser
       from pg_database where datname = current_database()`,
  );
  const [row] = rows;
  const text = (key: string): string => String(row?.[key] ?? '');
  const { rows: extensions } = await client.query<{ name: string; version: string }>(
    'select extname as name, extversion as version from pg_extension order by 1',
  );
  const structure = await readStructure({
    query: async (sql) => (await client.query<Record<string, unknown>>(sql)).rows,
  });
  return {
    bytes: Number(row?.['bytes'] ?? 0),
    timeline: Number(row?.['timeline'] ?? 0),
    structure,
    cluster: {
      database: text('database'),
      encoding: text('encoding'),
      collate: text('collate') || null,
      ctype: text('ctype') || null,
      superuser: text('superuser') || 'postgres',
    },
    extensions,
  };
}
