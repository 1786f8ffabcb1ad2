import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VAULT_PENDING_MS, VAULT_RETAIN_MS_MIN } from '../../../model/limits.ts';
import { type Failing, FailingDisk } from '../../../testing/failing-disk.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { scratchFolder } from '../../../testing/scratch-folder.ts';
import { allOf, bytesOf, wholeOf } from '../vault.suite.ts';
import type { StoredObject } from '../vault.ts';
import { type Disk, type Refusal, realDisk } from './disk.ts';
import { NO_FLAGS } from './flags.ts';
import type { Seen } from './manifest.ts';
import { LocalStore } from './store.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const LARGE = Buffer.alloc(400_000, 'a large one ');

let root: string;
let clock: ManualClock;
let open: LocalStore[] = [];

beforeEach(() => {
  root = scratchFolder('store');
  clock = new ManualClock();
  open = [];
});
/** Files are closed; a disk that died writes nothing more. */
async function shut(): Promise<void> {
  for (const store of open.splice(0)) await store.close().catch(() => {});
}
afterEach(async () => {
  await shut();
  rmSync(root, { recursive: true, force: true });
});

async function start(disk: Disk = realDisk, seen: Seen | null = null): Promise<LocalStore> {
  const openFlags = async () => NO_FLAGS;
  const store = await LocalStore.open({ root, clock, disk, openFlags, seen });
  open.push(store);
  return store;
}

function put(store: LocalStore, key: string, body: string | Buffer, days = 7) {
  const retainUntil = new Date(clock.now().getTime() + days * DAY_MS);
  return store.put(key, bytesOf(body), { retainUntil });
}

async function keysOf(store: LocalStore): Promise<readonly string[]> {
  return (await allOf(store.list('', null))).map(({ key }) => key);
}

/** Every object that is listed is whole. */
async function checkWhole(store: LocalStore): Promise<readonly StoredObject[]> {
  const objects = await allOf(store.list('', null));
  for (const object of objects) {
    const bytes = await wholeOf(store.get(object));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(object.sha256);
  }
  expect((await store.look()).troubles).toEqual([]);
  return objects;
}

/** Some forty lives of a vault, each with all its syncs. */
describe('a local vault whose process or disk fails at any act', { timeout: 180_000 }, () => {
  /** What came back as stored, in one life of the process; ends when the disk does. */
  async function live(disk: Disk): Promise<readonly StoredObject[]> {
    const stored: StoredObject[] = [];
    const store = await start(disk).catch(() => null);
    if (store === null) return stored;
    const keep = (putting: Promise<StoredObject>) =>
      putting.then(
        (object) => stored.push(object),
        (error: unknown) =>
          expect(error).toMatchObject({ code: expect.stringContaining('HF_VAULT_') }),
      );
    await keep(put(store, 'db/1/small', 'one'));
    await keep(put(store, 'db/1/deep/er/large', LARGE));
    await Promise.all([
      keep(put(store, 'db/1/small', 'two')),
      keep(put(store, 'db/1/deep/other', LARGE)),
      keep(put(store, 'db/1/third', 'three', 9)),
    ]);
    const listed = await allOf(store.list('', null));
    const newest = new Map(stored.map((object) => [object.key, object.version]));
    expect(new Map(listed.map(({ key, version }) => [key, version]))).toEqual(newest);
    return stored;
  }

  it.each<Failing>(['dies', 'is full'])('keeps what it said is stored: it %s', async (failing) => {
    let tried = 0;
    for (let at = 0; ; at += 1) {
      const disk = new FailingDisk(at, failing);
      const stored = await live(disk);
      await shut();
      const again = await start();
      const objects = await checkWhole(again);
      for (const object of stored) {
        expect((await wholeOf(again.get(object))).length, `act ${at}`).toBe(object.bytes);
      }
      expect(readdirSync(join(root, 'incoming'))).toEqual([]);
      // Not full any more: it goes on, and what failed is not there by half.
      await put(again, 'db/1/after', 'well');
      expect((await keysOf(again)).length).toBeGreaterThanOrEqual(objects.length);
      if (failing === 'is full') {
        const newest = new Map(stored.map(({ key, version }) => [key, version]));
        expect(new Map(objects.map(({ key, version }) => [key, version])), `act ${at}`).toEqual(
          newest,
        );
      }
      await shut();
      rmSync(root, { recursive: true });
      root = scratchFolder('store');
      tried = at;
      if (!disk.hasFailed) break;
    }
    expect(tried).toBeGreaterThan(40);
  });

  it.each<Failing>(['dies', 'is full'])('lets go whole or not at all: it %s', async (failing) => {
    for (let at = 0; ; at += 1) {
      const store = await start();
      await put(store, 'db/1/old', LARGE);
      await put(store, 'db/1/new', LARGE);
      await store.close();
      const disk = new FailingDisk(at, failing);
      const failed = await start(disk).catch(() => null);
      clock.pass(8 * DAY_MS);
      await failed?.sweep().catch(() => {});
      clock.pass(3 * DAY_MS);
      await failed?.sweep().catch(() => {});
      await shut();
      const again = await start();
      const keys = (await checkWhole(again)).map(({ key }) => key);
      expect([['db/1/new'], ['db/1/new', 'db/1/old']]).toContainEqual(keys);
      const files = readdirSync(join(root, 'objects/db/1')).map((name) => name.split('@')[0]);
      expect(files.map((name) => `db/1/${name}`).sort(), `act ${at}`).toEqual(keys);
      await shut();
      rmSync(root, { recursive: true });
      root = scratchFolder('store');
      if (!disk.hasFailed) {
        expect(keys).toEqual(['db/1/new']);
        break;
      }
    }
  });
});

