/** The S3 vault at a real Object Lock server, and the attacks on it. */
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { pointKey, writePoint } from '../../src/recovery/point-store.ts';
import type { Suspect } from '../../src/recovery/proof.ts';
import { choosePoint } from '../../src/recovery/restore/choose-point.ts';
import { lookAsOf } from '../../src/recovery/restore/vault-view.ts';
import { aPoint } from '../../src/recovery/testing/a-point.ts';
import { TEST_SEAL } from '../../src/recovery/testing/test-seal.ts';
import { viewAsOf } from '../../src/recovery/vaults/as-of.ts';
import { hostileSuite } from '../../src/recovery/vaults/hostile.suite.ts';
import { loadSdk } from '../../src/recovery/vaults/s3/connect.ts';
import { S3Ground } from '../../src/recovery/vaults/s3/ground.ts';
import type { S3Keys } from '../../src/recovery/vaults/s3/place.ts';
import { S3Vault } from '../../src/recovery/vaults/s3/s3-vault.ts';
import { undelete } from '../../src/recovery/vaults/s3/undelete.ts';
import { keyVersions } from '../../src/recovery/vaults/s3/versions.ts';
import { allOf, bytesOf, vaultSuite, wholeOf } from '../../src/recovery/vaults/vault.suite.ts';
import { radosgwMissing } from '../support/radosgw.ts';
import { type S3Estate, startS3Estate } from '../support/s3-estate.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const POINT = aPoint('20261128T001500123Z-7f3a');
const missing = radosgwMissing();
let started: Promise<S3Estate> | null = null;
function estateOf(): Promise<S3Estate> {
  started ??= startS3Estate();
  return started;
}

function vaultOf(estate: S3Estate, prefix: string): S3Vault {
  return new S3Vault({
    name: 'elsewhere',
    place: { ...estate.place, prefix },
    identities: estate.identities,
    clock: systemClock,
    proven: () => 'PROVEN',
  });
}

function groundOf(estate: S3Estate): S3Ground {
  const { place, identities, probeBucket } = estate;
  return new S3Ground({ vault: 'elsewhere', place, identities, probeBucket, clock: systemClock });
}

