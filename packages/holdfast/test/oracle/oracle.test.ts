/**
 * The oracle: PostgreSQL's own regression tests, read by the reader and run by a server that says
 * what really changed. Not one statement may have been called harmless, or a change of X, and have
 * done something else that no view, rule, trigger or the like in the catalog explains.
 *
 * `HOLDFAST_ORACLE=all` runs every file of the schedule instead of the chosen ones.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSqlReader } from '../../src/languages/sql/reader.ts';
import type { SqlReader } from '../../src/languages/sql/sql-reading.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { CHOSEN, LEFT_OUT } from './files.ts';
import { Oracle, type Tally } from './run.ts';
import { SNAPSHOT_SETUP, WatchedSession } from './server.ts';
import { regressionSource } from './source.ts';

const BIN = '/usr/lib/postgresql/15/bin';

function missing(): string | null {
  if (!existsSync(join(BIN, 'postgres'))) return `no PostgreSQL 15 in ${BIN}`;
  return source.kind === 'missing' ? `no regression tests: ${source.reason}` : null;
}

const source = regressionSource();
const reason = missing();
if (reason !== null) console.warn(`SKIPPED: the SQL oracle (${reason})`);

function schedule(folder: string): string[] {
  const all = readFileSync(join(folder, 'parallel_schedule'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('test:'))
    .flatMap((line) => line.slice(5).trim().split(/\s+/))
    .filter((name) => existsSync(join(folder, 'sql', `${name}.sql`)));
  const wanted = process.env['HOLDFAST_ORACLE'] === 'all';
  return all.filter((name) => (wanted ? !LEFT_OUT.has(name) : CHOSEN.has(name)));
}

export function report(tally: Tally): string {
  const share = (part: number): string => `${((100 * part) / tally.statements).toFixed(1)} %`;
  const lines = [
    `files ${tally.files}, statements ${tally.statements}, watched ${tally.watched}, ` +
      `refused by the server ${tally.failed}, not watched ${tally.unwatched}`,
    ...Object.entries(tally.claims).map(([claim, count]) => `${claim}: ${count} (${share(count)})`),
    `with an execute effect: ${tally.executes} (${share(tally.executes)})`,
    ...[...tally.untold].map(([key, count]) => `could not tell, ${key}: ${count}`),
    ...[...tally.opaque].flatMap(([door, found]) => [
      `opaque, ${door}: ${found.length}`,
      ...found.map((line) => `    ${line}`),
    ]),
    `confident and wrong: ${tally.wrong.length}`,
    ...tally.wrong.map((line) => `    ${line}`),
  ];
  return lines.join('\n');
}

describe.skipIf(reason !== null)('the oracle', () => {
  let server: ScratchPostgres;
  let reader: SqlReader;

  beforeAll(async () => {
    reader = await createSqlReader();
    server = await startScratchPostgres({
      binFolder: BIN,
      conf: [
        'autovacuum=off',
        'statement_timeout=10s',
        'max_prepared_transactions=4',
        "wal_level='logical'",
        'lc_messages=C',
      ],
    });
  });

  afterAll(async () => {
    await server?.stop();
    await reader?.close();
  });

  it('was never confident and wrong', { timeout: 900_000 }, async () => {
    if (source.kind === 'missing') return;
    const setup = await WatchedSession.open(server.url());
    await setup.run(SNAPSHOT_SETUP);
    await setup.close();
    const files = schedule(source.folder);
    const oracle = new Oracle(reader, source.folder, (user) => {
      const url = new URL(server.url());
      if (user !== null) url.username = user;
      return url.href;
    });
    for (const file of files) await oracle.file(file);
    const { tally } = oracle;
    console.log(report(tally));
    expect(tally.files).toBeGreaterThanOrEqual(40);
    // A run that watched little would prove little.
    expect(tally.watched).toBeGreaterThan(tally.statements / 2);
    expect(tally.wrong).toEqual([]);
  });
});
