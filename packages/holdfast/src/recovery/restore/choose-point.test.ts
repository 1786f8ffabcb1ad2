import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { oneChunk } from '../object-bytes.ts';
import { newestPoint, pointKey, writePoint } from '../point-store.ts';
import type { RecoveryPoint } from '../recovery-point.ts';
import { FolderVault } from '../testing/folder-vault.ts';
import { choosePoint, type RestoreWish } from './choose-point.ts';

const KEPT = { retainUntil: new Date(0) };
const point = (id: string, minute: number): RecoveryPoint => ({
  format: 'holdfast/point/1',
  id,
  target: 'shop',
  engine: 'pull',
  server: { version: 180_000, systemIdentifier: '7', walSegmentBytes: 1 << 24, hasChecksums: true },
  wal: { timeline: 1, startLsn: `0/${minute}`, endLsn: `0/${minute}` },
  startedAt: new Date(Date.UTC(2026, 10, 28, 4, minute)).toISOString(),
  endedAt: new Date(Date.UTC(2026, 10, 28, 4, minute)).toISOString(),
  files: [],
  prior: null,
  recipients: [],
  previous: null,
});

describe('the point that a restore begins with, where somebody else can write into the vault', () => {
  let root: string;
  let vault: FolderVault;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-points-'));
    vault = new FolderVault(join(root, 'vault'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const chosen = async (wish: RestoreWish): Promise<string> =>
    (await choosePoint(vault, 'shop', wish)).point.id;
  const litter = (key: string, text: string): Promise<unknown> =>
    vault.put(key, oneChunk(Buffer.from(text)), KEPT);
  const keyOf = (id: string): string => pointKey({ target: 'shop', id }, '7');

  it('is a real one, whatever lies beside it', async () => {
    await writePoint(vault, point('p1', 1), KEPT);
    await litter(keyOf('zz'), 'not a point');
    await litter('shop/0/anything/point.json', '{}');
    await litter(keyOf('zy'), JSON.stringify({ ...point('zy', 2), endedAt: 'never' }));
    // One that says that it is another.
    await litter(keyOf('zx'), JSON.stringify(point('p9', 9)));
    expect(await chosen({ kind: 'newest' })).toBe('p1');
    expect(await chosen({ kind: 'point', id: 'p1' })).toBe('p1');
    expect(await chosen({ kind: 'lsn', lsn: '0/5' })).toBe('p1');
  });

  it('is refused as damaged when it was named itself, or when none reads', async () => {
    await litter(keyOf('zz'), 'not a point');
    await expect(chosen({ kind: 'newest' })).rejects.toThrow(/a recovery point at shop/);
    await writePoint(vault, point('p1', 1), KEPT);
    await expect(chosen({ kind: 'point', id: 'zz' })).rejects.toThrow(/a recovery point at shop/);
    expect(await chosen({ kind: 'newest' })).toBe('p1');
  });

  it('does not read while the vault is away: what lies there is not known then', async () => {
    await writePoint(vault, point('p1', 1), KEPT);
    vault.get = () => {
      throw new Error('away');
    };
    await expect(chosen({ kind: 'newest' })).rejects.toThrow('away');
  });

  it('is what streams go on from, too', async () => {
    expect(await newestPoint(vault, 'shop', '7')).toBeNull();
    await writePoint(vault, point('p1', 1), KEPT);
    await litter(keyOf('zz'), 'not a point');
    expect((await newestPoint(vault, 'shop', '7'))?.id).toBe('p1');
  });
});
