/** The S3 vault at a real Object Lock server, and the attacks on it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import type { Suspect } from '../../src/recovery/proof.ts';
import { hostileSuite } from '../../src/recovery/vaults/hostile.suite.ts';
import { S3Ground } from '../../src/recovery/vaults/s3/ground.ts';
import { S3Vault } from '../../src/recovery/vaults/s3/s3-vault.ts';
import { vaultSuite } from '../../src/recovery/vaults/vault.suite.ts';
import { radosgwMissing } from '../support/radosgw.ts';
import { type S3Estate, startS3Estate } from '../support/s3-estate.ts';

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
    return { ground, suspects, end: async () => ground.close() };
  });
}
