import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SqlReader, SqlReading } from '../../languages/sql/sql-reading.ts';
import { ClientStream } from './client-stream.ts';
import { PreparedStatements } from './statements.ts';
import type { Unit } from './unit.ts';

/** One reading per text, so that a unit's readings can be told apart; `slow ...` needs a promise. */
function fakeReader(): SqlReader & { nameOf(reading: unknown): string } {
  const readings = new Map<string, SqlReading>();
  const names = new Map<unknown, string>();
  return {
    read(bytes, start, end) {
      const text = bytes.toString('utf8', start, end);
      let reading = readings.get(text);
      if (reading === undefined) {
        reading = { kind: 'understood', effects: [], session: [], statements: 1 };
        readings.set(text, reading);
        names.set(reading, text);
      }
      return text.startsWith('slow') ? Promise.resolve(reading) : reading;
    },
    nameOf: (reading) => names.get(reading) ?? 'unknown',
    close: async () => {},
  };
}

interface Seen {
  readonly kind: string;
  readonly acts: readonly string[];
  readonly bytes: string;
}

function harness(unitBytesMax = 1 << 20) {
  const reader = fakeReader();
  const units: Seen[] = [];
  const passed: Buffer[] = [];
  const broken: string[] = [];
  const statements = new PreparedStatements();
  const stream: ClientStream = new ClientStream(
    {
      onUnit: (unit: Unit) => {
        for (const change of unit.changes) statements.change(change);
        units.push({
          kind: unit.kind,
          acts: unit.acts.map((act) => reader.nameOf(act.reading)),
          bytes: unit.base.toString('hex', unit.start, unit.end),
        });
        return true;
      },
      onPassage: (bytes, from, to) => passed.push(Buffer.from(bytes.subarray(from, to))),
      onFunctionCall: () => true,
      isCopyingIn: false,
      onSlowReading: (done) => void done.then(() => stream.proceed()),
      onClientBroken: (code, expected, found) => broken.push(`${code}: ${expected}; ${found}`),
    },
    reader,
    statements,
    { unitBytesMax },
  );
  return { stream, units, passed, broken };
}

