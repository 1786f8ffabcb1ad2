/** What must not come back as if all were well: each fault is refused with an error of its own. */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { generateIdentity } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/model/clock.ts';
import { clockTrouble } from '../../src/recovery/clocks.ts';
import type { RestoreGoal } from '../../src/recovery/engines/engine.ts';
import type { PullEngine } from '../../src/recovery/engines/pull/pull-engine.ts';
import { lsnOf } from '../../src/recovery/lsn.ts';
import { packBytes, unpackBytes } from '../../src/recovery/packing/pack.ts';
import type { PointSeal } from '../../src/recovery/point-seal.ts';
import type { PointFile, RecoveryPoint } from '../../src/recovery/recovery-point.ts';
import { choosePoint } from '../../src/recovery/restore/choose-point.ts';
import { OTHER_SEAL, TEST_SEAL } from '../../src/recovery/testing/test-seal.ts';
import { type Ground, NEVER, pullGround, QUIET } from './pull-ground.ts';

const ALL: RestoreGoal = { at: null, lsn: null };

let ground: Ground;
let engine: PullEngine;
let point: RecoveryPoint;
let tries = 0;

beforeAll(async () => {
  ground = await pullGround(null);
  engine = ground.engine();
  const { server } = ground;
  await server.query(
    `create table t as select n, md5(n::text) as filler from generate_series(1, 50000) n`,
  );
  point = await engine.backup(QUIET, NEVER);
  // Whole segments, then pieces of the last one.
  for (const rows of [200_000, 200_000, 200_000, 10, 10, 10]) {
    await server.query(`insert into t select n, md5(n::text) from generate_series(1, ${rows}) n`);
    const [row] = await server.query('select pg_current_wal_flush_lsn()::text as lsn');
    await (await engine.stream()).durableUpTo(lsnOf(String(row?.['lsn'])) ?? 0n, NEVER);
  }
  await engine.close();
}, 240_000);

afterAll(async () => {
  await ground.close();
});

function restore(of: RecoveryPoint, goal: RestoreGoal, by = engine): Promise<unknown> {
  tries += 1;
  return by.restore(of, goal, join(ground.root, `try-${tries}`), QUIET, NEVER);
}

/** Its bytes are others while it is tried. */
async function damaged(file: string, damage: () => void, work: () => Promise<void>): Promise<void> {
  copyFileSync(file, `${file}.whole`);
  try {
    damage();
    await work();
  } finally {
    renameSync(`${file}.whole`, file);
  }
}

function flip(file: string, place: number): void {
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(place) ^ 0x40, place);
  writeFileSync(file, bytes);
}

function fileOf(role: PointFile['role']): string {
  const file = point.files.find((one) => one.role === role);
  if (file === undefined) throw new Error(`no ${role}`);
  return ground.vault.fileOf(file.key, file.version);
}

async function walKeys(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of ground.vault.list('shop/', null))
    if (key.includes('/wal/')) keys.push(key);
  return keys;
}

/** Of a whole segment that is not that one. */
async function ownKey(other: string): Promise<string> {
  const keys = (await walKeys()).filter((one) => !one.includes('.d/'));
  return keys.find((one) => one !== other) ?? '';
}

