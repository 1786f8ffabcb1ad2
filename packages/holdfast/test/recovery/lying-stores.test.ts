/**
 * Object stores that lie or do not answer: s3rver, which takes locks and deletes all the same, and a
 * store of our own that says what a row wants. Had any of them come out PROVEN, the proof proved nothing.
 */
import { rmSync } from 'node:fs';
import S3rver from 's3rver';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/model/canonical.ts';
import { systemClock } from '../../src/model/clock.ts';
import { type ProofVerdict, proveBlastRadius } from '../../src/recovery/proof.ts';
import { hostileSuite } from '../../src/recovery/vaults/hostile.suite.ts';
import { S3Ground } from '../../src/recovery/vaults/s3/ground.ts';
import type { S3Place } from '../../src/recovery/vaults/s3/place.ts';
import { S3Vault } from '../../src/recovery/vaults/s3/s3-vault.ts';
import { bytesOf } from '../../src/recovery/vaults/vault.suite.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { type Lie, type StoreOfLies, startStoreOfLies } from './store-of-lies.ts';

const KEYS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
const IDENTITIES = { writer: KEYS, prober: KEYS, restorer: null };
/** Of the store of lies, which believes everybody. */
const SECRET = 'a secret that is in no proof';
const DAY_MS = 24 * 60 * 60 * 1000;

function placeAt(endpoint: string): S3Place {
  return { endpoint, region: 'us-east-1', bucket: 'vault', prefix: '', isPathStyle: true };
}

async function startS3rver() {
  const directory = scratchFolder('s3rver');
  const port = await freePort();
  const configureBuckets = [{ name: 'vault' }, { name: 'vault-probe' }];
  const address = '127.0.0.1';
  const server = new S3rver({ address, port, silent: true, directory, configureBuckets });
  await server.run();
  return {
    place: placeAt(`http://127.0.0.1:${port}`),
    stop: async () => {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

hostileSuite('s3rver, which locks nothing,', 'REFUTED', async () => {
  const { place, stop } = await startS3rver();
  const options = { vault: 's3rver', place, identities: IDENTITIES, clock: systemClock };
  const ground = new S3Ground({ ...options, probeBucket: 'vault-probe' });
  const trial = await ground.trialOf(KEYS);
  const end = async (): Promise<void> => {
    await ground.close();
    await stop();
  };
  return { ground, suspects: [{ name: 'owner', kind: 's3', trial }], end };
});

describe('a vault at s3rver', () => {
  let world: Awaited<ReturnType<typeof startS3rver>>;
  beforeAll(async () => {
    world = await startS3rver();
  });
  afterAll(async () => {
    await world?.stop();
  });

  it('stores nothing that counts, and is red', async () => {
    const vault = new S3Vault({
      ...{ name: 's3rver', place: world.place, identities: IDENTITIES, clock: systemClock },
      proven: () => null,
    });
    const kept = { retainUntil: new Date(Date.now() + DAY_MS) };
    await expect(vault.put('a/b', bytesOf('x'), kept)).rejects.toMatchObject({
      code: 'HF_VAULT_UNLOCKED',
    });
    expect((await vault.look()).colour).toBe('red');
    await vault.close();
  });
});

describe('a store that lies, or says nothing', () => {
  const stores: StoreOfLies[] = [];
  const start = async (lie: Lie): Promise<StoreOfLies> => {
    const store = await startStoreOfLies(lie);
    stores.push(store);
    return store;
  };
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.stop();
  });

  it.each<[Lie, ProofVerdict]>([
    // The row that says that the others test something.
    ['none', 'PROVEN'],
    ['busy', 'UNKNOWN'],
    ['cuts', 'UNKNOWN'],
    ['hangs', 'UNKNOWN'],
    ['redirects', 'UNKNOWN'],
    ['says-404', 'UNKNOWN'],
    ['wrong-signature', 'UNKNOWN'],
    ['wrong-clock', 'UNKNOWN'],
    ['unknown-key', 'UNKNOWN'],
    ['refuses-to-read', 'UNKNOWN'],
    ['busy-to-read', 'UNKNOWN'],
    ['deletes-and-says-403', 'REFUTED'],
    ['keeps-and-says-200', 'REFUTED'],
    ['shows-governance', 'REFUTED'],
    ['shows-a-shorter-lock', 'REFUTED'],
    ['shows-no-version', 'REFUTED'],
    ['gives-other-bytes', 'REFUTED'],
  ])('that %s comes out %s', async (lie, expected) => {
    const store = await start(lie);
    const ground = groundAt(store.endpoint, 'vault-probe');
    const { proof, json, digest } = await prove(ground);
    expect(proof.verdict, proof.why).toBe(expected);
    expect(proof.isOutside).toBe(expected === 'PROVEN');
    expect(store.strays()).toBe(0);
    expect(canonicalJson(JSON.parse(json))).toBe(json);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(json).not.toContain(SECRET);
    await ground.close();
  });

  it('is UNKNOWN when nobody is there', async () => {
    const ground = groundAt(`http://127.0.0.1:${await freePort()}`, 'vault-probe');
    const { proof } = await prove(ground);
    expect(proof).toMatchObject({ verdict: 'UNKNOWN', canary: null, isOutside: false });
    await ground.close();
  });

  it('is UNKNOWN without a bucket on which the acts on buckets can be tried', async () => {
    const store = await start('none');
    const ground = groundAt(store.endpoint, null);
    const { proof } = await prove(ground);
    expect(proof.verdict).toBe('UNKNOWN');
    expect(proof.why).toContain('no probe bucket');
    await ground.close();
  });
});

function groundAt(endpoint: string, probeBucket: string | null): S3Ground {
  const options = { vault: 'it', identities: IDENTITIES, clock: systemClock };
  return new S3Ground({ ...options, place: placeAt(endpoint), probeBucket });
}

async function prove(ground: S3Ground) {
  const keys = { accessKeyId: 'KEY', secretAccessKey: SECRET };
  return proveBlastRadius({
    ground,
    clock: systemClock,
    suspects: [{ name: 'writer', kind: 's3', trial: await ground.trialOf(keys) }],
    sameAs: [],
    snapshots: [],
    canaryMs: DAY_MS,
    actMsMax: 700,
    signal: new AbortController().signal,
  });
}
