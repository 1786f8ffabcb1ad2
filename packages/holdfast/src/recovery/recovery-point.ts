/**
 * A recovery point: one base backup and the WAL that makes it consistent, or one dump. It exists when its
 * `point.json` lies in the vault, which is written last; everything that a restore needs to know stands
 * there, so that a vault and a key are enough, without our store.
 *
 * The keys of a target's vault, `system` being the server's system identifier:
 *
 *   <target>/<system>/points/<id>/base.tar.lz4.age      one a tablespace: <oid>.tar.lz4.age
 *   <target>/<system>/points/<id>/backup_manifest.lz4.age
 *   <target>/<system>/points/<id>/globals.sql.lz4.age   roles and settings of the cluster
 *   <target>/<system>/points/<id>/point.json            not encrypted; no data, no secret; sealed (point-seal.ts)
 *   <target>/<system>/wal/<timeline>/<segment>.lz4.age            a whole segment
 *   <target>/<system>/wal/<timeline>/<segment>.d/<from>-<to>.lz4.age   bytes of it, before it is whole
 *   <target>/<system>/wal/<timeline>.history.lz4.age
 *   <target>/<system>/points/<id>/dump.pgc.lz4.age      of a dump: pg_dump's custom format; and dump.json.lz4.age
 *   <target>/<system>/changes/...                       what was decoded after a dump (engines/dump/pieces.ts)
 *   <target>/<system>/drills/<id>.json                  what a drill found, signed
 */

export const ENGINE_KINDS = ['pull', 'dump', 'pgbackrest'] as const;
export type EngineKind = (typeof ENGINE_KINDS)[number];

/** A position in the WAL as PostgreSQL writes it: `16/B374D848`. */
export type Lsn = string;

export interface PointFile {
  readonly key: string;
  readonly version: string;
  /** As stored: compressed and encrypted. */
  readonly bytes: number;
  readonly sha256: string;
  /** What it is when opened. */
  readonly plainBytes: number;
  /** Null where the manifest has the digest of each file inside: hashing it twice would cost a fifth more. */
  readonly plainSha256: string | null;
  readonly role: 'base' | 'tablespace' | 'manifest' | 'globals' | 'dump';
  /** Of a tablespace: its oid and where it lay. */
  readonly tablespace: { readonly oid: number; readonly location: string } | null;
}

export interface DumpFacts {
  /** A digest of how the tables are built: where it differs, changes cannot be brought in. */
  readonly structure: string;
  /** False: the changes after it leave something out, so what is lost counts from the dump. */
  readonly carriesAll: boolean;
}

/** Where the files of a point lie that are not in the vault. */
export interface PointRepository {
  readonly stanza: string;
  /** Null: the first. */
  readonly repo: number | null;
  readonly label: string;
  /** What it added there. */
  readonly bytes: number;
  /** Of the whole database. */
  readonly plainBytes: number;
}

/** All that reaches beyond a position is sealed in its header, by the key of that id. */
export interface SealedStream {
  readonly keyId: string;
  readonly fromLsn: Lsn;
}

export interface PointBelow {
  /** SHA-256 of the point.json of `prior`, lower-case hex. */
  readonly digest: string;
  /** Of all the points below together. */
  readonly plainBytes: number;
  readonly points: number;
}

export interface RecoveryPoint {
  readonly format: 'holdfast/point/1';
  /** Sorts by time: `20261128T001500123Z-7f3a`. */
  readonly id: string;
  readonly target: string;
  readonly engine: EngineKind;
  readonly server: {
    /** As `server_version_num`: 150020. */
    readonly version: number;
    readonly systemIdentifier: string;
    readonly walSegmentBytes: number;
    readonly hasChecksums: boolean;
  };
  /** A dump that changes can follow has both at its snapshot; one that holds its own moment only has none. */
  readonly wal: {
    readonly timeline: number;
    readonly startLsn: Lsn;
    /** Consistent from here on. */
    readonly endLsn: Lsn;
    /** Of what is streamed after it; left out by earlier builds. */
    readonly sealed?: SealedStream | undefined;
  } | null;
  /** Of a dump only. */
  readonly dump?: DumpFacts | undefined;
  readonly startedAt: string;
  readonly endedAt: string;
  /** By the server's own clock: it holds nothing that committed later. Left out by earlier builds. */
  readonly wholeAt?: string | undefined;
  readonly files: readonly PointFile[];
  /** Of engine pgbackrest; left out: all of it is in the vault. */
  readonly repository?: PointRepository | undefined;
  /** The point whose files this one is an increment of; null: it is a full one. */
  readonly prior: string | null;
  /** Of an increment: what lies below it. */
  readonly buildsOn?: PointBelow | null | undefined;
  /** Of a full one: why it builds on nothing, a sentence; null: it is the first. */
  readonly fullBecause?: string | null | undefined;
  /** Nothing of it leaves the vault before; where it does not say, nothing is built on it. */
  readonly keptUntil?: string | undefined;
  /** Public keys that can open it: age1… */
  readonly recipients: readonly string[];
  /** Lower-case hex of the point.json of ours before it, of this server; null for the first. */
  readonly previous: string | null;
}

/** As it lies in a vault. */
export interface StoredPoint extends RecoveryPoint {
  /** SHA-256 of its point.json, lower-case hex: what a drill was of. */
  readonly digest: string;
}

/** From where to where a target can be brought back. */
export interface RecoveryWindow {
  readonly from: Date;
  /** Of the newest WAL that is durable in the vault. */
  readonly to: Date;
}

/** As plain data. */
export function isoWindow({ from, to }: RecoveryWindow): {
  readonly from: string;
  readonly to: string;
} {
  return { from: from.toISOString(), to: to.toISOString() };
}

export function pointPrefix(target: string, systemIdentifier: string): string {
  return `${target}/${systemIdentifier}/points/`;
}

export function changesPrefix(target: string, systemIdentifier: string): string {
  return `${target}/${systemIdentifier}/changes/`;
}

export function walPrefix(target: string, systemIdentifier: string): string {
  return `${target}/${systemIdentifier}/wal/`;
}

/** As stored, wherever. */
export function storedBytes({ files, repository }: RecoveryPoint): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0) + (repository?.bytes ?? 0);
}

/** What it is when opened, without what it builds on. */
export function plainBytesOf({ files, repository }: RecoveryPoint): number {
  return files.reduce((sum, one) => sum + one.plainBytes, 0) + (repository?.plainBytes ?? 0);
}
