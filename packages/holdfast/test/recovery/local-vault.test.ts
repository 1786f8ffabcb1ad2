/** The local vault as it is used: its process killed at any time, its files attacked, its user another. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import type { Canary } from '../../src/recovery/proof.ts';
import { hostileSuite, proveWith } from '../../src/recovery/vaults/hostile.suite.ts';
import { openFlags } from '../../src/recovery/vaults/local/flags.ts';
import { LocalGround } from '../../src/recovery/vaults/local/ground.ts';
import { KeptHead } from '../../src/recovery/vaults/local/kept-head.ts';
import { LocalVault, type LocalVaultOptions } from '../../src/recovery/vaults/local/local-vault.ts';
import { allOf, bytesOf, wholeOf } from '../../src/recovery/vaults/vault.suite.ts';
import type { StoredObject } from '../../src/recovery/vaults/vault.ts';
import { clearFlags } from '../../src/testing/clear-flags.ts';
import { mountedReadOnly, triedToMount, withoutWriting } from '../../src/testing/closed-folder.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';

const KEPT = { retainUntil: new Date(Date.now() + 8 * 24 * 60 * 60 * 1000) };
const made: { readonly vault: LocalVault; readonly folder: string }[] = [];

function makeVault(changes: Partial<LocalVaultOptions> = {}) {
  const folder = scratchFolder('local');
  const options = {
    ...{ name: 'here', folder: join(folder, 'v'), user: null, dataFolders: [], keptHead: null },
  };
  const vault = new LocalVault({ ...options, ...changes });
  made.push({ vault, folder });
  return { vault, folder: join(folder, 'v') };
}
async function removeAll(): Promise<void> {
  for (const { vault, folder } of made.splice(0)) {
    await vault.close();
    clearFlags(folder);
    rmSync(folder, { recursive: true });
  }
}

const tried = scratchFolder('flags');
const canFreeze = (await openFlags(tried)).works;
clearFlags(tried);
rmSync(tried, { recursive: true });

const canMount = triedToMount();

/** Where files cannot be frozen, whoever Holdfast runs as can delete them, and the proof must say so. */
hostileSuite('the local vault', canFreeze ? 'PROVEN' : 'REFUTED', async () => {
  const { vault, folder } = makeVault();
  const ground = new LocalGround({ vault, folder, clock: systemClock });
  const trial = ground.trialOfThisUser();
  const suspects = [
    { name: 'the user that Holdfast runs as', kind: 'user', trial },
    {
      ...{ name: 'main-db', kind: 'postgres' },
      trial: { kind: 'no-key', why: 'A login of a database opens nothing on this disk.' },
    },
  ] as const;
  return {
    ground,
    suspects,
    end: async () => {
      expect((await vault.look()).troubles).toEqual([]);
      await removeAll();
    },
  };
});

describe('a local vault whose files can be changed', () => {
  afterEach(removeAll);

  it('comes out REFUTED, and the proof leaves no hole in it', async () => {
    const { vault, folder } = makeVault();
    const ground = new LocalGround({ vault, folder, clock: systemClock });
    const thawing = {
      ...{ vault: 'here', kind: 'local' },
      plant: async (retainUntil: Date) => {
        const canary = await ground.plant(retainUntil);
        clearFlags(folder);
        return canary;
      },
      readBack: (canary: Canary) => ground.readBack(canary),
    };
    const suspects = [{ name: 'us', kind: 'user', trial: ground.trialOfThisUser() }];
    const { proof } = await proveWith(thawing, suspects);
    expect(proof.verdict).toBe('REFUTED');
    const outcomes = proof.credentials.flatMap(({ acts }) => acts.map(({ outcome }) => outcome));
    expect(new Set(outcomes)).toEqual(new Set(['succeeded']));
    await vault.close();
    expect((await vault.look()).troubles).toEqual([]);
  });
});

