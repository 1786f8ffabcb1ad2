import { describe, expect, it } from 'vitest';
import { connectS3 } from './connect.ts';

const KEYS = { accessKeyId: 'KEY', secretAccessKey: 'secret' };
const place = (endpoint: string) => ({
  ...{ endpoint, region: 'us-east-1', bucket: 'vault', prefix: '', isPathStyle: true },
});

describe('the endpoint of an object store', () => {
  it.each([
    'https://s3.example.com',
    'http://127.0.0.1:9000',
    'http://localhost:1',
    'http://[::1]:1',
  ])('may be %s', async (endpoint) => {
    (await connectS3(place(endpoint), KEYS)).destroy();
  });

  it.each([
    'http://s3.example.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'http://user@s3.example.com@127.0.0.1.evil.example',
    'ftp://127.0.0.1',
    's3.example.com',
    '',
  ])('may not be %j', async (endpoint) => {
    await expect(connectS3(place(endpoint), KEYS)).rejects.toMatchObject({
      code: 'HF_VAULT_REFUSED',
    });
  });
});
