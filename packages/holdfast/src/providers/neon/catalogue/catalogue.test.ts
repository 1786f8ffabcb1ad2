/**
 * The catalogue against Neon's own description of its API. It is not part of this project; where it is
 * not at hand the comparison is skipped, and the skip is counted.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { OperationClass } from '../../catalogue.ts';
import { OPERATIONS } from './operations.ts';

const DESCRIPTION = resolve(
  import.meta.dirname,
  '../../../../../../../shared/data/neon-openapi.json',
);
const METHODS = ['get', 'put', 'post', 'delete', 'patch'];
const described = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });

function theirs(): readonly string[] {
  const { paths } = described.parse(JSON.parse(readFileSync(DESCRIPTION, 'utf8')));
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => METHODS.includes(method))
      .map((method) => `${method.toUpperCase()} ${path}`),
  );
}

describe('the catalogue of Neon', () => {
  it('has each operation once', () => {
    const counts = new Map<OperationClass, number>();
    for (const one of OPERATIONS.values()) counts.set(one.class, (counts.get(one.class) ?? 0) + 1);
    expect(Object.fromEntries(counts)).toEqual({
      destroys: 12,
      interrupts: 10,
      grants: 32,
      ordinary: 9,
      reads: 40,
    });
  });

  it('names resources by what stands in the path or in the body', () => {
    const wrong = [...OPERATIONS].filter(
      ([key, { names }]) =>
        names !== null && !names.startsWith('body.') && !key.includes(`{${names}}`),
    );
    expect(wrong.map(([key, { names }]) => `${key}: ${names}`)).toEqual([]);
  });

  it('lets nothing but GET only read', () => {
    const wrong = [...OPERATIONS].filter(
      ([key, one]) => one.class === 'reads' && !key.startsWith('GET '),
    );
    expect(wrong.map(([key]) => key)).toEqual([]);
  });

  it('knows what Neon knows, and nothing else', (ctx) => {
    if (!existsSync(DESCRIPTION)) ctx.skip("Neon's description is not at hand");
    const known = theirs();
    expect(known.length).toBeGreaterThan(90);
    const isNew = known.filter((key) => !OPERATIONS.has(key));
    expect(isNew, `New at Neon, and held until they have a row: ${isNew.join(', ')}.`).toEqual([]);
    const gone = [...OPERATIONS.keys()].filter((key) => !known.includes(key));
    expect(gone, `No longer at Neon: ${gone.join(', ')}.`).toEqual([]);
  });
});
