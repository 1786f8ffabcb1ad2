import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ScratchPostgres, startScratchPostgres } from '../../testing/scratch-postgres.ts';
import type { TargetDatabase } from '../target-database.ts';
import { openTargetDatabase } from './admin.ts';
import { type JournalRow, journalCopy, journalRows } from './journal-rows.ts';

const LINE =
  '7\t12\t2026-11-21 09:00:00.5+00\t1795251600500\thf_a\t33\tpsql\t2\tD\t3\t\\N\tf\n' +
  '8\t12\t2026-11-21 09:00:00.6+00\t-5\tü\t\\N\ta\\tb\\\\c\\nd\t\\N\tX\t0\t{"verb": "x\\\\n"}\tt\n';

async function readOf(pieces: readonly Buffer[]): Promise<JournalRow[]> {
  const found: JournalRow[] = [];
  for await (const rows of journalRows(lent(pieces))) found.push(...rows);
  return found;
}

async function* lent(pieces: readonly Buffer[]): AsyncIterable<Buffer> {
  for (const piece of pieces) {
    const once = Buffer.from(piece);
    yield once;
    // Valid until the next one.
    once.fill(0x21);
  }
}

describe('rows of the journal', () => {
  it('are read whole, however they arrive', async () => {
    const bytes = Buffer.from(LINE);
    for (let first = 0; first <= bytes.length; first += 1) {
      const second = (first * 7) % bytes.length;
      const [from, to] = first < second ? [first, second] : [second, first];
      const pieces = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)];
      const [plain, odd] = await readOf(pieces);
      expect(plain).toMatchObject({ seq: '7', atMs: 1795251600500, pid: '33', detail: null });
      expect(odd).toMatchObject({ atMs: -5, role: 'ü', pid: null, shapeId: null, isOurs: true });
      expect([odd?.application, odd?.detail]).toEqual(['a\tb\\c\nd', '{"verb": "x\\n"}']);
    }
  });

  it.each([
    ['that end in the midst', LINE.slice(0, -1), /in the midst of a row/],
    ['with a field too few', LINE.replace('\tf\n', '\n'), /cannot be read/],
    ['of an unknown kind', LINE.replace('\tD\t', '\tE\t'), /cannot be read/],
    ['whose transaction is no number', LINE.replace('\t12\t', `\t1'2\t`), /cannot be read/],
    ['whose shape is SQL', LINE.replace('\t2\tD', '\t2) or (true\tD'), /cannot be read/],
  ])('%s are refused', async (_, text, reason) => {
    await expect(readOf([Buffer.from(text)])).rejects.toThrow(reason);
  });

  describe('as a server writes them', () => {
    let server: ScratchPostgres;
    let target: TargetDatabase;
    beforeAll(async () => {
      server = await startScratchPostgres();
      target = openTargetDatabase({
        target: 'main-db',
        connection: { ...server, database: 'postgres', password: () => null, ssl: false },
      });
      await target.query(`create schema holdfast; create table holdfast.journal (seq bigint,
        txid xid8, at timestamptz, role name, pid int, application text, shape_id bigint, op "char",
        rows bigint, detail jsonb)`);
    }, 60_000);
    afterAll(async () => {
      await target?.close();
      await server?.stop();
    });

    it('come back as they were, whatever an application calls itself', async () => {
      const name = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => `${text}\\`);
      const names = fc.sample(
        name.map((text) => text.replaceAll('\0', '')),
        300,
      );
      await target.query(
        `insert into holdfast.journal select n, '5', now(), session_user, null, a || E'\\n\\t\\r\\b\\f\\v\\N', null,
           'X', 0, jsonb_build_object('a', a) from unnest($1::text[]) with ordinality as u(a, n)`,
        [names],
      );
      const found = await target.transaction('repeatable read', async (session) => {
        const all: JournalRow[] = [];
        for await (const rows of journalRows(session.copyOut(journalCopy(10)))) all.push(...rows);
        return all;
      });
      expect(found.map(({ application }) => application)).toEqual(
        names.map((text) => `${text}\n\t\r\b\f\vN`),
      );
      expect(found.map(({ detail }): unknown => JSON.parse(detail ?? ''))).toEqual(
        names.map((a) => ({ a })),
      );
      expect(found.every(({ isOurs, txid }) => isOurs && txid === '5')).toBe(true);
    });
  });
});