if (missing !== null) {
  it('runs against a real Object Lock server', (ctx) => {
    ctx.skip(missing);
  });
} else {
  afterAll(async () => {
    await (await started)?.stop();
  });

  vaultSuite('the S3 vault', async () => {
    const vault = vaultOf(await estateOf(), 'suite/');
    return { vault, end: () => vault.close() };
  });

  hostileSuite('radosgw', 'PROVEN', async () => {
    const estate = await estateOf();
    const ground = groundOf(estate);
    const suspects: readonly Suspect[] = [
      { name: 'owner of the bucket', kind: 's3', trial: await ground.trialOf(estate.owner) },
      { name: 'writer', kind: 's3', trial: await ground.trialOf(estate.identities.writer) },
      { name: 'restorer', kind: 's3', trial: await ground.trialOf(estate.identities.restorer) },
      { name: 'agent', kind: 's3', trial: await ground.trialOf(estate.agent) },
    ];
    return { ground, suspects, end: () => ground.close() };
  });

  describe('what the owner of the bucket can still do, and what it is worth', () => {
    it('hides everything by plain deletes and overwrites, and all of it is brought back', async () => {
      const estate = await estateOf();
      const vault = vaultOf(estate, 'attacked/');
      const kept = { retainUntil: new Date(Date.now() + 2 * DAY_MS) };
      const keys = Array.from({ length: 120 }, (_, at) => `db/1/points/p/${1_000 + at}`);
      for (let at = 0; at < keys.length; at += 20) {
        const some = keys.slice(at, at + 20);
        await Promise.all(some.map((key) => vault.put(key, bytesOf(`of ${key}`), kept)));
      }
      await pause(1_500);
      const before = new Date();
      await pause(1_500);

      const attack = await destroyAll(estate, 'attacked/');
      expect(attack).toEqual({ versionsDeleted: 0, versionsRefused: 120, hidden: 120 });
      await estate.client.send(
        new (await loadSdk()).PutObjectCommand({
          ...{ Bucket: estate.place.bucket, Key: `attacked/${keys[0]}`, Body: 'garbage' },
        }),
      );
      await estate.client.send(
        new (await loadSdk()).PutObjectCommand({
          ...{ Bucket: estate.place.bucket, Key: 'attacked/db/1/points/stranger', Body: 'x' },
        }),
      );
      expect(await currentKeys(estate, 'attacked/')).toHaveLength(2);

      const asOf = await allOf(vault.list('', before));
      expect(asOf.map(({ key }) => key)).toEqual(keys);
      const [first] = asOf;
      if (first === undefined) throw new Error('nothing is listed');
      expect((await wholeOf(vault.get(first))).toString()).toBe(`of ${keys[0]}`);
      // What lies under a marker, and what was written over, is asked for by its version.
      for (const object of asOf.slice(0, 2)) expect(await vault.stat(object)).toEqual(object);
      const [theirs] = await allOf(vault.list(first.key, null));
      expect(theirs?.version).not.toBe(first.version);

      const place = { ...estate.place, prefix: 'attacked/' };
      const told: number[] = [];
      const started = performance.now();
      const { restorer } = estate.identities;
      const order = { place, restorer, clock: systemClock, prefix: '', asOf: before, ...kept };
      const looked = await undelete({
        ...order,
        mode: 'look',
        tell: () => {},
        signal: new AbortController().signal,
      });
      expect(looked).toMatchObject({ markersRemoved: 120, copiedBack: 1, newer: 1, failed: [] });
      expect(await currentKeys(estate, 'attacked/')).toHaveLength(2);
      const done = await undelete({
        ...order,
        mode: 'apply',
        tell: ({ keys: count }) => told.push(count),
        signal: new AbortController().signal,
      });
      const ms = Math.round(performance.now() - started);
      process.stdout.write(
        `undelete: ${done.markersRemoved} markers removed, ${done.copiedBack} copied back in ${ms} ms\n`,
      );
      expect(done).toMatchObject({ markersRemoved: 120, copiedBack: 1, newer: 1, failed: [] });
      expect(told.at(-1)).toBe(121);
      const current = await currentKeys(estate, 'attacked/');
      expect(current).toEqual([
        ...keys.map((key) => `attacked/${key}`),
        'attacked/db/1/points/stranger',
      ]);
      for (const object of await allOf(vault.list('db/1/points/p/', null))) {
        expect((await wholeOf(vault.get(object))).toString()).toBe(`of ${object.key}`);
      }
      await vault.close();
    });

    it('stores keys that no XML holds, and a listing goes on', async () => {
      const estate = await estateOf();
      const vault = vaultOf(estate, 'names/');
      const kept = { retainUntil: new Date(Date.now() + 2 * DAY_MS) };
      await vault.put('b', bytesOf('b'), kept);
      const { PutObjectCommand } = await loadSdk();
      for (const name of ['a\u0001', 'a&<b>', 'a b+c%2F', '../a', 'zä']) {
        const names = { Bucket: estate.place.bucket, Key: `names/${name}`, Body: 'x' };
        await estate.client.send(new PutObjectCommand(names));
      }
      expect((await allOf(vault.list('', null))).map(({ key }) => key)).toEqual(['b']);
      await vault.close();
    });

    it('deletes once the retention is over: it was the lock that refused', async () => {
      const estate = await estateOf();
      const signal = new AbortController().signal;
      const controlled = async (
        restorer: S3Keys | null,
        probeBucket: string | null = estate.probeBucket,
      ) => {
        const ground = new S3Ground({
          ...{ vault: 'elsewhere', place: estate.place, probeBucket, clock: systemClock },
          ...{ identities: { ...estate.identities, restorer }, controlLockMs: 4_000 },
        });
        return ground.control(signal).finally(() => ground.close());
      };
      const proven = await controlled(estate.identities.restorer);
      expect(proven).toMatchObject({ verdict: 'PROVEN' });
      expect(proven.why).toContain('It was the lock');
      // It removed what it put there, and nothing of the vault's own.
      const left: string[] = [];
      const probe = { bucket: estate.probeBucket };
      for await (const key of keyVersions(estate.client, probe, '')) {
        if (key.name.includes('control-') && key.versions.length > 0) left.push(key.name);
      }
      expect(left).toEqual([]);
      // Where nobody may delete, or nobody is told of, it says so, and proves nothing.
      expect(await controlled(null)).toMatchObject({ verdict: 'UNKNOWN' });
      expect((await controlled(null)).why).toContain('vaults.elsewhere.restorer');
      expect((await controlled(estate.identities.restorer, null)).why).toContain('no probe bucket');
    });

    it('shows no lock where rights alone refuse', async () => {
      const estate = await estateOf();
      const { prober } = estate.identities;
      let late = 0;
      const ground = new S3Ground({
        ...{ vault: 'elsewhere', place: estate.place, probeBucket: estate.probeBucket },
        // Who may not delete at all; and a clock that is far on once the lock is over.
        identities: { ...estate.identities, restorer: prober },
        clock: { ...systemClock, now: () => new Date(Date.now() + late) },
        controlLockMs: 2_000,
      });
      const running = ground.control(new AbortController().signal);
      await pause(1_000);
      late = 120_000;
      const { verdict, why } = await running.finally(() => ground.close());
      expect(verdict).toBe('UNKNOWN');
      expect(why).toContain('it may be missing rights that refused');
    });

    it('reads back what lay there before it was written over', async () => {
      const estate = await estateOf();
      const vault = vaultOf(estate, 'poisoned/');
      const kept = { retainUntil: new Date(Date.now() + 2 * DAY_MS) };
      await writePoint(vault, POINT, kept, TEST_SEAL);
      await pause(1_500);
      const before = new Date();
      await pause(1_500);
      const { DeleteObjectCommand, PutObjectCommand } = await loadSdk();
      const Key = `poisoned/${pointKey(POINT, POINT.server.systemIdentifier)}`;
      const names = { Bucket: estate.place.bucket, Key };
      await estate.client.send(new PutObjectCommand({ ...names, Body: 'poison' }));
      await estate.client.send(new DeleteObjectCommand(names));
      await expect(choosePoint(vault, 'shop', { kind: 'newest' }, TEST_SEAL)).rejects.toMatchObject(
        {
          code: 'HF_RECOVERY_DAMAGED',
        },
      );
      const then = await choosePoint(
        viewAsOf(vault, before),
        'shop',
        { kind: 'newest' },
        TEST_SEAL,
      );
      expect(then.point.id).toBe(POINT.id);
      const look = { vault, target: 'shop', asOf: before, seal: TEST_SEAL };
      const { points, view } = await lookAsOf(look, async () => null);
      expect(points.map(({ id }) => id)).toEqual([POINT.id]);
      expect(view).toContain('says the object store, to the second');
      await vault.close();
    });

    it('without versions has nothing of then, which is told', async () => {
      const estate = await estateOf();
      const { CreateBucketCommand, PutObjectCommand } = await loadSdk();
      const Bucket = 'unversioned';
      await estate.client.send(new CreateBucketCommand({ Bucket }));
      const vault = new S3Vault({
        ...{ name: 'far', clock: systemClock, proven: () => null },
        place: { ...estate.place, bucket: Bucket, prefix: '' },
        identities: { writer: estate.owner, prober: estate.owner, restorer: null },
      });
      const Key = pointKey(POINT, POINT.server.systemIdentifier);
      const Body = TEST_SEAL.write('far', Key, POINT);
      await estate.client.send(new PutObjectCommand({ Bucket, Key, Body }));
      await pause(1_500);
      const asOf = new Date();
      const look = () =>
        lookAsOf({ vault, target: 'shop', asOf, seal: TEST_SEAL }, async () => null);
      expect((await look()).points.map(({ id }) => id)).toEqual([POINT.id]);
      await pause(1_500);
      await estate.client.send(new PutObjectCommand({ Bucket, Key, Body: 'poison' }));
      await expect(look()).rejects.toMatchObject({
        code: 'HF_RESTORE_WINDOW',
        hint: expect.stringContaining('Where a store keeps no versions'),
      });
      await vault.close();
    });

    it('takes the default retention away, which the vault sees, and its own objects are locked all the same', async () => {
      const estate = await estateOf();
      const sdk = await loadSdk();
      const vault = vaultOf(estate, 'default/');
      expect(await vault.look()).toMatchObject({ colour: 'green', troubles: [] });
      const Bucket = estate.place.bucket;
      const set = (days: number | null) =>
        estate.client.send(
          new sdk.PutObjectLockConfigurationCommand({
            Bucket,
            ObjectLockConfiguration: {
              ObjectLockEnabled: 'Enabled',
              ...(days === null
                ? {}
                : { Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: days } } }),
            },
          }),
        );
      await set(null);
      const look = await vault.look();
      expect(look.colour).toBe('red');
      expect(look.troubles.join()).toContain('default retention');
      const stored = await vault.put('a', bytesOf('a'), {
        retainUntil: new Date(Date.now() + 2 * DAY_MS),
      });
      await expect(
        estate.client.send(
          new sdk.DeleteObjectCommand({ Bucket, Key: 'default/a', VersionId: stored.version }),
        ),
      ).rejects.toMatchObject({ name: 'AccessDenied' });
      await set(8);
      expect((await vault.look()).colour).toBe('green');
      await vault.close();
    });

    it('is not the only one: the operator of the storage takes it all, and then it is told', async () => {
      const estate = await estateOf();
      const sdk = await loadSdk();
      const Bucket = 'taken';
      await estate.client.send(
        new sdk.CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }),
      );
      const place = { ...estate.place, bucket: Bucket };
      const owner = estate.owner;
      const vault = new S3Vault({
        ...{ name: 'taken', place, clock: systemClock, proven: () => 'PROVEN' as const },
        identities: { writer: owner, prober: owner, restorer: null },
      });
      const kept = { retainUntil: new Date(Date.now() + 2 * DAY_MS) };
      const stored = await vault.put('a', bytesOf('a'), kept);
      await estate.server.admin('bucket', 'rm', '--bucket', Bucket, '--purge-objects');
      await expect(wholeOf(vault.get(stored))).rejects.toMatchObject({ code: 'HF_VAULT_UNKNOWN' });
      expect((await vault.look()).colour).toBe('red');
      await vault.close();
    });
  });

  describe('the identities of a vault', () => {
    it('lets the writer store and nothing else', async () => {
      const estate = await estateOf();
      const { writer } = estate.identities;
      const vault = new S3Vault({
        ...{ name: 'w', place: estate.place, clock: systemClock, proven: () => null },
        identities: { writer, prober: writer, restorer: null },
      });
      await expect(allOf(vault.list('', null))).rejects.toMatchObject({ code: 'HF_VAULT_REFUSED' });
      await vault.close();
    });

    it('lets nobody store who is not the writer', async () => {
      const estate = await estateOf();
      const { prober } = estate.identities;
      const vault = new S3Vault({
        ...{ name: 'p', place: estate.place, clock: systemClock, proven: () => null },
        identities: { writer: prober, prober, restorer: null },
      });
      const kept = { retainUntil: new Date(Date.now() + DAY_MS) };
      await expect(vault.put('x', bytesOf('x'), kept)).rejects.toMatchObject({
        code: 'HF_VAULT_REFUSED',
      });
      await vault.close();
    });
  });
}

