/** No address of the API hides another: a target may be called what it likes. */
import { expect, it } from 'vitest';
import { ROUTES } from './index.ts';

/** Ids of ours (`hold_…`) and numbers never are a word of a path. */
const OURS: readonly string[] = [':id', ':index'];

/** A word of `fixed` stands where `open` has a name that somebody else gave. */
function hides(fixed: string, open: string): boolean {
  const [words, parts] = [fixed.split('/'), open.split('/')];
  if (words.length !== parts.length) return false;
  let isBesideName = false;
  for (const [at, part] of parts.entries()) {
    const word = words[at] ?? '';
    if (part === word) continue;
    if (!part.startsWith(':') && !word.startsWith(':')) return false;
    if (OURS.includes(part) || word.startsWith(':')) return false;
    isBesideName = true;
  }
  return isBesideName;
}

it('finds a word beside a name, and nothing else', () => {
  expect(hides('/v1/recovery/rebuilds', '/v1/recovery/:target')).toBe(true);
  expect(hides('/v1/recovery/rebuilds/:id', '/v1/recovery/:target/:id')).toBe(true);
  expect(hides('/v1/recovery/:target', '/v1/recovery/:target')).toBe(false);
  expect(hides('/v1/holds/open', '/v1/holds/:id')).toBe(false);
  expect(hides('/v1/rebuilds', '/v1/recovery')).toBe(false);
});

it('has no word beside a name', () => {
  const routes = Object.values(ROUTES);
  const hidden = routes.flatMap((fixed) =>
    routes
      .filter((open) => open.method === fixed.method && hides(fixed.path, open.path))
      .map((open) => `${open.method} ${fixed.path} hides ${open.path}`),
  );
  expect(hidden).toEqual([]);
});
