/** Rebuilds kept in a real PostgreSQL: what people choose, one after the other, and who writes there by hand. */
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HoldfastEvent } from '../model/event.ts';
import type { Signed } from '../model/signed.ts';
import type { ApplyReport } from '../recovery/rebuild/apply.ts';
import { forgetCopy } from '../recovery/rebuild/forget.ts';
import { promoteRebuildRunner, promotionOf, takeBackLive } from '../recovery/rebuild/promotion.ts';
import { digestOfProposal, type Proposal } from '../recovery/rebuild/proposal.ts';
import { Rebuilds } from '../recovery/rebuild/rebuilds.ts';
import { noteLeft } from '../recovery/restore/left-state.ts';
import { authenticator } from '../testing/authenticator.ts';
import { proposeBookings } from '../testing/bookings-proposal.ts';
import { Enrolled } from '../testing/enrolled.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { scratchFolder } from '../testing/scratch-folder.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import { TARGET } from '../testing/trail-fixtures.ts';
import { SqlRebuildStore } from './rebuild-store.ts';

const STEP_MS = 30_000;
const folder = scratchFolder('rebuild-store');
let scratch: ScratchStore;
let clock: ManualClock;
let enrolled: Enrolled;
let events: HoldfastEvent[];
let first: Rebuilds;
let second: Rebuilds;
const codes = new Map<string, (at: Date) => string>();

function rebuildsOn(database: ScratchStore['database'], key = Buffer.alloc(32, 7)): Rebuilds {
  return new Rebuilds({
    journal: new SqlRebuildStore(database, enrolled.checks, key),
    clock,
    note: (event) => void events.push(event),
  });
}