/** With the owner's keys: every version, then every key. What a thief of those keys would run. */
async function destroyAll(estate: S3Estate, prefix: string) {
  const { DeleteObjectCommand } = await loadSdk();
  const Bucket = estate.place.bucket;
  let versionsDeleted = 0;
  let versionsRefused = 0;
  let hidden = 0;
  const names: string[] = [];
  for await (const { name, versions } of keyVersions(estate.client, estate.place, prefix)) {
    names.push(name);
    for (const { version } of versions) {
      const command = new DeleteObjectCommand({ Bucket, Key: name, VersionId: version });
      await estate.client.send(command).then(
        () => (versionsDeleted += 1),
        () => (versionsRefused += 1),
      );
    }
  }
  for (const Key of names) {
    const answer = await estate.client.send(new DeleteObjectCommand({ Bucket, Key }));
    if (answer.DeleteMarker === true) hidden += 1;
  }
  return { versionsDeleted, versionsRefused, hidden };
}

/** As a program that knows nothing of versions sees it. */
async function currentKeys(estate: S3Estate, prefix: string): Promise<readonly string[]> {
  const { ListObjectsV2Command } = await loadSdk();
  const names = { Bucket: estate.place.bucket, Prefix: prefix };
  const page = await estate.client.send(new ListObjectsV2Command(names));
  return (page.Contents ?? []).map(({ Key }) => Key ?? '');
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
