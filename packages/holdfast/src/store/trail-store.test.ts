import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../model/clock.ts';
import { newId } from '../model/ids.ts';
import { type ScratchPostgres, startScratchPostgres } from '../testing/scratch-postgres.ts';
import { decisionOf, freshTrailDatabase, intentOf, TARGET } from '../testing/trail-fixtures.ts';
import { verifyStore } from '../trail/audit.ts';
import { exportTrail } from '../trail/export.ts';
import { signerFromSeed } from '../trail/signer.ts';
import { TrailLog } from '../trail/trail-log.ts';
import type { AuditReport } from '../trail/verify/auditor.ts';
import { verifyExport } from '../trail/verify/verify.ts';
import type { Database } from './database.ts';
import { PgInstanceBook } from './instances.ts';
import { PgTrailStore } from './trail-store.ts';

let server: ScratchPostgres;
const databases: Database[] = [];
const running: TrailLog[] = [];
const signer = signerFromSeed('holdfast/test', Buffer.alloc(32, 7));

beforeAll(async () => {
  server = await startScratchPostgres();
}, 60_000);
afterEach(async () => {
  for (const log of running.splice(0)) await log.stop();
});
afterAll(async () => {
  for (const database of databases) await database.close();
  await server.stop();
});

async function freshDatabase(): Promise<Database> {
  const database = await freshTrailDatabase(server, `trail_${databases.length}`);
  databases.push(database);
  return database;
}

async function startLog(database: Database): Promise<TrailLog> {
  const log = await TrailLog.start({
    store: await PgTrailStore.open({ database, requireDurable: false }),
    instances: new PgInstanceBook(database),
    signer,
    clock: systemClock,
    instanceId: newId('instance', systemClock),
    journal: null,
    readsWhenUnavailable: 'refuse',
    onFault: () => {},
  });
  running.push(log);
  return log;
}

async function verified(database: Database): Promise<AuditReport> {
  const store = await PgTrailStore.open({ database, requireDurable: false });
  return verifyStore(store, signer.verifierKey.text);
}

function run(database: Database, statement: string): Promise<unknown> {
  return database.run((db) => sql.raw(statement).execute(db));
}

async function rowsOf(database: Database): Promise<{ kind: string; entry: unknown }[]> {
  const { rows } = await database.run((db) =>
    sql<{ kind: string; bytes: Buffer }>`
      select kind, bytes from holdfast.trail_entry order by index`.execute(db),
  );
  return rows.map(({ kind, bytes }) => ({ kind, entry: JSON.parse(bytes.toString()) }));
}