describe('the process of a local vault', () => {
  afterEach(removeAll);

  it('killed at any time, has all that it said is stored, and nothing by half', async () => {
    const { vault, folder } = makeVault();
    const stored: StoredObject[] = [];
    const failed: unknown[] = [];
    for (let round = 0; round < 8; round += 1) {
      const puts = Array.from({ length: 12 }, (_, at) => {
        const body = Buffer.alloc(at % 3 === 0 ? 700_000 : 5_000, `${round} ${at} `);
        return vault.put(
          `db/1/wal/${round}/${at}`,
          bytesOf(body.subarray(0, 1_000), body.subarray(1_000)),
          KEPT,
        );
      });
      for (const putting of puts) {
        putting.then(
          (object) => stored.push(object),
          (error: unknown) => failed.push(error),
        );
      }
      // The first time before it has begun, then after so many are stored.
      const goal = stored.length + round;
      for (let looks = 0; looks < 2_000 && stored.length < goal; looks += 1) await pause(5);
      const pid = vault.pid;
      if (pid !== null) process.kill(pid, 'SIGKILL');
      await Promise.allSettled(puts);
    }
    const listed = await allOf(vault.list('', null));
    const versions = new Set(listed.map(({ version }) => version));
    expect(stored.filter(({ version }) => !versions.has(version))).toEqual([]);
    for (const object of listed)
      expect((await wholeOf(vault.get(object))).length).toBe(object.bytes);
    expect((await vault.look()).troubles).toEqual([]);
    expect(readdirSync(join(folder, 'incoming'))).toEqual([]);
    for (const error of failed) expect(error).toMatchObject({ code: 'HF_VAULT_UNREACHABLE' });
    process.stdout.write(`killed 8 times: ${stored.length} stored, ${failed.length} not\n`);
    expect(failed.length).toBeGreaterThan(0);
    expect(stored.length).toBeGreaterThan(0);
  });

  it('inherits nothing, and is asked by nobody but its parent', async () => {
    const { vault } = makeVault();
    await vault.look();
    const pid = vault.pid ?? 0;
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toBe('');
    // proc(5), net/unix: the flags of a socket that listens, and its inode.
    const sockets = readdirSync(`/proc/${pid}/fd`).map((fd) => readlink(`/proc/${pid}/fd/${fd}`));
    const listening = readFileSync(`/proc/${pid}/net/unix`, 'utf8')
      .split('\n')
      .map((line) => line.split(/\s+/))
      .filter(
        ([, , , flags, , , inode]) => flags === '00010000' && sockets.includes(`socket:[${inode}]`),
      );
    const tcp = readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
      .split('\n')
      .filter((line) => sockets.includes(`socket:[${line.trim().split(/\s+/)[9]}]`));
    expect(sockets.some((name) => name.startsWith('socket:'))).toBe(true);
    expect(tcp).toEqual([]);
    expect(listening).toEqual([]);
  });

  it('ends with its parent', async () => {
    const { vault } = makeVault();
    await vault.look();
    const pid = vault.pid ?? 0;
    await vault.close();
    expect(() => process.kill(pid, 0)).toThrow();
    // Asked again, it is there again.
    await vault.put('a/b', bytesOf('x'), KEPT);
  });

  it('lets no second one have its folder', async () => {
    const { vault, folder } = makeVault();
    await vault.put('a/b', bytesOf('x'), KEPT);
    const second = new LocalVault({
      name: 'second',
      folder,
      user: null,
      dataFolders: [],
      keptHead: null,
    });
    await expect(second.put('a/c', bytesOf('y'), KEPT)).rejects.toMatchObject({
      code: 'HF_VAULT_REFUSED',
    });
    await second.close();
    await vault.put('a/d', bytesOf('z'), KEPT);
  });

  it('says amber at best, and red beside the data it is to outlive', async () => {
    const { vault } = makeVault();
    expect((await vault.look()).colour).toBe('amber');
    const data = scratchFolder('data');
    made.push({ vault, folder: data });
    const { vault: beside } = makeVault({ dataFolders: [data] });
    const look = await beside.look();
    expect(look.colour).toBe('red');
    expect(look.troubles.join()).toContain('same device');
    expect(look.doesNotProtectFrom.join()).toContain('volume');
    const other = makeVault({ dataFolders: ['/proc'] });
    expect((await other.vault.look()).protectsFrom.join()).toContain('volume');
  });

  it('finds out that a finished file was deleted by root', async () => {
    const { vault, folder } = makeVault();
    await vault.put('a/large', bytesOf(Buffer.alloc(500_000)), KEPT);
    await vault.close();
    clearFlags(folder);
    rmSync(join(folder, 'objects'), { recursive: true });
    mkdirSync(join(folder, 'objects'));
    const look = await vault.look();
    expect(look.colour).toBe('red');
    expect(look.troubles.join()).toContain('gone');
  });

  it('finds out that the end of its manifest was cut, and does not forget it', async () => {
    const elsewhere = scratchFolder('heads');
    const path = join(elsewhere, 'here.json');
    const folder = join(scratchFolder('cut'), 'v');
    const { vault } = makeVault({ folder, keptHead: new KeptHead(path, folder) });
    made.push({ vault, folder: elsewhere }, { vault, folder: join(folder, '..') });
    for (const name of ['a', 'b', 'c']) await vault.put(`db/1/${name}`, bytesOf(name), KEPT);
    expect((await vault.look()).troubles).toEqual([]);
    await vault.put('db/1/d', bytesOf('d'), KEPT);
    expect((await vault.look()).troubles).toEqual([]);
    await vault.close();
    clearFlags(folder);
    const [segment = ''] = readdirSync(join(folder, 'manifest')).sort().slice(-1);
    const log = join(folder, 'manifest', segment);
    const lines = readFileSync(log, 'utf8').split('\n');
    writeFileSync(log, `${lines.slice(0, -3).join('\n')}\n`);
    for (let look = 0; look < 2; look += 1) {
      const { colour, troubles } = await vault.look();
      expect(colour).toBe('red');
      expect(troubles.join()).toContain('its end was cut off or written anew');
      // Nothing is stored that would go on from what was cut; what is left is still read.
      await expect(vault.put('db/1/later', bytesOf('later'), KEPT)).rejects.toMatchObject({
        code: 'HF_VAULT_REFUSED',
        hint: expect.stringContaining(path),
      });
      expect((await allOf(vault.list('db/', null))).map(({ key }) => key)).toContain('db/1/a');
    }
    rmSync(path);
    await vault.put('db/1/later', bytesOf('later'), KEPT);
    expect((await vault.look()).troubles).toEqual([]);
  });

  it.each(['an empty mount point', 'no folder'])(
    'stores nothing while its disk is away, and goes on when it is back: %s',
    async (left) => {
      const elsewhere = scratchFolder('heads');
      const path = join(elsewhere, 'here.json');
      const folder = join(scratchFolder('away'), 'v');
      const keptHead = new KeptHead(path, folder);
      const { vault } = makeVault({ folder, keptHead });
      made.push({ vault, folder: elsewhere }, { vault, folder: join(folder, '..') });
      // It was never looked at: to have been opened is enough.
      await vault.put('db/1/a', bytesOf('a'), KEPT);
      await vault.close();
      renameSync(folder, `${folder}.disk`);
      if (left === 'an empty mount point') mkdirSync(folder, { mode: 0o700 });
      const refused = {
        code: 'HF_VAULT_REFUSED',
        found: expect.stringContaining('is its disk mounted?'),
        hint: expect.stringContaining(path),
      };
      for (let tries = 0; tries < 2; tries += 1) {
        await expect(vault.look()).rejects.toMatchObject(refused);
        await expect(vault.put('db/1/b', bytesOf('b'), KEPT)).rejects.toMatchObject(refused);
        await expect(allOf(vault.list('', null))).rejects.toMatchObject(refused);
        // Not taken for a vault without points, and nothing is made of it.
        expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
        expect(existsSync(folder)).toBe(left === 'an empty mount point');
      }
      rmSync(folder, { recursive: true, force: true });
      renameSync(`${folder}.disk`, folder);
      await vault.put('db/1/b', bytesOf('b'), KEPT);
      expect((await allOf(vault.list('', null))).map(({ key }) => key)).toEqual([
        'db/1/a',
        'db/1/b',
      ]);
      expect((await vault.look()).troubles).toEqual([]);
    },
  );

  it.each(canMount ? ['a mount', 'its mode'] : ['its mode'])(
    'is read where it cannot be written to, and goes on when it can: by %s',
    async (way) => {
      const elsewhere = scratchFolder('heads');
      const folder = join(scratchFolder('closed'), 'v');
      // No mode holds root off.
      const user = way === 'its mode' && process.getuid?.() === 0 ? idsOf('nobody') : null;
      const keptHead = new KeptHead(join(elsewhere, 'here.json'), folder);
      const { vault } = makeVault({ folder, user, keptHead });
      made.push({ vault, folder: elsewhere }, { vault, folder: join(folder, '..') });
      const small = await vault.put('db/1/small', bytesOf('small'), KEPT);
      const large = await vault.put('db/1/large', bytesOf(Buffer.alloc(500_000, 'x')), KEPT);
      await vault.close();
      const open = way === 'a mount' ? mountedReadOnly(folder) : withoutWriting(folder);
      try {
        const { colour, troubles } = await vault.look();
        expect(colour).toBe('amber');
        expect(troubles).toEqual([expect.stringContaining('is read-only (E')]);
        expect(await allOf(vault.list('', null))).toHaveLength(2);
        expect((await wholeOf(vault.get(small))).toString()).toBe('small');
        expect((await wholeOf(vault.get(large))).length).toBe(500_000);
        await expect(vault.put('db/1/more', bytesOf('more'), KEPT)).rejects.toMatchObject({
          code: 'HF_VAULT_REFUSED',
          found: expect.stringContaining('is read-only (E'),
          hint: expect.stringContaining('Mount it writable'),
        });
        expect(existsSync(join(folder, 'lock'))).toBe(false);
      } finally {
        open();
      }
      await vault.put('db/1/more', bytesOf('more'), KEPT);
      expect((await vault.look()).troubles).toEqual([]);
      expect(await allOf(vault.list('', null))).toHaveLength(3);
    },
  );

  it('runs as another user when it may, and says when it may not', async () => {
    const nobody = idsOf('nobody');
    const { vault, folder } = makeVault({ user: nobody });
    const stored = await vault.put('a/large', bytesOf(Buffer.alloc(500_000, 'x')), KEPT);
    expect((await wholeOf(vault.get(stored))).length).toBe(500_000);
    const isRoot = process.getuid?.() === 0;
    const uid = isRoot ? nobody.uid : process.getuid?.();
    const status = readFileSync(`/proc/${vault.pid}/status`, 'utf8');
    expect(status).toMatch(new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s+${uid}`, 'm'));
    expect(statSync(join(folder, 'manifest')).uid).toBe(uid);
    const { protectsFrom, doesNotProtectFrom } = await vault.look();
    const said = isRoot ? protectsFrom : doesNotProtectFrom;
    expect(said.join()).toContain('whoever takes over the user that Holdfast runs as');
  });

  it('takes pieces of WAL quickly', async () => {
    const { vault } = makeVault();
    await vault.look();
    const took: number[] = [];
    for (let at = 0; at < 300; at += 1) {
      const started = performance.now();
      await vault.put(`db/1/wal/1/piece.d/${1_000 + at}`, bytesOf(Buffer.alloc(8_000, 'w')), KEPT);
      took.push(performance.now() - started);
    }
    took.sort((a, b) => a - b);
    const [p50, p99] = [took[150], took[297]].map((ms) => (ms ?? 0).toFixed(1));
    process.stdout.write(`300 puts of 8 KB, one after the other: p50 ${p50} ms, p99 ${p99} ms\n`);
    expect(await allOf(vault.list('db/1/wal/1/', null))).toHaveLength(300);
  });
});

describe('a proof that is broken off', () => {
  afterAll(removeAll);

  it('is UNKNOWN', async () => {
    const { vault, folder } = makeVault();
    const ground = new LocalGround({ vault, folder, clock: systemClock });
    const suspects = [{ name: 'us', kind: 'user', trial: ground.trialOfThisUser() }];
    const { proof } = await proveWith(ground, suspects, { signal: AbortSignal.abort() });
    expect(proof.verdict).toBe('UNKNOWN');
  });
});

function idsOf(user: string) {
  const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Empty for one that was closed while we looked. */
function readlink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
