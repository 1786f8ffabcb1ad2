import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DrillResult } from './drills/drill-result.ts';
import type { Witness } from './drills/witness.ts';
import { FolderVault } from './testing/folder-vault.ts';
import { VaultRecords } from './vault-records.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-records-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const kept = () => ({ retainUntil: new Date('2027-01-01T00:00:00Z') });
const DRILL: DrillResult = {
  format: 'holdfast/drill/1',
  id: '20261128T120000Z-0001',
  target: 'shop',
  vault: 'folder',
  point: '20261128T110000Z-0001',
  goal: { at: null, lsn: '0/1000' },
  startedAt: '2026-11-28T12:00:00.000Z',
  endedAt: '2026-11-28T12:00:09.000Z',
  phases: null,
  rtoMs: null,
  rpoMs: null,
  checks: [],
  verdict: 'passed',
  isolation: null,
  server: null,
};
const WITNESS: Witness = {
  format: 'holdfast/witness/1',
  target: 'shop',
  database: 'shop',
  systemIdentifier: '77',
  takenAt: '2026-11-28T12:00:00.000Z',
  timeline: 1,
  lsn: '0/1000',
  method: 'quiet',
  tables: [{ schema: 'public', name: 'bookings', rows: '2', hash: '5' }],
  roles: [],
  extensions: [],
};

let identity = '';
let vault: FolderVault;
beforeAll(async () => {
  identity = await generateIdentity();
});

async function recordsOn(
  changes: { readonly key?: number; readonly target?: string; readonly identities?: string[] } = {},
): Promise<VaultRecords> {
  return new VaultRecords({
    vault,
    target: changes.target ?? 'shop',
    recipients: [await identityToRecipient(identity)],
    identities: () => changes.identities ?? [identity],
    kept,
    macKey: Buffer.alloc(32, changes.key ?? 1),
  });
}

async function put(key: string, text: string): Promise<void> {
  async function* body(): AsyncIterable<Uint8Array> {
    yield Buffer.from(text);
  }
  await vault.put(key, body(), kept());
}

async function textAt(key: string): Promise<string> {
  for await (const object of vault.list(key, null)) {
    const parts: Uint8Array[] = [];
    for await (const part of vault.get(object)) parts.push(part);
    return Buffer.concat(parts).toString();
  }
  throw new Error(`nothing at ${key}`);
}

describe('records in a vault', () => {
  it('come back, and only to the installation that kept them', async () => {
    vault = new FolderVault(join(root, 'own'));
    await (await recordsOn()).keepDrill('77', DRILL);
    expect((await (await recordsOn()).find('77')).drills).toEqual([DRILL]);
    const others = await (await recordsOn({ key: 2 })).find('77');
    expect(others.drills).toEqual([]);
    expect(others.troubles[0]).toContain('is not a drill of this Holdfast');
  });

  it('do not count when somebody who can only write made them, moved them or changed them', async () => {
    vault = new FolderVault(join(root, 'forged'));
    await put('shop/77/drills/20261128T120000Z-0002.json', JSON.stringify(DRILL));
    await (await recordsOn({ target: 'other' })).keepDrill('77', DRILL);
    const moved = await textAt(`other/77/drills/${DRILL.id}.json`);
    await put(`shop/77/drills/${DRILL.id}.json`, moved);
    await put('shop/77/drills/20261128T120000Z-0003.json', moved.replace('passed', 'failed'));
    const { drills, troubles } = await (await recordsOn()).find('77');
    expect(drills).toEqual([]);
    expect(troubles).toHaveLength(3);
  });

  it('keep a witness that only the private key opens', async () => {
    vault = new FolderVault(join(root, 'witness'));
    await (await recordsOn()).keepWitness(WITNESS, 'p1');
    expect(await (await recordsOn()).witnessOf('77', 'p1')).toEqual(WITNESS);
    expect(await (await recordsOn()).witnessOf('77', 'p2')).toBeNull();
    expect(await (await recordsOn({ key: 2 })).witnessOf('77', 'p1')).toBeNull();
    const other = await recordsOn({ identities: [await generateIdentity()] });
    await expect(other.witnessOf('77', 'p1')).rejects.toMatchObject({ code: 'HF_RECOVERY_KEY' });
  });
});
