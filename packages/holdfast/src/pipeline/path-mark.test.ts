import { describe, expect, it } from 'vitest';
import { markWith } from '../model/session-settings.ts';
import { pathIn, pathMark } from './path-mark.ts';

describe('what names without a schema hang on', () => {
  it('is another under another order, another set, and one that nobody can tell', () => {
    const marks = [
      { schemas: ['a', 'b'], said: ['a', 'b'] },
      { schemas: ['a', 'b'], said: ['b', 'a'] },
      { schemas: ['a', 'b'], said: ['a'] },
      { schemas: ['a', 'b'], said: null },
      { schemas: ['a'], said: ['a', 'b'] },
      { schemas: ['ab'], said: ['ab'] },
      { schemas: [], said: null },
    ].map((path) => pathMark(path).toString('hex'));
    expect(new Set(marks).size).toBe(marks.length);
  });

  it('says in which order a deferred statement looks its names up', () => {
    const schemas = ['a', 'b'];
    const orderOf = (said: readonly string[] | null, set?: string): readonly string[] | null =>
      pathIn(
        markWith(
          pathMark({ schemas, said }),
          set === undefined ? [] : [{ name: 'search_path', value: set, once: '' }],
        ),
        schemas,
      );
    expect(orderOf(['a', 'b'])).toEqual(['a', 'b']);
    expect(orderOf(['a', 'b'], '"a",\tB')).toEqual(['a', 'b']);
    expect(orderOf(['b', 'a'], 'b, a')).toEqual(['b', 'a']);
    expect(orderOf(null)).toEqual(['a', 'b']);
    // Said and taken back, or said as none.
    expect(orderOf(['b', 'a'])).toBeNull();
    expect(orderOf(['b', 'a'], 'a, b')).toBeNull();
    expect(orderOf(['a', 'b'], '""')).toBeNull();
    expect(orderOf(['a', 'b'], 'a b')).toBeNull();
    expect(pathIn(pathMark({ schemas, said: null }), ['a'])).toBeNull();
    expect(pathIn(Buffer.from('\0session_1\x001'), [])).toBeNull();
    expect(pathIn(Buffer.from('a\0b\0\0c\0\0d'), schemas)).toBeNull();
  });
});
