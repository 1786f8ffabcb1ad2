/** What people and those who run it later read out of a mark. */
import { describe, expect, it } from 'vitest';
import {
  isPathAsSaid,
  markWith,
  pathNames,
  type SessionSetting,
  sessionMarkIn,
  settingsText,
} from './session-settings.ts';

const set = (name: string, value: string | null = '1'): SessionSetting => ({
  name,
  value,
  once: value === null ? 'session_1/1' : '',
});

describe('settings on a card', () => {
  it("begin with those that say as whom, and with names of somebody's own", () => {
    const all = ['array_nulls', 'datestyle', 'z.tenant', 'session_authorization', '*', 'role'];
    expect(settingsText(all.map((name) => set(name)))).toBe(
      "any other = '1', session_authorization = '1', role = '1', z.tenant = '1', array_nulls = '1', datestyle = '1'",
    );
  });

  it('cannot be pushed off it by others, and of the rest there is a hash', () => {
    const others = Array.from({ length: 25 }, (_of, at) => set(`xml_${at}`));
    const text = settingsText([...others, set('z.tenant', '43')]);
    expect(text).toMatch(/^z\.tenant = '43', xml_0 = .*, and 6 more \(SHA-256 [0-9a-f]{16}\)$/);
    const changed = [...others.slice(0, -1), set('xml_24', '2'), set('z.tenant', '43')];
    expect(settingsText(changed)).not.toBe(text);
  });

  it('that are longer than they are shown are told apart', () => {
    const long = 'x'.repeat(80);
    const [one, other] = ['a', 'b'].map((end) => settingsText([set('app.tenant', long + end)]));
    expect(one).toMatch(/^app\.tenant = 'x{60}\.\.\. \(SHA-256 [0-9a-f]{16}\)'$/);
    expect(other).not.toBe(one);
  });
});

describe('a value of search_path', () => {
  it.each<[string, readonly string[] | null]>([
    ['', []],
    [' \t', []],
    ['""', []],
    ['public', ['public']],
    ['"$user", Public ,"A,""b"', ['$user', 'public', 'A,"b']],
    ['a\u00a0', ['a\u00a0']],
    ['a,', null],
    ['a b', null],
    ['"a', null],
    [',a', null],
  ])('%j is what the server makes of it', (value, expected) => {
    expect(pathNames(value)).toEqual(expected);
  });
});

it('knows whether the path that was said last is in force', () => {
  const path = Buffer.from('a\0b\0\0b');
  const isAsSaid = (...settings: readonly SessionSetting[]) =>
    isPathAsSaid(sessionMarkIn(markWith(path, settings)));
  expect(isAsSaid(set('search_path', 'b'))).toBe(true);
  expect(isAsSaid(set('search_path', 'b'), set('app.tenant'))).toBe(true);
  expect(isAsSaid(set('app.tenant'))).toBe(false);
  expect(isAsSaid(set('search_path', 'a, b'))).toBe(false);
  expect(isAsSaid(set('search_path', null))).toBe(false);
  expect(isAsSaid()).toBe(false);
});
