import { describe, expect, it } from 'vitest';
import type { HeaderSeal } from '../packing/age.ts';
import { aPoint } from '../testing/a-point.ts';
import { OTHER_SEAL, TEST_SEAL } from '../testing/test-seal.ts';
import { StreamSeals, sealedStream } from './stream-seal.ts';

const KEY = 'shop/77/wal/00000001/000000010000000000000002.lz4.age';
const fileKey = new Uint8Array(16).fill(5);
const ours = TEST_SEAL.headerSeal(KEY, fileKey);
const others = OTHER_SEAL.headerSeal(KEY, fileKey);
const spoilt = TEST_SEAL.headerSeal(`${KEY}.other`, fileKey);
const FROM = 0x2000000n;

/** What a restore by us says of something that reaches to `to`; null: nothing. */
function said(
  by: 'us' | 'another' | 'an earlier build',
  seal: HeaderSeal | null,
  to = FROM + 1n,
): string | null {
  const point = aPoint('p1');
  const keys = { us: TEST_SEAL, another: OTHER_SEAL, 'an earlier build': null };
  const key = keys[by];
  const sealed = key === null ? undefined : sealedStream(key, FROM);
  const wal = point.wal === null ? null : { ...point.wal, sealed };
  try {
    new StreamSeals(TEST_SEAL, { wal }).look(KEY, to)(fileKey, seal);
    return null;
  } catch (error) {
    expect(error).toMatchObject({
      code: 'HF_RECOVERY_DAMAGED',
      expected: expect.stringContaining(KEY),
    });
    return String(Reflect.get(Object(error), 'found'));
  }
}

describe('what is streamed after a point', () => {
  it('of ours is taken with our seal, and with no other', () => {
    expect(said('us', ours)).toBeNull();
    expect(said('us', null)).toBe('one without a seal');
    expect(said('us', others)).toBe('one with the seal of another installation');
    expect(said('us', spoilt)).toBe('one whose seal does not fit it');
  });

  it('of another installation has a seal, which nobody here can tell, or ours', () => {
    expect(said('another', others)).toBeNull();
    expect(said('another', ours)).toBeNull();
    expect(said('another', null)).toBe('one without a seal');
    expect(said('another', spoilt)).toBe('one whose seal does not fit it');
  });

  it('is taken as it is where it lay there before there were seals', () => {
    expect(said('us', null, FROM)).toBeNull();
    expect(said('us', others, FROM)).toBeNull();
    expect(said('us', spoilt, FROM)).not.toBeNull();
    for (const seal of [null, ours, others]) expect(said('an earlier build', seal)).toBeNull();
    expect(said('an earlier build', spoilt)).not.toBeNull();
  });

  it('is said by a point only once something was stored', () => {
    expect(sealedStream(TEST_SEAL, null)).toBeUndefined();
    expect(sealedStream(TEST_SEAL, FROM)).toEqual({ keyId: TEST_SEAL.keyId, fromLsn: '0/2000000' });
  });
});
