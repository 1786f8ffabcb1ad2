import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { viewOfCopy } from './standing-copy.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-standing-'));
const settings = join(root, 'root', 'data', 'postgresql.auto.conf');
mkdirSync(join(root, 'root', 'data'), { recursive: true });
afterAll(() => rmSync(root, { recursive: true, force: true }));

const OURS = '# Restored by Holdfast from p1, up to 0/2';
const AS_OF = '2026-11-28T12:00:00.000Z';

it.each([
  ['of a vault as it was', `${OURS}, of the vault as of ${AS_OF}.\narchive_mode = off\n`, AS_OF],
  ['of a vault as it is', `${OURS}.\narchive_mode = off\n`, null],
  [
    'of a cluster that was such a copy itself',
    `${OURS}, of the vault as of ${AS_OF}.\nwork_mem = '8MB'\n${OURS}.\n`,
    null,
  ],
  ['with a view that is no time', `${OURS}, of the vault as of <b>now</b>.\n`, null],
  ['of nobody’s', `archive_mode = off\n# of the vault as of ${AS_OF}.\n`, null],
])('says as of when its vault was read: a copy %s', (_, text, view) => {
  writeFileSync(settings, text);
  expect(viewOfCopy(root)).toBe(view);
});

it('says nothing where no copy is', () => {
  expect(viewOfCopy(join(root, 'nowhere'))).toBeNull();
});
