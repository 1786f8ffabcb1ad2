/**
 * The permanent corpus: ways round the reader, each closed for good, and ordinary work, which the
 * reader must not take for more than it is. Nothing ever leaves either list.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSqlReader } from '../../src/languages/sql/reader.ts';
import type { SessionAct, SqlReader, SqlReading } from '../../src/languages/sql/sql-reading.ts';
import { type Effect, isHarmless, type ObjectRef } from '../../src/model/effect.ts';
import { KNOWN } from './evasion-known.ts';
import { OWN } from './evasion-own.ts';
import { QUIET } from './quiet.ts';

let reader: SqlReader;
beforeAll(async () => {
  reader = await createSqlReader();
});
afterAll(() => reader.close());

async function read(sql: string | Uint8Array): Promise<SqlReading> {
  const bytes = Buffer.from(sql);
  const reading = await reader.read(bytes, 0, bytes.length);
  // What was read twice must have been found the same, from whichever cache.
  expect(await reader.read(bytes, 0, bytes.length)).toEqual(reading);
  return reading;
}

function prepared(reading: SqlReading): SqlReading[] {
  return reading.session.flatMap((act) => (act.kind === 'prepare' ? [act.reading] : []));
}

function effectsOf(reading: SqlReading): Effect[] {
  return [reading, ...prepared(reading)].flatMap((each) => each.effects);
}

function nameOf(object: ObjectRef): string {
  return object.schema === null ? object.name : `${object.schema}.${object.name}`;
}

/** Whatever the row expects: such a text is never passed as one that does nothing. */
function isQuiet(reading: SqlReading): boolean {
  return isHarmless(reading) && reading.session.length === 0;
}

describe('ways round', () => {
  it('are as many as ever, and told apart', () => {
    const names = [...KNOWN, ...OWN].map((row) => row.name);
    expect(names.length).toBeGreaterThanOrEqual(250);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each([...KNOWN, ...OWN])('$name: $story', async ({ sql, expected }) => {
    const reading = await read(sql);
    expect(isQuiet(reading)).toBe(false);
    const effects = effectsOf(reading);
    for (const kind of expected.kinds ?? []) {
      expect(effects.map((effect) => effect.kind)).toContain(kind);
    }
    if (expected.object !== undefined) {
      const wanted = effects.filter(
        ({ kind, object }) =>
          kind !== 'read' &&
          object !== null &&
          nameOf(object) === expected.object &&
          (expected.kinds ?? [kind]).includes(kind),
      );
      expect(wanted, JSON.stringify(effects)).not.toEqual([]);
    }
    if (expected.reads !== undefined) {
      const read = effects.filter(({ kind }) => kind === 'read');
      expect(read.flatMap(({ object }) => object ?? []).map(nameOf)).toContain(expected.reads);
    }
    expect(reading.kind === 'could-not-tell' ? reading.reason.code : undefined).toBe(
      expected.unknown,
    );
    const acts = (kind: SessionAct['kind']): unknown[] =>
      reading.session
        .filter((act) => act.kind === kind)
        .map((act) =>
          act.kind === 'set' ? act.parameter : act.kind === 'execute' ? act.name : '',
        );
    if (expected.set !== undefined) expect(acts('set')).toContain(expected.set);
    if (expected.executes !== undefined) expect(acts('execute')).toContain(expected.executes);
  });
});

describe('ordinary work', () => {
  it('is as much as ever', () => {
    expect(QUIET.length).toBeGreaterThanOrEqual(80);
  });

  it.each(QUIET)('$from: $name', async ({ sql, is }) => {
    const reading = await read(sql);
    expect(reading.kind === 'understood' ? null : reading.reason).toBeNull();
    const effects = effectsOf(reading);
    const allowed = is === 'write' ? ['read', 'write'] : is === 'read' ? ['read'] : [];
    expect(effects.filter((effect) => !allowed.includes(effect.kind))).toEqual([]);
    if (is === 'write') expect(effects.some((effect) => effect.kind === 'write')).toBe(true);
  });
});