describe('the retention of a local vault', () => {
  const PASSED_MS = VAULT_RETAIN_MS_MIN + 1_000;

  it('lets go after its time and 48 hours more, by time it watched', async () => {
    const store = await start();
    await put(store, 'db/1/old', 'old');
    clock.pass(2 * DAY_MS);
    await put(store, 'db/1/new', 'new');
    await store.close();
    const again = await start();
    clock.pass(5 * DAY_MS + 1_000);
    await again.sweep();
    expect(await keysOf(again)).toEqual(['db/1/new', 'db/1/old']);
    clock.pass(VAULT_PENDING_MS - 60_000);
    await again.sweep();
    expect(await keysOf(again)).toEqual(['db/1/new', 'db/1/old']);
    clock.pass(60_000);
    await again.sweep();
    expect(await keysOf(again)).toEqual(['db/1/new']);
    expect(readdirSync(join(root, 'packs'))).toHaveLength(1);
  });

  it('keeps at least seven days, whatever was asked for', async () => {
    const store = await start();
    const stored = await put(store, 'db/1/old', 'old', 0);
    expect(stored.retainUntil?.getTime()).toBe(clock.now().getTime() + VAULT_RETAIN_MS_MIN);
  });

  it.each([400, -400])('is not hurried by a clock that is set %d days', async (days) => {
    const store = await start();
    await put(store, 'db/1/old', 'old');
    await put(store, 'db/1/new', 'new');
    clock.jump(days * DAY_MS);
    for (let sweeps = 0; sweeps < 3; sweeps += 1) {
      await store.sweep();
      clock.pass(VAULT_PENDING_MS);
    }
    expect((await store.look()).troubles.join()).toContain('wall clock was set');
    await store.close();
    const again = await start();
    await again.sweep();
    clock.pass(60_000);
    await again.sweep();
    expect(await keysOf(again)).toEqual(['db/1/new', 'db/1/old']);
  });

  it('counts no time in which it did not run', async () => {
    let store = await start();
    await put(store, 'db/1/old', LARGE);
    await put(store, 'db/1/new', LARGE);
    for (let month = 0; month < 6; month += 1) {
      await store.close();
      // Off for a month: the monotonic clock of the next process begins anew.
      clock = new ManualClock(new Date(clock.now().getTime() + 30 * DAY_MS).toISOString());
      store = await start();
      await store.sweep();
      clock.pass(60_000);
    }
    expect(await keysOf(store)).toEqual(['db/1/new', 'db/1/old']);
  });

  it('never lets go the newest point, what it builds on, and the WAL since', async () => {
    const store = await start();
    const point = async (id: string, prior: string | null) => {
      await put(store, `db/1/points/${id}/base.tar`, LARGE);
      await put(store, `db/1/points/${id}/point.json`, JSON.stringify({ id, prior }));
      await put(store, `db/1/wal/1/after-${id}`, LARGE);
    };
    await put(store, 'db/1/wal/1/before', LARGE);
    await point('a', null);
    await point('b', null);
    await point('c', 'b');
    // Begun and never finished: it is no point, so it does not count as the newest.
    await put(store, 'db/1/points/d/base.tar', LARGE);
    await put(store, 'db2/1/wal/1/only', 'the only one of another server');
    await store.close();
    const again = await start();
    clock.pass(400 * DAY_MS);
    await again.sweep();
    clock.pass(400 * DAY_MS);
    await again.sweep();
    const keys = await keysOf(again);
    for (const id of ['b', 'c']) {
      expect(keys).toContain(`db/1/points/${id}/base.tar`);
      expect(keys).toContain(`db/1/points/${id}/point.json`);
      expect(keys).toContain(`db/1/wal/1/after-${id}`);
    }
    expect(keys).toContain('db2/1/wal/1/only');
    expect(keys).not.toContain('db/1/points/a/base.tar');
    expect(keys).not.toContain('db/1/wal/1/before');
    await checkWhole(again);
  });

  it('lets go nothing when the newest point cannot be read', async () => {
    const store = await start();
    await put(store, 'db/1/old', LARGE);
    await put(store, 'db/1/points/a/point.json', 'no JSON');
    clock.pass(PASSED_MS);
    await expect(store.sweep()).rejects.toThrow();
    clock.pass(PASSED_MS);
    await expect(store.sweep()).rejects.toThrow();
    expect(await keysOf(store)).toContain('db/1/old');
  });

  it('retires a part of the manifest when all that it lists is gone, and the chain goes on', async () => {
    for (let start_ = 0; start_ < 3; start_ += 1) {
      const store = await start();
      await put(store, `db/1/of-${start_}`, LARGE);
      await store.close();
    }
    const store = await start();
    const early = (await store.look()).head;
    await put(store, 'db/1/newest', LARGE);
    const late = (await store.look()).head;
    clock.pass(PASSED_MS);
    await store.sweep();
    clock.pass(PASSED_MS);
    await store.sweep();
    expect(await keysOf(store)).toEqual(['db/1/newest']);
    await store.close();
    expect(readdirSync(join(root, 'manifest'))).not.toContain('00000001.log');
    const again = await start();
    expect((await again.look()).troubles).toEqual([]);
    expect(await keysOf(again)).toEqual(['db/1/newest']);
    expect(await again.holds(late)).toBe('yes');
    expect(await again.holds({ ...early, number: 1 })).toBe('retired');
  });
});

