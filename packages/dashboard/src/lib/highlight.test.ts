import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Language, languageOf, tokensOf } from './highlight.ts';

const LANGUAGES: readonly Language[] = ['sql', 'graphql', 'json', 'text'];

function kinds(text: string, language: Language): string[] {
  return tokensOf(text, language)
    .filter(({ kind }) => kind !== 'plain')
    .map(({ kind, text: piece }) => `${kind}:${piece}`);
}

describe('highlighting', () => {
  it('is the text again, whatever it holds and in whatever language it is read', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...`'"$-/*#{}:\\ aE1\n`) })),
        fc.constantFrom(...LANGUAGES),
        (text, language) => {
          expect(
            tokensOf(text, language)
              .map((token) => token.text)
              .join(''),
          ).toBe(text);
        },
      ),
    );
  });

  it('marks what destroys, and not what only looks like it in a string or a comment', () => {
    expect(kinds(`DELETE FROM t WHERE a = 'drop' -- drop`, 'sql')).toEqual([
      'danger:DELETE',
      'keyword:FROM',
      'keyword:WHERE',
      `string:'drop'`,
      'comment:-- drop',
    ]);
  });

  it('takes dollar quotes as one string, and a quoted name as a name', () => {
    expect(kinds('$x$ drop $$ table $x$ "drop"', 'sql')).toEqual([
      'string:$x$ drop $$ table $x$',
      'name:"drop"',
    ]);
  });

  it('marks an operation of a provider by its name', () => {
    expect(kinds('mutation { volumeDelete(id: "x") }', 'graphql')).toEqual([
      'keyword:mutation',
      'danger:volumeDelete',
      'string:"x"',
    ]);
  });

  it('tells keys of JSON from values', () => {
    expect(kinds('{"a": "b", "c": null, "d": -1.5}', 'json')).toEqual([
      'name:"a"',
      'string:"b"',
      'name:"c"',
      'keyword:null',
      'name:"d"',
      'number:-1.5',
    ]);
  });

  it.each<[string, string, Language]>([
    ['a mutation', 'mutation X($a: ID!) { b }', 'graphql'],
    ['a query without a word', '{ me { id } }', 'graphql'],
    ['an object', '{"query": 1}', 'json'],
    ['a list', '[{"a": 1}]', 'json'],
    ['a request', 'DELETE /v1/volumes/1', 'text'],
    ['a statement', 'DELETE FROM volumes', 'sql'],
    ['nothing', '', 'sql'],
  ])('takes %s for what it is', (_story, text, language) => {
    expect(languageOf(text)).toBe(language);
  });

  it.each([
    ['quotes that never end', `'`.repeat(50_000)],
    ['comments that never end', '/*'.repeat(50_000)],
    ['dollars', '$a'.repeat(50_000)],
    ['backslashes in a string', `"${'\\'.repeat(50_001)}`],
    ['blanks before a colon that does not come', `"a"${' '.repeat(50_000)}`],
  ])('ends on %s', (_story, text) => {
    for (const language of LANGUAGES) {
      expect(
        tokensOf(text, language)
          .map((token) => token.text)
          .join(''),
      ).toBe(text);
    }
  });
});
