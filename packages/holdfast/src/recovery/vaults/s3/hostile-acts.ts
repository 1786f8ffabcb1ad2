/**
 * The ways to destroy what lies in an S3 vault, with one pair of keys (facts of the API: S3 User Guide,
 * "How S3 Object Lock works"). Acts on objects go at the canary in the vault's own bucket, which stays
 * as it is if they succeed, but for the canary. Acts on buckets go at a probe bucket that is set up the
 * same and holds canaries only: on the vault's own they would do the harm that they are to disprove.
 */
import type { S3Client } from '@aws-sdk/client-s3';
import type { Act, ActAnswer, Canary } from '../../proof.ts';
import { answerOf } from './answer.ts';
import { loadSdk, type Sdk } from './connect.ts';

export interface HostileParts {
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix: string;
  /** Null: none is set up, and what would be tried on it is told as not tried. */
  readonly probeBucket: string | null;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const SHORTER_MS = 60 * 60 * 1000;

type Attempt = (sdk: Sdk, canary: Canary, signal: AbortSignal) => Promise<unknown>;

export function hostileActs(parts: HostileParts): readonly Act[] {
  return [...objectActs(parts), ...bucketActs(parts)];
}

function objectActs({ client, bucket: Bucket, prefix }: HostileParts): readonly Act[] {
  // A store that names no version is asked without one: it has only the one to destroy.
  const names = ({ key, version }: Canary) => ({
    ...{ Bucket, Key: prefix + key },
    ...(version === '' || version === 'null' ? {} : { VersionId: version }),
  });
  const bypass = { BypassGovernanceRetention: true } as const;
  return [
    act('delete-version', 'delete the version', ({ DeleteObjectCommand }, canary, abortSignal) =>
      client.send(new DeleteObjectCommand(names(canary)), { abortSignal }),
    ),
    act(
      'delete-version-bypass',
      'delete the version with the header that bypasses GOVERNANCE',
      ({ DeleteObjectCommand }, canary, abortSignal) =>
        client.send(new DeleteObjectCommand({ ...names(canary), ...bypass }), { abortSignal }),
    ),
    act('delete-batch', 'delete the version in a batch', async (sdk, canary, abortSignal) => {
      const { Bucket: _bucket, ...object } = names(canary);
      const answer = await client.send(
        new sdk.DeleteObjectsCommand({ Bucket, Delete: { Objects: [object] } }),
        { abortSignal },
      );
      const [refused] = answer.Errors ?? [];
      if (refused !== undefined) throw new BatchRefusal(refused.Code ?? 'no code');
    }),
    act('shorten', 'shorten the retention', (sdk, canary, abortSignal) =>
      client.send(
        new sdk.PutObjectRetentionCommand({
          ...names(canary),
          Retention: {
            Mode: 'COMPLIANCE',
            RetainUntilDate: new Date(canary.retainUntil.getTime() - SHORTER_MS),
          },
        }),
        { abortSignal },
      ),
    ),
    act('downgrade', 'turn COMPLIANCE into GOVERNANCE', (sdk, canary, abortSignal) =>
      client.send(
        new sdk.PutObjectRetentionCommand({
          ...{ ...names(canary), ...bypass },
          Retention: {
            Mode: 'GOVERNANCE',
            RetainUntilDate: new Date(canary.retainUntil.getTime() + DAY_MS),
          },
        }),
        { abortSignal },
      ),
    ),
    harmless(
      'overwrite',
      'write over the key',
      'a new version on top; a listing as of a time does not see it',
      (sdk, canary, abortSignal) =>
        client.send(
          new sdk.PutObjectCommand({ Bucket, Key: prefix + canary.key, Body: 'overwritten' }),
          { abortSignal },
        ),
    ),
    harmless(
      'delete-plain',
      'delete the key',
      'a marker on top; a listing as of a time does not see it',
      ({ DeleteObjectCommand }, canary, abortSignal) =>
        client.send(new DeleteObjectCommand({ Bucket, Key: prefix + canary.key }), { abortSignal }),
    ),
  ];
}

function bucketActs({ client, probeBucket }: HostileParts): readonly Act[] {
  const onProbe =
    (attempt: (sdk: Sdk, Bucket: string, signal: AbortSignal) => Promise<unknown>) =>
    (sdk: Sdk, _canary: Canary, signal: AbortSignal) => {
      if (probeBucket === null) throw new NotTried();
      return attempt(sdk, probeBucket, signal);
    };
  return [
    act(
      'suspend-versioning',
      'suspend the versioning of a bucket like it',
      onProbe((sdk, Bucket, abortSignal) =>
        client.send(
          new sdk.PutBucketVersioningCommand({
            Bucket,
            VersioningConfiguration: { Status: 'Suspended' },
          }),
          { abortSignal },
        ),
      ),
    ),
    harmless(
      'lifecycle',
      'set a lifecycle rule that expires everything, on a bucket like it',
      'a lock outlives it',
      onProbe(async (sdk, Bucket, abortSignal) => {
        const rule = {
          ...({ ID: 'holdfast-probe', Status: 'Enabled', Filter: { Prefix: '' } } as const),
          NoncurrentVersionExpiration: { NoncurrentDays: 1 },
        };
        await client.send(
          new sdk.PutBucketLifecycleConfigurationCommand({
            Bucket,
            LifecycleConfiguration: { Rules: [rule] },
          }),
          { abortSignal },
        );
        await client.send(new sdk.DeleteBucketLifecycleCommand({ Bucket }), { abortSignal });
      }),
    ),
    harmless(
      'remove-default',
      'remove the default retention of a bucket like it',
      'each object is locked by itself; the default is looked at with every proof',
      onProbe(async (sdk, Bucket, abortSignal) => {
        const before = await client.send(new sdk.GetObjectLockConfigurationCommand({ Bucket }), {
          abortSignal,
        });
        await client.send(
          new sdk.PutObjectLockConfigurationCommand({
            Bucket,
            ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' },
          }),
          { abortSignal },
        );
        await client.send(
          new sdk.PutObjectLockConfigurationCommand({
            Bucket,
            ObjectLockConfiguration: before.ObjectLockConfiguration,
          }),
          { abortSignal },
        );
      }),
    ),
    act(
      'delete-bucket',
      'delete a bucket like it',
      onProbe((sdk, Bucket, abortSignal) =>
        client.send(new sdk.DeleteBucketCommand({ Bucket }), { abortSignal }),
      ),
    ),
  ];
}

function act(id: string, words: string, attempt: Attempt): Act {
  return { id, words, harmless: null, run: (canary, signal) => run(attempt, canary, signal) };
}

/** The storage may say yes to it: only the bytes decide. */
function harmless(id: string, words: string, why: string, attempt: Attempt): Act {
  return { id, words, harmless: why, run: (canary, signal) => run(attempt, canary, signal) };
}

async function run(attempt: Attempt, canary: Canary, signal: AbortSignal): Promise<ActAnswer> {
  try {
    await attempt(await loadSdk(), canary, signal);
    return { kind: 'done', words: 'the storage said yes' };
  } catch (error) {
    if (error instanceof NotTried) return { kind: 'unclear', words: error.message };
    if (error instanceof BatchRefusal) return error.answer();
    const answer = answerOf(error);
    // Nothing there to destroy, says the storage: whether that is so, the bytes say.
    if (answer.kind === 'missing') return { kind: 'unclear', words: answer.words };
    return answer.kind === 'done' ? { kind: 'done', words: '' } : answer;
  }
}

class NotTried extends Error {
  constructor() {
    super('not tried: no probe bucket is set up');
  }
}

/** A batch is answered by 200 with an error for each key. */
class BatchRefusal extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }

  answer(): ActAnswer {
    const words = `200 with ${this.code} for the key`;
    return { kind: /AccessDenied/.test(this.code) ? 'refused' : 'unclear', words };
  }
}
