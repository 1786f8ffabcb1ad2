import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { MemoryTrailStore } from '../../testing/memory-trail-store.ts';
import {
  exportOf,
  fileOf,
  filledStore,
  signer,
  stranger,
  TAMPER_ROWS,
} from '../../testing/trail-export-rows.ts';
import { UnusableExport } from './export-file.ts';
import { type VerifyReport, verifyExport } from './verify.ts';

let store: MemoryTrailStore;
beforeAll(async () => {
  store = await filledStore();
});

async function* inChunks(file: Buffer, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.length; at += bytes) yield file.subarray(at, at + bytes);
}

function judge(
  file: Buffer,
  key: string | null = signer.verifierKey.text,
  keptNote: string | null = null,
): Promise<VerifyReport> {
  return verifyExport(inChunks(file, 1000), { key, keptNote });
}

describe('an untouched export', () => {
  it('holds, with all it says', async () => {
    const report = await judge(fileOf(await exportOf(store)));
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({
      ok: true,
      from: 0,
      to: store.entries.length,
      checkpoints: 3,
      decisions: 12,
      outcomes: 12,
      open: 0,
      keyGiven: true,
    });
  });

  it('reads the same however its bytes arrive', async () => {
    const file = fileOf(await exportOf(store));
    for (const bytes of [1, 7, 64, file.length]) {
      const report = await verifyExport(inChunks(file, bytes), { key: null, keptNote: null });
      expect(report).toMatchObject({ ok: true, keyGiven: false });
    }
  });

  it('holds from a later checkpoint on, by the frontier, outcomes of earlier decisions included', async () => {
    const [first, second] = store.kept;
    const pieces = await exportOf(store, (first?.size ?? 0n) + 1n, second?.size ?? null);
    const report = await judge(fileOf(pieces));
    expect(report).toMatchObject({
      ok: true,
      from: Number(first?.size),
      to: Number(second?.size),
      findings: [],
    });
    pieces.header['frontier'] = [...(first?.frontier ?? [])].map(() =>
      Buffer.alloc(32).toString('base64'),
    );
    expect((await judge(fileOf(pieces))).findings.map(({ code }) => code)).toContain(
      'root-differs',
    );
  });

  it('is held against a checkpoint that somebody kept', async () => {
    const shorter = fileOf(await exportOf(store, 0n, store.kept[0]?.size ?? null));
    const kept = store.kept.at(-1)?.note ?? '';
    expect(await judge(shorter)).toMatchObject({ ok: true });
    const report = await judge(shorter, signer.verifierKey.text, kept);
    expect(report.findings.map(({ code }) => code)).toEqual(['entries-missing']);
    expect(await judge(fileOf(await exportOf(store)), null, kept)).toMatchObject({ ok: true });
  });
});

describe('a tampered export is found', () => {
  it.each(TAMPER_ROWS)('$story', async ({ change, finding }) => {
    const pieces = await exportOf(store);
    change(pieces);
    const report = await judge(fileOf(pieces));
    expect(report.ok).toBe(false);
    expect(report.findings.map(({ code }) => code)).toContain(finding);
  });

  it('by another key, although it is whole in itself', async () => {
    const row = TAMPER_ROWS.at(-1);
    const pieces = await exportOf(store);
    row?.change(pieces);
    expect(await judge(fileOf(pieces), stranger.verifierKey.text)).toMatchObject({
      ok: true,
      keyGiven: true,
    });
  });

  it('wherever in the entries a bit differs', async () => {
    const pieces = await exportOf(store);
    const file = fileOf(pieces);
    const start = file.length - Buffer.byteLength(pieces.entries.join('\n')) - 1;
    for (let at = start; at < file.length; at += 37) {
      const changed = Buffer.from(file);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect((await judge(changed)).ok, `byte ${at}`).toBe(false);
    }
  });

  it('when the file ends too early, wherever', async () => {
    const file = fileOf(await exportOf(store));
    const header = file.indexOf(10) + 1;
    for (const end of [header + 5_000, file.length - 400, file.length - 2]) {
      expect((await judge(file.subarray(0, end))).ok, `cut at ${end}`).toBe(false);
    }
  });
});

describe('what is no export is unusable, not broken', () => {
  const rows: readonly (readonly [story: string, text: string])[] = [
    ['nothing', ''],
    ['a text', 'hello\n'],
    ['another format', '{"format":"holdfast-trail-export/2"}\n'],
    ['a list', '[]\n'],
    ['a header without counts', '{"format":"holdfast-trail-export/1","origin":"x","key":"y"}\n'],
  ];
  it.each(rows)('%s', async (_, text) => {
    await expect(judge(Buffer.from(text))).rejects.toThrow(UnusableExport);
  });

  it('a frontier that does not belong to its size', async () => {
    const pieces = await exportOf(store);
    pieces.header['from'] = 3;
    await expect(judge(fileOf(pieces))).rejects.toThrow(UnusableExport);
  });

  it('a key that is none', async () => {
    const file = fileOf(await exportOf(store));
    await expect(judge(file, 'no key')).rejects.toThrow(UnusableExport);
  });
});

it('imports nothing but trail/verify and model, so that it can be read whole', () => {
  const seen = new Set<string>();
  const walk = (file: URL): void => {
    if (seen.has(file.href)) return;
    seen.add(file.href);
    const text = readFileSync(file, 'utf8');
    for (const [, path] of text.matchAll(/from '(\.[^']+)'/g)) walk(new URL(path ?? '', file));
  };
  walk(new URL('../../cli/verify-main.ts', import.meta.url));
  const outside = [...seen].filter(
    (href) => !/\/src\/(trail\/verify|model|cli\/verify-main)/.test(href),
  );
  expect(seen.size).toBeGreaterThan(4);
  expect(outside).toEqual([]);
});
