/** Proposals in memory: what is made of one, how many of them stay, and that one that is large lets others go on. */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { canonicalJson } from '../../model/canonical.ts';
import type { JournalRecord } from '../../model/record-journal.ts';
import { proposeBookings } from '../../testing/bookings-proposal.ts';
import { scratchFolder } from '../../testing/scratch-folder.ts';
import { OpenProposals } from './open-proposals.ts';
import { planOf } from './plan.ts';
import { digestOfProposal, type Proposal } from './proposal.ts';
import { parseProposal } from './proposal-shape.ts';
import { type Reviewed, review } from './review.ts';

const folder = scratchFolder('open-proposals');
let proposal: Proposal;
let read: string[];

function record(id: string): JournalRecord {
  const facts = { target: 'main-db', at: new Date(0), by: 'me', facts: {} };
  return { id, ...facts, bodySha256: createHash('sha256').update(id).digest('hex') };
}

function opening(bytesMax?: number): OpenProposals {
  read = [];
  const body = async ({ id }: JournalRecord): Promise<Buffer> => {
    read.push(id);
    return Buffer.from(canonicalJson(proposal));
  };
  return new OpenProposals({ body }, bytesMax);
}

const typed = (row: string, text: string): Reviewed => ({
  row,
  choice: { kind: 'typed', column: 'guest', text },
  person: { id: 'person_ada', name: 'Ada' },
  at: new Date(0),
});

beforeAll(async () => {
  const rows = Array.from(
    { length: 2_000 },
    (_, at) => `p${at},BK-${at},${at % 3 === 0 ? '' : `"Guest ""${at}"" \\"`}`,
  );
  proposal = await proposeBookings({
    target: 'main-db',
    columns: { guest: '{ is: text, required: true, from: { pay: { field: guest } } }' },
    payments: { pay: ['id,booking,guest', ...rows] },
    copies: folder,
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('is the proposal with every choice in order, its digest and plan; read once', async () => {
  const open = opening();
  const one = record('rebuild_one');
  const bare = await open.of(one, []);
  expect(bare.first).toEqual(proposal);
  expect(bare.digest).toBe(digestOfProposal(proposal));
  const choices = [typed('BK-0', 'Eve'), typed('BK-3', 'Bob'), typed('BK-0', 'Eva')];
  const chosen = await open.of(one, choices);
  const wanted = choices.reduce(review, proposal);
  expect(chosen.proposal).toEqual(wanted);
  expect(chosen.digest).toBe(digestOfProposal(wanted));
  expect(chosen.plan).toEqual(planOf(wanted));
  // Whoever read the journal before the last choice sees what stood then, and the others lose nothing.
  expect((await open.of(one, choices.slice(0, 1))).proposal.reviews).toHaveLength(1);
  expect(await open.of(one, choices)).toBe(chosen);
  expect(read).toEqual(['rebuild_one']);
});

it('is read once by many who ask together, and by one after another that failed', async () => {
  const open = opening();
  const one = record('rebuild_one');
  const all = await Promise.all([open.of(one, []), open.of(one, []), open.of(one, [])]);
  expect(new Set(all).size).toBe(1);
  expect(read).toEqual(['rebuild_one']);
  await expect(open.of(one, [typed('BK-none', 'x')])).rejects.toThrow('a row of the proposal');
  expect((await open.of(one, [typed('BK-0', 'x')])).proposal.reviews).toHaveLength(1);
});

it('stays while there is room for it, and the last one always', async () => {
  const bytes = Buffer.byteLength(canonicalJson(proposal));
  const open = opening(2.5 * bytes);
  for (const id of ['a', 'b', 'a', 'c', 'a', 'b']) await open.of(record(id), []);
  expect(read).toEqual(['a', 'b', 'c', 'b']);
  const small = opening(bytes / 2);
  for (const id of ['a', 'a', 'b', 'b']) await small.of(record(id), []);
  expect(read).toEqual(['a', 'b']);
});

it('lets everything else go on between its steps', async () => {
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  turn();
  await opening().of(record('a'), [typed('BK-0', 'Eve')]);
  isOver = true;
  const bytes = Buffer.byteLength(canonicalJson(proposal));
  // Read and digested: a turn for each 64 KiB at least, however fast the machine is.
  expect(turns).toBeGreaterThan(bytes / (64 * 1024));
});

it.each<readonly [story: string, change: (text: string) => string, says: RegExp]>([
  [
    'a member that would be its prototype',
    (text) => text.replace('"target":"main-db"', '"__proto__":{"target":"main-db"}'),
    /something else/,
  ],
  ['a member more', (text) => text.replace('{"columns"', '{"a":1,"columns"'), /something else/],
  ['a list more', (text) => text.replace('{"columns"', '{"a":[],"columns"'), /something else at a/],
  ['a list less', (text) => text.replace('"loose":[],', ''), /something else at loose/],
  [
    'a row with more in it',
    (text) => text.replace('"leftOut"', '"sql":"drop","leftOut"'),
    /at rows\.0/,
  ],
  ['another format', (text) => text.replace('rebuild/1', 'rebuild/2'), /at format/],
])('refuses %s, as one that is read whole', async (_story, change, says) => {
  const text = change(canonicalJson(proposal));
  const open = new OpenProposals({ body: async () => Buffer.from(text) });
  await expect(open.of(record('a'), [])).rejects.toThrow(says);
  expect(() => parseProposal(JSON.parse(text))).toThrow('as this version of Holdfast writes it');
});
