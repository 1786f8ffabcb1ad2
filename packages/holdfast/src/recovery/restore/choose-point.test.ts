import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { oneChunk } from '../object-bytes.ts';
import { isSealed, type PointSeal } from '../point-seal.ts';
import { digestOfNewest, newestOfOurs, newestPoint, pointKey, writePoint } from '../point-store.ts';
import type { RecoveryPoint } from '../recovery-point.ts';
import { aPoint } from '../testing/a-point.ts';
import { FolderVault } from '../testing/folder-vault.ts';
import { OTHER_SEAL, TEST_SEAL } from '../testing/test-seal.ts';
import { choosePoint, type RestoreWish } from './choose-point.ts';

const KEPT = { retainUntil: new Date(0) };
const point = (id: string, minute: number): RecoveryPoint => {
  const moment = new Date(Date.UTC(2026, 10, 28, 4, minute)).toISOString();
  return aPoint(id, {
    server: { ...aPoint(id).server, systemIdentifier: '7' },
    wal: { timeline: 1, startLsn: `0/${minute}`, endLsn: `0/${minute}` },
    ...{ startedAt: moment, endedAt: moment },
  });
};

describe('the point that a restore begins with, where somebody else can write into the vault', () => {
  let root: string;
  let vault: FolderVault;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-points-'));
    vault = new FolderVault(join(root, 'vault'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const chosen = async (wish: RestoreWish): Promise<string> =>
    (await choosePoint(vault, 'shop', wish, TEST_SEAL)).point.id;
  const litter = (key: string, text: string): Promise<unknown> =>
    vault.put(key, oneChunk(Buffer.from(text)), KEPT);
  const keyOf = (id: string): string => pointKey({ target: 'shop', id }, '7');

  it('is a real one, whatever lies beside it', async () => {
    await writePoint(vault, point('p1', 1), KEPT, TEST_SEAL);
    await litter(keyOf('zz'), 'not a point');
    await litter('shop/0/anything/point.json', '{}');
    await litter(keyOf('zy'), JSON.stringify({ ...point('zy', 2), endedAt: 'never' }));
    // One that says that it is another.
    await litter(keyOf('zx'), JSON.stringify(point('p9', 9)));
    expect(await chosen({ kind: 'newest' })).toBe('p1');
    expect(await chosen({ kind: 'point', id: 'p1' })).toBe('p1');
    expect(await chosen({ kind: 'lsn', lsn: '0/5' })).toBe('p1');
  });

  it('is one that was whole by then by the clock of the server, which may be ahead of ours', async () => {
    const minute = (of: number): string => new Date(Date.UTC(2026, 10, 28, 4, of)).toISOString();
    const at = (of: number): RestoreWish => ({ kind: 'at', at: new Date(minute(of)) });
    await writePoint(vault, { ...point('p1', 1), wholeAt: minute(6) }, KEPT, TEST_SEAL);
    await writePoint(vault, { ...point('p2', 3), wholeAt: minute(8) }, KEPT, TEST_SEAL);
    expect(await chosen(at(7))).toBe('p1');
    expect(await chosen(at(8))).toBe('p2');
    await expect(chosen(at(5))).rejects.toMatchObject({
      found: expect.stringContaining(minute(6)),
    });
  });

  it('is refused as damaged when it was named itself, or when none reads', async () => {
    await litter(keyOf('zz'), 'not a point');
    await expect(chosen({ kind: 'newest' })).rejects.toThrow(/a recovery point at shop/);
    await writePoint(vault, point('p1', 1), KEPT, TEST_SEAL);
    await expect(chosen({ kind: 'point', id: 'zz' })).rejects.toThrow(/a recovery point at shop/);
    expect(await chosen({ kind: 'newest' })).toBe('p1');
  });

  it('does not read while the vault is away: what lies there is not known then', async () => {
    await writePoint(vault, point('p1', 1), KEPT, TEST_SEAL);
    vault.get = () => {
      throw new Error('away');
    };
    await expect(chosen({ kind: 'newest' })).rejects.toThrow('away');
  });

  it('is what streams go on from, too', async () => {
    expect(await newestPoint(vault, 'shop', '7', TEST_SEAL)).toBeNull();
    await writePoint(vault, point('p1', 1), KEPT, TEST_SEAL);
    await litter(keyOf('zz'), 'not a point');
    expect((await newestPoint(vault, 'shop', '7', TEST_SEAL))?.id).toBe('p1');
  });

  describe('with points that are whole and read well, and are not ours', () => {
    const planted = (id: string, minute: number, seal: PointSeal | null): Promise<unknown> => {
      const text =
        seal === null
          ? JSON.stringify(point(id, minute))
          : seal.write('folder', keyOf(id), point(id, minute));
      return litter(keyOf(id), text);
    };
    const whose = async (wish: RestoreWish) => {
      const { point: found, verdict } = await choosePoint(vault, 'shop', wish, TEST_SEAL);
      return [found.id, isSealed(verdict)];
    };
    const at: RestoreWish = { kind: 'at', at: new Date(Date.UTC(2026, 10, 28, 4, 1)) };

    it('is ours, and any other only where it is named', async () => {
      await writePoint(vault, point('p1', 1), KEPT, TEST_SEAL);
      await planted('p8', 8, null);
      await planted('p9', 9, OTHER_SEAL);
      await litter(keyOf('p7'), TEST_SEAL.write('near', keyOf('p7'), point('p7', 7)));
      expect(await whose({ kind: 'newest' })).toEqual(['p1', true]);
      expect(await whose(at)).toEqual(['p1', true]);
      expect(await whose({ kind: 'lsn', lsn: '0/9' })).toEqual(['p1', true]);
      expect(await whose({ kind: 'point', id: 'p8' })).toEqual(['p8', false]);
      expect(await whose({ kind: 'point', id: 'p9' })).toEqual(['p9', null]);
      expect(await whose({ kind: 'point', id: 'p7' })).toEqual(['p7', true]);
      expect((await newestPoint(vault, 'shop', '7', TEST_SEAL))?.id).toBe('p1');
    });

    it('is from before seals for a moment before ours', async () => {
      await planted('p1', 1, null);
      await writePoint(vault, point('p2', 2), KEPT, TEST_SEAL);
      expect(await whose(at)).toEqual(['p1', false]);
      expect(await whose({ kind: 'newest' })).toEqual(['p2', true]);
    });

    it('is what there is where the seal key went with the machine', async () => {
      await planted('p1', 1, OTHER_SEAL);
      await planted('p2', 2, OTHER_SEAL);
      expect(await whose({ kind: 'newest' })).toEqual(['p2', null]);
      expect(await whose(at)).toEqual(['p1', null]);
      expect(await newestPoint(vault, 'shop', '7', TEST_SEAL)).toBeNull();
      // The first of ours does not hide what was before it.
      await writePoint(vault, point('p3', 3), KEPT, TEST_SEAL);
      expect(await whose({ kind: 'newest' })).toEqual(['p3', true]);
      expect(await whose({ kind: 'point', id: 'p1' })).toEqual(['p1', null]);
    });

    it('is of the installation before, too, for a moment before the first of ours', async () => {
      await planted('p1', 1, OTHER_SEAL);
      await litter(keyOf('p2'), TEST_SEAL.write('near', keyOf('p2'), point('p2', 2)));
      await writePoint(vault, point('p4', 4), KEPT, TEST_SEAL);
      await planted('p3', 9, OTHER_SEAL);
      const minute = (of: number): RestoreWish => ({
        kind: 'at',
        at: new Date(Date.UTC(2026, 10, 28, 4, of)),
      });
      expect(await whose(at)).toEqual(['p1', null]);
      expect(await whose(minute(3))).toEqual(['p2', true]);
      expect(await whose({ kind: 'lsn', lsn: '0/3' })).toEqual(['p2', true]);
      expect(await whose(minute(5))).toEqual(['p4', true]);
      expect(await whose({ kind: 'newest' })).toEqual(['p4', true]);
      await expect(whose(minute(0))).rejects.toThrow(/the oldest point of shop/);
    });

    it('is not of another cluster for a position, when ours are of one', async () => {
      await litter(
        pointKey({ target: 'shop', id: 'p1' }, '8'),
        JSON.stringify({
          ...point('p1', 1),
          server: { ...point('p1', 1).server, systemIdentifier: '8' },
        }),
      );
      await writePoint(vault, point('p2', 2), KEPT, TEST_SEAL);
      expect(await whose({ kind: 'lsn', lsn: '0/9' })).toEqual(['p2', true]);
    });

    it('is the very one that was pinned, whatever else leads to that goal', async () => {
      await writePoint(vault, point('p1', 1), KEPT, TEST_SEAL);
      const first = (await choosePoint(vault, 'shop', { kind: 'newest' }, TEST_SEAL)).point;
      const from = { id: first.id, digest: first.digest };
      const goals: RestoreWish[] = [
        { kind: 'lsn', lsn: '0/9', from },
        { kind: 'at', at: new Date(first.endedAt), from },
      ];
      // Ours and as far forward, one of another cluster, and a namesake.
      await writePoint(vault, point('p2', 1), KEPT, TEST_SEAL);
      const server = { ...point('p1', 1).server, systemIdentifier: '1' };
      for (const id of ['p0', 'p1']) {
        const text = JSON.stringify({ ...point(id, 1), server });
        await litter(pointKey({ target: 'shop', id }, '1'), text);
      }
      for (const goal of goals) {
        const { point: found } = await choosePoint(vault, 'shop', goal, TEST_SEAL);
        expect(found).toEqual(first);
      }
      const gone = { ...from, digest: 'f'.repeat(64) };
      await expect(whose({ kind: 'lsn', lsn: '0/9', from: gone })).rejects.toThrow(
        /the very point p1 \(ffffffffffffffff…\) of shop, found another one/,
      );
      // Pinned or not, it must have been whole by then.
      await expect(whose({ kind: 'lsn', lsn: '0/0', from })).rejects.toThrow(/is whole from 0\/1/);
    });

    describe('by a name that another has in the folder of another cluster', () => {
      const namesake = (system: string, text: string | null = null): Promise<unknown> => {
        const other = point('p1', 1);
        const json = JSON.stringify({
          ...other,
          server: { ...other.server, systemIdentifier: system },
        });
        return litter(pointKey({ target: 'shop', id: 'p1' }, system), text ?? json);
      };
      const clusterOf = async (): Promise<string> => {
        const wish: RestoreWish = { kind: 'point', id: 'p1' };
        return (await choosePoint(vault, 'shop', wish, TEST_SEAL)).point.server.systemIdentifier;
      };

      it('is ours, whatever the other says', async () => {
        await namesake('1');
        await namesake('8');
        await namesake('9', 'not a point');
        await writePoint(vault, point('p1', 1), KEPT, TEST_SEAL);
        expect(await clusterOf()).toBe('7');
      });

      it('is refused where none is ours', async () => {
        await namesake('1');
        expect(await clusterOf()).toBe('1');
        await planted('p1', 1, OTHER_SEAL);
        const choosing = clusterOf();
        await expect(choosing).rejects.toMatchObject({ code: 'HF_RESTORE_WINDOW' });
        await expect(choosing).rejects.toThrow(/2, of the clusters 1, 7, and none that this/);
      });
    });

    it('is what a stream goes on from only where nothing is ours', async () => {
      await planted('p1', 1, null);
      expect((await newestPoint(vault, 'shop', '7', TEST_SEAL))?.id).toBe('p1');
      expect(await digestOfNewest(vault, 'shop', '7', TEST_SEAL)).toBeNull();
      expect(await newestOfOurs(vault, 'shop', '7', TEST_SEAL)).toMatchObject({
        ours: null,
        unsealed: { id: 'p1' },
      });
    });

    it('is none that names our key and does not fit, where nothing is ours', async () => {
      const text = TEST_SEAL.write('folder', keyOf('p9'), point('p9', 9));
      await litter(keyOf('p9'), text.replace('"version": 180000', '"version": 180001'));
      await expect(whose({ kind: 'newest' })).rejects.toMatchObject({ code: 'HF_RESTORE_WINDOW' });
      expect(await whose({ kind: 'point', id: 'p9' })).toEqual(['p9', false]);
    });
  });
});
