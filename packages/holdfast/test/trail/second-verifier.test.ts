/**
 * The same files before two judges: `holdfast-verify` as it is shipped, and a verifier in Python that
 * shares no code with us (test/vectors/verify_export.py). Both must say the same of every row.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import {
  exportOf,
  fileOf,
  filledStore,
  signer,
  TAMPER_ROWS,
} from '../../src/testing/trail-export-rows.ts';

const OURS = fileURLToPath(new URL('../../dist/cli/verify-main.js', import.meta.url));
const THEIRS = fileURLToPath(new URL('../vectors/verify_export.py', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'holdfast-exports-'));
const key = signer.verifierKey.text;
const store = await filledStore();
/** Without the cryptography package the second judge sees hashes only. */
const python = spawnSync('python3', ['-c', 'import cryptography'], { stdio: 'ignore' });

afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, bytes: Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

function ours(...args: readonly string[]): { code: number | null; out: string } {
  const run = spawnSync(process.execPath, [OURS, ...args], { encoding: 'utf8' });
  return { code: run.status, out: run.stdout + run.stderr };
}

function theirs(...args: readonly string[]): number | null {
  return spawnSync('python3', [THEIRS, ...args], { encoding: 'utf8' }).status;
}

describe('holdfast-verify', () => {
  it('ends with 0 and the facts when the trail holds', async () => {
    const file = written('good.jsonl', fileOf(await exportOf(store)));
    const { code, out } = ours(file, '--key', key);
    expect(out).toMatch(/^The trail holds\.\n/);
    expect(out).toContain('12, 12 outcomes, 0 still open');
    expect(code).toBe(0);
    expect(ours(file).out).toContain('Ask for the verifier key by another way');
    expect(JSON.parse(ours(file, '--json').out)).toMatchObject({ ok: true, decisions: 12 });
  });

  it.each(TAMPER_ROWS)('ends with 1 for $story', async ({ change, finding }) => {
    const pieces = await exportOf(store);
    change(pieces);
    const { code, out } = ours(written('bad.jsonl', fileOf(pieces)), '--key', key);
    expect(code).toBe(1);
    expect(out).toMatch(/^THE TRAIL DOES NOT HOLD\.\n/);
    expect(out).toContain(finding);
  });

  it('ends with 2 when there is nothing to judge', () => {
    expect(ours(written('none.jsonl', Buffer.from('hello\n'))).code).toBe(2);
    expect(ours(join(folder, 'missing')).code).toBe(2);
    expect(ours().code).toBe(2);
    expect(ours('--wrong').code).toBe(2);
  });
});

describe.skipIf(python.status !== 0)('the verifier in Python agrees', () => {
  it('on an untouched export, whole or in part', async () => {
    expect(theirs(written('good.jsonl', fileOf(await exportOf(store))), key)).toBe(0);
    const part = await exportOf(store, store.kept[0]?.size ?? 0n);
    expect(part.header['from']).toBeGreaterThan(0);
    expect(theirs(written('part.jsonl', fileOf(part)), key)).toBe(0);
  });

  it.each(TAMPER_ROWS)('on $story', async ({ change }) => {
    const pieces = await exportOf(store);
    change(pieces);
    expect(theirs(written('bad.jsonl', fileOf(pieces)), key)).toBe(1);
  });
});
