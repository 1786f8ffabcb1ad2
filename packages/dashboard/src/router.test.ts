/** No page hides another: a target may be called what it likes, `rebuilds` too. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const TEXT = readFileSync(new URL('./router.tsx', import.meta.url), 'utf8');
/** Ids of ours never are a word of an address. */
const OURS: readonly string[] = ['$id'];

it('has no word beside a name that somebody else gave', () => {
  const paths = [...TEXT.matchAll(/^ {2}path: '([^']+)'/gm)].map(([, path = '']) =>
    path.split('/'),
  );
  expect(paths.length).toBeGreaterThan(15);
  const named = paths.filter((parts) =>
    parts.some((one) => one.startsWith('$') && !OURS.includes(one)),
  );
  expect(named.map((parts) => parts.join('/'))).toEqual(['/recovery/$target']);
  const hidden = named.flatMap((open) =>
    paths.filter(
      (fixed) =>
        fixed !== open &&
        fixed.length === open.length &&
        open.every((part, at) => part.startsWith('$') || part === fixed[at]),
    ),
  );
  expect(hidden.map((parts) => parts.join('/'))).toEqual([]);
});