function message(tag: string, ...parts: (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const header = Buffer.alloc(5);
  header.write(tag, 'latin1');
  header.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}
const query = (sql: string): Buffer => message('Q', sql, '\0');
const parse = (name: string, sql: string): Buffer => message('P', name, '\0', sql, '\0\0\0');
const bind = (name: string): Buffer => message('B', '\0', name, '\0', Buffer.alloc(6));
const execute = message('E', '\0', Buffer.alloc(4));
const sync = message('S');
const flush = message('H');
const copyData = (bytes: number): Buffer => message('d', Buffer.alloc(bytes, 0x78));

describe('cutting the client stream into units', () => {
  it('takes each Query as a unit and everything up to Sync as one', () => {
    const { stream, units } = harness();
    const bytes = Buffer.concat([
      query('select 1'),
      parse('', 'select 2'),
      bind(''),
      execute,
      sync,
      query('select 3'),
    ]);
    stream.feed(bytes, bytes.length);
    expect(units.map(({ kind, acts }) => [kind, acts])).toEqual([
      ['simple', ['select 1']],
      ['extended', ['select 2']],
      ['simple', ['select 3']],
    ]);
  });

  it('judges nothing of a unit that only prepares', () => {
    const { stream, units } = harness();
    const bytes = Buffer.concat([parse('p', 'delete from t'), flush]);
    stream.feed(bytes, bytes.length);
    expect(units).toMatchObject([{ kind: 'extended', acts: [] }]);
  });

  it('binds an unnamed statement that a skipped Parse may not have replaced by the worst of both', () => {
    const { stream, units } = harness();
    const bytes = Buffer.concat([
      Buffer.concat([parse('', 'delete from t'), sync]),
      Buffer.concat([bind('missing'), parse('', 'select 1'), sync]), // upstream skips this Parse
      Buffer.concat([bind(''), execute, sync]),
    ]);
    stream.feed(bytes, bytes.length);
    expect(units.at(-1)?.acts).toEqual(['unknown']); // joined from both: neither alone
  });

  it('drops everything up to Sync after a denial, and COPY data of any size with it', () => {
    const { stream, units, passed } = harness();
    stream.skipToSync();
    const dropped = Buffer.concat([bind(''), execute, query('delete from t'), copyData(5_000)]);
    stream.feed(dropped, dropped.length - 1_000);
    const rest = Buffer.concat([dropped.subarray(dropped.length - 1_000), sync, query('select 1')]);
    stream.feed(rest, rest.length);
    expect(units.map(({ acts }) => acts)).toEqual([['select 1']]);
    expect(Buffer.concat(passed)).toEqual(sync);
  });

  it('gives the same units however the bytes are cut', async () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 40 }).map((text) => query(`q ${text.replaceAll('\0', '')}`)),
      fc.string({ maxLength: 20 }).map((text) => query(`slow ${text.replaceAll('\0', '')}`)),
      fc.constantFrom('a', 'b', '').map((name) => Buffer.concat([parse(name, `p ${name}`), sync])),
      fc.constantFrom('a', 'b', '').map((name) => Buffer.concat([bind(name), execute, sync])),
      fc
        .constantFrom('a', '')
        .map((n) => Buffer.concat([parse(n, `x ${n}`), bind(n), flush, sync])),
      fc.nat(3_000).map((bytes) => copyData(bytes)),
      fc.constant(sync),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 40 }),
        async (pieces, cuts) => {
          const bytes = Buffer.concat(pieces);
          const whole = harness();
          whole.stream.feed(bytes, bytes.length);
          const cut = harness();
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = Math.min(cuts[i % cuts.length] ?? 1, bytes.length - at);
            const reused = Buffer.from(bytes.subarray(at, at + size));
            cut.stream.feed(reused, size);
            reused.fill(0xff); // the read buffer is used again at once
            at += size;
          }
          await new Promise((done) => setImmediate(done));
          await new Promise((done) => setImmediate(done));
          expect(cut.units).toEqual(whole.units);
          expect(Buffer.concat(cut.passed)).toEqual(Buffer.concat(whole.passed));
          expect(cut.broken).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ['an unknown tag', Buffer.from([0x07, 0, 0, 0, 4]), 'HF_PROTOCOL'],
    ['a length below four', Buffer.from([0x51, 0, 0, 0, 3]), 'HF_PROTOCOL'],
    ['a negative length', Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff]), 'HF_PROTOCOL'],
    ['two gigabytes declared', Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xff]), 'HF_LIMIT'],
    ['a Query without its zero byte', message('Q', 'select 1'), 'HF_PROTOCOL'],
    ['a Parse whose strings do not end', message('P', 'name'), 'HF_PROTOCOL'],
    ['a Bind whose strings do not end', message('B', 'portal'), 'HF_PROTOCOL'],
    [
      'a Query inside an extended query',
      Buffer.concat([bind('p'), query('select 1')]),
      'HF_PROTOCOL',
    ],
  ])('ends the session on %s', (_story, bytes, code) => {
    const { stream, units, broken } = harness();
    const all = Buffer.concat([bytes, query('delete from t')]);
    stream.feed(all, all.length);
    expect(broken).toHaveLength(1);
    expect(broken[0]).toContain(code);
    expect(units).toEqual([]);
  });

  it('bounds a unit as a whole, not only each message', () => {
    const { stream, broken } = harness(10_000);
    const bytes = Buffer.concat(Array.from({ length: 20 }, () => parse('p', 'x'.repeat(1_000))));
    stream.feed(bytes, bytes.length);
    expect(broken[0]).toContain('HF_LIMIT');
  });
});
