/**
 * The tree and its proofs, against the eight-leaf vectors that the Certificate Transparency projects
 * publish, and against a naive recursion written straight from RFC 6962, section 2.1.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consistencyProof, inclusionProof, verifyConsistency, verifyInclusion } from './proof.ts';
import { EMPTY_HEAD, grow, isWellFormed, leafHash, rootOf } from './tree.ts';

const INPUTS = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const LEAVES = INPUTS.map((hex) => leafHash(Buffer.from(hex, 'hex')));

function naiveRoot(inputs: readonly Buffer[]): Buffer {
  const sha = (...parts: Uint8Array[]): Buffer =>
    createHash('sha256').update(Buffer.concat(parts)).digest();
  const [only] = inputs;
  if (only === undefined) return sha();
  if (inputs.length === 1) return sha(Buffer.of(0), only);
  let k = 1;
  while (k * 2 < inputs.length) k *= 2;
  return sha(Buffer.of(1), naiveRoot(inputs.slice(0, k)), naiveRoot(inputs.slice(k)));
}

const hexes = (proof: readonly Buffer[]): string[] => proof.map((hash) => hash.toString('hex'));
const rootAt = (size: number): Buffer => Buffer.from(ROOTS[size] ?? '', 'hex');

describe('the published vectors', () => {
  it.each(ROOTS.map((root, size) => ({ root, size })))('root of $size', ({ root, size }) => {
    expect(rootOf(grow(EMPTY_HEAD, LEAVES.slice(0, size))).toString('hex')).toBe(root);
  });

  it.each([
    {
      index: 0,
      size: 8,
      path: [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    },
    {
      index: 5,
      size: 8,
      path: [
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    },
    {
      index: 2,
      size: 3,
      path: ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
    },
  ])('inclusion of $index in $size', ({ index, path, size }) => {
    expect(hexes(inclusionProof(LEAVES.slice(0, size), index))).toEqual(path);
  });

  it.each([
    {
      first: 6,
      second: 8,
      path: [
        '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    },
    {
      first: 2,
      second: 5,
      path: [
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    },
    { first: 8, second: 8, path: [] },
  ])('consistency of $first with $second', ({ first, path, second }) => {
    expect(hexes(consistencyProof(LEAVES.slice(0, second), first))).toEqual(path);
    const proof = path.map((hex) => Buffer.from(hex, 'hex'));
    const trees = [
      { size: first, root: rootAt(first) },
      { size: second, root: rootAt(second) },
    ] as const;
    expect(verifyConsistency(proof, ...trees)).toBe(true);
  });
});

const inputs = fc.array(
  fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
  {
    minLength: 1,
    maxLength: 70,
  },
);

describe('against the naive recursion', () => {
  it('has its root, however the appends are cut', () => {
    fc.assert(
      fc.property(inputs, fc.nat(), (all, cutSeed) => {
        const cut = cutSeed % (all.length + 1);
        const early = grow(EMPTY_HEAD, all.slice(0, cut).map(leafHash));
        const head = grow(early, all.slice(cut).map(leafHash));
        expect(rootOf(head)).toEqual(naiveRoot(all));
        expect(isWellFormed(head)).toBe(true);
        expect(head.size).toBe(BigInt(all.length));
      }),
    );
  });

  it('proves every leaf, and nothing with a changed proof, leaf, index or root', () => {
    fc.assert(
      fc.property(inputs, fc.nat(), fc.nat(), (all, indexSeed, changeSeed) => {
        const index = indexSeed % all.length;
        const leaves = all.map(leafHash);
        const leaf = leafHash(all[index] ?? Buffer.alloc(0));
        const root = naiveRoot(all);
        const proof = inclusionProof(leaves, index);
        expect(verifyInclusion(proof, index, all.length, leaf, root)).toBe(true);
        const changed = proof.map((hash, at) =>
          at === changeSeed % proof.length ? flip(hash) : hash,
        );
        if (proof.length > 0) {
          expect(verifyInclusion(changed, index, all.length, leaf, root)).toBe(false);
          expect(verifyInclusion(proof.slice(1), index, all.length, leaf, root)).toBe(false);
        }
        expect(verifyInclusion([...proof, leaf], index, all.length, leaf, root)).toBe(false);
        expect(verifyInclusion(proof, index, all.length, flip(leaf), root)).toBe(false);
        expect(verifyInclusion(proof, index, all.length, leaf, flip(root))).toBe(false);
        expect(verifyInclusion(proof, all.length, all.length, leaf, root)).toBe(false);
      }),
    );
  });

  it('proves every prefix, and no other tree', () => {
    fc.assert(
      fc.property(inputs, fc.nat(), fc.nat(), (all, sizeSeed, changeSeed) => {
        const size = 1 + (sizeSeed % all.length);
        const first = { size, root: naiveRoot(all.slice(0, size)) };
        const second = { size: all.length, root: naiveRoot(all) };
        const proof = consistencyProof(all.map(leafHash), size);
        expect(verifyConsistency(proof, first, second)).toBe(true);
        const changed = proof.map((hash, at) =>
          at === changeSeed % proof.length ? flip(hash) : hash,
        );
        if (proof.length > 0) expect(verifyConsistency(changed, first, second)).toBe(false);
        expect(verifyConsistency(proof, { size, root: flip(first.root) }, second)).toBe(false);
        expect(verifyConsistency([...proof, first.root], first, second)).toBe(false);
      }),
    );
  });
});

function flip(hash: Buffer): Buffer {
  const other = Buffer.from(hash);
  other[0] = (other[0] ?? 0) ^ 1;
  return other;
}
