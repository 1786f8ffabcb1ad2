/** Buckets as docs/recovery.md says to set them up, on an S3 server of a test, and keys that try them. */
import type { S3Client } from '@aws-sdk/client-s3';
import { connectS3, loadSdk } from '../../src/recovery/vaults/s3/connect.ts';
import type { S3Identities, S3Keys, S3Place } from '../../src/recovery/vaults/s3/place.ts';
import { type Radosgw, startRadosgw } from './radosgw.ts';

export interface S3Estate {
  readonly server: Radosgw;
  readonly place: S3Place;
  readonly probeBucket: string;
  readonly identities: S3Identities & { readonly restorer: S3Keys };
  readonly owner: S3Keys;
  readonly agent: S3Keys;
  /** As the owner of the buckets. */
  readonly client: S3Client;
  stop(): Promise<void>;
}

const WRITER = ['s3:PutObject', 's3:PutObjectRetention', 's3:AbortMultipartUpload'];
const READER = [
  ...['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectRetention', 's3:ListBucketVersions'],
  ...['s3:ListBucket', 's3:GetBucketVersioning', 's3:GetBucketObjectLockConfiguration'],
];
const RESTORER = [...READER, 's3:PutObject', 's3:PutObjectRetention', 's3:DeleteObjectVersion'];

export async function startS3Estate(): Promise<S3Estate> {
  const server = await startRadosgw();
  try {
    const owner = await server.addUser('owner');
    const writer = await server.addUser('writer');
    const prober = await server.addUser('prober');
    const restorer = await server.addUser('restorer');
    const agent = await server.addUser('agent');
    const place: S3Place = {
      endpoint: server.endpoint,
      region: 'us-east-1',
      bucket: 'vault',
      prefix: 'holdfast/',
      isPathStyle: true,
    };
    const client = await connectS3(place, owner);
    for (const bucket of ['vault', 'vault-probe']) await makeBucket(client, bucket);
    return {
      ...{ server, place, owner, agent, client },
      probeBucket: 'vault-probe',
      identities: { writer, prober, restorer },
      stop: async () => {
        client.destroy();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function makeBucket(client: S3Client, Bucket: string): Promise<void> {
  const sdk = await loadSdk();
  await client.send(new sdk.CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
  await client.send(
    new sdk.PutObjectLockConfigurationCommand({
      Bucket,
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 8 } },
      },
    }),
  );
  const allow = (user: string, actions: readonly string[]) => ({
    Effect: 'Allow',
    Principal: { AWS: [`arn:aws:iam:::user/${user}`] },
    Action: actions,
    Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
  });
  const Statement = [allow('writer', WRITER), allow('prober', READER), allow('restorer', RESTORER)];
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await client.send(new sdk.PutBucketPolicyCommand({ Bucket, Policy }));
}