beforeAll(async () => {
  scratch = await startScratchStore();
  clock = new ManualClock();
  events = [];
  enrolled = new Enrolled(scratch.database, clock, () => {});
  for (const [name, role] of [
    ['oda', 'operator'],
    ['bea', 'operator'],
    ['aud', 'auditor'],
  ] as const) {
    const code = authenticator((await enrolled.people.add(name, [role])).uri);
    codes.set(name, code);
    await enrolled.people.confirm(name, code(clock.now()));
  }
  first = rebuildsOn(scratch.database);
  second = rebuildsOn(await scratch.another());
});
afterAll(async () => {
  await scratch.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A fresh code each time: one counts once. */
function word(person: string): Signed {
  clock.pass(STEP_MS);
  return { kind: 'code', person, code: codes.get(person)?.(clock.now()) ?? '' };
}

function proposed(): Promise<Proposal> {
  return proposeBookings({
    target: TARGET.name,
    columns: { guest: '{ is: text, required: true, from: { pay: { field: guest } } }' },
    payments: {
      pay: ['id,booking,guest', 'p1,BK-1,Ada', 'p2,BK-2,', 'p3,BK-3,Bob', 'p4,BK-3,Rob'],
    },
    copies: folder,
  });
}

function kept(): Promise<string> {
  return keptIn('/copy');
}

async function keptIn(copy: string): Promise<string> {
  const at = new Date('2026-11-27T00:00:00Z');
  return await first.keep(await proposed(), { copy, at, asOf: null, by: 'the command line' });
}

const typed = (row: string, text: string) =>
  ({ row, choice: { kind: 'typed', column: 'guest', text } }) as const;

/** A folder as a restore leaves it. */
function makeCopy(copy: string): void {
  const data = join(copy, 'root', 'data');
  mkdirSync(join(data, 'global'), { recursive: true });
  writeFileSync(join(data, 'global', 'pg_control'), 'shut down');
  writeFileSync(join(data, 'postgresql.auto.conf'), '# Restored by Holdfast from x');
  noteLeft(copy);
}

function report(digest: string, batch: string): ApplyReport {
  const none = { insertedKeys: [], skipped: 0, skippedRows: [], money: [], defaulted: [] };
  return {
    batch,
    digest,
    inserted: 1,
    books: 'b00c',
    assertions: [],
    isRecognised: false,
    ...none,
  };
}

function byHand(query: ReturnType<typeof sql>): Promise<unknown> {
  return scratch.database.run((db) => query.execute(db));
}

describe('what people choose', () => {
  it('is there on another gateway, in order, with who chose and when', async () => {
    const id = await kept();
    await first.decide(id, [typed('BK-2', 'Eve')], 0, word('oda'));
    const there = await second.show(id);
    expect(there.proposal.rows.map(({ state }) => state)).toEqual(['READY', 'READY', 'CONFLICT']);
    expect(there.proposal.reviews).toMatchObject([{ row: 'BK-2', name: 'oda' }]);
    await second.decide(id, [typed('BK-3', 'Bob')], 1, word('bea'));
    const { first: before, proposal } = await first.show(id);
    expect(proposal.reviews.map(({ by, name }) => [by, name])).toEqual([
      [await enrolled.idOf('oda'), 'oda'],
      [await enrolled.idOf('bea'), 'bea'],
    ]);
    expect(before.reviews).toEqual([]);
    expect(events.filter(({ kind }) => kind === 'rebuild-decided').at(-1)).toMatchObject({
      facts: { person: 'bea', choicesInAll: 2, digest: digestOfProposal(proposal) },
    });
  });

  it('is not made unseen over what another said of the same row', async () => {
    const id = await kept();
    await first.decide(id, [typed('BK-2', 'Eve')], 0, word('oda'));
    await expect(second.decide(id, [typed('BK-2', 'Eva')], 0, word('bea'))).rejects.toThrow(
      'found that oda did',
    );
    await second.decide(id, [typed('BK-3', 'Bob')], 0, word('bea'));
    await second.decide(id, [typed('BK-2', 'Eva')], 2, word('bea'));
    expect((await first.show(id)).proposal.reviews).toHaveLength(3);
  });

  it('counts all together or not at all, and the code is spent either way', async () => {
    const id = await kept();
    const signed = word('oda');
    const wrong = { row: 'BK-3', choice: { kind: 'option', column: 'guest', option: 9 } } as const;
    await expect(first.decide(id, [typed('BK-2', 'Eve'), wrong], 0, signed)).rejects.toThrow(
      'an option from 0 to 1',
    );
    expect((await first.show(id)).proposal.reviews).toEqual([]);
    await expect(first.decide(id, [typed('BK-2', 'Eve')], 0, signed)).rejects.toMatchObject({
      code: 'HF_TOTP_WRONG',
    });
  });

  it('is of those who may', async () => {
    const id = await kept();
    await expect(first.decide(id, [typed('BK-2', 'Eve')], 0, word('aud'))).rejects.toMatchObject({
      code: 'HF_FORBIDDEN',
    });
  });

  it('waits while a batch stands that it would change', async () => {
    const id = await kept();
    const digest = digestOfProposal((await first.show(id)).proposal);
    await first.begin(id, 'copy', digest, 'the command line');
    expect((await second.show(id)).cutOff).toEqual([{ place: 'copy', digest }]);
    await expect(first.decide(id, [typed('BK-2', 'Eve')], 0, word('oda'))).rejects.toThrow(
      'nobody saw its end',
    );
    await first.done(id, 'copy', report(digest, 'rebuild_one'), 'the command line');
    // Whoever finds it there later, or at the same time, adds nothing.
    const foundToo = { ...report(digest, 'rebuild_one'), isRecognised: true };
    await second.done(id, 'copy', foundToo, 'another');
    expect((await second.show(id)).batches).toHaveLength(1);
    await expect(second.begin(id, 'copy', digest, 'another')).rejects.toThrow('rebuild_one');
    await expect(first.decide(id, [typed('BK-2', 'Eve')], 0, word('oda'))).rejects.toThrow(
      'no batch of',
    );
    const meant = await first.beginTakingBack(id, 'copy', null);
    expect(meant).toMatchObject({ batch: 'rebuild_one', books: 'b00c' });
    const none = { deleted: 1, gone: 0, kept: [], isRecognised: false };
    await first.takenBack(id, 'copy', { batch: 'rebuild_one', ...none }, 'the command line');
    await first.decide(id, [typed('BK-2', 'Eve')], 0, word('oda'));
    await expect(first.beginTakingBack(id, 'copy', null)).rejects.toThrow('none');
  });
});

describe('a copy that is forgotten', () => {
  const nothing = async (): Promise<readonly string[]> => [];

  it('has no batch any more, so that nothing is promoted by it; choices go on', async () => {
    const copy = join(folder, 'one');
    const id = await keptIn(copy);
    const { digest } = await first.show(id);
    await first.begin(id, 'copy', digest, 'me');
    await first.done(id, 'copy', report(digest, 'rebuild_gone'), 'me');
    const parts = { rebuilds: second, promotionsOf: nothing, clock };
    await expect(
      forgetCopy({ ...parts, promotionsOf: async () => ['proposal_one'] }, id, 'me'),
    ).rejects.toThrow('proposal_one, which is open');
    expect((await first.show(id)).batches).toMatchObject([{ takenBack: null }]);
    // It lies on another machine, so nobody says here that it went.
    await expect(forgetCopy(parts, id, 'me')).rejects.toThrow('not on this machine');
    expect((await first.show(id)).batches).toMatchObject([{ takenBack: null }]);
    makeCopy(copy);
    expect(await forgetCopy(parts, id, 'me')).toMatchObject({ wasThere: true, sharedWith: [] });
    expect(existsSync(copy)).toBe(false);
    const standing = await first.show(id);
    expect(standing.batches).toMatchObject([{ batch: 'rebuild_gone', takenBack: { by: 'me' } }]);
    expect(() => promotionOf(standing, TARGET)).toThrow('to be in the restored copy');
    await first.decide(id, [typed('BK-2', 'Eve')], 0, word('oda'));
    await forgetCopy(parts, id, 'me');
    const said = events.filter(({ kind }) => kind === 'rebuild-copy-forgotten');
    expect(said).toMatchObject([{ facts: { rebuild: id, bytes: expect.any(Number) } }]);
    // Another copy in its place is one like any other, and what was cut off in the old one is over.
    await first.begin(id, 'copy', digest, 'me');
    expect((await first.show(id)).cutOff).toHaveLength(1);
    makeCopy(copy);
    await forgetCopy(parts, id, 'me');
    expect((await first.show(id)).cutOff).toEqual([]);
  });

  it('is not forgotten where it is none of ours, and nothing is written down', async () => {
    const copy = join(folder, 'busy');
    const id = await keptIn(copy);
    const parts = { rebuilds: first, promotionsOf: nothing, clock };
    mkdirSync(join(copy, 'root', 'data'), { recursive: true });
    await expect(forgetCopy(parts, id, 'me')).rejects.toThrow('a copy that');
    const said = events.filter(({ kind }) => kind === 'rebuild-copy-forgotten');
    expect(said.map(({ facts }) => facts['rebuild'])).not.toContain(id);
  });

  it('stays for another rebuild that has the same one, by whatever spelling', async () => {
    const copy = join(folder, 'both');
    makeCopy(copy);
    symlinkSync(folder, join(folder, 'way'));
    const [one, other] = [await keptIn(copy), await keptIn(join(folder, 'way', 'both'))];
    const parts = { rebuilds: first, promotionsOf: nothing, clock };
    expect(await forgetCopy(parts, one, 'me')).toMatchObject({ sharedWith: [other] });
    expect(existsSync(copy)).toBe(true);
    const said = events.filter(({ facts }) => facts['rebuild'] === one).at(-1);
    expect(said?.message).toContain('stays for others');
    expect(await forgetCopy(parts, other, 'me')).toMatchObject({ sharedWith: [], wasThere: true });
    expect(existsSync(copy)).toBe(false);
  });

  it('is not forgotten while what was put in stands in one that stays', async () => {
    const copy = join(folder, 'shared');
    makeCopy(copy);
    const [one, other] = [await keptIn(copy), await keptIn(copy)];
    const parts = { rebuilds: first, promotionsOf: nothing, clock };
    const { digest } = await first.show(one);
    await first.begin(one, 'copy', digest, 'me');
    await expect(forgetCopy(parts, one, 'me')).rejects.toThrow(other);
    await first.done(one, 'copy', report(digest, 'rebuild_there'), 'me');
    await expect(forgetCopy(parts, one, 'me')).rejects.toThrow(other);
    const standing = await first.show(one);
    expect(standing.batches).toMatchObject([{ batch: 'rebuild_there', takenBack: null }]);
    expect(promotionOf(standing, TARGET).facts).toMatchObject({ batch: 'rebuild_there' });
    await forgetCopy(parts, other, 'me');
    expect(await forgetCopy(parts, one, 'me')).toMatchObject({ wasThere: true });
  });
});

describe('a promotion', () => {
  it('is of what stands in the copy as it is now, and not in the live target yet', async () => {
    const id = await kept();
    expect(() => promotionOf(standing, TARGET)).toThrow('to be in the restored copy');
    const digest = digestOfProposal(standing.proposal);
    await first.begin(id, 'copy', digest, 'me');
    await first.done(id, 'copy', report(digest, 'rebuild_two'), 'me');
    standing = await first.show(id);
    expect(promotionOf(standing, TARGET)).toMatchObject({
      kind: 'promote-rebuild',
      facts: { rebuild: id, digest, batch: 'rebuild_two', rows: 1, choices: 0, overrides: 0 },
    });
    await first.done(id, 'live', report(digest, 'rebuild_three'), 'oda, bea');
    standing = await first.show(id);
    expect(() => promotionOf(standing, TARGET)).toThrow('that it is, as rebuild_three');
  });
  let standing: Awaited<ReturnType<Rebuilds['show']>>;
  beforeAll(async () => {
    standing = await first.show(await kept());
  });
});

it('a promotion that was cut off stays so while nobody can tell what is in the live target', async () => {
  const id = await kept();
  const { digest } = await first.show(id);
  await first.begin(id, 'copy', digest, 'me');
  await first.done(id, 'copy', report(digest, 'rebuild_four'), 'me');
  const run = promoteRebuildRunner({
    rebuilds: first,
    clock,
    assertionsOf: () => [],
    open: () => {
      throw new Error('the live target is away');
    },
  });
  const { facts } = promotionOf(await first.show(id), TARGET);
  const act = { proposalId: 'p', target: TARGET.name, environment: 'x', facts, people: ['oda'] };
  await expect(run(act)).rejects.toThrow('is away');
  expect((await first.show(id)).cutOff).toEqual([]);
  await first.begin(id, 'live', digest, 'who was killed');
  await expect(run(act)).rejects.toThrow('is away');
  expect((await first.show(id)).cutOff).toEqual([{ place: 'live', digest }]);
});

it('is not taken back, looked for or locked live by who did not prove that they are there', async () => {
  const id = await kept();
  const { digest } = await first.show(id);
  await first.begin(id, 'live', digest, 'who was killed');
  let isOpened = false;
  const parts = {
    rebuilds: first,
    open: () => {
      isOpened = true;
      throw new Error('the live target is away');
    },
  };
  const before = { cutOff: [{ place: 'live', digest }], batches: [] };
  const nobody: Signed = { kind: 'code', person: 'oda', code: '000000' };
  for (const signed of [nobody, word('aud')]) {
    await expect(takeBackLive(parts, id, 'refuse', signed)).rejects.toMatchObject({
      code: signed === nobody ? 'HF_TOTP_WRONG' : 'HF_FORBIDDEN',
    });
    expect(isOpened).toBe(false);
    expect(await first.show(id)).toMatchObject(before);
  }
  await expect(takeBackLive(parts, id, 'refuse', word('oda'))).rejects.toThrow('is away');
  expect(await first.show(id)).toMatchObject(before);
});

describe('who writes into our tables by hand', () => {
  it.each([
    [
      'changes a choice',
      (id: string) =>
        sql`update holdfast.rebuild_entries set said = replace(said, 'Eve', 'Eva') where rebuild_id = ${id}`,
    ],
    [
      'takes a choice out of the middle',
      (id: string) =>
        sql`delete from holdfast.rebuild_entries where rebuild_id = ${id} and number = 1`,
    ],
    [
      'puts a choice in',
      (id: string) =>
        sql`insert into holdfast.rebuild_entries select rebuild_id, 3, said, mac from holdfast.rebuild_entries
          where rebuild_id = ${id} and number = 2`,
    ],
    [
      'changes the proposal',
      (id: string) =>
        sql`update holdfast.rebuilds set proposal = (select proposal from holdfast.rebuilds
          where id <> ${id} limit 1), proposal_sha256 = 'ab' where id = ${id}`,
    ],
    [
      'leads it to another copy',
      (id: string) =>
        sql`update holdfast.rebuilds set facts = replace(facts, '/copy', '/else') where id = ${id}`,
    ],
    [
      'leads it to another target',
      (id: string) => sql`update holdfast.rebuilds set target = 'other-db' where id = ${id}`,
    ],
  ])('%s, and is told apart', async (_, forgery) => {
    const id = await kept();
    await first.decide(id, [typed('BK-2', 'Eve')], 0, word('oda'));
    await first.decide(id, [typed('BK-3', 'Bob')], 1, word('oda'));
    await byHand(forgery(id));
    await expect(second.show(id)).rejects.toMatchObject({ code: 'HF_REBUILD_STATE' });
    await expect(first.decide(id, [typed('BK-2', 'Ivy')], null, word('bea'))).rejects.toMatchObject(
      { code: 'HF_REBUILD_STATE' },
    );
  });

  it('cannot make entries without our key', async () => {
    const id = await kept();
    const thief = rebuildsOn(scratch.database, Buffer.alloc(32, 8));
    await expect(thief.show(id)).rejects.toMatchObject({ code: 'HF_REBUILD_STATE' });
    await expect(first.show('rebuild_none')).rejects.toMatchObject({ code: 'HF_NOT_FOUND' });
  });
});
