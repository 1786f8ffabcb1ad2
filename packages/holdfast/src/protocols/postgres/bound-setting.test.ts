/** What a Bind makes of `set_config('app.tenant', $1, true)`: the value where it is the bytes that were sent. */
import { expect, it } from 'vitest';
import { withBound } from './bound-setting.ts';
import { changeOf, type SettingChange } from './setting-changes.ts';
import type { Prepared } from './statements.ts';

const CALL = "select set_config('app.tenant', $1, true)";
const QUALIFIED = "select pg_catalog.set_config('app.tenant', $1, true)";

function int(value: number, bytes: 2 | 4): Buffer {
  const made = Buffer.alloc(bytes);
  made.writeUIntBE(value, 0, bytes);
  return made;
}

function bound(
  text: string,
  types: readonly number[],
  format: 0 | 1,
  value = '42 ',
): SettingChange {
  const exact = Buffer.concat([
    ...[Buffer.from(text), Buffer.from([0]), int(types.length, 2)],
    ...types.map((type) => int(type, 4)),
  ]);
  const reading: Prepared['reading'] = {
    ...{ kind: 'understood', effects: [], session: [], statements: 1 },
  };
  const bind = Buffer.concat([
    ...[int(1, 2), int(format, 2), int(1, 2), int(Buffer.byteLength(value), 4)],
    ...[Buffer.from(value), int(0, 2)],
  ]);
  const act = { kind: 'set', parameter: 'app.tenant', value: null, local: true } as const;
  const change = changeOf({ ...act, isCall: true, parameterAt: 1 }, Buffer.from(text));
  return withBound(change, bind, { reading, text: Buffer.from(text), exact });
}

it.each<[string, readonly number[], 0 | 1]>([
  ['no type', [], 0],
  ['no type, in binary', [], 1],
  ['a type to be inferred, in binary', [0], 1],
  ['text', [25], 0],
  ['text in binary', [25], 1],
])('is what was sent for %s', (_what, types, format) => {
  expect(bound(CALL, types, format)).toMatchObject({ isSure: true, value: '42 ' });
});

it.each<[string, number]>([
  ['char(n), which loses its blanks', 1042],
  ['name, which is cut', 19],
  ['integer, whose digits may be others', 23],
  ['a type that is not of the server', 16_500],
])('is not known for %s', (_what, type) => {
  for (const format of [0, 1] as const) {
    for (const text of [CALL, QUALIFIED]) {
      expect(bound(text, [type], format)).toMatchObject({ isSure: false, value: null });
    }
  }
});

it('is what was sent for varchar where no other function can be meant', () => {
  expect(bound(QUALIFIED, [1043], 0)).toMatchObject({ isSure: true, value: '42 ' });
  expect(bound(CALL, [1043], 0)).toMatchObject({ isSure: false, value: null });
});
