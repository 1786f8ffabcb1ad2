import fs, { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileJournal, readSegment } from './file-journal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function files(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.journal'))
    .sort()
    .map((name) => join(folder, name));
}

/** What a start after a crash would find; the journal under test stays open, as in a crash. */
function found(): string[] {
  return files()
    .flatMap(readSegment)
    .map(({ bytes }) => bytes.toString());
}

describe('the journal in files', () => {
  it('gives back what was written, in order, to the next process', () => {
    const journal = FileJournal.open(folder, 'instance_a');
    for (const text of ['one', 'two', 'three']) journal.write(Buffer.from(text));
    const next = FileJournal.open(folder, 'instance_b');
    expect(
      next.leftover.map(({ instanceId, sequence, bytes }) => [instanceId, sequence, `${bytes}`]),
    ).toEqual([
      ['instance_a', 1, 'one'],
      ['instance_a', 2, 'two'],
      ['instance_a', 3, 'three'],
    ]);
    next.forgetLeftover();
    expect(files().every((file) => file.includes('instance_b'))).toBe(true);
    next.close();
  });

  it('leaves no segment and no open file behind when it cannot make one', () => {
    const journal = FileJournal.open(folder, 'instance_a');
    const open = (): number => readdirSync('/proc/self/fd').length;
    const big = Buffer.alloc(3 * 1024 * 1024);
    journal.write(big);
    journal.write(big); // both segments are in use now; the next one has to be made
    const full = vi.spyOn(fs, 'fsyncSync').mockImplementation(() => {
      throw new Error('ENOSPC');
    });
    syncBuiltinESMExports();
    const before = [open(), readdirSync(folder).length];
    for (let tries = 0; tries < 5; tries += 1) expect(() => journal.write(big)).toThrow(/ENOSPC/);
    full.mockRestore();
    syncBuiltinESMExports();
    expect([open(), readdirSync(folder).length]).toEqual(before);
    journal.write(big);
    expect(found()).toHaveLength(3);
    journal.close();
  });

  it('leaves nothing behind when all of it lies in the trail', () => {
    const journal = FileJournal.open(folder, 'instance_a');
    journal.write(Buffer.from('one'));
    journal.release(1);
    journal.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('keeps what was not released when it is closed', () => {
    const journal = FileJournal.open(folder, 'instance_a');
    journal.write(Buffer.from('one'));
    journal.write(Buffer.from('two'));
    journal.release(1);
    journal.close();
    expect(FileJournal.open(folder, 'instance_b').leftover.map(({ sequence }) => sequence)).toEqual(
      [1, 2],
    );
  });

  it('is durable only after it was asked and answered', async () => {
    const journal = FileJournal.open(folder, 'instance_a');
    journal.write(Buffer.from('one'));
    const wait = journal.durable(1);
    expect(wait).not.toBeNull();
    await wait;
    expect(journal.durable(1)).toBeNull();
    journal.write(Buffer.from('two'));
    expect(journal.durable(2)).not.toBeNull();
    await journal.durable(2);
    journal.close();
  });

  it('begins early where it is told to hasten, and whoever asks then waits for nothing', async () => {
    const journal = FileJournal.open(folder, 'instance_a');
    const syncs = vi.spyOn(fs, 'fdatasync');
    syncBuiltinESMExports();
    journal.write(Buffer.from('one'));
    journal.hasten(1);
    journal.hasten(1);
    await vi.waitFor(() => expect(journal.durable(1)).toBeNull());
    expect(syncs).toHaveBeenCalledTimes(1);
    // What comes while one is under way is not in it: it has to be asked for, or hastened, by itself.
    journal.write(Buffer.from('two'));
    journal.hasten(2);
    await new Promise((done) => setImmediate(done));
    journal.write(Buffer.from('three'));
    journal.hasten(3);
    expect(journal.durable(3)).not.toBeNull();
    await vi.waitFor(() => expect(journal.durable(3)).toBeNull());
    expect(syncs).toHaveBeenCalledTimes(3);
    journal.hasten(3);
    await new Promise((done) => setImmediate(done));
    expect(syncs).toHaveBeenCalledTimes(3);
    syncs.mockRestore();
    syncBuiltinESMExports();
    journal.close();
    journal.hasten(4);
  });

  it('turns to further segments, uses released ones again, and mixes nothing up', async () => {
    const journal = FileJournal.open(folder, 'instance_a');
    const big = Buffer.alloc(1_000_000, 0x61);
    for (let sequence = 1; sequence <= 40; sequence++) {
      expect(journal.next).toBe(sequence);
      big.writeUInt32BE(sequence, 0);
      journal.write(big);
      await journal.durable(sequence);
      if (sequence % 3 === 0) journal.release(sequence);
    }
    expect(files().length).toBeLessThan(6);
    const sequences = FileJournal.open(folder, 'instance_b').leftover.map(({ sequence, bytes }) => {
      expect(bytes.readUInt32BE(0)).toBe(sequence);
      return sequence;
    });
    expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
    expect(sequences).toContain(40);
    expect(new Set(sequences).size).toBe(sequences.length);
  });

  it.each([
    ['the last record is cut', (bytes: Buffer) => bytes.fill(0, 16 + 3 + 16 + 1), ['one']],
    ['a byte of the second flips', (bytes: Buffer) => bytes.writeUInt8(0xff, 16 + 3 + 16), ['one']],
    ['a byte of the first flips', (bytes: Buffer) => bytes.writeUInt8(0xff, 16), []],
    ['a length is absurd', (bytes: Buffer) => bytes.writeUInt32BE(0x7fffffff, 0), []],
    ['a sequence is skipped', (bytes: Buffer) => bytes.writeUInt8(9, 16 + 3 + 15), ['one']],
  ])('believes only what is whole: %s', (_story, harm, kept) => {
    const journal = FileJournal.open(folder, 'instance_a');
    journal.write(Buffer.from('one'));
    journal.write(Buffer.from('two'));
    const [file = ''] = files();
    const bytes = readFileSync(file);
    harm(bytes);
    writeFileSync(file, bytes);
    expect(found()).toEqual(kept);
  });

  it('never gives back bytes that were not written (property)', () => {
    const journal = FileJournal.open(folder, 'instance_a');
    for (const text of ['alpha', 'beta', 'gamma']) journal.write(Buffer.from(text));
    const [file = ''] = files();
    const whole = readFileSync(file).subarray(0, 200);
    fc.assert(
      fc.property(fc.nat(199), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8(byte, at);
        writeFileSync(file, bytes);
        expect(['alpha', 'beta', 'gamma'].slice(0, found().length)).toEqual(found());
      }),
      { numRuns: 200 },
    );
  });

  it('refuses a folder that another living process owns, and takes one of a dead one', () => {
    writeFileSync(join(folder, 'owner'), ownerOfParent());
    expect(() => FileJournal.open(folder, 'instance_a')).toThrow(/process \d+ uses it/);
    writeFileSync(join(folder, 'owner'), '999999999 1\n');
    FileJournal.open(folder, 'instance_a').close();
  });

  it('writes nothing any more once it was closed', () => {
    const journal = FileJournal.open(folder, 'instance_a');
    journal.close();
    expect(() => journal.write(Buffer.from('late'))).toThrow(/closed/);
  });
});

/** The mark of a process that certainly lives and is not us. */
function ownerOfParent(): string {
  const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return `${process.ppid} ${fields[19]}\n`;
}
