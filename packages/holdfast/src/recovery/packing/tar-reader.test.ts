import { describe, expect, it } from 'vitest';
import { type TarEntry, TarReader } from './tar-reader.ts';

interface Header {
  readonly name: string;
  readonly size?: number;
  readonly flag?: string;
  readonly link?: string;
}

/** Written here by hand: nothing of the reader makes its own test. */
function header({ name, size = 0, flag = '0', link = '' }: Header): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write('0000600\0', 100);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write('        ', 148);
  block.write(flag, 156);
  block.write(link, 157);
  block.write('ustar\0', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function file(name: string, content: string): Buffer {
  const padded = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  padded.write(content);
  return Buffer.concat([header({ name, size: content.length }), padded]);
}

function read(bytes: Buffer, step: number): { entries: TarEntry[]; contents: string[] } {
  const entries: TarEntry[] = [];
  const contents: string[] = [];
  const reader = new TarReader({
    entry: (entry) => {
      entries.push(entry);
      contents.push('');
    },
    bytes: (chunk) => {
      contents.push(`${contents.pop()}${Buffer.from(chunk).toString()}`);
    },
    end: () => {},
  });
  for (let at = 0; at < bytes.length; at += step) reader.push(bytes.subarray(at, at + step));
  reader.end();
  return { entries, contents };
}

const END = Buffer.alloc(1024);

describe('a tar stream of a server', () => {
  it.each([1, 7, 512, 513, 10_000])('is read in pieces of %i bytes', (step) => {
    const stream = Buffer.concat([
      header({ name: 'base/', flag: '5' }),
      file('base/1', 'x'.repeat(1_000)),
      file('empty', ''),
      header({ name: 'pg_tblspc/16384', flag: '2', link: '/somewhere' }),
      file('./whole', 'y'.repeat(512)),
      END,
    ]);
    const { entries, contents } = read(stream, step);
    expect(entries.map(({ kind, path, link }) => [kind, path, link])).toEqual([
      ['folder', 'base', ''],
      ['file', 'base/1', ''],
      ['file', 'empty', ''],
      ['link', 'pg_tblspc/16384', '/somewhere'],
      ['file', 'whole', ''],
    ]);
    expect(contents.map((one) => one.length)).toEqual([0, 1_000, 0, 0, 512]);
  });

  it.each([
    ['climbs out', '../etc/passwd'],
    ['climbs out from inside', 'base/../../etc/passwd'],
    ['begins at the root', '/etc/passwd'],
    ['has an empty part', 'base//1'],
    ['stays where it is', 'base/./1'],
  ])('is refused when a name %s', (_story, name) => {
    expect(() => read(Buffer.concat([file(name, 'x'), END]), 512)).toThrow(
      expect.objectContaining({ code: 'HF_RECOVERY_DAMAGED' }),
    );
  });

  const whole = Buffer.concat([file('a', 'x'.repeat(600)), END]);
  const wrongSum = Buffer.from(whole);
  wrongSum.write('b', 0);
  it.each([
    [
      'has a hard link',
      Buffer.concat([header({ name: 'a', flag: '1', link: '/etc/passwd' }), END]),
    ],
    ['has a device', Buffer.concat([header({ name: 'a', flag: '3' }), END])],
    ['has a header of another kind', Buffer.concat([header({ name: 'a', flag: 'L' }), END])],
    ['has a changed header', wrongSum],
    ['was cut in a file', whole.subarray(0, 700)],
    ['was cut in padding', whole.subarray(0, 512 + 700)],
    ['was cut in a header', whole.subarray(0, 100)],
    ['goes on behind its end', Buffer.concat([whole, file('b', 'x')])],
  ])('is refused when it %s', (_story, stream) => {
    expect(() => read(stream, 512)).toThrow(
      expect.objectContaining({ code: 'HF_RECOVERY_DAMAGED' }),
    );
  });

  it('reads sizes above 8 GiB, which are written in base 256', () => {
    const block = header({ name: 'big' });
    const size = 9 * 1024 ** 3;
    block.writeUInt32BE(0x8000_0000, 124);
    block.writeBigUInt64BE(BigInt(size), 128);
    block.write('        ', 148);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const seen: number[] = [];
    new TarReader({
      entry: ({ bytes }) => seen.push(bytes),
      bytes: () => {},
      end: () => {},
    }).push(block);
    expect(seen).toEqual([size]);
  });
});
