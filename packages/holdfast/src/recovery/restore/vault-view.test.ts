import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { oneChunk } from '../object-bytes.ts';
import { pointKey, writePoint } from '../point-store.ts';
import { aPoint } from '../testing/a-point.ts';
import { FolderVault } from '../testing/folder-vault.ts';
import { OTHER_SEAL, TEST_SEAL } from '../testing/test-seal.ts';
import { lookAsOf, type VaultView } from './vault-view.ts';

const KEPT = { retainUntil: new Date(0) };
const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 28, 4, minute));

describe('a vault as it was, looked at before anything is restored', () => {
  let root: string;
  let vault: FolderVault;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-view-'));
    vault = new FolderVault(join(root, 'vault'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const taken = async (id: string, minute: number, seal = TEST_SEAL): Promise<void> => {
    const moment = at(minute).toISOString();
    vault.storedAt = () => at(minute);
    const server = { ...aPoint(id).server, systemIdentifier: '7' };
    const point = aPoint(id, { server, startedAt: moment, endedAt: moment });
    await writePoint(vault, point, KEPT, seal);
  };
  const poisoned = async (id: string, minute: number): Promise<void> => {
    vault.storedAt = () => at(minute);
    await vault.put(
      pointKey({ target: 'shop', id }, '7'),
      oneChunk(Buffer.from('<b>not a point</b>')),
      KEPT,
    );
  };
  const look = (minute: number): Promise<VaultView> =>
    lookAsOf({ vault, target: 'shop', asOf: at(minute), seal: TEST_SEAL }, async ({ id }) =>
      id === 'p1' ? at(2).toISOString() : null,
    );

  it('has the points of then, whatever was written over them or came later', async () => {
    await taken('p1', 1);
    await taken('p2', 10);
    await poisoned('p1', 20);
    await poisoned('p2', 20);
    await taken('p3', 30);
    const { points, view, window } = await look(15);
    expect(points).toEqual([
      { id: 'p1', endedAt: at(1).toISOString(), drilledAt: at(2).toISOString(), isSealed: true },
      { id: 'p2', endedAt: at(10).toISOString(), drilledAt: null, isSealed: true },
    ]);
    expect(window).toEqual({ from: at(1), to: at(10) });
    expect(view).toContain('nothing there is ever written over');
    expect((await look(5)).points.map(({ id }) => id)).toEqual(['p1']);
    // After the poison, only what came after it reads.
    expect((await look(40)).points.map(({ id }) => id)).toEqual(['p3']);
  });

  it('has none before the first was stored, and says so with the time', async () => {
    await taken('p1', 10);
    await expect(look(9)).rejects.toMatchObject({
      code: 'HF_RESTORE_WINDOW',
      expected: expect.stringContaining(at(9).toISOString()),
      found: expect.stringContaining('none that was stored by then'),
      hint: expect.stringContaining('keeps no versions'),
    });
  });

  it('is damaged, and not empty, where what lay there then did not read', async () => {
    await poisoned('p1', 1);
    await expect(look(5)).rejects.toMatchObject({ code: 'HF_RECOVERY_DAMAGED' });
  });

  it('offers no point that somebody planted after the first of ours', async () => {
    await taken('p1', 1);
    await taken('p2', 2, OTHER_SEAL);
    expect((await look(5)).points.map(({ id }) => id)).toEqual(['p1']);
  });
});