describe('a local vault that somebody wrote to from outside', () => {
  const segment = (number: number) => join(root, 'manifest', `0000000${number}.log`);

  async function filled() {
    const store = await start();
    const small = await put(store, 'db/1/small', 'small');
    const large = await put(store, 'db/1/large', LARGE);
    await put(store, 'db/1/last', 'last');
    const { head } = await store.look();
    await store.close();
    return { small, large, head };
  }

  it('says so when its manifest was changed, and lets nothing go', async () => {
    await filled();
    const text = readFileSync(segment(1), 'utf8');
    writeFileSync(segment(1), text.replace('"bytes":5', '"bytes":4'));
    const store = await start();
    expect((await store.look()).troubles.join()).toContain('chain is broken');
    clock.pass(400 * DAY_MS);
    await store.sweep();
    clock.pass(400 * DAY_MS);
    await store.sweep();
    expect((await keysOf(store)).length).toBe(3);
  });

  it('says so when a line was taken out, or put in', async () => {
    await filled();
    const lines = readFileSync(segment(1), 'utf8').split('\n');
    copyFileSync(segment(1), join(root, 'kept'));
    writeFileSync(segment(1), [...lines.slice(0, 1), ...lines.slice(2)].join('\n'));
    const store = await start();
    expect((await store.look()).troubles.join()).toContain('chain is broken');
    await store.close();
    unlinkSync(segment(2));
    copyFileSync(join(root, 'kept'), segment(1));
    writeFileSync(
      segment(1),
      [...lines.slice(0, 2), '{"no":"entry"}', ...lines.slice(2)].join('\n'),
    );
    const again = await start();
    expect((await again.look()).troubles.join()).toContain('chain is broken');
  });

  it('does not see by itself that the end was cut, but whoever kept the head does', async () => {
    const { head } = await filled();
    const lines = readFileSync(segment(1), 'utf8').split('\n');
    writeFileSync(segment(1), `${lines.slice(0, 2).join('\n')}\n`);
    const store = await start();
    expect(await keysOf(store)).toEqual(['db/1/small']);
    expect(await store.holds(head)).toBe('no');
    await put(store, 'db/1/more', 'more');
    await put(store, 'db/1/more', 'more');
    await put(store, 'db/1/more', 'more');
    expect(await store.holds(head)).toBe('no');
  });

  it('still holds its head after it went on', async () => {
    const { head } = await filled();
    const store = await start();
    await put(store, 'db/1/more', 'more');
    expect(await store.holds(head)).toBe('yes');
    expect(await store.holds({ ...head, hash: '0'.repeat(64) })).toBe('no');
    expect(await store.holds({ ...head, number: head.number + 100 })).toBe('no');
  });

  it('says so when the beginning is gone', async () => {
    await filled();
    await (await start()).close();
    unlinkSync(segment(1));
    expect((await (await start()).look()).troubles.join()).toContain('somebody removed it');
  });

  it('says so when a file is gone, and gives no bytes that are not those', async () => {
    const { large, small } = await filled();
    const [pack] = readdirSync(join(root, 'packs'));
    const path = join(root, 'packs', pack ?? '');
    const bytes = readFileSync(path);
    bytes[0] = 0x58;
    writeFileSync(path, bytes);
    const store = await start();
    await expect(wholeOf(store.get(small))).rejects.toMatchObject({ code: 'HF_VAULT_CHANGED' });
    await store.close();
    const file = join(root, 'objects', `${large.key}@${large.version}`);
    truncateSync(file, 100);
    const cut = await start();
    await expect(wholeOf(cut.get(large))).rejects.toMatchObject({ code: 'HF_VAULT_CHANGED' });
    await cut.close();
    unlinkSync(file);
    const gone = await start();
    expect((await gone.look()).troubles.join()).toContain('are gone');
    await expect(wholeOf(gone.get(large))).rejects.toMatchObject({ code: 'HF_VAULT_CHANGED' });
  });

  it('is not stopped by a torn line at its end', async () => {
    await filled();
    const whole = readFileSync(segment(1));
    truncateSync(segment(1), whole.length - 7);
    const store = await start();
    await put(store, 'db/1/more', 'more');
    await store.close();
    const again = await start();
    expect((await again.look()).troubles).toEqual([]);
    expect(await keysOf(again)).toContain('db/1/more');
    expect(statSync(segment(1)).size).toBe(whole.length - 7);
  });
});

