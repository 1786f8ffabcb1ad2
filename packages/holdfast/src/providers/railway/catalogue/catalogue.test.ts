/**
 * The catalogue against Railway's own description of its API. It is not part of this project; where it
 * is not at hand the comparison is skipped, and the skip is counted.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { MUTATIONS } from './index.ts';
import { CLASSES } from './operation.ts';

const SCHEMA = resolve(import.meta.dirname, '../../../../../../../shared/data/railway-schema.json');

interface Type {
  readonly kind: string;
  readonly name: string | null;
  readonly ofType?: Type | null | undefined;
}
const type: z.ZodType<Type> = z.lazy(() =>
  z.object({ kind: z.string(), name: z.string().nullable(), ofType: type.nullish() }),
);
const value = z.object({ name: z.string(), type });
const definition = z.object({
  name: z.string(),
  fields: z.array(z.object({ name: z.string(), args: z.array(value) })).nullable(),
  inputFields: z.array(value).nullable(),
});
const introspection = z.object({
  data: z.object({ __schema: z.object({ types: z.array(definition) }) }),
});

function schema(): ReadonlyMap<string, z.infer<typeof definition>> {
  const { data } = introspection.parse(JSON.parse(readFileSync(SCHEMA, 'utf8')));
  return new Map(data.__schema.types.map((one) => [one.name, one]));
}

function innermost(of: Type): string {
  return of.ofType ? innermost(of.ofType) : (of.name ?? '');
}

describe('the catalogue of Railway', () => {
  it('has each operation once', () => {
    const counts = CLASSES.map(
      (name) => [...MUTATIONS.values()].filter((one) => one.class === name).length,
    );
    expect(Object.fromEntries(CLASSES.map((name, place) => [name, counts[place]]))).toEqual({
      destroys: 24,
      opaque: 4,
      interrupts: 60,
      grants: 56,
      runs: 14,
      ordinary: 72,
    });
  });

  it('knows what Railway knows, and nothing else', (ctx) => {
    if (!existsSync(SCHEMA)) ctx.skip("Railway's schema is not at hand");
    const theirs =
      schema()
        .get('Mutation')
        ?.fields?.map(({ name }) => name) ?? [];
    expect(theirs.length).toBeGreaterThan(200);
    const isNew = theirs.filter((name) => !MUTATIONS.has(name));
    expect(isNew, `New at Railway, and held until they have a row: ${isNew.join(', ')}.`).toEqual(
      [],
    );
    const gone = [...MUTATIONS.keys()].filter((name) => !theirs.includes(name));
    expect(gone, `No longer at Railway: ${gone.join(', ')}.`).toEqual([]);
  });

  it('names resources by arguments that are there', (ctx) => {
    if (!existsSync(SCHEMA)) ctx.skip("Railway's schema is not at hand");
    const types = schema();
    const args = new Map(types.get('Mutation')?.fields?.map((one) => [one.name, one.args]));
    const wrong = [...MUTATIONS].filter(([name, { names }]) => {
      if (names === null) return false;
      const [first, second] = names.split('.');
      const found = args.get(name)?.find((one) => one.name === first);
      if (found === undefined || second === undefined) return found === undefined;
      const inside = types.get(innermost(found.type))?.inputFields ?? [];
      return !inside.some((one) => one.name === second);
    });
    expect(wrong.map(([name, { names }]) => `${name}: ${names}`)).toEqual([]);
  });
});
