import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HoldfastError } from '../model/errors.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import type { DrillResult } from './drills/drill-result.ts';
import { wholeKey } from './engines/pull/wal-listing.ts';
import { lsnText } from './lsn.ts';
import { oneChunk } from './object-bytes.ts';
import { OwnProofs } from './own-proofs.ts';
import type { NotCounted, PointSeal } from './point-seal.ts';
import { newestOfOurs, pointKey, writePoint } from './point-store.ts';
import type { PointFile, RecoveryPoint } from './recovery-point.ts';
import { NOWHERE } from './same-as.ts';
import { TargetKeeper } from './target-keeper.ts';
import { aPoint } from './testing/a-point.ts';
import { FolderVault } from './testing/folder-vault.ts';
import { OTHER_SEAL, TEST_SEAL } from './testing/test-seal.ts';
import { VaultRecords } from './vault-records.ts';

const SEGMENT = 16_777_216;
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
      ownSlots: new Set(),
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
  /** Whole segments, from one number to another, as they were stored in that minute. */
  async function wal(from: number, to: number, minute = 25): Promise<void> {
    vault.storedAt = () => new Date(at(minute));
    for (let number = from; number <= to; number += 1) {
      const place = { timeline: 1, start: BigInt(number) * BigInt(SEGMENT) };
      await vault.put(wholeKey('shop', '77', place, SEGMENT), oneChunk(Buffer.from('x')), kept());
    }
  }
  async function digestOfOthers(): Promise<string> {
    const [first] = (await records().find('77')).others;
    return first?.point.digest ?? '';
  }
  async function drilled(
    point: string,
    pointDigest: string,
    minute: number,
    seal?: NotCounted,
  ): Promise<void> {
    const result: DrillResult = {
      ...{ format: 'holdfast/drill/1', id: `d-${minute}`, target: 'shop', vault: 'folder', point },
      ...{ pointDigest, goal: { at: null, lsn: null }, startedAt: at(minute), endedAt: at(minute) },
      ...{ phases: null, rtoMs: 1, rpoMs: null, verdict: 'passed', isolation: null, server: null },
      checks: [{ name: 'tables', end: 'passed', said: '' }],
      ...(seal === undefined ? {} : { seal }),
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
    const report = await keeper().report();
    const [found] = report.vaults;
    expect(found?.troubles.join()).not.toContain('not ours');
    // It can be brought back, and is nothing of ours: no window, no WAL, and nothing to be lost less by.
    expect([found?.window, found?.newestWalAt, report.rpoMs]).toEqual([null, null, null]);
    expect(found?.others).toEqual({
      ...{ points: 1, foreign: 1, records: 0, from: at(10), to: at(10), newest: 'p1' },
    });
  });

  it('tells what lay there before ours apart from ours, and how far it reaches', async () => {
    await wal(1, 2);
    await put(aPoint('p1', { endedAt: at(10) }), OTHER_SEAL);
    await put(aPoint('p2', { endedAt: at(20) }), OTHER_SEAL);
    const alone = (await keeper().report()).vaults[0];
    expect([alone?.window, alone?.newestWalAt]).toEqual([null, null]);
    expect(alone?.others).toMatchObject({ points: 2, from: at(10), to: at(25), newest: 'p2' });
    // It was away in between: what was streamed since does not lead on from theirs.
    await wal(5, 6, 50);
    const ours = { timeline: 1, startLsn: '0/5000028', endLsn: '0/5000100' };
    await put(aPoint('p3', { startedAt: at(29), endedAt: at(30), wal: ours }), TEST_SEAL);
    const [found] = (await keeper().report()).vaults;
    expect(found?.window).toEqual({ from: at(30), to: at(50) });
    expect(found?.others).toEqual({
      ...{ points: 2, foreign: 2, records: 0, from: at(10), to: at(25), newest: 'p2' },
    });
  });

  it('says that theirs reach to the first of ours, where the WAL between them is whole', async () => {
    await wal(1, 6);
    await put(aPoint('p1', { endedAt: at(10) }), OTHER_SEAL);
    const ours = { timeline: 1, startLsn: '0/5000028', endLsn: '0/5000100' };
    await put(aPoint('p3', { startedAt: at(29), endedAt: at(30), wal: ours }), TEST_SEAL);
    const [found] = (await keeper().report()).vaults;
    expect(found?.others).toMatchObject({ points: 1, from: at(10), to: at(30) });
  });

  it('proves nothing, and makes no drill late, by a drill of what is not ours', async () => {
    await put(aPoint('p1', { endedAt: at(10) }), OTHER_SEAL);
    await drilled('p1', await digestOfOthers(), 20, 'foreign');
    const looked = keeper();
    const report = await looked.report();
    expect(await shown()).toEqual([['p1', 'foreign', null, 'passed', at(20)]]);
    expect(report).toMatchObject({ colour: 'red', proven: null, outside: null, rtoMs: null });
    expect(report.vaults[0]).toMatchObject({ lastDrill: null, history: { drills: [] } });
    // By what a due drill is found out: its newest, and when the last was.
    expect(looked.looked('folder')?.found).toMatchObject({ drills: [], points: [] });
  });

  it('does not take one of theirs for the newest: it wants its name', async () => {
    await put(aPoint('p1', { endedAt: at(10) }), OTHER_SEAL);
    const drill = keeper().drill('folder', null, 'witness', () => {}, AbortSignal.timeout(9_000));
    await expect(drill).rejects.toMatchObject({
      code: 'HF_RECOVERY_GOAL',
      found: 'none of ours, and 1 that do not count here',
      hint: expect.stringContaining('--point p1'),
    });
  });

  describe('of a large database, WAL of which was lost', () => {
    const SEGMENT = 16_777_216;
    const segments = (...numbers: readonly number[]) =>
      Promise.all(
        numbers.map((number) => {
          const place = { timeline: 1, start: BigInt(number * SEGMENT) };
          return vault.put(
            wholeKey('shop', '77', place, SEGMENT),
            oneChunk(Buffer.from('x')),
            kept(),
          );
        }),
      );
    /** Nothing of it can be restored: its file is no archive. */
    async function taken(
      id: string,
      minute: number,
      segment: number,
      seal: PointSeal | null = TEST_SEAL,
    ): Promise<void> {
      const lsn = (bytes: number): string => lsnText(BigInt(segment * SEGMENT + bytes));
      const key = `shop/77/points/${id}/base.tar.lz4.age`;
      const { bytes, sha256, version } = await vault.put(key, oneChunk(Buffer.from(id)), kept());
      const file: PointFile = {
        ...{ key, version, bytes, sha256: sha256 ?? '', plainBytes: 2 ** 40, plainSha256: null },
        ...{ role: 'base', tablespace: null },
      };
      const { digest } = (await newestOfOurs(vault, 'shop', '77', TEST_SEAL)).ours ?? {};
      await put(
        aPoint(id, {
          ...{ startedAt: at(minute), endedAt: at(minute), files: [file] },
          wal: { timeline: 1, startLsn: lsn(40), endLsn: lsn(90) },
          previous: digest ?? null,
        }),
        seal,
      );
    }
    async function holed(): Promise<void> {
      await taken('p1', 10, 2);
      await drilled('p1', await newestDigest(), 20);
      await segments(2, 3, 6, 7);
      await taken('p2', 40, 6);
    }

    it('says which drill is due because of it, for the schedule and in the report', async () => {
      await holed();
      const its = keeper();
      const [found] = (await its.report()).vaults;
      // An hour after the drill that was.
      const from = '2026-11-28T12:20:00.000Z';
      expect(found?.gapDrill).toEqual({ point: 'p2', from });
      expect(its.looked('folder')?.gapDrill).toEqual({
        ...{ point: 'p2', failures: 0, from: new Date(from) },
      });
    });

    it('asks for none any more when it has passed, nor when the WAL leads on', async () => {
      await holed();
      await drilled('p2', await newestDigest(), 50);
      expect((await keeper().report()).vaults[0]?.gapDrill).toBeNull();
      await segments(4, 5);
      await taken('p3', 55, 7);
      const its = keeper();
      expect((await its.report()).vaults[0]?.gapDrill).toBeNull();
      expect(its.looked('folder')?.found.points).toHaveLength(3);
    });

    it('asks for none of what is from before seals, which the schedule drills', async () => {
      await taken('p1', 10, 2, null);
      await drilled('p1', await newestDigest(), 20);
      await segments(2, 3, 6, 7);
      await taken('p2', 40, 6, null);
      expect((await keeper().report()).vaults[0]?.gapDrill).toBeNull();
      // One of ours behind the gap: what was proven before seals is proven.
      await taken('p3', 45, 7);
      expect((await keeper().report()).vaults[0]?.gapDrill?.point).toBe('p3');
    });

    it('waits longer with each drill that did not pass, also where the vault keeps none of them', async () => {
      await holed();
      const its = keeper();
      vault.beforePut = (key) => {
        if (key.includes('/drills/')) throw new Error('it takes none');
      };
      const pauses: (number | null)[] = [];
      for (let count = 0; count < 3; count += 1) {
        const drill = await its.drill(
          ...(['folder', null, 'witness', () => {}, new AbortController().signal] as const),
        );
        expect(drill).toMatchObject({ point: 'p2' });
        expect(drill.verdict).not.toBe('passed');
        await its.report();
        const due = its.looked('folder')?.gapDrill ?? null;
        expect(due?.failures).toBe(count + 1);
        pauses.push(due === null ? null : (due.from.getTime() - clock.now().getTime()) / 3_600_000);
      }
      expect(pauses).toEqual([1, 2, 4]);
    });
  });
});
