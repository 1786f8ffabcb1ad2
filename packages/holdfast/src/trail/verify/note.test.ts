/** Checkpoints against notes made by another encoder: test/vectors/make_notes.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { signerFromSeed } from '../signer.ts';
import { checkSignature, parseCheckpoint, parseVerifierKey } from './note.ts';
import { EMPTY_HEAD, grow, leafHash, rootOf } from './tree.ts';

const VECTORS = z
  .array(
    z.object({
      origin: z.string(),
      keyName: z.string(),
      seed: z.string(),
      verifierKey: z.string(),
      size: z.number(),
      root: z.string(),
      note: z.string(),
      witnessedNote: z.string(),
    }),
  )
  .parse(
    JSON.parse(readFileSync(new URL('../../../test/vectors/notes.json', import.meta.url), 'utf8')),
  );

const [first] = VECTORS;
if (first === undefined) throw new Error('no vectors');

describe.each(VECTORS)('the note of $origin at $size', (vector) => {
  const key = parseVerifierKey(vector.verifierKey);

  it('is what we would have signed, byte for byte', () => {
    const signer = signerFromSeed(vector.origin, Buffer.from(vector.seed, 'hex'), vector.keyName);
    const leaves = Array.from({ length: vector.size }, (_, at) =>
      leafHash(Buffer.from(`entry ${at}`)),
    );
    const root = rootOf(grow(EMPTY_HEAD, leaves));
    expect(root.toString('hex')).toBe(vector.root);
    expect(signer.verifierKey.text).toBe(vector.verifierKey);
    expect(signer.sign({ size: BigInt(vector.size), root })).toBe(vector.note);
  });

  it('verifies, with a witness beside it too', () => {
    for (const note of [vector.note, vector.witnessedNote]) {
      const checkpoint = parseCheckpoint(note);
      expect(checkpoint).toMatchObject({ origin: vector.origin, size: BigInt(vector.size) });
      expect(checkpoint.root.toString('hex')).toBe(vector.root);
      expect(checkSignature(checkpoint, key)).toBe('valid');
    }
  });

  it('is forged when a byte of its body differs, and absent for another key', () => {
    const other = signerFromSeed(vector.origin, Buffer.alloc(32, 1), vector.keyName).verifierKey;
    const forged = vector.note.replace(/\n(\d+)\n/, (_, size) => `\n${Number(size) + 1}\n`);
    expect(checkSignature(parseCheckpoint(forged), key)).toBe('forged');
    expect(checkSignature(parseCheckpoint(vector.note), other)).toBe('absent');
  });
});

describe('a note is refused', () => {
  const { note } = first;
  const rows: readonly (readonly [story: string, text: string])[] = [
    ['without signatures', note.slice(0, note.indexOf('\n\n') + 1)],
    ['without the last line feed', note.slice(0, -1)],
    ['with a size in two spellings', note.replace('\n0\n', '\n00\n')],
    ['with a size beyond 2^53', note.replace('\n0\n', '\n12345678901234567\n')],
    ['with a minus', note.replace('\n0\n', '\n-1\n')],
    [
      'with a root of 31 bytes',
      note.replace(/\n[^\n]{44}\n\n/, `\n${Buffer.alloc(31).toString('base64')}\n\n`),
    ],
    ['with base64 that has spare bits', note.replace('FU=\n', 'FV=\n')],
    ['with a hyphen for the dash', note.replace('—', '-')],
    ['with a carriage return', note.replaceAll('\n', '\r\n')],
    ['with two spaces', note.replace('— ', '—  ')],
    ['with an empty origin', note.slice(note.indexOf('\n'))],
    ['with text after it', `${note}more`],
  ];
  it.each(rows)('%s', (_, text) => {
    expect(text).not.toBe(note);
    expect(() => parseCheckpoint(text)).toThrow(RangeError);
  });
});

describe('a verifier key is refused', () => {
  const key = first.verifierKey;
  const rows: readonly (readonly [story: string, text: string])[] = [
    ['with the id of another key', key.replace(/\+[0-9a-f]{8}\+/, '+00000000+')],
    ['with another algorithm', key.replace(/\+A([A-Z])/, '+B$1')],
    ['cut short', key.slice(0, -4)],
    ['with a space in its name', key.replace('/', ' ')],
  ];
  it.each(rows)('%s', (_, text) => {
    expect(text).not.toBe(key);
    expect(() => parseVerifierKey(text)).toThrow(RangeError);
  });
});