describe('a local vault that was seen before', () => {
  const seenAt = (head: Seen['head']): Seen => ({ head, keptAt: '/kept/near.json' });

  async function filled() {
    const store = await start();
    await put(store, 'db/1/small', 'small');
    await put(store, 'db/1/large', LARGE);
    const { head } = await store.look();
    await store.close();
    return head;
  }

  it.each([
    ['nothing at all', () => rmSync(root, { recursive: true })],
    ['an empty mount point', () => empty(root)],
    ['folders without a manifest', () => empty(join(root, 'manifest'))],
  ])('is not made anew where it is away: %s', async (_story, takeAway) => {
    const head = await filled();
    takeAway();
    const left = existsSync(root) ? readdirSync(root, { recursive: true }) : null;
    for (const seen of [seenAt(head), seenAt(null)]) {
      await expect(start(realDisk, seen)).rejects.toMatchObject({
        code: 'HF_VAULT_REFUSED',
        found: expect.stringContaining('is its disk mounted?'),
        hint: expect.stringContaining('/kept/near.json'),
      });
    }
    // Not a folder, not a lock: nothing was made.
    expect(existsSync(root) ? readdirSync(root, { recursive: true }) : null).toEqual(left);
    // Whoever emptied it on purpose removed what was seen.
    await put(await start(), 'db/1/new', 'new');
  });

  it('goes on where it is as it was, also when retention let go what it had', async () => {
    const head = await filled();
    const store = await start(realDisk, seenAt(head));
    expect(store.isForReading).toBe(false);
    await put(store, 'db/1/large', LARGE);
    for (let sweeps = 0; sweeps < 2; sweeps += 1) {
      clock.pass(VAULT_RETAIN_MS_MIN + 1_000);
      await store.sweep();
    }
    await store.close();
    const again = await start(realDisk, seenAt({ number: 1, hash: head.hash }));
    expect(await again.holds({ number: 1, hash: head.hash })).toBe('retired');
    await put(again, 'db/1/more', 'more');
  });

  it.each([
    ['a shorter one', () => truncateSync(join(root, 'manifest', '00000001.log'), 400)],
    ['an empty one', () => truncateSync(join(root, 'manifest', '00000001.log'), 0)],
    [
      'another vault',
      async () => {
        empty(root);
        const other = await start();
        for (let at = 0; at < 9; at += 1) await put(other, `db/2/${at}`, 'of another');
        await other.close();
      },
    ],
  ])('is read and not written to where it is %s', async (_story, change) => {
    const head = await filled();
    await change();
    const before = filesIn(root);
    const store = await start(realDisk, seenAt(head));
    await expect(put(store, 'db/1/lost', 'lost')).rejects.toMatchObject({
      code: 'HF_VAULT_REFUSED',
      found: expect.stringContaining(`its entry ${head.number}`),
    });
    clock.pass(400 * DAY_MS);
    await store.sweep();
    await checkWhole(store);
    expect(await store.isStill(seenAt(head))).toBe(true);
    expect(await store.isStill(null)).toBe(false);
    await store.close();
    expect(filesIn(root)).toEqual(before);
    // A person removed what was seen.
    await put(await start(), 'db/1/new', 'new');
  });
});

