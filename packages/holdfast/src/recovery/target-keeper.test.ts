import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HoldfastError } from '../model/errors.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import type { DrillResult } from './drills/drill-result.ts';
import { oneChunk } from './object-bytes.ts';
import { OwnProofs } from './own-proofs.ts';
import type { PointSeal } from './point-seal.ts';
import { newestOfOurs, pointKey, writePoint } from './point-store.ts';
import type { RecoveryPoint } from './recovery-point.ts';
import { NOWHERE } from './same-as.ts';
import { TargetKeeper } from './target-keeper.ts';
import { aPoint } from './testing/a-point.ts';
import { FolderVault } from './testing/folder-vault.ts';
import { OTHER_SEAL, TEST_SEAL } from './testing/test-seal.ts';
import { VaultRecords } from './vault-records.ts';

const MAC_KEY = Buffer.alloc(32, 1);
const kept = () => ({ retainUntil: new Date('2027-01-01T00:00:00Z') });
const at = (minute: number): string => `2026-11-28T11:${minute}:00.000Z`;

/** Its server is gone, so all that is known is what lies in the vault. */
describe('the report of a target whose server is gone', () => {
  const clock = new ManualClock('2026-11-28T12:00:00Z');
  let root: string;
  let vault: FolderVault;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-keeper-'));
    vault = new FolderVault(join(root, 'vault'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const never = (): never => {
    throw new Error('nothing is proven here');
  };
  function keeper(): TargetKeeper {
    return new TargetKeeper({
      ...{ target: 'shop', engine: 'pull', pgbackrest: null, recipients: [], binaries: [] },
      connection: {
        ...{ host: '127.0.0.1', port: 1, user: 'nobody', database: 'shop', ssl: false },
        password: () => null,
      },
      vaults: [
        {
          ...{ vault, slot: 'holdfast_shop', ground: never, suspects: never, learnt: () => {} },
          sameAs: async () => [],
          whereabouts: async () => ({ target: NOWHERE, vault: NOWHERE }),
        },
      ],
      ...{ keepMs: 1, folder: root, snapshots: [], macKey: MAC_KEY, seal: TEST_SEAL, clock },
      promise: { rpoMs: 60_000, rtoMs: 60_000, provenAgeMsMax: 3_600_000 },
      assertions: () => [],
      identities: () => ['somewhere'],
      ownProofs: new OwnProofs(join(root, 'proofs'), 'shop'),
      note: async () => {},
    });
  }
  const records = (): VaultRecords =>
    new VaultRecords({
      ...{ vault, target: 'shop', recipients: [], identities: () => [], kept, clock },
      ...{ macKey: MAC_KEY, seal: TEST_SEAL },
    });
  async function put(point: RecoveryPoint, seal: PointSeal | null): Promise<void> {
    if (seal !== null) return writePoint(vault, point, kept(), seal);
    const key = pointKey(point, point.server.systemIdentifier);
    await vault.put(key, oneChunk(Buffer.from(JSON.stringify(point))), kept());
  }
  async function drilled(point: string, pointDigest: string, minute: number): Promise<void> {
    const result: DrillResult = {
      ...{ format: 'holdfast/drill/1', id: `d-${minute}`, target: 'shop', vault: 'folder', point },
      ...{ pointDigest, goal: { at: null, lsn: null }, startedAt: at(minute), endedAt: at(minute) },
      ...{ phases: null, rtoMs: 1, rpoMs: null, verdict: 'passed', isolation: null, server: null },
      checks: [{ name: 'tables', end: 'passed', said: '' }],
    };
    await records().keepDrill('77', result);
  }
  const newestDigest = async (): Promise<string> => {
    const { ours, unsealed } = await newestOfOurs(vault, 'shop', '77', TEST_SEAL);
    return (ours ?? unsealed)?.digest ?? '';
  };
  async function shown() {
    const [found] = (await keeper().report()).vaults;
    return found?.points.map(({ drill, drilledAt, id, isSealed, seal }) => [
      ...[id, seal, isSealed, drill, drilledAt],
    ]);
  }

  it('shows ours, and when a drill of the very point passed', async () => {
    await put(aPoint('p1', { endedAt: at(10) }), TEST_SEAL);
    await drilled('p1', await newestDigest(), 20);
    await put(aPoint('p2', { endedAt: at(30) }), TEST_SEAL);
    await drilled('p2', 'e'.repeat(64), 40);
    expect(await shown()).toEqual([
      ['p1', 'ours', true, 'passed', at(20)],
      // A drill of another point.json under its name says nothing of it.
      ['p2', 'ours', true, null, null],
    ]);
  });

  it('is not led to another cluster, nor shows what somebody planted beside ours', async () => {
    await put(aPoint('p1', { endedAt: at(10) }), TEST_SEAL);
    const server = { ...aPoint('p9').server, systemIdentifier: '99' };
    await put(aPoint('p9', { server, endedAt: at(59) }), null);
    await put(aPoint('p8', { endedAt: at(58) }), null);
    await put(aPoint('p7', { endedAt: at(57) }), OTHER_SEAL);
    expect(await shown()).toEqual([['p1', 'ours', true, null, null]]);
    const report = await keeper().report();
    expect(report.because.join()).toContain('2 points that are not ours lie in the vault folder');
    expect(report.vaults[0]?.window).toEqual({ from: at(10), to: at(10) });
  });

  it('shows what is from before seals, and counts it as proven by a drill of exactly it', async () => {
    await put(aPoint('p1', { endedAt: at(10) }), null);
    await drilled('p1', await newestDigest(), 20);
    const looked = keeper();
    const report = await looked.report();
    expect(await shown()).toEqual([['p1', 'none', false, 'passed', at(20)]]);
    // The vault of this test is red itself, so it is the report that has it, and not the colour.
    expect(report.vaults[0]?.window?.from).toBe(at(10));
    expect(looked.looked('folder')?.found).toMatchObject({ points: [], unsealed: [{ id: 'p1' }] });
  });

  it('says once what keeps a vault from answering, and what to do about it', async () => {
    const refused = new HoldfastError('HF_VAULT_REFUSED', {
      ...{ expected: 'a vault that no other process has open', found: 'process 7 has it' },
      hint: 'Stop the other.',
    });
    vi.spyOn(vault, 'list').mockImplementation(() => {
      throw refused;
    });
    vi.spyOn(vault, 'look').mockRejectedValue(refused);
    const { because, vaults } = await keeper().report();
    const words = 'process 7 has it (HF_VAULT_REFUSED). Stop the other.';
    expect(vaults.map(({ troubles }) => troubles)).toEqual([[words]]);
    expect(because.filter((one) => one.includes('process 7'))).toEqual([`folder: ${words}`]);
  });

  it('shows all there is where the key of the seals went with the machine', async () => {
    await put(aPoint('p1', { endedAt: at(10) }), OTHER_SEAL);
    expect(await shown()).toEqual([['p1', 'foreign', null, null, null]]);
    const [found] = (await keeper().report()).vaults;
    expect(found?.window).toEqual({ from: at(10), to: at(10) });
    expect(found?.troubles.join()).not.toContain('not ours');
  });
});
