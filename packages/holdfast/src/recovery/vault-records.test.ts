import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DrillResult } from './drills/drill-result.ts';
import type { Witness } from './drills/witness.ts';
import { digestOfNewest, writePoint } from './point-store.ts';
import type { RecoveryPoint } from './recovery-point.ts';
import { choosePoint } from './restore/choose-point.ts';
import { FolderVault } from './testing/folder-vault.ts';
import { VaultRecords } from './vault-records.ts';
import { viewAsOf } from './vaults/as-of.ts';
import type { Vault } from './vaults/vault.ts';
import { ViewHints } from './view-hint.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-records-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const kept = () => ({ retainUntil: new Date('2027-01-01T00:00:00Z') });
const DRILL: DrillResult = {
  format: 'holdfast/drill/1',
  id: '20261128T120000Z-0001',
  target: 'shop',
  vault: 'folder',
  point: '20261128T110000Z-0001',
  pointDigest: 'a'.repeat(64),
  goal: { at: null, lsn: '0/1000' },
  startedAt: '2026-11-28T12:00:00.000Z',
  endedAt: '2026-11-28T12:00:09.000Z',
  phases: null,
  rtoMs: null,
  rpoMs: null,
  checks: [],
  verdict: 'passed',
  isolation: null,
  server: null,
};
const WITNESS: Witness = {
  format: 'holdfast/witness/1',
  target: 'shop',
  database: 'shop',
  systemIdentifier: '77',
  takenAt: '2026-11-28T12:00:00.000Z',
  timeline: 1,
  lsn: '0/1000',
  method: 'quiet',
  tables: [{ schema: 'public', name: 'bookings', rows: '2', hash: '5' }],
  roles: [],
  extensions: [],
};

const PROOF = JSON.stringify({
  format: 'holdfast/proof/1',
  vault: 'folder',
  endedAt: '2026-11-28T12:00:00.000Z',
  verdict: 'PROVEN',
  why: '3 of 3 credentials were tried and none could destroy.',
  sameAs: [],
});

let identity = '';
let vault: FolderVault;
beforeAll(async () => {
  identity = await generateIdentity();
});

async function recordsOn(
  changes: {
    readonly key?: number;
    readonly target?: string;
    readonly identities?: string[];
    readonly vault?: Vault;
  } = {},
): Promise<VaultRecords> {
  return new VaultRecords({
    vault: changes.vault ?? vault,
    target: changes.target ?? 'shop',
    recipients: [await identityToRecipient(identity)],
    identities: () => changes.identities ?? [identity],
    kept,
    macKey: Buffer.alloc(32, changes.key ?? 1),
  });
}

async function put(key: string, text: string): Promise<void> {
  async function* body(): AsyncIterable<Uint8Array> {
    yield Buffer.from(text);
  }
  await vault.put(key, body(), kept());
}

async function textAt(key: string): Promise<string> {
  for await (const object of vault.list(key, null)) {
    const parts: Uint8Array[] = [];
    for await (const part of vault.get(object)) parts.push(part);
    return Buffer.concat(parts).toString();
  }
  throw new Error(`nothing at ${key}`);
}