describe('a local vault on a disk that is read-only', () => {
  /** As a mount with `ro`, or the owner's missing right, answers: nothing here may write. */
  function closedDisk(refusal: Refusal): Disk {
    const no = () =>
      Promise.reject(Object.assign(new Error(`${refusal}: a test`), { code: refusal }));
    return {
      ...{ create: no, write: no, sync: no, rename: no, syncFolder: no, remove: no },
      // mkdir(2): what is there is said first.
      makeFolder: (path) => (existsSync(path) ? realDisk.makeFolder(path) : no()),
      refusal: async () => refusal,
    };
  }

  it.each<Refusal>(['EROFS', 'EACCES', 'EPERM'])(
    'is read, and takes nothing: %s',
    async (refusal) => {
      const store = await start();
      const small = await put(store, 'db/1/small', 'small');
      const large = await put(store, 'db/1/large', LARGE);
      const { head } = await store.look();
      // The lock of a process that lives: a snapshot of a vault has it, too.
      writeFileSync(join(root, 'lock'), `${process.ppid} ${startOf(process.ppid)}`);
      const before = filesIn(root);
      const closed = await start(closedDisk(refusal), { head, keptAt: '/kept/near.json' });
      expect((await wholeOf(closed.get(small))).toString()).toBe('small');
      expect((await wholeOf(closed.get(large))).equals(LARGE)).toBe(true);
      const objects = await checkWhole(closed);
      expect(objects).toHaveLength(2);
      expect((await closed.look()).readOnly).toContain(`read-only (${refusal})`);
      await expect(put(closed, 'db/1/more', 'more')).rejects.toMatchObject({
        code: 'HF_VAULT_REFUSED',
        found: expect.stringContaining(refusal),
      });
      clock.pass(400 * DAY_MS);
      await closed.sweep();
      expect(await closed.isStill(null)).toBe(true);
      await closed.close();
      expect(filesIn(root)).toEqual(before);
    },
  );

  it('gives what a crash left half way, without moving it', async () => {
    const store = await start();
    const large = await put(store, 'db/1/large', LARGE);
    await store.close();
    const there = join(root, 'objects', `${large.key}@${large.version}`);
    renameSync(there, join(root, 'incoming', large.version));
    const closed = await start(closedDisk('EROFS'));
    await checkWhole(closed);
    expect(readdirSync(join(root, 'incoming'))).toEqual([large.version]);
    await closed.close();
    await checkWhole(await start());
    expect(existsSync(there)).toBe(true);
  });

  it('is not begun there, and not taken from another owner where others could write', async () => {
    await expect(start(closedDisk('EROFS'))).rejects.toMatchObject({
      code: 'HF_VAULT_REFUSED',
      found: expect.stringContaining('no vault is in it'),
    });
    await put(await start(), 'db/1/small', 'small');
    await shut();
    chmodSync(root, 0o777);
    await expect(start(closedDisk('EACCES'))).rejects.toMatchObject({ code: 'HF_VAULT_REFUSED' });
    // On a read-only disk nobody writes, whatever the mode says.
    await checkWhole(await start(closedDisk('EROFS')));
  });

  it('that becomes so while it is open takes nothing, and goes on when it is writable', async () => {
    let refusal: Refusal | null = null;
    const store = await start({ ...realDisk, refusal: async () => refusal });
    await put(store, 'db/1/first', 'first');
    refusal = 'EROFS';
    for (const body of ['small', LARGE]) {
      await expect(put(store, 'db/1/more', body)).rejects.toMatchObject({
        code: 'HF_VAULT_REFUSED',
      });
    }
    clock.pass(DAY_MS);
    await store.sweep();
    expect((await store.look()).readOnly).toContain('EROFS');
    refusal = null;
    await put(store, 'db/1/more', LARGE);
    expect((await store.look()).readOnly).toBeNull();
    expect(await keysOf(store)).toEqual(['db/1/first', 'db/1/more']);
  });
});

