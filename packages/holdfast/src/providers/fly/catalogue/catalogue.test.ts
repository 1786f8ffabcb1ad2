/**
 * The catalogue against Fly's own schema. It is not part of this project; where it is not at hand the
 * comparison is skipped, and the skip is counted.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  buildSchema,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isObjectType,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { isSecretField } from '../secrets.ts';
import { MUTATIONS } from './operations.ts';

const SCHEMA = resolve(import.meta.dirname, '../../../../../../../shared/data/fly-schema.graphql');

function schema(): GraphQLSchema {
  return buildSchema(readFileSync(SCHEMA, 'utf8'), { assumeValid: true });
}

describe('the catalogue of Fly', () => {
  it('has each operation once', () => {
    expect(MUTATIONS.size).toBe(141);
  });

  it('knows what Fly knows, and nothing else', (ctx) => {
    if (!existsSync(SCHEMA)) ctx.skip("Fly's schema is not at hand");
    const theirs = Object.keys(schema().getMutationType()?.getFields() ?? {});
    expect(theirs.length).toBeGreaterThan(120);
    const isNew = theirs.filter((name) => !MUTATIONS.has(name));
    expect(isNew, `New at Fly, and held until they have a row: ${isNew.join(', ')}.`).toEqual([]);
    const gone = [...MUTATIONS.keys()].filter((name) => !theirs.includes(name));
    expect(gone, `No longer at Fly: ${gone.join(', ')}.`).toEqual([]);
  });

  it('names resources by arguments that are there', (ctx) => {
    if (!existsSync(SCHEMA)) ctx.skip("Fly's schema is not at hand");
    const fields = schema().getMutationType()?.getFields() ?? {};
    const wrong = [...MUTATIONS].filter(([name, { names }]) => {
      if (names === null) return false;
      const [first, second] = names.split('.');
      const found = fields[name]?.args.find((one) => one.name === first);
      if (found === undefined || second === undefined) return found === undefined;
      const type = getNamedType(found.type);
      return !isInputObjectType(type) || type.getFields()[second] === undefined;
    });
    expect(wrong.map(([name, { names }]) => `${name}: ${names}`)).toEqual([]);
  });

  it('takes every field that is called like a secret for one', (ctx) => {
    if (!existsSync(SCHEMA)) ctx.skip("Fly's schema is not at hand");
    const missed = new Set<string>();
    for (const type of Object.values(schema().getTypeMap())) {
      if (!isObjectType(type)) continue;
      for (const { name, type: of } of Object.values(type.getFields())) {
        const isText = getNamedType(of).name === 'String';
        if (isText && /token|secret|password|credential|connectionString/i.test(name)) {
          if (!isSecretField(name)) missed.add(`${type.name}.${name}`);
        }
      }
    }
    expect([...missed]).toEqual([]);
  });
});
