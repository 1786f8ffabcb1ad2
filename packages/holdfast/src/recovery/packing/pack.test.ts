import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Decrypter, Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { decrypted, encrypted } from './age.ts';
import { packBytes, unpackBytes } from './pack.ts';

const identity = await generateIdentity();
const recipient = await identityToRecipient(identity);

/** Bytes that neither repeat nor change from run to run, half of them compressible. */
function someBytes(count: number): Buffer {
  const blocks: Buffer[] = [];
  for (let have = 0; have < count; have += 64) {
    blocks.push(createHash('sha256').update(`${have}`).digest(), Buffer.alloc(32));
  }
  return Buffer.concat(blocks).subarray(0, count);
}

async function gathered(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of chunks) parts.push(part);
  return Buffer.concat(parts);
}

/** In one piece of memory that is used again and again, as a thread's blocks are. */
async function* pieces(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  const block = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    block.set(piece);
    yield block.subarray(0, piece.length);
    block.fill(0);
  }
}

describe('what is packed', () => {
  const sizes = [0, 1, 65_535, 65_536, 65_537, 131_072, 1_048_576, 3_000_001];

  it.each(sizes)('opens to the same %i bytes, however it was cut', async (size) => {
    const plain = someBytes(size);
    const stored = await gathered(packBytes(plain, [recipient]).body);
    for (const step of [1_000, 65_536, 5_000_000]) {
      expect((await unpackBytes(pieces(stored, step), [identity], 'it')).equals(plain)).toBe(true);
    }
  });

  it.each(sizes)('is opened by the library of age when it has %i bytes', async (size) => {
    const plain = someBytes(size);
    const ours = await gathered(encrypted(pieces(plain, 70_000), [recipient]));
    const opener = new Decrypter();
    opener.addIdentity(identity);
    expect(Buffer.from(await opener.decrypt(ours)).equals(plain)).toBe(true);

    const maker = new Encrypter();
    maker.addRecipient(recipient);
    const theirs = await maker.encrypt(plain);
    const opened = await gathered(decrypted(pieces(theirs, 70_000), [identity], 'it'));
    expect(opened.equals(plain)).toBe(true);
  });

  it('is opened by the tools age and lz4, and what they write by us', async (ctx) => {
    ctx.skip(
      !existsSync('/usr/bin/age') || !existsSync('/usr/bin/lz4'),
      'Debian packages age, lz4',
    );
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-pack-'));
    try {
      const plain = someBytes(2_500_000);
      const stored = join(folder, 'x.lz4.age');
      const key = join(folder, 'key.txt');
      writeFileSync(stored, await gathered(packBytes(plain, [recipient]).body));
      writeFileSync(key, `${identity}\n`, { mode: 0o600 });
      const opened = execFileSync('sh', ['-c', `age -d -i ${key} ${stored} | lz4 -dc`], {
        maxBuffer: 10_000_000,
      });
      expect(opened.equals(plain)).toBe(true);

      const theirs = execFileSync('age', ['-r', recipient], {
        input: plain,
        maxBuffer: 10_000_000,
      });
      expect(
        (await gathered(decrypted(pieces(theirs, 9_999), [identity], 'it'))).equals(plain),
      ).toBe(true);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('does not open to more than whoever asks has room for', async () => {
    const stored = await gathered(packBytes(Buffer.alloc(3_000_000), [recipient]).body);
    expect(stored.length).toBeLessThan(30_000);
    const open = (bytesMax: number) =>
      unpackBytes(pieces(stored, 1_000), [identity], 'the witness', { bytesMax });
    await expect(open(2_999_999)).rejects.toMatchObject({
      code: 'HF_RECOVERY_DAMAGED',
      expected: 'at most 2999999 bytes in the witness',
    });
    expect((await open(3_000_000)).length).toBe(3_000_000);
  });

  it('says in its header who wrote it, which others pass over, before any of it comes out', async (ctx) => {
    const plain = someBytes(200_000);
    const mac = createHash('sha256').update('mac').digest();
    let written: Uint8Array | null = null;
    const { body } = packBytes(plain, [recipient], (fileKey) => {
      written = fileKey;
      return { keyId: '0123456789abcdef', mac };
    });
    const stored = await gathered(body);
    const opener = new Decrypter();
    opener.addIdentity(identity);
    expect((await opener.decrypt(stored)).length).toBeGreaterThan(100_000);

    const seen: unknown[] = [];
    const open = (bytes: Uint8Array, refuses = false) =>
      unpackBytes(pieces(bytes, 700), [identity], 'it', {
        look: (fileKey, seal) => {
          seen.push(fileKey, seal);
          if (refuses) throw new Error('not this one');
        },
      });
    expect((await open(stored)).equals(plain)).toBe(true);
    expect(seen).toEqual([written, { keyId: '0123456789abcdef', mac: new Uint8Array(mac) }]);
    await expect(open(stored, true)).rejects.toThrow('not this one');

    // Taken off, or said twice, it is another header, which the file key does not fit.
    const text = stored.toString('latin1');
    const stanza = /-> holdfast-seal .*\n.*\n/.exec(text)?.[0] ?? '';
    expect(stanza).not.toBe('');
    for (const other of ['', stanza + stanza]) {
      const changed = Buffer.from(text.replace(stanza, other), 'latin1');
      await expect(open(changed)).rejects.toMatchObject({ code: 'HF_RECOVERY_KEY' });
    }
    ctx.skip(!existsSync('/usr/bin/age'), 'Debian package age');
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-pack-'));
    try {
      writeFileSync(join(folder, 'key.txt'), `${identity}\n`, { mode: 0o600 });
      const theirs = execFileSync('age', ['-d', '-i', join(folder, 'key.txt')], { input: stored });
      expect(theirs.length).toBeGreaterThan(100_000);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('opens with each of its recipients, and with nobody else', async () => {
    const second = await generateIdentity();
    const recipients = [recipient, await identityToRecipient(second)];
    const stored = await gathered(packBytes(Buffer.from('hello'), recipients).body);
    for (const key of [identity, second]) {
      expect(`${await unpackBytes(pieces(stored, 10), [key], 'it')}`).toBe('hello');
    }
    const stranger = await generateIdentity();
    await expect(unpackBytes(pieces(stored, 10), [stranger], 'the note')).rejects.toMatchObject({
      code: 'HF_RECOVERY_KEY',
      expected: 'a private key that opens the note',
    });
  });

  it('does not open when a byte was flipped, wherever it was', async () => {
    const stored = await gathered(packBytes(someBytes(200_000), [recipient]).body);
    const places = [0, 30, 130, 220, 230, 70_000, stored.length - 1];
    for (const place of places) {
      const flipped = Buffer.from(stored);
      flipped.writeUInt8(flipped.readUInt8(place) ^ 1, place);
      await expect(unpackBytes(pieces(flipped, 65_536), [identity], 'it')).rejects.toMatchObject({
        code: expect.stringMatching(/^HF_RECOVERY_(DAMAGED|KEY)$/),
      });
    }
  });

  it('does not open when it was cut, at whole chunks too, or has something behind it', async () => {
    const stored = await gathered(packBytes(someBytes(900_000), [recipient]).body);
    const header = stored.indexOf('\n', stored.indexOf('\n--- ') + 1) + 1 + 16;
    for (const end of [0, 10, header, header + 65_552, stored.length - 1]) {
      await expect(
        unpackBytes(pieces(stored.subarray(0, end), 65_536), [identity], 'it'),
      ).rejects.toMatchObject({ code: 'HF_RECOVERY_DAMAGED' });
    }
    const longer = Buffer.concat([stored, stored.subarray(-65_552)]);
    await expect(unpackBytes(pieces(longer, 65_536), [identity], 'it')).rejects.toMatchObject({
      code: 'HF_RECOVERY_DAMAGED',
    });
  });

  it('opens what a server compresses: blocks that reach back into those before', async (ctx) => {
    ctx.skip(!existsSync('/usr/bin/lz4'), 'Debian package lz4');
    // Repeats at all distances up to 64 KiB and beyond, over many blocks of 256 KiB.
    const unit = someBytes(60_000);
    const plain = Buffer.concat(
      Array.from({ length: 60 }, (_, at) => Buffer.concat([unit, someBytes(at * 7)])),
    );
    const frame = execFileSync('/usr/bin/lz4', ['-BD', '-B5', '--no-frame-crc', '-c'], {
      input: plain,
      maxBuffer: 10_000_000,
    });
    expect(frame.subarray(0, 7).toString('hex')).toBe('04224d18405077');
    for (const size of [777, 50_000, 1_000_000]) {
      const stored = await gathered(encrypted(pieces(frame, size), [recipient]));
      const opened = await unpackBytes(pieces(stored, 65_536), [identity], 'it');
      expect(opened.equals(plain)).toBe(true);
    }
    for (const cut of [3, 7, 9, 100_000, frame.length - 4, frame.length - 1]) {
      const stored = await gathered(encrypted(pieces(frame.subarray(0, cut), 9_000), [recipient]));
      await expect(unpackBytes(pieces(stored, 65_536), [identity], 'it')).rejects.toMatchObject({
        code: 'HF_RECOVERY_DAMAGED',
      });
    }
  });

  it('refuses a block that reaches back before its frame, or opens to more than a server writes', async () => {
    const head = Buffer.from('04224d18405077', 'hex');
    const blockOf = (bytes: Buffer): Buffer => {
      const size = Buffer.alloc(4);
      size.writeUInt32LE(bytes.length);
      return Buffer.concat([size, bytes, Buffer.alloc(4)]);
    };
    const whole = Buffer.concat([head, blockOf(Buffer.from([0x50, 1, 2, 3, 4, 5]))]);
    // One literal, then a match two back.
    const back = Buffer.from([0x14, 9, 2, 0, 0x50, 1, 2, 3, 4, 5]);
    const zeroes = Buffer.from([0x1f, 0, 1, 0, ...Array.from({ length: 1_100 }, () => 255), 0, 0]);
    for (const block of [back, zeroes]) {
      const frames = Buffer.concat([whole, head, blockOf(block)]);
      const stored = await gathered(encrypted(pieces(frames, 1_000), [recipient]));
      await expect(unpackBytes(pieces(stored, 1_000), [identity], 'it')).rejects.toMatchObject({
        code: 'HF_RECOVERY_DAMAGED',
      });
    }
  });

  it('refuses a frame that declares more than ours have, before it is opened', async () => {
    // A frame of three blocks of 4 MiB each, stored as they are.
    const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]);
    const size = Buffer.alloc(4);
    size.writeUInt32LE((0x8000_0000 | 100) >>> 0);
    const block = Buffer.concat([size, Buffer.alloc(100)]);
    const bomb = Buffer.concat([head, block, block, block, Buffer.alloc(4)]);
    const stored = await gathered(encrypted(pieces(bomb, 1_000), [recipient]));
    await expect(unpackBytes(pieces(stored, 1_000), [identity], 'it')).rejects.toMatchObject({
      code: 'HF_RECOVERY_DAMAGED',
    });
  });
});
