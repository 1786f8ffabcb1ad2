/**
 * One connection that speaks PostgreSQL's replication protocol, servers 15 to 18 ("Streaming Replication
 * Protocol" in the manual). `pg` connects, secures and logs in; from then on the socket is ours, read
 * message by message and only as fast as what is read is taken, so nothing piles up.
 *
 * One command at a time. What the server refuses rejects with its own words; a connection that ends
 * while something is awaited rejects with HF_UPSTREAM_LOST. It knows no vault and repeats nothing.
 */
import type { Duplex } from 'node:stream';
import pg from 'pg';
import { HoldfastError } from '../../../model/errors.ts';
import { oneLine } from '../../../model/text.ts';
import { type AdminConnection, clientConfigOf } from '../../../protection/postgres/admin.ts';
import { lsnOf, lsnText } from '../../lsn.ts';
import {
  COPY_DONE,
  columnsOf,
  copyData,
  fieldsOf,
  type Message,
  MessageCutter,
  queryMessage,
  statusUpdate,
} from './messages.ts';
import { DUMP_INSTEAD } from './server-facts.ts';

const CONNECT_MS_MAX = 10_000;
/** For short commands; a server that has fallen silent answers none. */
const COMMAND_MS_MAX = 10_000;
/** A base backup may be silent for long, so the kernel asks whether the server is still there. */
const KEEP_ALIVE_MS = 10_000;
/** A decoded row comes as one message; a longer one stops the stream, and it says so. */
const ROW_BYTES_MAX = 256 * 1024 * 1024;

export interface SystemIdentity {
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** Flushed so far. */
  readonly lsn: bigint;
}

export interface ServerTablespace {
  readonly oid: number;
  readonly location: string;
}

export type BackupEvent =
  | {
      readonly kind: 'start';
      readonly lsn: bigint;
      readonly timeline: number;
      readonly tablespaces: readonly ServerTablespace[];
      /** Estimated. */
      readonly totalBytes: number;
    }
  /** `oid` null: the data folder itself. */
  | { readonly kind: 'archive'; readonly tablespace: ServerTablespace | null }
  | { readonly kind: 'manifest' }
  | { readonly kind: 'data'; readonly bytes: Buffer }
  | { readonly kind: 'end'; readonly lsn: bigint; readonly timeline: number };

export interface BackupOptions {
  readonly label: string;
  /** The server reads its checksums as it sends, and fails when one is wrong. */
  readonly verifiesPages: boolean;
  /** Each archive comes as an LZ4 frame; not every server is built to do that. */
  readonly isCompressed: boolean;
  /** Of the backup whose manifest was uploaded before, on the same connection. */
  readonly isIncremental: boolean;
}

export type WalEvent =
  | {
      readonly kind: 'wal';
      readonly start: bigint;
      readonly bytes: Buffer;
      readonly serverEnd: bigint;
      /** By the server's clock, in microseconds since 2000. */
      readonly sentMicros: bigint;
    }
  | {
      readonly kind: 'alive';
      readonly serverEnd: bigint;
      readonly wantsReply: boolean;
      readonly sentMicros: bigint;
    }
  /** Null: the server stops. */
  | {
      readonly kind: 'end';
      readonly next: { readonly timeline: number; readonly start: bigint } | null;
    };

/** What the server said no with. */
export class ServerRefusal extends Error {
  /** SQLSTATE. */
  readonly state: string;
  readonly notices: readonly string[];

  constructor(state: string, text: string, notices: readonly string[]) {
    super(oneLine(text));
    this.name = 'ServerRefusal';
    this.state = state;
    this.notices = notices;
  }
}

/** Text that means the same in every session, for rows that are decoded. */
const LOGICAL_SETTINGS =
  '-c datestyle=ISO,YMD -c intervalstyle=postgres -c timezone=UTC -c bytea_output=hex ' +
  '-c extra_float_digits=3 -c xmloption=content -c lc_monetary=C -c statement_timeout=0';

