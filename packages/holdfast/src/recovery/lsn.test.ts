import { describe, expect, it } from 'vitest';
import { lsnOf, lsnText, segmentName, segmentPlace } from './lsn.ts';

describe('positions in the WAL', () => {
  it.each([
    ['0/0', 0n],
    ['16/B374D848', 0x16_b374_d848n],
    ['FFFFFFFF/FFFFFFFF', 0xffff_ffff_ffff_ffffn],
  ])('%s is read and written', (text, lsn) => {
    expect(lsnOf(text)).toBe(lsn);
    expect(lsnText(lsn)).toBe(text);
  });

  it.each(['', '0', '0/', '/0', '0/G', '123456789/0', "0/0'", ' 0/0'])('"%s" is none', (text) => {
    expect(lsnOf(text)).toBeNull();
  });

  it.each([
    ['000000010000000000000001', 16, 0x100_0000n],
    ['0000000A00000016000000B3', 16, 0x16_b300_0000n],
    ['00000001000000010000003F', 64, 0x1_fc00_0000n],
  ])('%s is a segment of %i MiB', (name, mebibytes, start) => {
    const place = segmentPlace(name, mebibytes * 1024 * 1024);
    expect(place?.start).toBe(start);
    expect(place && segmentName(place, mebibytes * 1024 * 1024)).toBe(name);
  });
});
