/**
 * `npm run bench:trail-list`: lists of the trail at a million entries (or as many as are asked for), on the
 * embedded PostgreSQL: how fast the index follows, and how long each kind of question takes.
 *
 * Nothing here is a test; on a shared machine the numbers are of that machine then.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { systemClock } from '#holdfast/model/clock.js';
import { openDatabase } from '#holdfast/store/database.js';
import { EmbeddedPostgres } from '#holdfast/store/embedded-postgres.js';
import { migrate } from '#holdfast/store/migrate.js';
import { MIGRATIONS } from '#holdfast/store/migrations/index.js';
import { SqlTrailIndex } from '#holdfast/store/trail-index-store.js';
import type { TrailQuestion } from '#holdfast/trail/trail-finder.js';

const ENTRIES = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 15;

const ANY: TrailQuestion = {
  kind: null,
  agent: null,
  target: null,
  verdict: null,
  hold: null,
  since: null,
  until: null,
  text: null,
  before: null,
  limit: 50,
};

const QUESTIONS: Readonly<Record<string, Partial<TrailQuestion>>> = {
  newest: {},
  'from the middle': { before: BigInt(Math.floor(ENTRIES / 2)) },
  'an agent of twenty': { agent: 'agent-7' },
  'a rare verdict': { verdict: 'refuse' },
  'agent and verdict': { agent: 'agent-7', verdict: 'hold' },
  'agent and target that never met': { agent: 'agent-7', target: 'db-9' },
  'one hold': { hold: 'hold_500' },
  'one hour': {
    since: new Date(Date.UTC(2026, 0, 3)),
    until: new Date(Date.UTC(2026, 0, 3, 1)),
    kind: 'decision',
  },
  'a common text': { text: 'bookings' },
  'a text that is nowhere': { text: 'no such thing' },
};

const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
chmodSync(folder, 0o711);
const server = await EmbeddedPostgres.start({
  folder: join(folder, 'store'),
  clock: systemClock,
  progress: () => {},
  trouble: (message) => console.error(message),
});
const database = await openDatabase({ connection: server.connection });
try {
  await migrate(database, MIGRATIONS, systemClock);
  await fill();
  const index = new SqlTrailIndex(database);
  const began = performance.now();
  let taken = 0;
  for (let more: number | null = 1; more !== null && more > 0; taken += more ?? 0) {
    more = await index.advance(1_000);
  }
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `index: ${taken} entries in ${seconds.toFixed(1)} s, ${Math.round(taken / seconds)}/s`,
  );
  await database.run((db) => sql`analyze holdfast.trail_facts`.execute(db));
  for (const [name, question] of Object.entries(QUESTIONS)) {
    const times: number[] = [];
    let found = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const start = performance.now();
      found = (await index.find({ ...ANY, ...question })).entries.length;
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    const median = times[Math.floor(ROUNDS / 2)] ?? 0;
    console.log(
      `${name.padEnd(34)} ${median.toFixed(1)} ms median, ${times.at(-1)?.toFixed(1)} ms worst, ${found} found`,
    );
  }
} finally {
  await database.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Canonical enough to be read: decisions of twenty agents, outcomes in between. */
async function fill(): Promise<void> {
  await database.run(async (db) => {
    await sql`set statement_timeout = 0`.execute(db);
    const step = 50_000;
    for (let from = 0; from < ENTRIES; from += step) {
      await sql`
        insert into holdfast.trail_entry (index, kind, decision_index, instance_id, bytes)
        select i, case when i % 2 = 0 then 'decision' else 'outcome' end,
          case when i % 2 = 1 then i - 1 end, 'instance_a',
          convert_to(case when i % 2 = 0 then
            '{"actor":{"id":"agent_' || (i / 2 % 20) || '","kind":"agent","name":"agent-' || (i / 2 % 20)
            || '","token":"token_a"},"digest":"' || repeat('d', 64) || '","effectCount":1,"effects":[{"additive":false,"kind":"write","object":{"name":"bookings","schema":"public","type":"table"},"reach":"rows","verb":"DELETE","why":null}],"fault":null,"hold":'
            || case when i / 2 % 500 = 0 then '"hold_' || (i / 1000) || '"' else 'null' end
            || ',"instance":"instance_a","kind":"decision","policy":"1f0c","sequence":null,"session":{"client":"psql","id":"session_a","protocol":"postgres","source":"127.0.0.1:5"},"target":{"environment":{"level":"guarded","name":"production"},"name":"db-' || (i / 2 % 4)
            || '","protocol":"postgres","resolvedBy":"declared in holdfast.yaml"},"text":{"chars":40,"sha256":"' || repeat('e', 64) || '","start":"DELETE FROM bookings WHERE id = ' || i || '"},"time":"'
            || to_char(timestamp '2026-01-01' + i * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
            || '","v":1,"verdict":{"kind":"' || case when i / 2 % 997 = 0 then 'refuse' when i / 2 % 100 = 0 then 'hold' else 'forward' end
            || '","reason":"Names the rows it changes.","rule":"guarded.rows"}}'
          else '{"decision":' || (i - 1) || ',"instance":"instance_a","kind":"outcome","outcome":{"kind":"done","tag":"DELETE 1","transaction":"ended"},"time":"'
            || to_char(timestamp '2026-01-01' + i * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '","v":1}'
          end, 'UTF8')
        from generate_series(${from}::bigint, ${Math.min(from + step, ENTRIES) - 1}::bigint) as i`.execute(
        db,
      );
    }
    await sql`update holdfast.trail_head set size = ${ENTRIES}`.execute(db);
  });
}
