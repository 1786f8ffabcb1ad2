/**
 * What a look at a statement costs: nanoseconds of CPU per read, by how it is found. Run after a build:
 *
 *     node bench/reader.mjs
 *
 * Medians of rounds on one thread, garbage collection included.
 */
import { createSqlReader } from '../packages/holdfast/dist/languages/sql/reader.js';

const ROUNDS = 9;

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** `texts` are read in turn, `count` reads a round. */
function measure(reader, texts, count) {
  const buffers = texts.map((text) => Buffer.from(`Q....${text}\0`));
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = process.cpuUsage();
    for (let at = 0; at < count; at += 1) {
      const bytes = buffers[at % buffers.length];
      reader.read(bytes, 5, bytes.length - 1);
    }
    const { user, system } = process.cpuUsage(start);
    rounds.push(((user + system) * 1000) / count);
  }
  return median(rounds);
}

const many = (make) => Array.from({ length: 50_000 }, (_, at) => make(at));
const cases = [
  ['template hit, prepared text', ['SELECT a FROM "accounts" WHERE aid = $1 AND b = $2'], 400_000],
  [
    'exact hit, text with a comment',
    ['/* app */ SELECT a FROM accounts WHERE aid = 1 AND b = 2'],
    400_000,
  ],
  [
    'template hit, short SELECT',
    many((at) => `SELECT abalance FROM pgbench_accounts WHERE aid = ${at};`),
    400_000,
  ],
  [
    'template hit, 7-column INSERT',
    many(
      (at) =>
        `INSERT INTO orders (id, a, b, c, d, e, f) VALUES (${at}, 'abc ${at}', 1.5, 'x', 'some longer text here', 42, 'z')`,
    ),
    200_000,
  ],
  [
    'template hit, ORM SELECT with quoted names',
    many(
      (at) =>
        `SELECT "u"."id", "u"."name", "u"."mail" FROM "public"."users" AS "u" WHERE "u"."id" = ${at} AND "u"."state" = 'on' LIMIT 21`,
    ),
    200_000,
  ],
  [
    'miss, short SELECT',
    many((at) => `SELECT abalance FROM pgbench_accounts WHERE aid = ${at} /* ${at} */`),
    20_000,
  ],
  [
    'miss, DELETE with a condition on literals',
    many((at) => `DELETE FROM t WHERE id > ${at} AND 1 = 1`),
    20_000,
  ],
];

for (const [name, texts, count] of cases) {
  // Misses are misses only while the cache is small.
  const reader = await createSqlReader(name.startsWith('miss') ? { cacheEntriesMax: 16 } : {});
  measure(reader, texts, Math.min(count, 20_000));
  console.log(`${name.padEnd(46)} ${measure(reader, texts, count).toFixed(0).padStart(7)} ns`);
  await reader.close();
}
