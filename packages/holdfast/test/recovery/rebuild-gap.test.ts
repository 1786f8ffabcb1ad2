/**
 * The gap of 1,000 bookings against a real server: nothing wrong is READY, nearly everything consistent
 * is, every story ends as it should, and what is put in is what was true.
 */
import { rmSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  apply,
  countsOf,
  digestOfProposal,
  type Proposal,
  type ProposedRow,
  parseMapping,
  propose,
  rollback,
} from '../../src/recovery/rebuild/index.ts';
import { plainOf } from '../../src/recovery/rebuild/values/value.ts';
import { adminOf } from '../../src/testing/captured-target.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { type Booking, type Gap, gapOf, MAPPING, TABLE } from './gap-fixture.ts';

const folder = scratchFolder('gap');
let server: ScratchPostgres;
beforeAll(async () => {
  server = await startScratchPostgres();
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function restored(name: string, gap: Gap) {
  const admin = new pg.Client(server.url());
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const database = adminOf(server, 'main-db', name);
  await database.query(TABLE);
  for (const one of gap.existing) {
    await database.query(
      `insert into public.bookings (id, reference, amount_cents, starts_at, guest_email, guest, status)
        values (gen_random_uuid(), $1, $2, to_timestamp($3), $4, $5, $6)`,
      [one.reference, one.amountMinor, one.startsAt, one.email, one.guest, one.status],
    );
  }
  return database;
}

/** A row of the proposal in the words of the fixture. */
function said(row: ProposedRow): Record<string, string | null> {
  return Object.fromEntries(
    row.cells.map(({ column, value }) => [column, value === null ? null : plainOf(value)]),
  );
}

function meant(truth: Booking): Record<string, string | null> {
  const money = (minor: number | null): string | null =>
    minor === null
      ? null
      : `${Math.floor(minor / 100)}.${String(minor % 100).padStart(2, '0')} EUR`;
  return {
    amount_cents: money(truth.amountMinor),
    refunded_cents: money(truth.refundedMinor),
    starts_at: new Date(truth.startsAt * 1000).toISOString().replace('.000Z', 'Z'),
    guest_email: truth.email,
    guest: truth.guest,
    status: truth.status,
  };
}

function isTrue(row: ProposedRow, gap: Gap): boolean {
  const told = gap.told.get(row.key);
  // What cannot be known is not READY, whether it happens to be true or not.
  if (told === undefined || told.state !== 'READY') return false;
  const [mine, theirs] = [said(row), meant(told.truth)];
  const email = mine['guest_email']?.toLowerCase() ?? null;
  return JSON.stringify({ ...mine, guest_email: email }) === JSON.stringify(theirs);
}

describe.each([1, 2, 3])('a gap of 1,000 bookings, seed %i', (seed) => {
  const gap = gapOf(seed);
  let database: Awaited<ReturnType<typeof restored>>;
  let proposal: Proposal;
  beforeAll(async () => {
    database = await restored(`gap_${seed}`, gap);
    proposal = await propose({
      target: 'main-db',
      scratch: database,
      mapping: parseMapping(MAPPING, 'mapping.yaml'),
      sources: gap.files,
      captured: gap.captured,
      copies: folder,
    });
  });
  afterAll(() => database.close());

  it('has nothing wrong that is READY, and nearly everything consistent', () => {
    const ready = proposal.rows.filter(({ state }) => state === 'READY');
    const wrong = ready.filter((row) => !isTrue(row, gap));
    const consistent = [...gap.told.values()].filter(({ isConsistent }) => isConsistent);
    const right = ready.filter((row) => gap.told.get(row.key)?.isConsistent === true);
    const share = (100 * right.length) / consistent.length;
    process.stdout.write(
      `gap rebuild, seed ${seed}: ${gap.records} records of ${gap.told.size} bookings; ` +
        `${JSON.stringify(countsOf(proposal))}; wrong READY ${wrong.length}; ` +
        `READY of consistent ${right.length}/${consistent.length} (${share.toFixed(1)} %)\n`,
    );
    expect(wrong.map(({ key }) => [gap.told.get(key)?.story, key])).toEqual([]);
    expect(share).toBeGreaterThanOrEqual(95);
  });

  it('ends every story as it should', () => {
    const ends = new Map<string, Set<string>>();
    for (const row of proposal.rows) {
      const story = gap.told.get(row.key)?.story ?? 'of nobody';
      ends.set(story, (ends.get(story) ?? new Set()).add(row.state));
    }
    const wanted = new Map(
      [...gap.told.values()].map(({ state, story }) => [story, new Set([state])]),
    );
    expect(Object.fromEntries(ends)).toEqual(Object.fromEntries(wanted));
  });

  it('tells of each cell who says so, and shows where', () => {
    const cells = proposal.rows.flatMap(({ cells }) =>
      cells.filter(({ state }) => state === 'agreed'),
    );
    expect(cells.length).toBeGreaterThan(1_000);
    for (const { options } of cells) {
      const places = options.flatMap(({ by }) => by.map((number) => proposal.records[number]));
      expect(places.length).toBeGreaterThan(0);
      expect(places.every((one) => one !== undefined && /^[0-9a-f]{64}$/.test(one.sha256))).toBe(
        true,
      );
    }
  });

  it('is the same, with the same digest, whatever order the files come in', async () => {
    const again = await propose({
      target: 'main-db',
      scratch: database,
      mapping: parseMapping(MAPPING, 'mapping.yaml'),
      sources: [...gap.files].reverse().concat(gap.files[0] ?? []),
      captured: gap.captured,
      copies: folder,
    });
    expect(digestOfProposal(again)).toBe(digestOfProposal(proposal));
  });

  it('puts in what was true, and takes it back', async () => {
    const before = await database.query('select count(*)::int as count from public.bookings');
    const report = await apply({
      scratch: database,
      proposal,
      digest: digestOfProposal(proposal),
      assertions: [
        {
          says: 'no booking costs nothing',
          sql: 'select count(*) = 0 from public.bookings where amount_cents <= 0',
        },
      ],
      isDryRun: false,
      person: 'person_ada',
      clock: new ManualClock(),
    });
    const counts = countsOf(proposal);
    expect(report).toMatchObject({ inserted: counts.READY, skipped: 0 });
    const rows = await database.query(
      `select b.* from public.bookings b join holdfast_rebuild.row r on r.key = b.reference`,
    );
    expect(rows).toHaveLength(counts.READY);
    const wrong = rows.filter((row) => {
      const truth = gap.told.get(String(row['reference']))?.truth;
      const refunded = row['refunded_cents'] === null ? null : Number(row['refunded_cents']);
      return !(
        truth !== undefined &&
        Number(row['amount_cents']) === truth.amountMinor &&
        refunded === truth.refundedMinor &&
        row['starts_at'] instanceof Date &&
        row['starts_at'].getTime() === truth.startsAt * 1000 &&
        row['status'] === truth.status &&
        row['guest'] === truth.guest
      );
    });
    expect(wrong).toEqual([]);
    const back = await rollback({
      database,
      batch: report.batch ?? '',
      changed: 'refuse',
      person: 'person_ada',
    });
    expect(back).toMatchObject({ deleted: counts.READY, gone: 0, kept: [] });
    expect(await database.query('select count(*)::int as count from public.bookings')).toEqual(
      before,
    );
  });
});
