/**
 * What was committed and not written down outside, on real servers: recognised by its books when they agree with
 * what was signed, row by row, and by nothing else.
 */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf } from '../../src/api/problem.ts';
import { EXIT, exitCodeOf } from '../../src/cli/exit-codes.ts';
import { HoldfastError, isOutcomeUnknown } from '../../src/model/errors.ts';
import type { TargetDatabase } from '../../src/protection/target-database.ts';
import { findApplied } from '../../src/recovery/rebuild/apply.ts';
import { digestOfProposal, type Proposal, rollback } from '../../src/recovery/rebuild/index.ts';
import type { NotedBatch } from '../../src/recovery/rebuild/rollback.ts';
import { AFTER, BatchGround, BEFORE, GOOD } from './batch-ground.ts';
import { DEBIAN_15 } from './pull-ground.ts';

const SERVERS = [
  { name: 'PostgreSQL 18', options: {} },
  ...(existsSync(DEBIAN_15) ? [{ name: 'PostgreSQL 15', options: { binFolder: DEBIAN_15 } }] : []),
];
const AGAIN = { whenThere: 'recognise' } as const;

function noted(proposal: Proposal, skipped = 0): NotedBatch {
  return {
    digest: digestOfProposal(proposal),
    schema: 'public',
    table: 'bookings',
    keyColumn: 'number',
    keyKind: 'integer',
    proposal,
    skipped,
  };
}

function found(scratch: TargetDatabase, proposal: Proposal) {
  return findApplied({ scratch, proposal, digest: digestOfProposal(proposal) });
}