describe('records in a vault', () => {
  it('come back, and only to the installation that kept them', async () => {
    vault = new FolderVault(join(root, 'own'));
    await (await recordsOn()).keepDrill('77', DRILL);
    expect((await (await recordsOn()).find('77')).drills).toEqual([DRILL]);
    const others = await (await recordsOn({ key: 2 })).find('77');
    expect(others.drills).toEqual([]);
    expect(others.troubles[0]).toContain('is not a drill of this Holdfast');
  });

  it('do not count when somebody who can only write made them, moved them or changed them', async () => {
    vault = new FolderVault(join(root, 'forged'));
    await put('shop/77/drills/20261128T120000Z-0002.json', JSON.stringify(DRILL));
    await (await recordsOn({ target: 'other' })).keepDrill('77', DRILL);
    const moved = await textAt(`other/77/drills/${DRILL.id}.json`);
    await put(`shop/77/drills/${DRILL.id}.json`, moved);
    await put('shop/77/drills/20261128T120000Z-0003.json', moved.replace('passed', 'failed'));
    const { drills, troubles } = await (await recordsOn()).find('77');
    expect(drills).toEqual([]);
    expect(troubles).toHaveLength(3);
  });

  it('do not count in a copy of the vault under another name', async () => {
    vault = new FolderVault(join(root, 'copied'));
    const mine = await recordsOn();
    await mine.keepDrill('77', DRILL);
    await mine.keepProof('77', '20261128T120000Z-0001', PROOF);
    expect(await mine.find('77')).toMatchObject({
      drills: [DRILL],
      proofs: [{ verdict: 'PROVEN' }],
    });
    const copy: Vault = new Proxy(vault, {
      get: (of, name) => {
        const value: unknown = name === 'name' ? 'copy' : Reflect.get(of, name);
        return typeof value === 'function' ? value.bind(of) : value;
      },
    });
    const { drills, proofs, troubles } = await (await recordsOn({ vault: copy })).find('77');
    expect([drills, proofs]).toEqual([[], []]);
    expect(troubles).toHaveLength(2);
    for (const trouble of troubles) expect(trouble).toContain('of another vault');
  });

  it('do not count a drill of another target, even with our seal', async () => {
    vault = new FolderVault(join(root, 'foreign'));
    await (await recordsOn()).keepDrill('77', { ...DRILL, target: 'other' });
    const { drills, troubles } = await (await recordsOn()).find('77');
    expect(drills).toEqual([]);
    expect(troubles).toHaveLength(1);
  });

  it('keep a witness that only the private key opens', async () => {
    vault = new FolderVault(join(root, 'witness'));
    await (await recordsOn()).keepWitness(WITNESS, 'p1');
    expect(await (await recordsOn()).witnessOf('77', 'p1')).toEqual(WITNESS);
    expect(await (await recordsOn()).witnessOf('77', 'p2')).toBeNull();
    // One that is there and not ours is no witness that was never taken.
    await expect((await recordsOn({ key: 2 })).witnessOf('77', 'p1')).rejects.toMatchObject({
      code: 'HF_RECOVERY_DAMAGED',
    });
    const other = await recordsOn({ identities: [await generateIdentity()] });
    await expect(other.witnessOf('77', 'p1')).rejects.toMatchObject({ code: 'HF_RECOVERY_KEY' });
  });
});

