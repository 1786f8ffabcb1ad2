/**
 * Brings changes into a restored dump, transaction by transaction in the order of their commits, from the
 * dump's snapshot up to the goal. No trigger fires and no reference is checked: both had their say where
 * the rows come from. Each change must find exactly the row that it was of; a table that is not built as
 * it was when the row changed, or a hole before the goal, ends it with an error, never with less.
 *
 * Then sequences that belong to a column are moved behind its highest value: the server does not decode
 * how far they were.
 */
import type pg from 'pg';
import { HoldfastError, messageOf } from '../../../model/errors.ts';
import { lsnOf, lsnText } from '../../lsn.ts';
import { unpackBytes } from '../../packing/pack.ts';
import { ProgressTeller } from '../../progress.ts';
import type { RecoveryPoint } from '../../recovery-point.ts';
import type { RestoreGoal, Tell } from '../engine.ts';
import { postgresMicros } from '../pull/messages.ts';
import { StreamSeals } from '../stream-seal.ts';
import type { DumpOptions } from './dump-options.ts';
import { type Change, readChange } from './pgoutput.ts';
import { type ChangePiece, chainFrom, endOf, listPieces, openPiece } from './pieces.ts';
import { RowWriter } from './row-writer.ts';

const SETTINGS = [
  "set session_replication_role = 'replica'",
  "set datestyle = 'ISO, YMD'",
  "set intervalstyle = 'postgres'",
  "set timezone = 'UTC'",
  "set bytea_output = 'hex'",
  'set extra_float_digits = 3',
  "set xmloption = 'content'",
  "set lc_monetary = 'C'",
  "set search_path = ''",
  'set row_security = off',
].join('; ');

export async function replayChanges(
  options: DumpOptions,
  point: RecoveryPoint,
  goal: RestoreGoal,
  client: pg.Client,
  tell: Tell,
  signal: AbortSignal,
): Promise<void> {
  const start = lsnOf(point.wal?.startLsn ?? '');
  // It holds its own moment only.
  if (start === null) return;
  const until = goalOf(goal, start);
  // Whether the vault can be read or not: what is wished for is the dump as it is.
  if (until.lsn !== null && until.lsn <= start) return;
  const { target, vault } = options;
  const pieces = await listPieces(vault, target, point.server.systemIdentifier);
  const chain = chainFrom(pieces, start);
  const bytes = chain.flatMap(({ parts }) => parts).reduce((sum, one) => sum + one.bytes, 0);
  const progress = new ProgressTeller(tell, options.clock, 'replay', bytes);
  await client.query(SETTINGS);
  const replay = new Replay(client, start, until);
  const seals = new StreamSeals(options.seal, point);
  for (const piece of chain) {
    await onePiece(options, seals, piece, replay, progress, signal);
    if (replay.isOver) break;
  }
  if (!replay.isOver) mustHaveReached(until, replay, pieces, start);
  await moveSequences(client);
}

interface Until {
  /** Everything that committed at or before it; microseconds since 2000. */
  readonly micros: bigint | null;
  /** Everything that committed before it. */
  readonly lsn: bigint | null;
  readonly words: string;
}

function goalOf({ at, lsn }: RestoreGoal, start: bigint): Until {
  const position = lsn === null ? null : lsnOf(lsn);
  if (lsn !== null && position === null) {
    throw unreached(lsn, 'not a position such as 16/B374D848');
  }
  if (position !== null && position < start) {
    throw unreached(lsn ?? '', `a dump that begins at ${lsnText(start)}`);
  }
  return {
    micros: at === null ? null : postgresMicros(at),
    lsn: position,
    words: at?.toISOString() ?? lsn ?? 'the newest change',
  };
}

/** A value is at most 1 GB (PostgreSQL, appendix K), and its row is one message. */
const PIECE_BYTES_MAX = 1.5 * 1024 ** 3;

async function onePiece(
  { identities, vault }: DumpOptions,
  seals: StreamSeals,
  piece: ChangePiece,
  replay: Replay,
  progress: ProgressTeller,
  signal: AbortSignal,
): Promise<void> {
  for (const object of piece.parts) {
    signal.throwIfAborted();
    const bytes = await seals.open(vault, object, piece.to, (version, look) =>
      unpackBytes(vault.get(version), identities(), object.key, {
        bytesMax: PIECE_BYTES_MAX,
        look,
      }),
    );
    const opened = openPiece(bytes, object.key);
    const isLast = object === piece.parts.at(-1);
    if (opened.from !== piece.from || (isLast && opened.to !== piece.to)) {
      throw damaged(`changes of ${lsnText(piece.from)} at ${object.key}`, 'those of another place');
    }
    for (const { bytes } of opened.messages) {
      await replay.take(readChange(bytes));
      if (replay.isOver) return;
    }
    if (isLast) replay.reached(opened.to, opened.sentMicros);
    progress.add(object.bytes);
  }
  replay.mustBeBetween(piece);
}

