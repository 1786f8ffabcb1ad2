import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../model/errors.ts';
import { checkName } from './names.ts';

describe('a name', () => {
  it.each([['cursor-backend'], ['ana'], ['a1-b2-c3'], ['x'.repeat(63)]])('may be %s', (name) => {
    expect(() => checkName('agent', name)).not.toThrow();
  });

  it.each([
    ['empty', ''],
    ['longer than PostgreSQL keeps of a user name', 'x'.repeat(64)],
    ['with capitals', 'Cursor'],
    ['beginning with a digit', '1st'],
    ['beginning with a hyphen', '-a'],
    ['ending with one', 'a-'],
    ['with two in a row', 'a--b'],
    ['with a blank', 'a b'],
    ['with a line feed after it', 'ana\n'],
    ['with a look-alike letter', 'аna'],
    ['with an underscore', 'a_b'],
  ])('may not be %s', (_, name) => {
    expect(() => checkName('person', name)).toThrow(HoldfastError);
  });
});