/** `logical`: of the one database of the connection, decoded. */
export async function openReplication(
  connection: AdminConnection,
  kind: 'physical' | 'logical' = 'physical',
): Promise<ReplicationConnection> {
  const settings = {
    ...clientConfigOf(connection),
    connectionTimeoutMillis: CONNECT_MS_MAX,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    // Not among the settings that the types of `pg` know.
    ...(kind === 'physical'
      ? { replication: 'true' }
      : { replication: 'database', options: LOGICAL_SETTINGS }),
  };
  const client = new pg.Client(settings);
  // Said to whoever waits for the next message, which ends with the socket.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (cause) {
    throw unreachable(connection, cause);
  }
  return new ReplicationConnection(client, kind === 'physical' ? {} : { bytesMax: ROW_BYTES_MAX });
}

export class ReplicationConnection {
  readonly #socket: Duplex;
  readonly #cutter: MessageCutter;
  readonly #chunks: AsyncIterator<Buffer>;
  #notices: string[] = [];
  #lost: unknown = null;

  constructor(client: pg.Client, limits: { readonly bytesMax?: number } = {}) {
    this.#cutter = new MessageCutter(limits.bytesMax);
    this.#socket = socketOf(client);
    // Nothing is half read: the login ended with ReadyForQuery.
    this.#socket.removeAllListeners('data');
    this.#socket.on('error', (error) => {
      this.#lost = error;
    });
    this.#chunks = this.#socket[Symbol.asyncIterator]();
  }

  async identify(): Promise<SystemIdentity> {
    const [row] = await this.#rows('IDENTIFY_SYSTEM');
    const [systemIdentifier, timeline, position] = row ?? [];
    const lsn = lsnOf(position ?? '');
    if (!systemIdentifier || !timeline || lsn === null) throw unexpected('IDENTIFY_SYSTEM');
    return { systemIdentifier, timeline: Number(timeline), lsn };
  }

  /** A setting as `SHOW` says it, with its unit. */
  async show(name: string): Promise<string> {
    if (!/^[a-z_]+$/.test(name)) throw unexpected('a name of a setting');
    const [row] = await this.#rows(`SHOW ${name}`);
    return row?.[0] ?? '';
  }

  async timelineHistory(timeline: number): Promise<Buffer> {
    const [row] = await this.#rows(`TIMELINE_HISTORY ${timeline}`);
    return Buffer.from(row?.[1] ?? '', 'utf8');
  }

  /** A physical slot that keeps WAL from now on; where a slot of the name exists, the server refuses (42710). */
  async createSlot(name: string): Promise<void> {
    await this.#rows(`CREATE_REPLICATION_SLOT ${slotName(name)} PHYSICAL (RESERVE_WAL)`);
  }

  /** A logical slot of pgoutput; the server waits with it for all that is under way, up to `msMax`. */
  async createLogicalSlot(name: string, msMax: number): Promise<void> {
    const command = `CREATE_REPLICATION_SLOT ${slotName(name)} LOGICAL pgoutput NOEXPORT_SNAPSHOT`;
    await this.#rows(command, msMax);
  }

  /** What the next base backup is an increment of; servers 17 and later. */
  async uploadManifest(manifest: Buffer): Promise<void> {
    this.#send('UPLOAD_MANIFEST');
    for await (const { tag } of this.#answer()) {
      if (tag !== 'G') continue;
      for (const part of copyData(manifest)) this.#socket.write(part);
      this.#socket.write(COPY_DONE);
    }
  }

  async *baseBackup(options: BackupOptions): AsyncIterable<BackupEvent> {
    const label = options.label.replaceAll("'", "''");
    this.#send(
      `BASE_BACKUP (LABEL '${label}', PROGRESS, CHECKPOINT 'fast', WAIT false, MANIFEST 'yes', ` +
        `MANIFEST_CHECKSUMS 'SHA256', VERIFY_CHECKSUMS ${options.verifiesPages}` +
        `${options.isCompressed ? ", COMPRESSION 'lz4'" : ''}` +
        `${options.isIncremental ? ', INCREMENTAL' : ''})`,
    );
    const results: (readonly (string | null)[])[][] = [[]];
    for await (const { tag, body } of this.#answer()) {
      if (tag === 'D') results.at(-1)?.push(columnsOf(body));
      if (tag === 'C') results.push([]);
      if (tag === 'H') yield startOf(results);
      if (tag === 'd') {
        const event = backupEvent(body);
        if (event) yield event;
      }
    }
    const [row] = results[2] ?? [];
    const lsn = lsnOf(row?.[0] ?? '');
    if (lsn === null) throw unexpected('BASE_BACKUP');
    yield { kind: 'end', lsn, timeline: Number(row?.[1]) };
  }

  /** From `start`, until the server's timeline ends, the server stops or the connection is closed. */
  async *wal(slot: string, start: bigint, timeline: number): AsyncIterable<WalEvent> {
    this.#send(
      `START_REPLICATION SLOT ${slotName(slot)} PHYSICAL ${lsnText(start)} TIMELINE ${timeline}`,
    );
    let next: readonly (string | null)[] | null = null;
    for await (const { tag, body } of this.#answer()) {
      if (tag === 'd') {
        const event = walEvent(body);
        if (event) yield event;
      }
      if (tag === 'c') this.#socket.write(COPY_DONE);
      if (tag === 'D') next = columnsOf(body);
    }
    const lsn = lsnOf(next?.[1] ?? '');
    yield { kind: 'end', next: lsn === null ? null : { timeline: Number(next?.[0]), start: lsn } };
  }

  /**
   * What committed from `start` on, decoded by pgoutput (protocol version 1: whole transactions, in the
   * order of their commits), until the server stops or the connection is closed.
   */
  async *changes(slot: string, start: bigint, publication: string): AsyncIterable<WalEvent> {
    this.#send(
      `START_REPLICATION SLOT ${slotName(slot)} LOGICAL ${lsnText(start)} ` +
        `(proto_version '1', publication_names '${slotName(publication)}')`,
    );
    for await (const { tag, body } of this.#answer()) {
      if (tag === 'd') {
        const event = walEvent(body);
        if (event) yield event;
      }
      if (tag === 'c') this.#socket.write(COPY_DONE);
    }
    yield { kind: 'end', next: null };
  }

  /** How far we are; what is durable the server need not keep for us. */
  sendStatus(written: bigint, durable: bigint, now: Date, wantsReply: boolean): void {
    if (this.#socket.writable) this.#socket.write(statusUpdate(written, durable, now, wantsReply));
  }

  close(): void {
    this.#socket.destroy();
  }

  async #rows(
    command: string,
    msMax: number = COMMAND_MS_MAX,
  ): Promise<(readonly (string | null)[])[]> {
    this.#send(command);
    const rows: (readonly (string | null)[])[] = [];
    const timer = setTimeout(() => this.close(), msMax);
    try {
      for await (const { tag, body } of this.#answer()) if (tag === 'D') rows.push(columnsOf(body));
    } finally {
      clearTimeout(timer);
    }
    return rows;
  }

  #send(command: string): void {
    this.#notices = [];
    this.#socket.write(queryMessage(command));
  }

  /** Up to ReadyForQuery; an ErrorResponse is thrown when the server is ready again, or gone. */
  async *#answer(): AsyncIterable<Message> {
    let refusal: ServerRefusal | null = null;
    for (;;) {
      const message = await this.#next(refusal);
      if (message.tag === 'Z') break;
      if (message.tag === 'N') this.#notices.push(fieldsOf(message.body).get('M') ?? '');
      else if (message.tag === 'E') {
        const fields = fieldsOf(message.body);
        refusal = new ServerRefusal(fields.get('C') ?? '', fields.get('M') ?? '', this.#notices);
      } else if (refusal === null) yield message;
    }
    if (refusal) throw refusal;
  }

  async #next(refusal: ServerRefusal | null): Promise<Message> {
    for (;;) {
      const message = this.#cutter.next();
      if (message) return message;
      let chunk: IteratorResult<Buffer>;
      try {
        chunk = await this.#chunks.next();
      } catch (cause) {
        throw refusal ?? lost(cause);
      }
      if (chunk.done) throw refusal ?? lost(this.#lost);
      this.#cutter.push(chunk.value);
    }
  }
}

