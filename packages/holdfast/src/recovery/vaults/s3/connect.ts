/**
 * Clients of an object store. The SDK is loaded when the first is made: who keeps no vault at an object
 * store pays nothing for it. Bodies are signed by Content-MD5, which every server knows, instead of the
 * newer checksums, which some do not (Ceph 16 among them). Redirects are not followed: an answer that
 * points elsewhere is an error.
 */
import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import { VAULT_SILENCE_MS_MAX, VAULT_TRIES_MAX } from '../../../model/limits.ts';
import { checkEndpoint } from '../endpoint.ts';
import type { S3Keys, S3Place } from './place.ts';

const CONNECT_MS_MAX = 10_000;

export type Sdk = typeof import('@aws-sdk/client-s3');

export function loadSdk(): Promise<Sdk> {
  // It would say on each start that versions of next year want Node 22; ours is pinned to one that does not.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  return import('@aws-sdk/client-s3');
}

/** `tries`: 1 where an answer is evidence, since a second request would not ask the same again. */
export async function connectS3(
  place: S3Place,
  keys: S3Keys,
  tries: number = VAULT_TRIES_MAX,
): Promise<S3Client> {
  checkEndpoint(place.endpoint);
  const sdk = await loadSdk();
  const client = new sdk.S3Client({
    endpoint: place.endpoint,
    region: place.region,
    forcePathStyle: place.isPathStyle,
    credentials: { ...keys },
    maxAttempts: tries,
    followRegionRedirects: false,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_MS_MAX, requestTimeout: VAULT_SILENCE_MS_MAX },
  });
  client.middlewareStack.add(
    (next) => (args) => {
      const request: unknown = args.request;
      if (hasBody(request)) {
        request.headers['content-md5'] = createHash('md5').update(request.body).digest('base64');
      }
      return next(args);
    },
    { step: 'build', priority: 'low', name: 'holdfastContentMd5' },
  );
  return client;
}

interface WithBody {
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array;
}

function hasBody(request: unknown): request is WithBody {
  if (request === null || typeof request !== 'object' || !('headers' in request)) return false;
  if (!('body' in request) || request.headers === null) return false;
  return typeof request.body === 'string' || request.body instanceof Uint8Array;
}
