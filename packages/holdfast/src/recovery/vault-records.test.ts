import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../testing/manual-clock.ts';
import type { DrillResult } from './drills/drill-result.ts';
import type { Witness } from './drills/witness.ts';
import { oneChunk } from './object-bytes.ts';
import { packBytes } from './packing/pack.ts';
import type { PointSeal, SealVerdict } from './point-seal.ts';
import { digestOfNewest, newestPoint, pointKey, writePoint } from './point-store.ts';
import { choosePoint } from './restore/choose-point.ts';
import { aPoint } from './testing/a-point.ts';
import { FolderVault } from './testing/folder-vault.ts';
import { OTHER_SEAL, TEST_SEAL } from './testing/test-seal.ts';
import { VaultRecords } from './vault-records.ts';
import { viewAsOf } from './vaults/as-of.ts';
import type { StoredObject, Vault } from './vaults/vault.ts';
import { ViewHints } from './view-hint.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-records-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const clock = new ManualClock('2026-11-28T12:00:00Z');
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
    seal: TEST_SEAL,
    clock,
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
    expect(troubles).toEqual([
      '3 drills are not of this Holdfast, the first at shop/77/drills/20261128T120000Z-0001.json: they count for nothing.',
    ]);
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

  it('keep apart a drill of a point that counts for nothing', async () => {
    vault = new FolderVault(join(root, 'apart'));
    const other: DrillResult = { ...DRILL, id: '20261128T120000Z-0004', seal: 'foreign' };
    const records = await recordsOn();
    await records.keepDrill('77', DRILL);
    await records.keepDrill('77', other);
    const found = await records.find('77');
    expect([found.drills, found.otherDrills, found.troubles]).toEqual([[DRILL], [other], []]);
  });

  describe('witness of a point whose key is not here', () => {
    const witnessed = async (key: number, seal: SealVerdict) =>
      (await recordsOn({ key })).witnessOf('77', 'p1', seal);
    async function planted(name: string, body: string): Promise<void> {
      vault = new FolderVault(join(root, name));
      const at = 'shop/77/witnesses/p1.json.lz4.age';
      const recipients = [await identityToRecipient(identity)];
      await vault.put(at, packBytes(Buffer.from(body), recipients).body, kept());
    }
    const sealedBySomebody = (body: string) =>
      JSON.stringify({ format: 'holdfast/record/1', body, mac: '0'.repeat(64) });

    it('is given as it reads, and for such a point only', async () => {
      vault = new FolderVault(join(root, 'foreign-witness'));
      await (await recordsOn({ key: 2 })).keepWitness(WITNESS, 'p1');
      expect(await witnessed(1, 'foreign')).toEqual(WITNESS);
      for (const seal of ['ours', 'none', 'elsewhere', 'broken'] as const) {
        await expect(witnessed(1, seal)).rejects.toMatchObject({ code: 'HF_RECOVERY_DAMAGED' });
      }
    });

    it.each([
      ['nothing that reads', sealedBySomebody('{}'), 'one that does not read'],
      ['no envelope at all', JSON.stringify(WITNESS), 'one without its seal'],
      [
        'one of another target',
        sealedBySomebody(JSON.stringify({ ...WITNESS, target: 'other' })),
        'one of another target or server',
      ],
      [
        'one of another server',
        sealedBySomebody(JSON.stringify({ ...WITNESS, systemIdentifier: '78' })),
        'one of another target or server',
      ],
      [
        'names as long as somebody likes',
        sealedBySomebody(JSON.stringify({ ...WITNESS, roles: ['x'.repeat(300)] })),
        'one that does not read',
      ],
    ])('is as none where it is %s', async (name, body, found) => {
      await planted(name, body);
      const refused = { code: 'HF_RECOVERY_DAMAGED', found };
      await expect(witnessed(1, 'foreign')).rejects.toMatchObject(refused);
    });

    it('is as none where no key opens it', async () => {
      await planted('unopened', sealedBySomebody(JSON.stringify(WITNESS)));
      const other = await recordsOn({ identities: [await generateIdentity()] });
      await expect(other.witnessOf('77', 'p1', 'foreign')).rejects.toMatchObject({
        code: 'HF_RECOVERY_KEY',
      });
    });
  });

  it('keep a witness that only the private key opens', async () => {
    vault = new FolderVault(join(root, 'witness'));
    await (await recordsOn()).keepWitness(WITNESS, 'p1');
    expect(await (await recordsOn()).witnessOf('77', 'p1', 'ours')).toEqual(WITNESS);
    expect(await (await recordsOn()).witnessOf('77', 'p2', 'ours')).toBeNull();
    // One that is there and not ours is no witness that was never taken.
    await expect((await recordsOn({ key: 2 })).witnessOf('77', 'p1', 'ours')).rejects.toMatchObject(
      {
        code: 'HF_RECOVERY_DAMAGED',
      },
    );
    const other = await recordsOn({ identities: [await generateIdentity()] });
    await expect(other.witnessOf('77', 'p1', 'ours')).rejects.toMatchObject({
      code: 'HF_RECOVERY_KEY',
    });
  });
});