class Replay {
  readonly #client: pg.Client;
  readonly #writer: RowWriter;
  readonly #until: Until;
  /** Everything that ends at or before it is there. */
  #at: bigint;
  #sentMicros: bigint | null = null;
  /** Null: none is open. */
  #transaction: 'skipped' | 'open' | null = null;
  #isOver = false;

  constructor(client: pg.Client, start: bigint, until: Until) {
    this.#client = client;
    this.#writer = new RowWriter(client);
    this.#at = start;
    this.#until = until;
  }

  /** What comes now lies behind the goal. */
  get isOver(): boolean {
    return this.#isOver;
  }
  get at(): bigint {
    return this.#at;
  }
  /** Until when the server had sent all that there was. */
  get sentMicros(): bigint | null {
    return this.#sentMicros;
  }

  reached(lsn: bigint, sentMicros: bigint): void {
    if (lsn > this.#at) this.#at = lsn;
    this.#sentMicros = sentMicros;
  }

  mustBeBetween({ to }: ChangePiece): void {
    if (this.#transaction === null) return;
    throw damaged(`whole transactions up to ${lsnText(to)}`, 'one without its end');
  }

  async take(change: Change): Promise<void> {
    switch (change.kind) {
      case 'begin':
        return this.#begin(change.lsn, change.micros);
      case 'commit':
        return this.#commit(change.end);
      case 'relation':
        return this.#writer.know(change.relation);
      case 'aside':
        return;
      default:
        if (this.#transaction === null) throw damaged('changes in a transaction', 'one outside');
        if (this.#transaction === 'open') await this.#writer.write(change);
    }
  }

  async #begin(lsn: bigint, micros: bigint): Promise<void> {
    const until = this.#until;
    const isBehind =
      (until.micros !== null && micros > until.micros) || (until.lsn !== null && lsn >= until.lsn);
    if (isBehind) {
      this.#isOver = true;
      return;
    }
    // In the dump already, or sent twice.
    if (lsn < this.#at) this.#transaction = 'skipped';
    else {
      await this.#client.query('begin');
      this.#transaction = 'open';
    }
  }

  async #commit(end: bigint): Promise<void> {
    if (this.#transaction === 'open') {
      await this.#client.query('commit');
      if (end > this.#at) this.#at = end;
    }
    this.#transaction = null;
  }
}

function mustHaveReached(
  until: Until,
  replay: Replay,
  pieces: readonly ChangePiece[],
  start: bigint,
): void {
  const end = endOf(pieces) ?? start;
  const isPast = (until.lsn !== null && until.lsn <= replay.at) || replay.at >= end;
  if (!isPast) {
    throw new HoldfastError('HF_RECOVERY_WAL', {
      expected: `changes without a hole up to ${until.words}`,
      found: `none from ${lsnText(replay.at)} on, while there are some behind`,
      hint: 'Restore to a moment before the hole, or from a recovery point after it.',
    });
  }
  if (until.lsn !== null && until.lsn > replay.at) {
    throw unreached(until.words, `changes up to ${lsnText(replay.at)}`);
  }
  const { sentMicros } = replay;
  if (until.micros !== null && (sentMicros === null || sentMicros < until.micros)) {
    const found =
      sentMicros === null ? 'no changes' : `changes up to ${dateOf(sentMicros).toISOString()}`;
    throw unreached(until.words, found);
  }
}

const EPOCH_2000_MS = 946_684_800_000;

function dateOf(micros: bigint): Date {
  return new Date(Number(micros / 1000n) + EPOCH_2000_MS);
}

async function moveSequences(client: pg.Client): Promise<void> {
  try {
    const { rows } = await client.query<{ sequence: string; owner: string; attribute: string }>(
      `select s.oid::regclass::text as sequence, t.oid::regclass::text as owner,
              quote_ident(a.attname) as attribute
         from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S'
         join pg_sequence q on q.seqrelid = s.oid and q.seqincrement > 0
         join pg_class t on t.oid = d.refobjid and t.relkind in ('r', 'p')
         join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
        where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
          and d.deptype in ('a', 'i') and a.atttypid in (20, 21, 23)`,
    );
    for (const { attribute, owner, sequence } of rows) {
      await client.query(
        `select setval('${sequence.replaceAll("'", "''")}', highest.value) from
           (select max(${attribute})::int8 as value from ${owner}) as highest,
           (select last_value, is_called from ${sequence}) as now
          where highest.value >= now.last_value and highest.value > 0`,
      );
    }
  } catch (error) {
    throw damaged('sequences that can be moved behind their columns', messageOf(error));
  }
}

function unreached(goal: string, found: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_GOAL', {
    expected: `to reach ${goal}`,
    found,
    hint: 'Choose an earlier moment or another point, or leave it out to take all there is.',
  });
}

function damaged(expected: string, found: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected,
    found,
    hint: 'Restore to a moment before it, or take a new recovery point.',
  });
}
