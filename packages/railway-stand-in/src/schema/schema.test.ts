/**
 * What the stand-in speaks against Railway's own description of its API. That is not part of this
 * project; where it is not at hand the comparison is skipped, and the skip is counted.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isObject } from '../graphql/json.ts';
import { type Field, type InputValue, type NamedType, shown } from '../graphql/schema.ts';
import { RAILWAY } from './index.ts';

const SCHEMA = resolve(import.meta.dirname, '../../../../../shared/data/railway-schema.json');

/** `name: Type = default`, and for a field `name(arguments): Type`, in a row that reads like SDL. */
type Rows = ReadonlyMap<string, readonly string[]>;

function ours(): Rows {
  const input = ({ name, type, preset }: InputValue): string =>
    `${name}: ${shown(type)}${preset === undefined ? '' : ` = ${JSON.stringify(preset)}`}`;
  const field = ({ name, args, type }: Field): string =>
    `${name}(${[...args.values()].map(input).sort().join(', ')}): ${shown(type)}`;
  const rows = (type: NamedType): readonly string[] => {
    switch (type.kind) {
      case 'scalar':
        return [];
      case 'enum':
        return [...type.values].sort();
      case 'input':
        return [...type.fields.values()].map(input).sort();
      case 'object':
        return [...type.fields.values()].map(field).sort();
    }
  };
  return new Map([...RAILWAY].map(([name, type]) => [`${type.kind} ${name}`, rows(type)]));
}

const KINDS: Readonly<Record<string, string>> = {
  SCALAR: 'scalar',
  ENUM: 'enum',
  INPUT_OBJECT: 'input',
  OBJECT: 'object',
};

function theirs(): Rows {
  const file: unknown = JSON.parse(readFileSync(SCHEMA, 'utf8'));
  const types = at(file, 'data', '__schema', 'types');
  return new Map(
    list(types).map((type) => {
      const enums = list(at(type, 'enumValues')).map((one) => text(one, 'name'));
      const inputs = list(at(type, 'inputFields')).map(inputRow);
      const fields = list(at(type, 'fields')).map((field) => {
        const args = list(at(field, 'args')).map(inputRow).sort();
        return `${text(field, 'name')}(${args.join(', ')}): ${typeRow(at(field, 'type'))}`;
      });
      const kind = KINDS[text(type, 'kind')] ?? 'other';
      return [`${kind} ${text(type, 'name')}`, [...enums, ...inputs, ...fields].sort()];
    }),
  );
}

function inputRow(value: unknown): string {
  const preset = at(value, 'defaultValue');
  const tail = typeof preset === 'string' ? ` = ${preset}` : '';
  return `${text(value, 'name')}: ${typeRow(at(value, 'type'))}${tail}`;
}

function typeRow(type: unknown): string {
  const kind = text(type, 'kind');
  if (kind === 'NON_NULL') return `${typeRow(at(type, 'ofType'))}!`;
  return kind === 'LIST' ? `[${typeRow(at(type, 'ofType'))}]` : text(type, 'name');
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce((here, name) => (isObject(here) ? here[name] : undefined), value);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown, name: string): string {
  return String(at(value, name));
}

describe("the part of Railway's API that the stand-in speaks", () => {
  it('is all mutations and their whole input, and every type is there', () => {
    expect(ours().get('object Mutation')).toHaveLength(230);
    const named = [...RAILWAY.values()].flatMap((type) => {
      if (type.kind === 'input') return [...type.fields.values()];
      if (type.kind !== 'object') return [];
      return [...type.fields.values()].flatMap((one) => [one, ...one.args.values()]);
    });
    const lost = named.filter(({ type }) => !RAILWAY.has(shown(type).replaceAll(/[[\]!]/g, '')));
    expect(lost.map(({ name, type }) => `${name}: ${shown(type)}`)).toEqual([]);
  });

  it('says nothing that Railway does not say', (ctx) => {
    if (!existsSync(SCHEMA)) ctx.skip("Railway's schema is not at hand");
    const real = theirs();
    const wrong = [...ours()].flatMap(([name, rows]) => {
      const known = real.get(name);
      if (known === undefined) return [name];
      return rows.filter((row) => !known.includes(row)).map((row) => `${name}: ${row}`);
    });
    expect(wrong, 'Not so at Railway').toEqual([]);
  });

  it('leaves out no mutation, no argument, no input field and no enum value', (ctx) => {
    if (!existsSync(SCHEMA)) ctx.skip("Railway's schema is not at hand");
    const real = theirs();
    const missing = [...ours()]
      .filter(([name]) => name === 'object Mutation' || !name.startsWith('object '))
      .flatMap(([name, rows]) =>
        (real.get(name) ?? []).filter((row) => !rows.includes(row)).map((row) => `${name}: ${row}`),
      );
    expect(missing, 'New at Railway').toEqual([]);
  });
});