/** The only way to the socket that `pg` documents: a query of one's own is handed the connection. */
function socketOf(client: pg.Client): Duplex {
  let socket: Duplex | null = null;
  client.query({
    submit: (connection: pg.Connection) => {
      socket = connection.stream;
    },
    handleError: () => {},
  });
  if (socket === null) throw new Error('pg has not handed out its connection');
  return socket;
}

function startOf(results: readonly (readonly (readonly (string | null)[])[])[]): BackupEvent {
  const [position] = results[0] ?? [];
  const lsn = lsnOf(position?.[0] ?? '');
  if (lsn === null) throw unexpected('BASE_BACKUP');
  const spaces = (results[1] ?? []).map(([oid, location, kilobytes]) => ({
    oid: Number(oid ?? 0),
    location: location ?? '',
    bytes: Number(kilobytes ?? 0) * 1024,
  }));
  return {
    kind: 'start',
    lsn,
    timeline: Number(position?.[1]),
    tablespaces: spaces
      .filter(({ oid }) => oid > 0)
      .map(({ oid, location }) => ({ oid, location })),
    totalBytes: spaces.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Null: progress, which we count ourselves. */
function backupEvent(body: Buffer): BackupEvent | null {
  const kind = body.toString('latin1', 0, 1);
  if (kind === 'd') return { kind: 'data', bytes: body.subarray(1) };
  if (kind === 'm') return { kind: 'manifest' };
  if (kind === 'p') return null;
  if (kind !== 'n') throw unexpected('BASE_BACKUP');
  const [name = '', location = ''] = body.toString('utf8', 1).split('\0');
  const which = /^(base|\d+)\.tar(\.lz4)?$/.exec(name)?.[1];
  if (which === undefined) throw unexpected('BASE_BACKUP');
  const oid = which === 'base' ? undefined : which;
  return {
    kind: 'archive',
    tablespace: oid === undefined ? null : { oid: Number(oid), location },
  };
}

function walEvent(body: Buffer): WalEvent | null {
  const kind = body.toString('latin1', 0, 1);
  if (kind === 'w' && body.length >= 25) {
    const start = body.readBigUInt64BE(1);
    return {
      kind: 'wal',
      start,
      bytes: body.subarray(25),
      serverEnd: body.readBigUInt64BE(9),
      sentMicros: body.readBigInt64BE(17),
    };
  }
  if (kind === 'k' && body.length >= 18) {
    return {
      kind: 'alive',
      serverEnd: body.readBigUInt64BE(1),
      wantsReply: body.readUInt8(17) === 1,
      sentMicros: body.readBigInt64BE(9),
    };
  }
  return null;
}

/** The server's own rule for slots, so that no name needs quoting. */
function slotName(name: string): string {
  if (!/^[a-z0-9_]{1,63}$/.test(name)) throw unexpected('a name of a slot');
  return name;
}

function unexpected(what: string): HoldfastError {
  return new HoldfastError('HF_PROTOCOL', {
    expected: `an answer to ${what} as servers 15 to 18 give it`,
    found: 'another',
    hint: 'Check the version of the server.',
  });
}

function lost(cause: unknown): HoldfastError {
  return new HoldfastError('HF_UPSTREAM_LOST', {
    expected: 'the replication connection to last',
    found: cause instanceof Error && cause.message !== '' ? oneLine(cause.message) : 'its end',
    hint: 'Check that the server runs and can be reached.',
    cause,
  });
}

function unreachable(connection: AdminConnection, cause: unknown): HoldfastError {
  const { host, port, user } = connection;
  const state = cause instanceof pg.DatabaseError ? cause.code : undefined;
  const found = cause instanceof Error ? oneLine(cause.message || cause.name) : 'no connection';
  if (state !== undefined) {
    return new HoldfastError('HF_RECOVERY_SERVER', {
      expected: `a replication connection as ${user} to ${host}:${port}`,
      found,
      hint: `The role needs REPLICATION, pg_hba.conf a line for "replication", max_wal_senders room. ${DUMP_INSTEAD}`,
      cause,
    });
  }
  return new HoldfastError('HF_UPSTREAM_UNREACHABLE', {
    expected: `to reach ${host}:${port} as ${user}`,
    found,
    hint: 'Check that the server runs and can be reached.',
    cause,
  });
}
