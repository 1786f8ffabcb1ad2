import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../testing/scratch-folder.ts';
import { OwnProofs } from './own-proofs.ts';
import type { KeptProof } from './vault-records.ts';

const root = scratchFolder('own-proofs');
afterAll(() => rmSync(root, { recursive: true, force: true }));

const proof = (minute: number, verdict: KeptProof['verdict'], vault = 'far'): KeptProof => ({
  id: `p${minute}`,
  vault,
  at: new Date(Date.UTC(2026, 10, 28, 4, minute)),
  verdict,
  why: 'It was tried.',
  sameAs: [],
  tried: [{ name: 'a', kind: 's3', verdict, why: 'It was tried.', acts: [] }],
  control: { verdict: 'UNKNOWN', why: 'Nobody could.' },
});

describe('what this installation found out about its vaults', () => {
  it('keeps what was refuted over a restart, until it is proven', () => {
    const folder = join(root, 'refuted');
    const before = new OwnProofs(folder, 'shop');
    expect(before.of('far')).toEqual([]);
    before.learn(proof(1, 'REFUTED'));
    expect(before.of('far')).toEqual([proof(1, 'REFUTED')]);
    expect(statSync(join(folder, 'shop.far.json')).mode & 0o777).toBe(0o600);
    const after = new OwnProofs(folder, 'shop');
    expect(after.of('far')).toEqual([proof(1, 'REFUTED')]);
    expect([after.of('near'), new OwnProofs(folder, 'other').of('far')]).toEqual([[], []]);
    // No answer makes nothing good.
    after.learn(proof(2, 'UNKNOWN'));
    expect(after.of('far')).toEqual([proof(1, 'REFUTED'), proof(2, 'UNKNOWN')]);
    after.learn(proof(3, 'PROVEN'));
    expect(after.of('far')).toEqual([proof(3, 'PROVEN')]);
    expect(new OwnProofs(folder, 'shop').of('far')).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('goes on where it cannot be written, and says so', () => {
    const folder = join(root, 'in-the-way');
    writeFileSync(folder, '');
    const proofs = new OwnProofs(folder, 'shop');
    proofs.learn(proof(1, 'REFUTED'));
    expect(proofs.of('far').at(-1)).toEqual(proof(1, 'REFUTED'));
    expect(proofs.trouble('far')).toContain('not kept on this machine');
    expect(proofs.trouble('near')).toBeNull();
    rmSync(folder);
    proofs.learn(proof(2, 'REFUTED'));
    expect(proofs.trouble('far')).toBeNull();
  });

  it('takes what does not read for the worst', () => {
    const folder = join(root, 'unread');
    new OwnProofs(folder, 'shop').learn(proof(1, 'REFUTED'));
    for (const text of ['', 'no JSON', '{"verdict":"PROVEN"}']) {
      writeFileSync(join(folder, 'shop.far.json'), text);
      expect(new OwnProofs(folder, 'shop').of('far')).toMatchObject([
        { vault: 'far', verdict: 'REFUTED', why: expect.stringContaining('does not read') },
      ]);
    }
  });
});
