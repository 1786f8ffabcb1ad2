/** Puts a stream under a key with its lock, in one request or in parts; one part is in memory at a time. */
import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../../model/errors.ts';
import { loadSdk } from './connect.ts';
import { EntityTag, PARTS_MAX, partsOf } from './parts.ts';

export interface UploadOrder {
  readonly client: S3Client;
  readonly bucket: string;
  /** With the prefix of the place. */
  readonly key: string;
  readonly body: AsyncIterable<Uint8Array>;
  readonly retainUntil: Date;
}

export interface Uploaded {
  /** Null: the store said none, so it keeps no versions. */
  readonly version: string | null;
  readonly bytes: number;
  readonly sha256: string;
  readonly etag: string;
}

/** Under which the hash lies beside an object that came whole. */
export const SHA_METADATA = 'holdfast-sha256';

export async function upload(order: UploadOrder): Promise<Uploaded> {
  const parts = partsOf(order.body);
  try {
    const first = await parts.next();
    const head = first.done === true ? Buffer.alloc(0) : first.value;
    const second = await parts.next();
    return second.done === true
      ? await putWhole(order, head)
      : await putParts(order, [head, second.value], parts);
  } finally {
    await parts.return(undefined);
  }
}

function lockOf(order: UploadOrder) {
  return {
    Bucket: order.bucket,
    Key: order.key,
    ObjectLockMode: 'COMPLIANCE',
    ObjectLockRetainUntilDate: order.retainUntil,
  } as const;
}

async function putWhole(order: UploadOrder, body: Buffer): Promise<Uploaded> {
  const { PutObjectCommand } = await loadSdk();
  const sha256 = createHash('sha256').update(body).digest('hex');
  const answer = await order.client.send(
    new PutObjectCommand({ ...lockOf(order), Body: body, Metadata: { [SHA_METADATA]: sha256 } }),
  );
  const etag = createHash('md5').update(body).digest('hex');
  return { version: versionOf(answer.VersionId), bytes: body.length, sha256, etag };
}

async function putParts(
  order: UploadOrder,
  begun: readonly Buffer[],
  rest: AsyncIterator<Buffer>,
): Promise<Uploaded> {
  const sdk = await loadSdk();
  const { client, bucket: Bucket, key: Key } = order;
  const opened = await client.send(new sdk.CreateMultipartUploadCommand(lockOf(order)));
  const UploadId = opened.UploadId;
  const sum = createHash('sha256');
  const tag = new EntityTag();
  const done: { PartNumber: number; ETag: string }[] = [];
  let bytes = 0;
  try {
    for await (const part of inTurn(begun, rest)) {
      const PartNumber = done.length + 1;
      if (PartNumber > PARTS_MAX) throw tooLarge(bytes);
      sum.update(part);
      tag.add(part);
      bytes += part.length;
      const names = { Bucket, Key, UploadId, PartNumber };
      const answer = await client.send(new sdk.UploadPartCommand({ ...names, Body: part }));
      done.push({ PartNumber, ETag: answer.ETag ?? '' });
    }
    const answer = await client.send(
      new sdk.CompleteMultipartUploadCommand({
        ...{ Bucket, Key, UploadId },
        MultipartUpload: { Parts: done },
      }),
    );
    const version = versionOf(answer.VersionId);
    return { version, bytes, sha256: sum.digest('hex'), etag: tag.end() };
  } catch (error) {
    await client
      .send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
      .catch(() => {});
    throw error;
  }
}

async function* inTurn(begun: readonly Buffer[], rest: AsyncIterator<Buffer>) {
  yield* begun;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/** `null` is what S3 calls the version of a bucket that keeps none. */
function versionOf(said: string | undefined): string | null {
  return said === undefined || said === '' || said === 'null' ? null : said;
}

function tooLarge(bytes: number): HoldfastError {
  return new HoldfastError('HF_VAULT_REFUSED', {
    expected: `an object of at most ${PARTS_MAX} parts`,
    found: `more than ${bytes} bytes`,
    hint: 'Nothing of it was stored. Split it: a tablespace each is a file of its own.',
  });
}
