import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { compareWithManifest, readManifest } from './manifest.ts';

const SUM = 'ab'.repeat(32);

function manifest(changes: object = {}): Buffer {
  const body = {
    'PostgreSQL-Backup-Manifest-Version': 2,
    'System-Identifier': 77,
    Files: [
      { Path: 'base/1/2', Size: 8192, 'Checksum-Algorithm': 'SHA256', Checksum: SUM },
      { 'Encoded-Path': 'c3a4', Size: 3, 'Checksum-Algorithm': 'SHA256', Checksum: SUM },
    ],
    'WAL-Ranges': [{ Timeline: 1, 'Start-LSN': '0/2000028', 'End-LSN': '0/2000120' }],
    ...changes,
  };
  const text = `${JSON.stringify(body).slice(0, -1)},\n`;
  const sum = createHash('sha256').update(text).digest('hex');
  return Buffer.from(`${text}"Manifest-Checksum": "${sum}"}\n`);
}

describe('a backup manifest', () => {
  it('is read with its files and the WAL it needs', () => {
    const { files, wal } = readManifest(manifest());
    expect(files.map(({ path, bytes }) => [path, bytes])).toEqual([
      ['base/1/2', 8192],
      ['ä', 3],
    ]);
    expect(wal).toEqual([{ timeline: 1, start: 0x2000028n, end: 0x2000120n }]);
  });

  const whole = manifest();
  const changed = Buffer.from(whole.toString().replace('8192', '8193'));
  it.each([
    ['cut in its files', whole.subarray(0, 100)],
    ['cut in its checksum', whole.subarray(0, -10)],
    ['changed', changed],
    ['empty', Buffer.alloc(0)],
    ['of a version we do not know', manifest({ 'PostgreSQL-Backup-Manifest-Version': 3 })],
    ['without WAL', manifest({ 'WAL-Ranges': [] })],
    [
      'of weaker checksums',
      manifest({
        Files: [{ Path: 'a', Size: 1, 'Checksum-Algorithm': 'CRC32C', Checksum: '00000000' }],
      }),
    ],
    [
      'not JSON',
      Buffer.from(
        `x\n"Manifest-Checksum": "${createHash('sha256').update('x\n').digest('hex')}"}\n`,
      ),
    ],
  ])('is refused when it is %s', (_story, bytes) => {
    expect(() => readManifest(bytes)).toThrow(
      expect.objectContaining({ code: 'HF_RECOVERY_MANIFEST' }),
    );
  });

  const one = { bytes: 8192, sha256: SUM };
  const two = { bytes: 3, sha256: SUM };
  it.each([
    ['a file is missing', [['base/1/2', one]], '1 missing (ä)'],
    [
      'there is one more',
      [
        ['base/1/2', one],
        ['ä', two],
        ['evil', one],
      ],
      '1 not listed (evil)',
    ],
    [
      'one has another size',
      [
        ['base/1/2', { ...one, bytes: 1 }],
        ['ä', two],
      ],
      '1 with other bytes (base/1/2)',
    ],
    [
      'one has other bytes',
      [
        ['base/1/2', { ...one, sha256: 'cd'.repeat(32) }],
        ['ä', two],
      ],
      '1 with other bytes (base/1/2)',
    ],
  ] as const)('does not match when %s', (_story, found, words) => {
    expect(() => compareWithManifest(readManifest(whole), new Map(found))).toThrow(
      expect.objectContaining({ code: 'HF_RECOVERY_MANIFEST', found: words }),
    );
  });

  it('matches what it lists', () => {
    compareWithManifest(
      readManifest(whole),
      new Map([
        ['base/1/2', one],
        ['ä', two],
      ]),
    );
  });
});
