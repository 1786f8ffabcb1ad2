import { describe, expect, it } from 'vitest';
import type { HeaderSeal } from '../packing/age.ts';
import { aPoint } from '../testing/a-point.ts';
import { OTHER_SEAL, TEST_SEAL } from '../testing/test-seal.ts';
import { NotOurs, StreamSeals, sealedStream } from './stream-seal.ts';

const KEY = 'shop/77/wal/00000001/000000010000000000000002.lz4.age';
const fileKey = new Uint8Array(16).fill(5);
const ours = TEST_SEAL.headerSeal(KEY, fileKey);
const others = OTHER_SEAL.headerSeal(KEY, fileKey);
const spoilt = TEST_SEAL.headerSeal(`${KEY}.other`, fileKey);
const FROM = 0x2000000n;

/** A vault in which these lie under one key, oldest first; what is opened is their number. */
function holding(seals: readonly (HeaderSeal | null)[]) {
  const objects = seals.map((_seal, index) => ({
    key: KEY,
    version: `${index}`,
    bytes: 1,
    sha256: null,
    storedAt: new Date(1_000_000 + index * 1_000),
    retainUntil: null,
  }));
  const vault = {
    async *list(prefix: string, asOf: Date | null) {
      expect(prefix).toBe(KEY);
      yield* objects.filter(({ storedAt }) => asOf === null || storedAt <= asOf).slice(-1);
    },
  };
  return {
    vault,
    newest: objects.at(-1),
    sealOf: (version: string) => seals[Number(version)] ?? null,
  };
}

type TakenBy = 'us' | 'another' | 'an earlier build';

/** Which version a restore by us opens of what reaches to `to`, or what it says of the newest. */
async function opened(
  by: TakenBy,
  seals: readonly (HeaderSeal | null)[],
  to = FROM + 1n,
): Promise<string> {
  const point = aPoint('p1');
  const keys = { us: TEST_SEAL, another: OTHER_SEAL, 'an earlier build': null };
  const key = keys[by];
  const sealed = key === null ? undefined : sealedStream(key, FROM);
  const wal = point.wal === null ? null : { ...point.wal, sealed };
  const { newest, sealOf, vault } = holding(seals);
  if (newest === undefined) throw new Error('nothing');
  try {
    return await new StreamSeals(TEST_SEAL, { wal }).open(
      vault,
      newest,
      to,
      async ({ version }, look) => {
        look(fileKey, sealOf(version));
        return version;
      },
    );
  } catch (error) {
    expect(error).toMatchObject({
      code: 'HF_RECOVERY_DAMAGED',
      expected: expect.stringContaining(KEY),
    });
    return error instanceof NotOurs ? error.found : 'another error';
  }
}

describe('what is streamed after a point', () => {
  it('of ours is taken with our seal, and with no other', async () => {
    expect(await opened('us', [ours])).toBe('0');
    expect(await opened('us', [null])).toBe('one without a seal');
    expect(await opened('us', [others])).toBe('one with the seal of another installation');
    expect(await opened('us', [spoilt])).toBe('one whose seal does not fit it');
  });

  it('is taken of the newest version that is ours, whatever was laid over it', async () => {
    expect(await opened('us', [ours, null])).toBe('0');
    expect(await opened('us', [ours, ours, others, spoilt, null])).toBe('1');
    expect(await opened('us', [ours, null, ours])).toBe('2');
    expect(await opened('us', [null, others])).toBe('one with the seal of another installation');
    expect(await opened('us', [ours, null, null, null, null, null])).toBe('one without a seal');
  });

  it('of another installation has a seal, which nobody here can tell, or ours', async () => {
    expect(await opened('another', [others])).toBe('0');
    expect(await opened('another', [ours])).toBe('0');
    expect(await opened('another', [null])).toBe('one without a seal');
    expect(await opened('another', [spoilt])).toBe('one whose seal does not fit it');
  });

  it('is taken as it is where it lay there before there were seals', async () => {
    expect(await opened('us', [null], FROM)).toBe('0');
    expect(await opened('us', [others], FROM)).toBe('0');
    expect(await opened('us', [spoilt], FROM)).toBe('one whose seal does not fit it');
    for (const seal of [null, ours, others]) {
      expect(await opened('an earlier build', [seal])).toBe('0');
    }
    expect(await opened('an earlier build', [spoilt])).toBe('one whose seal does not fit it');
  });

  it('fails as it fails, where it is ours', async () => {
    const { newest, vault } = holding([ours, ours]);
    if (newest === undefined) throw new Error('nothing');
    const opening = new StreamSeals(TEST_SEAL, aPoint('p1')).open(vault, newest, FROM, async () => {
      throw new Error('the disk');
    });
    await expect(opening).rejects.toThrow('the disk');
  });

  it('is said by a point only once something was stored', () => {
    expect(sealedStream(TEST_SEAL, null)).toBeUndefined();
    expect(sealedStream(TEST_SEAL, FROM)).toEqual({ keyId: TEST_SEAL.keyId, fromLsn: '0/2000000' });
  });
});
