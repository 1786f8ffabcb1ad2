/** Somebody who can write into a local vault, while nobody else has it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeptHead } from '../../src/recovery/vaults/local/kept-head.ts';
import { LocalVault } from '../../src/recovery/vaults/local/local-vault.ts';
import { allOf, bytesOf } from '../../src/recovery/vaults/vault.suite.ts';

/** Over the newest point of a target, and over all the WAL there is. Resolves to that point's id. */
export async function poison(folder: string, target: string): Promise<string> {
  const own = mkdtempSync(join(tmpdir(), 'holdfast-poison-'));
  const vault = new LocalVault({
    ...{ name: 'here', folder, user: null, dataFolders: [] },
    keptHead: new KeptHead(join(own, 'head.json'), folder),
  });
  try {
    const objects = await allOf(vault.list(`${target}/`, null));
    const newest = objects.filter(({ key }) => key.endsWith('/point.json')).at(-1);
    const wal = objects.filter(({ key }) => key.includes('/wal/'));
    if (newest === undefined || wal.length === 0) throw new Error('no point, or no WAL');
    const kept = { retainUntil: new Date(Date.now() + 8 * 86_400_000) };
    for (const { key } of [newest, ...wal]) await vault.put(key, bytesOf('poison'), kept);
    return newest.key.split('/').at(-2) ?? '';
  } finally {
    await vault.close();
    rmSync(own, { recursive: true, force: true });
  }
}