describe.each(SERVERS)('a batch that nobody noted, on $name', ({ options }) => {
  let ground: BatchGround;
  beforeAll(async () => {
    ground = await BatchGround.start(options);
  });
  afterAll(() => ground.stop());

  it('is what was put in, as often as it is looked for, and nothing is put in twice', async () => {
    const { database, look } = await ground.copyOf();
    const proposal = await ground.proposed(database, GOOD);
    expect(await found(database, proposal)).toBeNull();
    expect(
      await database.query(`select 1 from pg_namespace where nspname = 'holdfast_rebuild'`),
    ).toEqual([]);
    const first = await ground.put(database, proposal, AGAIN);
    expect(first).toMatchObject({ inserted: 3, isRecognised: false });
    const { assertions: _, isRecognised: __, ...same } = first;
    expect(await found(database, proposal)).toMatchObject({ ...same, isRecognised: true });
    expect(await ground.put(database, proposal, AGAIN)).toMatchObject({
      ...same,
      isRecognised: true,
    });
    await expect(ground.put(database, proposal)).rejects.toThrow(/one that is, as/);
    expect(await look()).toEqual(AFTER);
    await database.close();
  });

  it('is recognised with what was kept out then, and what people changed since', async () => {
    const { database } = await ground.copyOf();
    const proposal = await ground.proposed(database, GOOD);
    await database.query(`insert into public.bookings (number, price) values (4, 1)`);
    const first = await ground.put(database, proposal);
    expect(first).toMatchObject({ inserted: 2, skipped: 1 });
    await database.query('update public.bookings set paid = false where number = 3');
    await database.query('delete from public.bookings where number = 2');
    const again = await found(database, proposal);
    expect(again).toMatchObject({
      batch: first.batch,
      books: first.books,
      inserted: 2,
      skipped: 1,
      skippedRows: [{ key: '4', why: 'a row with this key has come since the proposal' }],
    });
    await database.close();
  });

  it.each<readonly [story: string, sql: string, says: RegExp]>([
    [
      'a row that nobody proposed',
      `insert into holdfast_rebuild.row select id, '1', 'x' from holdfast_rebuild.batch`,
      /the row 1, which nobody proposed/,
    ],
    [
      'a row that was proposed, and that somebody else put in',
      `with gone as (delete from public.bookings where number = 4)
        select 1;
       insert into public.bookings (number, price, slot) values (4, 40.0, '''; drop table notes --');
       update holdfast_rebuild.row set digest = (select encode(sha256(convert_to(row(t.*)::text, 'UTF8')), 'hex')
         from public.bookings t where number = 4) where key = '4'`,
      /written into the books later/,
    ],
    [
      'not a row that it put in',
      `delete from holdfast_rebuild.row where key = '3'`,
      /not the row 3, which it put in/,
    ],
    [
      'not a row that is not there',
      `delete from holdfast_rebuild.row where key = '3'; delete from public.bookings where number = 3`,
      /not the row 3, which is not there/,
    ],
    ['none at all', `delete from holdfast_rebuild.row`, /which it put in/],
    [
      'rows of another table',
      `update holdfast_rebuild.batch set table_name = 'guests'`,
      /rows of public.guests/,
    ],
  ])('is not recognised by books that name %s', async (_story, sql, says) => {
    const { database, look } = await ground.copyOf();
    const proposal = await ground.proposed(database, GOOD);
    await ground.put(database, proposal);
    await database.query(sql);
    const before = await look();
    await expect(found(database, proposal)).rejects.toThrow(says);
    await expect(ground.put(database, proposal, AGAIN)).rejects.toThrow(says);
    expect(await look()).toEqual(before);
    await database.close();
  });

  it('that the table would not take any more is told with what to do, and is over after its undo', async () => {
    const { database } = await ground.copyOf();
    const proposal = await ground.proposed(database, GOOD);
    await database.query(`insert into public.bookings (number, price) values (4, 1)`);
    await ground.put(database, proposal);
    await database.query(
      'alter table public.bookings add constraint few check (price < 35) not valid',
    );
    await expect(found(database, proposal)).rejects.toMatchObject({
      code: 'HF_REBUILD_STATE',
      found: expect.stringContaining('few'),
      hint: expect.stringContaining('undo the undo item, then say rollback once more'),
    });
    // As the undo item leaves it.
    await database.query(
      'delete from holdfast_rebuild.row; delete from holdfast_rebuild.batch; delete from public.bookings where number in (2, 3)',
    );
    expect(await found(database, proposal)).toBeNull();
    await database.close();
  });

  it('is not recognised by books that were made up, with rows otherwise than signed', async () => {
    const { database, look } = await ground.copyOf();
    const proposal = await ground.proposed(database, GOOD);
    const other = await ground.proposed(database, GOOD.slice(0, 2));
    const { batch } = await ground.put(database, other);
    await rollback({ database, batch: batch ?? '', changed: 'refuse', person: 'person_eve' });
    // In one transaction, as a batch is written: the amount of one is not what was signed.
    await database.transaction('read committed', async (session) => {
      await session.query(`
        insert into public.bookings (number, price, guest, slot) values
          (2, 99.5, 'ada@example.com', 'a'), (3, 30, 'bob@example.com', null), (4, 40, null, '''; drop table notes --');
        insert into holdfast_rebuild.batch
          select 'rebuild_evil', '${digestOfProposal(proposal)}', schema_name, table_name, key_column, key_kind, 'me'
            from holdfast_rebuild.batch;
        insert into holdfast_rebuild.row select 'rebuild_evil', number::text,
            encode(sha256(convert_to(row(t.*)::text, 'UTF8')), 'hex') from public.bookings t where number > 1`);
    });
    const before = await look();
    await expect(ground.put(database, proposal, AGAIN)).rejects.toThrow(
      /price of 2 to be kept as it was approved/,
    );
    expect(await look()).toEqual(before);
    await database.close();
  });

  it('is known as taken back when it was, and as gone with its books; not while a row of it stands', async () => {
    const { database, look } = await ground.copyOf();
    const proposal = await ground.proposed(database, GOOD);
    const { batch, books } = await ground.put(database, proposal);
    const who = { changed: 'refuse', person: 'person_ada' } as const;
    const put = { database, batch: batch ?? '', books };
    const back = { ...put, ...who, noted: noted(proposal) };
    expect(await rollback(back)).toMatchObject({ deleted: 3, isRecognised: false });
    const { noted: _, ...bare } = back;
    await expect(rollback(bare)).rejects.toThrow(/taken back already/);
    expect(await rollback(back)).toEqual({
      ...{ batch, deleted: 3, gone: 0, kept: [], isRecognised: true },
    });
    await expect(rollback({ ...back, books: 'other' })).rejects.toThrow(/others: somebody changed/);
    const elsewhere = { ...noted(proposal), digest: 'other' };
    await expect(rollback({ ...back, noted: elsewhere })).rejects.toThrow(/others: somebody/);

    const second = await ground.put(database, proposal);
    const again = { ...back, batch: second.batch ?? '', books: second.books };
    // Only said to be taken back.
    await database.query(
      `update holdfast_rebuild.batch set rolled_back_at = now() where id = '${second.batch}'`,
    );
    await expect(rollback(again)).rejects.toThrow(
      /3 that stand there as they were put in: 2, 3, 4/,
    );
    await database.query('drop schema holdfast_rebuild cascade');
    await expect(rollback(again)).rejects.toThrow(/none of that id/);
    expect(await look()).toEqual(AFTER);
    await database.query('delete from public.bookings where number > 1');
    expect(await rollback(again)).toMatchObject({ deleted: 0, gone: 3, isRecognised: true });
    expect(await look()).toEqual(BEFORE);
    await database.close();
  });

  it('is not gone with its books while a row of it stands where another was kept out', async () => {
    const { database, look } = await ground.copyOf();
    const proposal = await ground.proposed(database, GOOD);
    await database.query(`insert into public.bookings (number, price) values (4, 1)`);
    const { batch, books } = await ground.put(database, proposal);
    await database.query('drop schema holdfast_rebuild cascade');
    await database.query('delete from public.bookings where number = 3');
    const put = { database, batch: batch ?? '', books };
    const who = { changed: 'refuse', person: 'person_ada' } as const;
    const back = { ...put, ...who, noted: noted(proposal, 1) };
    await expect(rollback(back)).rejects.toThrow(/none of that id/);
    // What was kept out is gone, and one of the batch stands in its number.
    await database.query('delete from public.bookings where number = 4');
    const before = await look();
    await expect(rollback(back)).rejects.toThrow(/1 that stand there as they were put in: 2/);
    expect(await look()).toEqual(before);
    // And the other way round: what was kept out then still is there.
    await database.query('delete from public.bookings where number = 2');
    await database.query(`insert into public.bookings (number, price) values (4, 1)`);
    expect(await rollback(back)).toMatchObject({ deleted: 0, gone: 2, isRecognised: true });
    await database.close();
  });

  it('is not said to have failed when the answer to COMMIT never came', async () => {
    const { database, look } = await ground.copyOf();
    const proposal = await ground.proposed(database, GOOD);
    const cut: TargetDatabase = {
      target: database.target,
      query: (sql, values) => database.query(sql, values),
      close: () => database.close(),
      transaction: async (isolation, work) => {
        await database.transaction(isolation, work);
        // As the target's connection says it.
        throw new HoldfastError('HF_UPSTREAM_LOST', {
          ...{ expected: 'an answer to COMMIT', found: 'none', hint: 'Look before.' },
        });
      },
    };
    const error = await ground.put(cut, proposal).catch((caught: unknown) => caught);
    expect(isOutcomeUnknown(error)).toBe(true);
    expect(error).toMatchObject({ code: 'HF_REBUILD_UNKNOWN' });
    expect([exitCodeOf(error), problemOf(error).status]).toEqual([EXIT.unreachable, 502]);
    expect(String(error)).toContain('whether the rows were kept');
    expect(await look()).toEqual(AFTER);
    expect(await ground.put(database, proposal, AGAIN)).toMatchObject({ isRecognised: true });
    const refused = await ground
      .put(database, { ...proposal, target: 'other' }, { digest: digestOfProposal(proposal) })
      .catch((caught: unknown) => caught);
    expect(isOutcomeUnknown(refused)).toBe(false);
    await database.close();
  });
});
