import { describe, expect, it } from 'vitest';
import { systemClock } from './model/clock.ts';
import type { ProofGround, Trial } from './recovery/proof.ts';
import { ResticGround } from './recovery/vaults/restic/ground.ts';
import { S3Ground } from './recovery/vaults/s3/ground.ts';
import { type Sealed, sealedSuspects } from './recovery-suspects.ts';

const KEYS = { accessKeyId: 'AKIDEXAMPLE00001', secretAccessKey: 'a'.repeat(40) };
const STORE = new S3Ground({
  vault: 'far',
  place: {
    endpoint: 'http://127.0.0.1:1',
    region: 'eu-central-1',
    bucket: 'points',
    prefix: '',
    isPathStyle: true,
  },
  identities: { writer: KEYS, prober: KEYS, restorer: null },
  probeBucket: null,
  clock: systemClock,
});
const REST = new ResticGround({
  vault: 'rest',
  place: { url: 'http://127.0.0.1:1/' },
  keys: { user: 'shop', password: 'word' },
  clock: systemClock,
});
const FOLDER: ProofGround = {
  vault: 'near',
  kind: 'local',
  plant: () => Promise.reject(new Error('it is not tried here')),
  readBack: () => Promise.reject(new Error('it is not tried here')),
};

async function kindOn(
  ground: ProofGround,
  secret: string,
  providers: Sealed['config']['providers'] = [],
): Promise<Trial['kind']> {
  const [suspect] = await sealedSuspects(
    {
      config: { providers, vaults: [] },
      credentials: {
        list: async () => [{ name: 'it', fingerprint: '', addedAt: new Date(0), isOld: false }],
        open: async () => secret,
      },
    },
    ground,
  );
  if (suspect === undefined) throw new Error('nobody is on trial');
  return suspect.trial.kind;
}

const PAIR = JSON.stringify(KEYS);
const SESSION = JSON.stringify({ ...KEYS, SessionToken: 'x' });

describe('a sealed credential', () => {
  it.each([
    ['a key pair', `${KEYS.accessKeyId}:${KEYS.secretAccessKey}`, 'acts'],
    ['a key pair in JSON', PAIR, 'acts'],
    [
      'a key pair named as in an environment',
      '{"AWS_ACCESS_KEY_ID":"a","AWS_SECRET_ACCESS_KEY":"b"}',
      'acts',
    ],
    ['a key with a session token', SESSION, 'untried'],
    [
      'one as an environment has it',
      '{"AWS_ACCESS_KEY_ID":"a","AWS_SECRET_ACCESS_KEY":"b","AWS_SESSION_TOKEN":"c"}',
      'untried',
    ],
    ['a short pair', 'minio:minio123', 'untried'],
    [
      'a file of profiles',
      '[default]\naws_access_key_id = a\naws_secret_access_key = b',
      'untried',
    ],
    ['a word', 'hunter2', 'untried'],
  ])('is tried at an object store, or counts as UNKNOWN: %s', async (_, secret, kind) => {
    expect(await kindOn(STORE, secret)).toBe(kind);
  });

  it.each([
    ['a login', 'shop:word', 'acts'],
    ['an address', 'https://shop:word@rest.example.com/', 'untried'],
    ['a login in JSON', '{"user":"shop","password":"word"}', 'untried'],
    ['a word', 'hunter2', 'untried'],
    ['a key pair of an object store in JSON', PAIR, 'no-key'],
  ])('is tried at a REST server, or counts as UNKNOWN: %s', async (_, secret, kind) => {
    expect(await kindOn(REST, secret)).toBe(kind);
  });

  it('that is written in no known way counts as UNKNOWN on this host, too', async () => {
    expect(await kindOn(FOLDER, '-----BEGIN OPENSSH PRIVATE KEY-----')).toBe('untried');
    expect(await kindOn(FOLDER, PAIR)).toBe('no-key');
  });
});
