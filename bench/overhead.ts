/**
 * The same statement on a protected table and on its twin, both through Holdfast, in turns: the
 * difference is capture alone. Rows are made by the owner, who is exempt, so that making them costs
 * both the same and is not measured. Before each statement that is measured the drain has come to its end:
 * what it still takes out of the round before would be charged to this one, on either side.
 */
import pg from 'pg';
import type { Door } from './pgbench.ts';
import { median } from './report.ts';

export interface Side {
  /** Through Holdfast. */
  readonly agent: Door;
  /** Straight to the server, as the tables' owner. */
  readonly owner: Door;
}

export interface Pair {
  readonly captured: Side;
  readonly plain: Side;
}

export interface DeleteResult {
  readonly rows: number;
  readonly capturedMs: readonly number[];
  readonly plainMs: readonly number[];
  /** Median over rounds of captured / plain of the same round. */
  readonly ratio: number;
}

/** A DELETE of one row is over in less than the clock's noise: so many of them make one sample. */
const SINGLES_PER_SAMPLE = 200;

export async function compareDelete(
  pair: Pair,
  rows: number,
  rounds: number,
  settled: () => Promise<void>,
  say: (text: string) => void,
): Promise<DeleteResult> {
  const table = `gone_${rows}`;
  const all = rows === 1 ? SINGLES_PER_SAMPLE : rows;
  for (const side of [pair.captured, pair.plain]) {
    await as(side.owner, (owner) =>
      owner.query(
        `create table ${table} (id int primary key, a text, b numeric, c timestamptz, d jsonb, e int, f int);
         create index on ${table} (e)`,
      ),
    );
  }
  // Triggers and grants came with the table: by the fence, and by default privileges.
  const once = async (side: Side): Promise<number> => {
    await as(side.owner, async (owner) => {
      await owner.query(
        `insert into ${table} select g, 'text ' || g, g / 7.0, now(), '{"a": 1}', g % 1000, g
           from generate_series(1, ${all}) g`,
      );
      await owner.query(`analyze ${table}`);
    });
    await settled();
    return as(side.agent, async (agent) => {
      const started = performance.now();
      if (rows === 1) {
        for (let id = 1; id <= all; id += 1) {
          await agent.query(`delete from ${table} where id = ${id}`);
        }
      } else {
        await agent.query(`delete from ${table} where id <= ${all}`);
      }
      return (performance.now() - started) / (rows === 1 ? all : 1);
    });
  };
  // The first of each is for the caches, and shows that the one is captured and the other is not.
  for (const side of [pair.captured, pair.plain]) await once(side);
  await provenCaptured(pair, table);
  const samples = await inTurns(pair, rounds, once, (round) => say(`delete ${rows}: ${round}`));
  return { rows, ...samples };
}

/** A ratio of two that are the same would be a fine one. */
async function provenCaptured(pair: Pair, table: string): Promise<void> {
  const seen = async (
    side: Side,
  ): Promise<{ readonly role: string; readonly isCaptured: boolean }> => {
    const role = await as(side.agent, (agent) =>
      agent.query<{ role: string }>('select session_user::text as role'),
    );
    const trigger = await as(side.owner, (owner) =>
      owner.query(
        `select from pg_trigger where tgrelid = $1::regclass and tgname = '!holdfast_delete' and tgenabled = 'A'`,
        [table],
      ),
    );
    return { role: role.rows[0]?.role ?? '', isCaptured: trigger.rows.length === 1 };
  };
  const captured = await seen(pair.captured);
  const plain = await seen(pair.plain);
  const isSo = captured.isCaptured && captured.role.startsWith('hf_') && !plain.isCaptured;
  if (!isSo) throw new Error(`Not a comparison: ${JSON.stringify({ captured, plain })}`);
}

export interface DropResult {
  readonly bytes: number;
  readonly capturedMs: readonly number[];
  readonly plainMs: readonly number[];
  readonly ratio: number;
}

const FILLER_CHARS = 1_800;
const ROW_BYTES = 2_048;

export async function compareDrop(
  pair: Pair,
  bytes: number,
  rounds: number,
  say: (text: string) => void,
): Promise<DropResult> {
  let made = 0;
  const once = async (side: Side): Promise<number> => {
    await as(side.owner, async (owner) => {
      await owner.query('set synchronous_commit = off');
      // Wide and not compressible away: stored in the table itself, in 1 GB segments.
      await owner.query(
        `create table heavy (id int, filler text); alter table heavy alter filler set storage plain`,
      );
      await owner.query(
        `insert into heavy select g, repeat('f', ${FILLER_CHARS})
           from generate_series(1, ${Math.ceil(bytes / ROW_BYTES)}) g`,
      );
      await owner.query('checkpoint').catch(() => {});
      const size = await owner.query<{ n: string }>("select pg_table_size('heavy') as n");
      made = Number(size.rows[0]?.n);
    });
    return as(side.agent, async (agent) => {
      const started = performance.now();
      await agent.query('drop table heavy');
      return performance.now() - started;
    });
  };
  const samples = await inTurns(pair, rounds, once, (round) => say(`drop: ${round}`));
  const kept = await as(pair.captured.owner, (owner) =>
    owner.query<{ n: number }>(
      `select count(*)::int as n from pg_class
        where relname = 'heavy' and relnamespace::regnamespace::text like 'holdfast_trash_%'`,
    ),
  );
  if (kept.rows[0]?.n !== rounds)
    throw new Error('Not a comparison: the trash does not hold what was dropped.');
  return { bytes: made, ...samples };
}

/** Who goes first changes from round to round, so that a neighbour's busy minute is shared out. */
async function inTurns(
  pair: Pair,
  rounds: number,
  once: (side: Side) => Promise<number>,
  say: (round: string) => void,
): Promise<Omit<DropResult, 'bytes'>> {
  const capturedMs: number[] = [];
  const plainMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const turns =
      round % 2 === 0 ? (['captured', 'plain'] as const) : (['plain', 'captured'] as const);
    for (const turn of turns) {
      const ms = await once(pair[turn]);
      (turn === 'captured' ? capturedMs : plainMs).push(ms);
      say(`round ${round + 1} of ${rounds}, ${turn}: ${ms.toFixed(2)} ms`);
    }
  }
  const ratios = capturedMs.map((ms, round) => ms / (plainMs[round] ?? Number.NaN));
  return { capturedMs, plainMs, ratio: median(ratios) };
}

async function as<T>(door: Door, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { host, port, user, password, database } = door;
  const client = new pg.Client({ host, port, user, password, database, ssl: false });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