/** All that lies in it, with what stands there. */
function filesIn(folder: string): readonly (readonly [string, string | null])[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
  return names
    .filter((name) => name !== 'lock')
    .map((name) => {
      const path = join(folder, name);
      return [name, statSync(path).isFile() ? readFileSync(path, 'hex') : null];
    });
}

function empty(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
}

/** proc(5): the 22nd field. */
function startOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

describe('the folder of a local vault', () => {
  it('is refused while others may write to it', async () => {
    chmodSync(root, 0o777);
    await expect(start()).rejects.toMatchObject({ code: 'HF_VAULT_REFUSED' });
    chmodSync(root, 0o700);
    await start();
  });

  it('is taken over from a process that died, and from one whose pid came again', async () => {
    for (const held of ['999999999 12345', `${process.ppid} 1`, 'rubbish', '']) {
      writeFileSync(join(root, 'lock'), held);
      const store = await start();
      await store.close();
    }
  });

  it('tells thousands of objects in order', async () => {
    const store = await start();
    const names = Array.from({ length: 5_000 }, (_, at) => `db/1/wal/${at % 7}/${100_000 + at}`);
    await Promise.all(names.map((name) => put(store, name, name)));
    const listed = await allOf(store.list('db/', null));
    expect(listed.map(({ key }) => key)).toEqual([...names].sort());
    const some = listed.filter((_, at) => at % 500 === 0);
    for (const object of some) {
      expect((await wholeOf(store.get(object))).toString()).toBe(object.key);
    }
  });
});