describe('points in a vault', () => {
  const point = (id: string, changes: Partial<RecoveryPoint> = {}): RecoveryPoint => ({
    format: 'holdfast/point/1',
    id,
    target: 'shop',
    engine: 'pull',
    server: {
      version: 180_000,
      systemIdentifier: '77',
      walSegmentBytes: 16_777_216,
      hasChecksums: true,
    },
    wal: { timeline: 1, startLsn: '0/2000028', endLsn: '0/2000100' },
    startedAt: '2026-11-28T11:00:00.000Z',
    endedAt: '2026-11-28T11:01:00.000Z',
    files: [],
    prior: null,
    recipients: [],
    previous: null,
    ...changes,
  });

  async function chainOf(...ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const previous = await digestOfNewest(vault, 'shop', '77');
      await writePoint(vault, point(id, { previous }), kept());
    }
  }

  it('have the digest of what lies there, and no trouble in their chain', async () => {
    vault = new FolderVault(join(root, 'chain'));
    await chainOf('p1', 'p2', 'p3');
    const { points, troubles } = await (await recordsOn()).find('77');
    expect(points.map(({ id }) => id)).toEqual(['p1', 'p2', 'p3']);
    expect(troubles).toEqual([]);
    expect(points[2]?.previous).toBe(points[1]?.digest);
    expect(points[2]?.digest).toBe(await digestOfNewest(vault, 'shop', '77'));
  });

  it('have none either when the oldest has left, or the clock went back', async () => {
    vault = new FolderVault(join(root, 'left'));
    await writePoint(vault, point('p2', { previous: 'c'.repeat(64) }), kept());
    const first = await digestOfNewest(vault, 'shop', '77');
    await writePoint(vault, point('p1', { previous: first }), kept());
    expect((await (await recordsOn()).find('77')).troubles).toEqual([]);
  });

  it('are in trouble when one was written anew, slipped in, or left out', async () => {
    vault = new FolderVault(join(root, 'anew'));
    await chainOf('p1', 'p2', 'p3');
    const { points } = await (await recordsOn()).find('77');
    const previous = points[0]?.digest ?? null;
    await writePoint(vault, point('p2', { previous, endedAt: '2026-11-28T12:00:00.000Z' }), kept());
    const anew = await (await recordsOn()).find('77');
    expect(anew.troubles).toHaveLength(1);
    expect(anew.troubles[0]).toContain('The point before p3');

    vault = new FolderVault(join(root, 'slipped'));
    await chainOf('p1', 'p3');
    await writePoint(vault, point('p2', { previous }), kept());
    expect((await (await recordsOn()).find('77')).troubles).toHaveLength(1);

    vault = new FolderVault(join(root, 'out'));
    await chainOf('p1');
    await writePoint(vault, point('p3', { previous: 'd'.repeat(64) }), kept());
    expect((await (await recordsOn()).find('77')).troubles).toHaveLength(1);
  });

  const breath = () => new Promise((done) => setTimeout(done, 5));

  it('have a newest time at which all of them fitted, once somebody wrote there', async () => {
    vault = new FolderVault(join(root, 'sound'));
    await chainOf('p1', 'p2');
    await breath();
    const good = new Date();
    await breath();
    const key = 'shop/77/points/p2/point.json';
    await put(key, 'not a point');
    await breath();
    await chainOf('p3');
    const records = await recordsOn();
    expect((await records.find('77')).troubles).not.toEqual([]);
    const sound = await records.soundAsOf('77');
    if (sound === null) throw new Error('no such time');
    expect(sound.getTime()).toBeGreaterThanOrEqual(good.getTime());
    const then = viewAsOf(vault, sound);
    const seen = await (await recordsOn({ vault: then })).find('77');
    expect([seen.points.map(({ id }) => id), seen.troubles]).toEqual([['p1', 'p2'], []]);
    expect((await choosePoint(then, 'shop', { kind: 'newest' })).point.id).toBe('p2');
    // Of the whole vault as it is, the point that was written over is gone.
    expect((await choosePoint(vault, 'shop', { kind: 'newest' })).point.id).toBe('p3');
    await expect(then.put(key, vault.get({ key, version: '1' }), kept())).rejects.toThrow(
      /to read/,
    );
  });

  it('have none where nothing ever fitted, and it is looked for once', async () => {
    vault = new FolderVault(join(root, 'never-sound'));
    await put('shop/77/points/p1/point.json', 'not a point');
    await breath();
    await chainOf('p2');
    const records = await recordsOn();
    let asked = 0;
    const soundAsOf = (system: string) => {
      asked += 1;
      return records.soundAsOf(system);
    };
    const hints = new ViewHints({ target: 'shop', vault: 'folder', records: { soundAsOf } });
    const { troubles } = await records.find('77');
    expect(await hints.of('77', troubles, [])).toEqual([]);
    expect(await hints.of('77', troubles, [])).toEqual([]);
    expect(asked).toBe(1);
    await hints.of('77', [...troubles, 'and another'], []);
    expect(asked).toBe(2);
    await hints.of('77', [], []);
    expect(asked).toBe(2);
  });

  it.each([
    ['passed, then failed', ['passed', 'failed'], 1],
    ['passed, then failed, then could not run', ['passed', 'failed', 'could-not-run'], 1],
    ['failed, then passed', ['failed', 'passed'], 0],
    ['failed only', ['failed'], 0],
    ['passed, then could not run', ['passed', 'could-not-run'], 0],
  ] as const)('name the vault as of the last drill that passed: %s', async (_, verdicts, count) => {
    const hints = new ViewHints({
      ...{ target: 'shop', vault: 'far' },
      records: { soundAsOf: async () => null },
    });
    const drills = verdicts.map((verdict, hour) => ({
      ...DRILL,
      verdict,
      startedAt: `2026-11-28T1${hour}:00:00.000Z`,
      endedAt: `2026-11-28T1${hour}:05:00.000Z`,
    }));
    const found = await hints.of('77', [], drills);
    expect(found).toHaveLength(count);
    const command = 'holdfast restore shop --vault far --as-of 2026-11-28T10:00:00.000Z --diff';
    for (const hint of found) expect(hint).toContain(command);
  });

  it.each([
    ['another id', { id: 'p8' }],
    ['another target', { target: 'other' }],
    ['another server', { server: { ...point('p9').server, systemIdentifier: '78' } }],
  ])('do not count under a key of %s', async (name, changes) => {
    vault = new FolderVault(join(root, name));
    await put('shop/77/points/p9/point.json', JSON.stringify(point('p9', changes)));
    const { points, troubles } = await (await recordsOn()).find('77');
    expect(points).toEqual([]);
    expect(troubles).toHaveLength(1);
  });
});
