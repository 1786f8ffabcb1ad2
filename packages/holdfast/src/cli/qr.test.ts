import { encode } from 'uqr';
import { describe, expect, it } from 'vitest';
import { qrLines } from './qr.ts';

const URI = 'otpauth://totp/Holdfast:ada?issuer=Holdfast&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

describe('the QR code', () => {
  it('draws every module of the code, two rows to a line', () => {
    const { data, size } = encode(URI, { ecc: 'L', border: 2 });
    const lines = qrLines(URI, false);
    const drawn = lines.flatMap((line) => {
      const chars = [...line];
      return [
        chars.map((char) => char === ' ' || char === '▄'),
        chars.map((char) => char === ' ' || char === '▀'),
      ];
    });
    expect(drawn.slice(0, size)).toEqual(data);
  });

  it('fits a terminal of 80 columns', () => {
    expect(Math.max(...qrLines(URI, false).map((line) => line.length))).toBeLessThan(80);
  });
});
