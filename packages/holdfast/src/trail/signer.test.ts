import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../model/clock.ts';
import { defaultOrigin, signerFromFile } from './signer.ts';
import { checkSignature, parseCheckpoint, parseVerifierKey } from './verify/note.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-key-'));
});
afterAll(() => rm(folder, { recursive: true }));

const ORIGIN = defaultOrigin('06f3k9w2m4t8xq1c');

describe('the signing key', () => {
  it('is made once, for its owner only, and is the same the next time', async () => {
    const file = join(folder, 'new', 'trail.key');
    const made = await signerFromFile(file, ORIGIN, systemClock);
    const { mode } = await stat(file);
    expect(mode & 0o777).toBe(0o600);
    const again = await signerFromFile(file, ORIGIN, systemClock);
    expect(again.verifierKey.text).toBe(made.verifierKey.text);
    const note = again.sign({ size: 0n, root: Buffer.alloc(32) });
    const key = parseVerifierKey(made.verifierKey.text);
    expect(checkSignature(parseCheckpoint(note), key)).toBe('valid');
  });

  it('is refused when the file was changed, and never made anew over it', async () => {
    const file = join(folder, 'changed.key');
    await signerFromFile(file, ORIGIN, systemClock);
    const text = await readFile(file, 'utf8');
    const rows = ['', 'nonsense', text.replace(/\+[0-9a-f]{8}\+/, '+00000000+'), text.slice(0, -8)];
    for (const changed of rows) {
      await writeFile(file, changed);
      const opening = signerFromFile(file, ORIGIN, systemClock);
      await expect(opening, changed).rejects.toMatchObject({ code: 'HF_CONFIG_INVALID' });
      expect(await readFile(file, 'utf8')).toBe(changed);
    }
  });

  it('needs a name that a note can carry', async () => {
    const opening = signerFromFile(join(folder, 'bad.key'), 'two words', systemClock);
    await expect(opening).rejects.toMatchObject({ code: 'HF_CONFIG_INVALID' });
  });
});