describe('a restore is refused', { timeout: 120_000 }, () => {
  it('when a byte of the base backup was flipped', async () => {
    const file = fileOf('base');
    for (const place of [500, 300_000]) {
      await damaged(
        file,
        () => flip(file, place),
        async () => {
          await expect(restore(point, ALL)).rejects.toMatchObject({ code: 'HF_RECOVERY_DAMAGED' });
        },
      );
    }
  });

  it('when a whole segment, or a piece that is needed, was flipped', async () => {
    const keys = await walKeys();
    const whole = keys.filter((key) => !key.includes('.d/'))[1];
    const file = ground.vault.fileOf(whole ?? '', '1');
    await damaged(
      file,
      () => flip(file, 400),
      async () => {
        await expect(restore(point, ALL)).rejects.toMatchObject({
          code: 'HF_RECOVERY_DAMAGED',
          expected: expect.stringContaining(whole ?? 'a segment'),
        });
      },
    );
  });

  it('when somebody who can write into the vault has laid other WAL there, and ours is not below it', async () => {
    const { identity, recipient, root, vault } = ground;
    const key = (await walKeys()).filter((one) => !one.includes('.d/'))[1] ?? '';
    const plain = await unpackBytes(vault.get({ key, version: '1' }), [identity], key);
    const sealedBy = (seal: PointSeal) => (fileKey: Uint8Array) => seal.headerSeal(key, fileKey);
    const another = await ownKey(key);
    const laid: readonly [found: string, body: AsyncIterable<Uint8Array>][] = [
      ['one without a seal', packBytes(plain, [recipient]).body],
      [
        'one with the seal of another installation',
        packBytes(plain, [recipient], sealedBy(OTHER_SEAL)).body,
      ],
      ['one whose seal does not fit it', vault.get({ key: another, version: '1' })],
    ];
    const file = (version: string): string => join(root, 'vault', `${key}#`, version);
    for (const [found, body] of laid) {
      const { version } = await vault.put(key, body, { retainUntil: new Date() });
      // Ours lies below it.
      await restore(point, ALL);
      renameSync(file('1.json'), file('1.hidden'));
      await expect(restore(point, ALL)).rejects.toMatchObject({
        code: 'HF_RECOVERY_DAMAGED',
        expected: expect.stringContaining(key),
        found,
      });
      const { sealed: _none, ...wal } = point.wal ?? { timeline: 1, startLsn: '', endLsn: '' };
      // A point of an earlier build asks for no seal.
      if (found !== 'one whose seal does not fit it') await restore({ ...point, wal }, ALL);
      renameSync(file('1.hidden'), file('1.json'));
      for (const laidFile of [version, `${version}.json`]) rmSync(file(laidFile));
    }
    // Nor does a history lead it elsewhere.
    const history = key.replace(/[^/]+\/[^/]+$/, '00000002.history.lz4.age');
    const text = Buffer.from('1\t0/3000000\tno recovery target specified\n');
    await vault.put(history, packBytes(text, [recipient]).body, { retainUntil: new Date() });
    await restore(point, ALL);
    rmSync(join(root, 'vault', `${history}#`), { recursive: true });
  });

  it('when a segment is missing, and says which', async () => {
    const whole = (await walKeys()).filter((key) => !key.includes('.d/'))[1] ?? '';
    const folders = [whole, whole.replace('.lz4.age', '.d')].map((key) =>
      join(ground.vault.root, key),
    );
    const [object = '', pieces = ''] = [`${folders[0]}#`, folders[1]];
    renameSync(object, join(ground.root, 'gone'));
    try {
      renameSync(pieces, join(ground.root, 'gone-pieces'));
    } catch {
      mkdirSync(join(ground.root, 'gone-pieces'));
    }
    try {
      const segment = /([0-9A-F]{24})/.exec(whole)?.[1] ?? 'a segment';
      await expect(restore(point, ALL)).rejects.toMatchObject({
        code: 'HF_RECOVERY_WAL',
        found: expect.stringContaining(segment),
      });
    } finally {
      renameSync(join(ground.root, 'gone'), object);
      renameSync(join(ground.root, 'gone-pieces'), pieces);
    }
  });

  it('when a piece in the middle of the last segment is missing', async () => {
    const pieces = (await walKeys()).filter((key) => key.includes('.d/'));
    const last = pieces.at(-1)?.replace(/\.d\/.*/, '.d') ?? '';
    const ofLast = pieces.filter((key) => key.startsWith(last));
    const first = join(ground.vault.root, `${ofLast[0]}#`);
    expect(ofLast.length).toBeGreaterThan(1);
    renameSync(first, join(ground.root, 'gone-piece'));
    try {
      await expect(restore(point, ALL)).rejects.toMatchObject({ code: 'HF_RECOVERY_WAL' });
    } finally {
      renameSync(join(ground.root, 'gone-piece'), first);
    }
  });

  it('without a key, and with the wrong one', async () => {
    const stranger = await generateIdentity();
    for (const keys of [[], [stranger]]) {
      const other = ground.engine({ identities: () => keys });
      await expect(restore(point, ALL, other)).rejects.toMatchObject({ code: 'HF_RECOVERY_KEY' });
    }
  });

  it('when the manifest was cut in the vault', async () => {
    const file = fileOf('manifest');
    await damaged(
      file,
      () => truncateSync(file, 2_000),
      async () => {
        await expect(restore(point, ALL)).rejects.toMatchObject({ code: 'HF_RECOVERY_DAMAGED' });
      },
    );
  });

  it('when somebody who can write points has stored a manifest that was cut or changed', async () => {
    const restored = await engine.restore(point, ALL, join(ground.root, 'good'), QUIET, NEVER);
    const manifest = readFileSync(join(restored.folder, 'backup_manifest'));
    const changed = Buffer.from(manifest.toString().replace(/"Size": \d+/, '"Size": 1'));
    for (const bytes of [manifest.subarray(0, manifest.length / 2), changed]) {
      const { body } = packBytes(bytes, [ground.recipient]);
      const stored = await ground.vault.put(`shop/forged-${bytes.length}`, body, {
        retainUntil: new Date(),
      });
      const files = point.files.map((file) =>
        file.role === 'manifest' ? { ...file, ...stored, sha256: stored.sha256 ?? '' } : file,
      );
      await expect(restore({ ...point, files }, ALL)).rejects.toMatchObject({
        code: 'HF_RECOVERY_MANIFEST',
      });
    }
  });

  it('when it would begin before the point is consistent, or end after what the vault has', async () => {
    const early = new Date(Date.parse(point.startedAt) - 60_000);
    const goals: RestoreGoal[] = [
      { at: early, lsn: null },
      { at: new Date(Date.now() + 3_600_000), lsn: null },
      { at: null, lsn: point.wal?.startLsn ?? '' },
      { at: null, lsn: 'FF/0' },
      { at: null, lsn: "0/0'; select 1" },
    ];
    for (const goal of goals) {
      await expect(restore(point, goal), JSON.stringify(goal)).rejects.toMatchObject({
        code: 'HF_RECOVERY_GOAL',
      });
    }
  });

  it('when the moment lies before it by the clock of the server, whatever ours says', async () => {
    const { server } = ground;
    const behind: Clock = { ...systemClock, now: () => new Date(Date.now() - 300_000) };
    const slow = ground.engine({ clock: behind });
    const [row] = await server.query('select clock_timestamp() as now');
    const at = row?.['now'] instanceof Date ? row['now'] : null;
    await server.query('delete from t where n <= 10');
    const later = await slow.backup(QUIET, NEVER);
    await slow.close();
    expect(new Date(later.endedAt) < (at ?? new Date(0))).toBe(true);
    await expect(restore(later, { at, lsn: null })).rejects.toMatchObject({
      code: 'HF_RECOVERY_GOAL',
    });
    expect(clockTrouble(later)).toContain('ahead of Holdfast');
    expect(clockTrouble(point)).toBeNull();
    // The point before it is meant.
    const chosen = await choosePoint(
      ground.vault,
      'shop',
      { kind: 'at', at: at ?? new Date(0) },
      TEST_SEAL,
    );
    expect(chosen.point.id).toBe(point.id);
  });

  it('into a folder that has something in it', async () => {
    const folder = join(ground.root, 'full');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a'), '');
    await expect(engine.restore(point, ALL, folder, QUIET, NEVER)).rejects.toMatchObject({
      code: 'HF_RECOVERY_FOLDER',
    });
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('when it is given up, and writes no more after that', async () => {
    const stop = new AbortController();
    const folder = join(ground.root, 'given-up');
    const running = engine.restore(
      point,
      ALL,
      folder,
      () => stop.abort(new Error('enough')),
      stop.signal,
    );
    await expect(running).rejects.toThrow('enough');
  });
});

describe('a backup', { timeout: 120_000 }, () => {
  it('is not taken of a corrupted page, and says where it is; unless asked', async () => {
    const other = await pullGround(null);
    try {
      const { server } = other;
      await server.query(
        `create table t as select n, md5(n::text) as filler from generate_series(1, 20000) n`,
      );
      const [{ path } = {}] = await server.query(`select pg_relation_filepath('t') as path`);
      await server.query('checkpoint');
      await server.stop();
      const file = join(server.data, String(path));
      chmodSync(file, 0o600);
      const handle = openSync(file, 'r+');
      writeSync(handle, Buffer.from('corrupted'), 0, 9, 7 * 8192 + 4000);
      closeSync(handle);
      await server.start();
      await expect(other.engine().backup(QUIET, NEVER)).rejects.toMatchObject({
        code: 'HF_RECOVERY_PAGES',
        found: expect.stringMatching(new RegExp(`${String(path)}.*block 7`)),
      });
      const accepting = other.engine({ acceptsCorruptPages: true, slot: 'second' });
      expect((await accepting.backup(QUIET, NEVER)).files).toHaveLength(3);
    } finally {
      await other.close();
    }
  });

  it('is not taken when the vault fails, and the next one is', async () => {
    const other = await pullGround(null);
    try {
      const pulling = other.engine();
      await (await pulling.stream()).durableUpTo(0n, NEVER);
      other.vault.beforePut = (key) => {
        if (key.endsWith('base.tar.lz4.age')) throw new Error('the vault is full');
      };
      await expect(pulling.backup(QUIET, NEVER)).rejects.toThrow('the vault is full');
      other.vault.beforePut = () => {};
      expect((await pulling.backup(QUIET, NEVER)).engine).toBe('pull');
    } finally {
      await other.close();
    }
  });
});