describe('points in a vault', () => {
  async function chainOf(...ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const previous = await digestOfNewest(vault, 'shop', '77', TEST_SEAL);
      await writePoint(vault, aPoint(id, { previous }), kept(), TEST_SEAL);
    }
  }

  it('have the digest of what lies there, and no trouble in their chain', async () => {
    vault = new FolderVault(join(root, 'chain'));
    await chainOf('p1', 'p2', 'p3');
    const { points, troubles } = await (await recordsOn()).find('77');
    expect(points.map(({ id }) => id)).toEqual(['p1', 'p2', 'p3']);
    expect(troubles).toEqual([]);
    expect(points[2]?.previous).toBe(points[1]?.digest);
    expect(points[2]?.digest).toBe(await digestOfNewest(vault, 'shop', '77', TEST_SEAL));
  });

  it('have none either when the oldest has left, or the clock went back', async () => {
    vault = new FolderVault(join(root, 'left'));
    await writePoint(vault, aPoint('p2', { previous: 'c'.repeat(64) }), kept(), TEST_SEAL);
    const first = await digestOfNewest(vault, 'shop', '77', TEST_SEAL);
    await writePoint(vault, aPoint('p1', { previous: first }), kept(), TEST_SEAL);
    expect((await (await recordsOn()).find('77')).troubles).toEqual([]);
  });

  it('are in trouble when one was written anew, slipped in, or left out', async () => {
    vault = new FolderVault(join(root, 'anew'));
    await chainOf('p1', 'p2', 'p3');
    const { points } = await (await recordsOn()).find('77');
    const previous = points[0]?.digest ?? null;
    await writePoint(
      vault,
      aPoint('p2', { previous, endedAt: '2026-11-28T12:00:00.000Z' }),
      kept(),
      TEST_SEAL,
    );
    const anew = await (await recordsOn()).find('77');
    expect(anew.troubles).toHaveLength(1);
    expect(anew.troubles[0]).toContain('The point before p3');

    vault = new FolderVault(join(root, 'slipped'));
    await chainOf('p1', 'p3');
    await writePoint(vault, aPoint('p2', { previous }), kept(), TEST_SEAL);
    expect((await (await recordsOn()).find('77')).troubles).toHaveLength(1);

    vault = new FolderVault(join(root, 'out'));
    await chainOf('p1');
    await writePoint(vault, aPoint('p3', { previous: 'd'.repeat(64) }), kept(), TEST_SEAL);
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
    expect((await choosePoint(then, 'shop', { kind: 'newest' }, TEST_SEAL)).point.id).toBe('p2');
    // Of the whole vault as it is, the point that was written over is gone.
    expect((await choosePoint(vault, 'shop', { kind: 'newest' }, TEST_SEAL)).point.id).toBe('p3');
    await expect(then.put(key, vault.get({ key, version: '1' }), kept())).rejects.toThrow(
      /to read/,
    );
  });

  it('are not spoken of by what is said of a drill that is not ours', async () => {
    vault = new FolderVault(join(root, 'sound-files'));
    await chainOf('p1', 'p2');
    await put('shop/77/drills/x.json', '{}');
    const { pointTroubles, troubles } = await (await recordsOn()).find('77');
    expect([pointTroubles, troubles.length]).toEqual([[], 1]);
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
    const { pointTroubles: troubles } = await records.find('77');
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
    for (const { at, says, why } of found) {
      expect(says).toBe(`${why} To see what it holds of then: ${command}`);
      expect(at).toEqual(new Date('2026-11-28T10:00:00.000Z'));
    }
  });

  it.each([
    ['another id', { id: 'p8' }],
    ['another target', { target: 'other' }],
    ['another server', { server: { ...aPoint('p9').server, systemIdentifier: '78' } }],
  ])('do not count under a key of %s', async (name, changes) => {
    vault = new FolderVault(join(root, name));
    await put('shop/77/points/p9/point.json', JSON.stringify(aPoint('p9', changes)));
    const { points, troubles } = await (await recordsOn()).find('77');
    expect(points).toEqual([]);
    expect(troubles).toHaveLength(1);
  });
});