describe('the trail in PostgreSQL', () => {
  it('refuses a server that does not keep what it confirmed', async () => {
    const opening = PgTrailStore.open({ database: await freshDatabase(), requireDurable: true });
    await expect(opening).rejects.toMatchObject({
      code: 'HF_CONFIG_INVALID',
      found: 'fsync = off',
    });
  });

  it('keeps decisions, outcomes, reads and notes, and verifies', async () => {
    const database = await freshDatabase();
    const log = await startLog(database);
    const texts = Array.from({ length: 300 }, (_, at) => `delete from bookings where id = ${at}`);
    const refs = await Promise.all(texts.map((text) => log.decide(decisionOf(text))));
    expect(new Set(refs.map(({ index }) => index)).size).toBe(300);
    for (const ref of refs) {
      log.outcome(ref, { kind: 'done', tag: 'DELETE 1', transaction: 'ended' });
    }
    for (let at = 0; at < 5; at++) expect(log.read(intentOf('select 1'), TARGET)).toBe(true);
    await log.stop();
    const rows = await rowsOf(database);
    const kinds = new Set(rows.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual([
      'decision',
      'instance-started',
      'instance-stopped',
      'outcome',
      'reads',
    ]);
    expect(rows.find(({ kind }) => kind === 'reads')?.entry).toMatchObject({
      total: 5,
      groups: [{ units: [{ count: 5, text: { start: 'select 1' } }], other: 0 }],
    });
    expect(await verified(database)).toMatchObject({
      ok: true,
      decisions: 300,
      outcomes: 300,
      open: 0,
    });
  });

  it('lets several processes append to one trail', async () => {
    const database = await freshDatabase();
    const logs = [await startLog(database), await startLog(database), await startLog(database)];
    const write = async (log: TrailLog, count: number): Promise<void> => {
      for (let at = 0; at < count; at++) {
        const ref = await log.decide(decisionOf(`delete ${at}`));
        log.outcome(ref, { kind: 'done', tag: 'DELETE 1', transaction: 'ended' });
      }
    };
    await Promise.all(logs.flatMap((log) => [write(log, 20), write(log, 20)]));
    for (const log of logs) await log.stop();
    expect(await verified(database)).toMatchObject({
      ok: true,
      decisions: 120,
      outcomes: 120,
      open: 0,
    });
  });

  it('writes one outcome although two were told, and says so', async () => {
    const database = await freshDatabase();
    const log = await startLog(database);
    const ref = await log.decide(decisionOf('delete'));
    log.outcome(ref, { kind: 'done', tag: 'DELETE 1', transaction: 'ended' });
    log.outcome(ref, { kind: 'unknown', reason: 'again' });
    await log.stop();
    const kinds = (await rowsOf(database)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'outcome')).toHaveLength(1);
    expect(kinds).toContain('outcome-ignored');
  });

  it('drops an outcome that another instance wrote first', async () => {
    const database = await freshDatabase();
    const log = await startLog(database);
    const ref = await log.decide(decisionOf('delete'));
    // What a sweep of another instance does to one whose sign of life was lost for a while.
    await run(
      database,
      `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'
       and database = (select oid from pg_database where datname = current_database())`,
    );
    const other = await startLog(database);
    log.outcome(ref, { kind: 'done', tag: 'DELETE 1', transaction: 'ended' });
    await log.flush();
    await other.stop();
    await log.stop();
    const rows = await rowsOf(database);
    const outcomes = rows.filter(({ kind }) => kind === 'outcome');
    expect(outcomes.map(({ entry }) => entry)).toMatchObject([
      { outcome: { kind: 'unknown', reason: 'Holdfast ended before the answer came.' } },
    ]);
    expect(rows.map(({ kind }) => kind)).toContain('outcome-ignored');
    expect(await verified(database)).toMatchObject({ ok: true });
  });

  it('does not start on a trail that was written to behind its back', async () => {
    const database = await freshDatabase();
    const log = await startLog(database);
    await log.decide(decisionOf('delete'));
    await log.stop();
    await run(
      database,
      `insert into holdfast.trail_entry values (99, 'decision', null, 'x', '{}')`,
    );
    await run(database, 'update holdfast.trail_head set size = 100');
    await expect(startLog(database)).rejects.toMatchObject({ code: 'HF_TRAIL_BROKEN' });
  });

  it('comes back by itself when the server ended its connections', async () => {
    const database = await freshDatabase();
    const log = await startLog(database);
    const ref = await log.decide(decisionOf('before'));
    await run(
      database,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
    log.outcome(ref, { kind: 'done', tag: 'DELETE 1', transaction: 'ended' });
    let later: unknown = null;
    // One decision may meet the dead connection, and is then refused; the next ones pass.
    for (let tries = 0; tries < 200 && later === null; tries++) {
      later = await log.decide(decisionOf('after')).catch(() => null);
      if (later === null) await new Promise((done) => setTimeout(done, 20));
    }
    expect(later).not.toBeNull();
    await log.stop();
    expect(await verified(database)).toMatchObject({ ok: true, open: 0 });
  });

  it('exports what holdfast-verify accepts, whole and from a later checkpoint on', async () => {
    const database = await freshDatabase();
    const log = await startLog(database);
    for (let at = 0; at < 3; at++) {
      const ref = await log.decide(decisionOf(`delete ${at} -- é`));
      log.outcome(ref, { kind: 'failed', code: '42P01', message: 'no such table' });
      await log.flush();
    }
    await log.stop();
    const store = await PgTrailStore.open({ database, requireDurable: false });
    for (const [from, to] of [
      [0n, null],
      [4n, 6n],
    ] as const) {
      const question = { origin: signer.origin, key: signer.verifierKey, from, to };
      const pieces = exportTrail(store, question);
      const report = await verifyExport(bytesOf(pieces), { key: null, keptNote: null });
      expect(report).toMatchObject({ ok: true, findings: [] });
      expect(report.from).toBe(from === 0n ? 0 : 3);
    }
  });
});

async function* bytesOf(pieces: AsyncIterable<string>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece, 'utf8');
}
