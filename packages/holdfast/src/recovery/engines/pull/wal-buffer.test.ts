import { describe, expect, it } from 'vitest';
import { WalBuffer } from './wal-buffer.ts';

const SEGMENT = 1024;

function bytes(count: number, first = 0): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, index) => (first + index) & 0xff));
}

describe('the buffer of WAL', () => {
  it('gives what is new as a piece, and a full segment whole', () => {
    const buffer = new WalBuffer(SEGMENT, 4 * SEGMENT, 2048n, 2048n, 1);
    expect(buffer.append(2048n, bytes(100))).toBe(true);
    const piece = buffer.nextJob();
    expect(piece).toMatchObject({
      isWhole: false,
      from: 0,
      to: 100,
      place: { timeline: 1, start: 2048n },
    });
    // More comes while the piece is stored: the piece is what it was.
    buffer.append(2148n, bytes(924, 100));
    if (piece) buffer.done(piece);
    expect(buffer.durable).toBe(2148n);
    const whole = buffer.nextJob();
    expect(whole).toMatchObject({ isWhole: true, from: 0, to: SEGMENT });
    expect(Buffer.from(whole?.bytes ?? []).equals(bytes(SEGMENT))).toBe(true);
    if (whole) buffer.done(whole);
    expect([buffer.nextJob(), buffer.durable, buffer.isDrained]).toEqual([null, 3072n, true]);
  });

  it('stores nothing twice of what was durable before it began', () => {
    const buffer = new WalBuffer(SEGMENT, 4 * SEGMENT, 1024n, 1324n, 1);
    buffer.append(1024n, bytes(300));
    expect(buffer.nextJob()).toBeNull();
    buffer.append(1324n, bytes(50));
    expect(buffer.nextJob()).toMatchObject({ from: 300, to: 350 });
  });

  it('takes a chunk that spans segments, and says when it has enough', () => {
    const buffer = new WalBuffer(SEGMENT, 2 * SEGMENT, 0n, 0n, 1);
    buffer.append(0n, bytes(SEGMENT * 3 + 1));
    expect(buffer.isFull).toBe(true);
    for (let job = buffer.nextJob(); job; job = buffer.nextJob()) buffer.done(job);
    expect([buffer.durable, buffer.isFull]).toEqual([BigInt(SEGMENT * 3 + 1), false]);
  });

  it('takes nothing that does not follow', () => {
    const buffer = new WalBuffer(SEGMENT, 2 * SEGMENT, 0n, 0n, 1);
    expect(buffer.append(8n, bytes(8))).toBe(false);
    buffer.append(0n, bytes(8));
    expect(buffer.append(0n, bytes(8))).toBe(false);
    expect(buffer.received).toBe(8n);
  });
});