describe('points that somebody else wrote into a vault', () => {
  const at = (minute: number): string => `2026-11-28T11:${minute}:00.000Z`;
  const named = (points: readonly { readonly id: string }[]) => points.map(({ id }) => id);
  async function fresh(name: string): Promise<void> {
    vault = new FolderVault(join(root, name));
    vault.storedAt = () => new Date(at(10));
  }
  async function take(id: string, minute: number, seal: PointSeal = TEST_SEAL, target = 'shop') {
    const file = await vault.put(
      `${target}/77/points/${id}/base.tar.lz4.age`,
      oneChunk(Buffer.from(id)),
      kept(),
    );
    const point = aPoint(id, {
      target,
      endedAt: at(minute),
      keptUntil: kept().retainUntil.toISOString(),
      files: [
        {
          ...{ key: file.key, version: file.version, bytes: file.bytes, sha256: file.sha256 ?? '' },
          ...{ plainBytes: 2, plainSha256: null, role: 'base', tablespace: null },
        },
      ],
    });
    await writePoint(vault, point, kept(), seal);
    return point;
  }
  const find = async () => (await recordsOn()).find('77');
  const pointOf = (id: string, target = 'shop') => textAt(`${target}/77/points/${id}/point.json`);

  it('do not count, and are said in one sentence', async () => {
    await fresh('planted');
    await take('p1', 10);
    await put('shop/77/points/p8/point.json', JSON.stringify(aPoint('p8', { endedAt: at(59) })));
    await put('shop/77/points/p9/point.json', JSON.stringify(aPoint('p9', { endedAt: at(59) })));
    const { others, points, strangers, troubles, unsealed } = await find();
    expect([named(points), unsealed, others]).toEqual([['p1'], [], []]);
    expect(strangers).toHaveLength(2);
    expect(troubles).toEqual([
      '2 points that are not ours lie in the vault folder, the first at shop/77/points/p8/point.json. They do not count; look at who can write there.',
    ]);
  });

  const attacks: readonly [story: string, does: () => Promise<void>][] = [
    [
      'one of ours under a newer key',
      async () =>
        put('shop/77/points/p9/point.json', (await pointOf('p1')).replace('"p1"', '"p9"')),
    ],
    [
      'one of ours with a younger time',
      async () =>
        put('shop/77/points/p1/point.json', (await pointOf('p1')).replace(at(10), at(59))),
    ],
    [
      'one of ours with the files of another',
      async () => {
        const [p1, p2] = [await pointOf('p1'), await pointOf('p2')];
        const files = /"files": \[[^\]]*\]/;
        await put('shop/77/points/p2/point.json', p2.replace(files, files.exec(p1)?.[0] ?? ''));
      },
    ],
    [
      'one of ours of another target',
      async () => {
        await take('p9', 59, TEST_SEAL, 'other');
        const text = await pointOf('p9', 'other');
        await put('shop/77/points/p9/point.json', text.replace('"other"', '"shop"'));
      },
    ],
    [
      'one of ours of another server',
      async () => {
        const server = { ...aPoint('p9').server, systemIdentifier: '78' };
        await writePoint(vault, aPoint('p9', { server, endedAt: at(59) }), kept(), TEST_SEAL);
        const text = await textAt('shop/78/points/p9/point.json');
        await put('shop/77/points/p9/point.json', text.replace('"78"', '"77"'));
      },
    ],
    ['one of another Holdfast', async () => void (await take('p9', 59, OTHER_SEAL))],
    [
      'one of ours of another vault',
      async () => {
        const point = aPoint('p9', { endedAt: at(59) });
        const key = pointKey(point, '77');
        await put(key, TEST_SEAL.write('near', key, point));
      },
    ],
  ];
  it.for(attacks)('is no newer point: %s', async ([story, attack]) => {
    await fresh(story);
    await take('p1', 10);
    await take('p2', 20);
    await take('p3', 30);
    const before = await find();
    expect([named(before.points), before.troubles.length]).toEqual([['p1', 'p2', 'p3'], 2]);
    await attack();
    const { points, strangers, troubles } = await find();
    expect(points.map(({ endedAt }) => endedAt)).not.toContain(at(59));
    expect(points.at(-1)?.id).toBe('p3');
    expect(strangers).toHaveLength(1);
    expect(troubles.join()).toContain('not ours');
  });

  it('does not bring back one whose files have gone, though every byte of it is ours', async () => {
    await fresh('again');
    await take('p1', 10);
    const old = await pointOf('p1');
    await fresh('again-later');
    await take('p2', 20);
    await put('shop/77/points/p1/point.json', old);
    const early = await find();
    expect(named(early.points)).toEqual(['p2']);
    expect(early.troubles.join()).toContain('has not all of p1 any more');
    // With something in the place of its files, too: no version comes twice.
    vault.storedAt = () => new Date(at(55));
    for (const text of ['another', 'one more'])
      await put('shop/77/points/p1/base.tar.lz4.age', text);
    expect(named((await find()).points)).toEqual(['p2']);
  });

  it.for([
    ['while the point was still being taken', 11],
    ['as it became whole', 20],
    ['a minute after it', 21],
    ['an hour after it', 59],
    ['by a vault whose clock is an hour behind', -40],
  ] as const)(
    'does not make one of ours less by writing over its files %s',
    async ([story, minute]) => {
      await fresh(`over ${story}`);
      await take('p1', 10);
      await take('p2', 20);
      vault.storedAt = () => new Date(Date.parse(at(10)) + (minute - 10) * 60_000);
      for (const text of ['something else', 'and once more'])
        await put('shop/77/points/p2/base.tar.lz4.age', text);
      const { points, troubles } = await find();
      expect(named(points)).toEqual(['p1', 'p2']);
      expect(troubles.join()).not.toContain('has not all');
      expect((await newestPoint(vault, 'shop', '77', TEST_SEAL))?.id).toBe('p2');
    },
  );

  /** What lies there is theirs, and this is what the vault says of the version that the point names. */
  async function overwritten(name: string, said: (stored: StoredObject) => StoredObject | null) {
    await fresh(name);
    await take('p1', 10);
    await take('p2', 20);
    await put('shop/77/points/p2/base.tar.lz4.age', 'something else');
    let asked = 0;
    const told = { said };
    const there: Vault = new Proxy(vault, {
      get: (of, word) => {
        if (word === 'stat') {
          return async (object: StoredObject) => {
            asked += 1;
            const stored = await of.stat(object);
            return stored === null ? null : told.said(stored);
          };
        }
        const value: unknown = Reflect.get(of, word);
        return typeof value === 'function' ? value.bind(of) : value;
      },
    });
    const records = await recordsOn({ vault: there });
    return { asked: () => asked, records, told };
  }

  it.for([
    ['has left', () => null],
    ['is of another size', (stored: StoredObject) => ({ ...stored, bytes: stored.bytes + 1 })],
    ['has another digest', (stored: StoredObject) => ({ ...stored, sha256: 'f'.repeat(64) })],
    ['is another one', (stored: StoredObject) => ({ ...stored, version: '2' })],
  ] as const)('does not count where the version that it names %s', async ([name, said]) => {
    const { records } = await overwritten(`named ${name}`, said);
    const { points, troubles } = await records.find('77');
    expect(named(points)).toEqual(['p1']);
    expect(troubles.join()).toContain('has not all of p2 any more');
  });

  it('counts by version and size where the vault knows no digest without reading', async () => {
    const { records } = await overwritten('no-digest', (one) => ({ ...one, sha256: null }));
    expect(named((await records.find('77')).points)).toEqual(['p1', 'p2']);
  });

  it('is asked for its versions now and then, so that one that left does not count for ever', async () => {
    const { asked, records, told } = await overwritten('asked', (stored) => stored);
    for (let look = 0; look < 5; look += 1) await records.find('77');
    expect(asked()).toBe(1);
    told.said = () => null;
    clock.pass(10 * 60_000);
    expect(named((await records.find('77')).points)).toEqual(['p1']);
    expect(asked()).toBe(2);
  });

  it('is asked for each time once they may leave', async () => {
    const { asked, records, told } = await overwritten('may-leave', (stored) => stored);
    const yearMs = 365 * 24 * 60 * 60_000;
    clock.jump(yearMs);
    try {
      expect(named((await records.find('77')).points)).toEqual(['p1', 'p2']);
      expect(named((await records.find('77')).points)).toEqual(['p1', 'p2']);
      told.said = () => null;
      expect(named((await records.find('77')).points)).toEqual(['p1']);
      expect(asked()).toBe(3);
    } finally {
      clock.jump(-yearMs);
    }
  });

  it('lay there as of a time only what was stored by then', async () => {
    await fresh('as-of');
    await take('p1', 10);
    vault.storedAt = () => new Date(at(30));
    const later = await vault.put('shop/77/points/p1/more', oneChunk(Buffer.from('x')), kept());
    const then = viewAsOf(vault, new Date(at(20)));
    expect(await then.stat(later)).toBeNull();
    expect(await vault.stat(later)).toEqual(later);
    expect(await viewAsOf(vault, new Date(at(30))).stat(later)).toEqual(later);
  });

  it('are from before seals where they are older than ours, and a trouble to nobody', async () => {
    await fresh('before');
    await put('shop/77/points/p1/point.json', JSON.stringify(aPoint('p1', { endedAt: at(10) })));
    const alone = await find();
    expect([named(alone.points), named(alone.unsealed), alone.troubles]).toEqual([[], ['p1'], []]);
    await take('p2', 20);
    const found = await find();
    expect([named(found.points), named(found.unsealed)]).toEqual([['p2'], ['p1']]);
    expect(found.troubles).toEqual([]);
  });

  it('are shown where another installation took all there is', async () => {
    await fresh('of-another');
    await take('p1', 10, OTHER_SEAL);
    const { others, points, troubles } = await find();
    expect([points, named(others.map(({ point }) => point)), troubles]).toEqual([[], ['p1'], []]);
  });

  it('bring their drills and proofs along, which are no news of ours until we begin', async () => {
    await fresh('of-before');
    await take('p1', 10, OTHER_SEAL);
    const before = await recordsOn({ key: 2 });
    await before.keepDrill('77', DRILL);
    await before.keepProof('77', '20261128T120000Z-0001', PROOF);
    const alone = await find();
    expect([alone.otherRecords, alone.drills, alone.troubles]).toEqual([2, [], []]);
    vault.storedAt = () => new Date(at(20));
    const ours = aPoint('p2', { startedAt: at(19), endedAt: at(20) });
    await writePoint(vault, ours, kept(), TEST_SEAL);
    expect(await find()).toMatchObject({ otherRecords: 2, troubles: [] });
    // What came since is of somebody who writes there now.
    vault.storedAt = () => new Date(at(30));
    await before.keepDrill('77', { ...DRILL, id: '20261128T120000Z-0002' });
    const since = await find();
    expect(since.otherRecords).toBe(2);
    expect(since.troubles).toEqual([
      'shop/77/drills/20261128T120000Z-0002.json is not a drill of this Holdfast.',
    ]);
  });

  it.each([
    ['a place in the WAL that nobody can count with', { walSegmentBytes: -1 }, {}],
    ['segments of nothing', { walSegmentBytes: 0 }, {}],
    ['half a byte', { walSegmentBytes: 1.5 }, {}],
    ['a time in words', {}, { endedAt: 'Nov 28, 2026' }],
    ['a name that runs a command where it is copied', {}, { id: 'p1;reboot' }],
    ['a name that reads as an option', {}, { id: '--apply' }],
  ])('do not read with %s', async (name, server, changes) => {
    await fresh(name);
    const odd = aPoint('p1', { server: { ...aPoint('p1').server, ...server }, ...changes });
    await put(pointKey(odd, '77'), OTHER_SEAL.write('folder', pointKey(odd, '77'), odd));
    const { others, points, troubles } = await find();
    expect([points, others]).toEqual([[], []]);
    expect(troubles.join()).toContain('does not read as a recovery point');
  });

  it('are read and looked at once each, however often they are asked for', async () => {
    await fresh('once');
    await take('p1', 10);
    await take('p2', 20);
    await put('shop/77/points/p9/point.json', JSON.stringify(aPoint('p9', { endedAt: at(59) })));
    const records = await recordsOn();
    let gets = 0;
    const counted: Vault = new Proxy(vault, {
      get: (of, name) => {
        if (name === 'get') gets += 1;
        const value: unknown = Reflect.get(of, name);
        return typeof value === 'function' ? value.bind(of) : value;
      },
    });
    const own = await recordsOn({ vault: counted });
    for (let look = 0; look < 5; look += 1) await own.find('77');
    expect(gets).toBe(3);
    expect(await records.find('77')).toEqual(await own.find('77'));
  });

  describe('when the server cannot be asked', () => {
    const onSystem = async (system: string, id: string, minute: number, seal: PointSeal | null) => {
      const server = { ...aPoint(id).server, systemIdentifier: system };
      const point = aPoint(id, { server, endedAt: at(minute) });
      if (seal !== null) await writePoint(vault, point, kept(), seal);
      else await put(pointKey(point, system), JSON.stringify(point));
    };
    const system = async () => (await recordsOn()).newestSystem();

    it('does not hide ours behind a cluster that somebody made up', async () => {
      await fresh('system');
      await onSystem('77', 'p1', 10, TEST_SEAL);
      await onSystem('99', 'p9', 59, null);
      await onSystem('98', 'p8', 58, OTHER_SEAL);
      await put('shop/97/points/p7/point.json', 'nothing that reads');
      expect(await system()).toBe('77');
    });

    it('does not go back to a cluster of before that was stored again', async () => {
      await fresh('system-again');
      await onSystem('11', 'p0', 10, TEST_SEAL);
      const old = await textAt('shop/11/points/p0/point.json');
      await onSystem('77', 'p1', 20, TEST_SEAL);
      await put('shop/11/points/p0/point.json', old);
      expect(await system()).toBe('77');
    });

    it('takes what there is where none is ours', async () => {
      await fresh('system-others');
      expect(await system()).toBeNull();
      await onSystem('98', 'p8', 58, OTHER_SEAL);
      expect(await system()).toBe('98');
      await onSystem('77', 'p1', 10, null);
      expect(await system()).toBe('77');
    });
  });
});
