import { describe, expect, it } from 'vitest';
import { columnsOf, fieldsOf, MessageCutter, statusUpdate } from './messages.ts';

function message(tag: string, body: string): Buffer {
  const head = Buffer.alloc(5);
  head.write(tag);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, Buffer.from(body)]);
}

describe('messages of a server', () => {
  it.each([1, 2, 5, 6, 100])('are cut out of pieces of %i bytes', (step) => {
    const stream = Buffer.concat([
      message('d', 'one'),
      message('Z', ''),
      message('d', 'x'.repeat(90)),
    ]);
    const cutter = new MessageCutter();
    const found: string[] = [];
    for (let at = 0; at < stream.length; at += step) {
      cutter.push(stream.subarray(at, at + step));
      for (let next = cutter.next(); next; next = cutter.next())
        found.push(`${next.tag}${next.body.length}`);
    }
    expect(found).toEqual(['d3', 'Z0', 'd90']);
  });

  it.each([0, 3, 0x7fff_ffff, 0xffff_ffff])(
    'of a declared length of %i are refused at once',
    (length) => {
      const head = Buffer.alloc(5);
      head.write('d');
      head.writeUInt32BE(length, 1);
      const cutter = new MessageCutter();
      cutter.push(head);
      expect(() => cutter.next()).toThrow(expect.objectContaining({ code: 'HF_PROTOCOL' }));
    },
  );

  it('have fields and columns', () => {
    expect(fieldsOf(Buffer.from('SERROR\0C58P01\0Mno\0\0')).get('C')).toBe('58P01');
    const row = Buffer.from([0, 3, 0, 0, 0, 2, 0x68, 0x69, 255, 255, 255, 255, 0, 0, 0, 0]);
    expect(columnsOf(row)).toEqual(['hi', null, '']);
  });

  it('are answered with what is durable, by a clock that begins in 2000', () => {
    const update = statusUpdate(20n, 10n, new Date('2000-01-01T00:00:01Z'), true).subarray(5);
    expect(update.toString('latin1', 0, 1)).toBe('r');
    expect([1, 9, 17, 25].map((at) => update.readBigInt64BE(at))).toEqual([
      20n,
      10n,
      0n,
      1_000_000n,
    ]);
    expect(update.readUInt8(33)).toBe(1);
  });
});
