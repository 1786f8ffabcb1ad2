/**
 * A small export and what a forger could do to it, one named row each. Used by our verifier's test and
 * by the journey that puts the same files before the verifier in Python.
 */
import { systemClock } from '../model/clock.ts';
import { exportTrail } from '../trail/export.ts';
import { type Signer, signerFromSeed } from '../trail/signer.ts';
import { TrailLog } from '../trail/trail-log.ts';
import type { FindingCode } from '../trail/verify/auditor.ts';
import { EMPTY_HEAD, grow, leafHash, rootOf } from '../trail/verify/tree.ts';
import { LONELY_INSTANCE, MemoryTrailStore } from './memory-trail-store.ts';
import { decisionOf, intentOf, TARGET } from './trail-fixtures.ts';

const ORIGIN = 'holdfast/rows';
export const signer = signerFromSeed(ORIGIN, Buffer.alloc(32, 3));
export const stranger = signerFromSeed(ORIGIN, Buffer.alloc(32, 4));

/** Header, checkpoints and entries, taken apart so that a row can change them. */
export interface Pieces {
  header: Record<string, unknown>;
  notes: string[];
  entries: string[];
}

/** Twelve decisions with outcomes in three flushes: three checkpoints. */
export async function filledStore(): Promise<MemoryTrailStore> {
  const store = new MemoryTrailStore();
  const log = await TrailLog.start({
    store,
    instances: LONELY_INSTANCE,
    signer,
    clock: systemClock,
    instanceId: 'instance_rows',
    journal: null,
    readsWhenUnavailable: 'refuse',
    onFault: () => {},
  });
  for (let at = 0; at < 12; at++) {
    const ref = await log.decide(decisionOf(`delete from bookings where id = ${at} -- ü€😀`));
    log.outcome(ref, { kind: 'done', tag: 'DELETE 1', transaction: 'ended' });
    log.read(intentOf(`select ${at}`), TARGET);
    if (at % 5 === 4) await log.flush();
  }
  await log.stop();
  return store;
}

export async function exportOf(
  store: MemoryTrailStore,
  from = 0n,
  to: bigint | null = null,
): Promise<Pieces> {
  let text = '';
  const question = { origin: ORIGIN, key: signer.verifierKey, from, to };
  for await (const piece of exportTrail(store, question)) text += piece;
  const [header = '', ...lines] = text.slice(0, -1).split('\n');
  const parsed: Record<string, unknown> = JSON.parse(header);
  const notes = Number(parsed['checkpoints']);
  return {
    header: parsed,
    notes: lines.slice(0, notes).map((line) => String(JSON.parse(line).note)),
    entries: lines.slice(notes),
  };
}

export function fileOf({ entries, header, notes }: Pieces): Buffer {
  const counted = { ...header, checkpoints: notes.length, entries: entries.length };
  const lines = [
    JSON.stringify(counted),
    ...notes.map((note) => JSON.stringify({ note })),
    ...entries,
  ];
  return Buffer.from(`${lines.join('\n')}\n`, 'utf8');
}

/** Signs the entries as they are now: what the holder of a key could do. */
function resign(pieces: Pieces, by: Signer): void {
  const head = grow(
    EMPTY_HEAD,
    pieces.entries.map((entry) => leafHash(Buffer.from(entry))),
  );
  pieces.notes = [by.sign({ size: head.size, root: rootOf(head) })];
}

function indexOfKind(entries: readonly string[], kind: string): number {
  return entries.findIndex((entry) => JSON.parse(entry).kind === kind);
}

function swap(entries: string[], a: number, b: number): void {
  const [first = '', second = ''] = [entries[a], entries[b]];
  entries[a] = second;
  entries[b] = first;
}

export interface TamperRow {
  readonly story: string;
  readonly change: (pieces: Pieces) => void;
  /** Among the findings. */
  readonly finding: FindingCode;
}

export const TAMPER_ROWS: readonly TamperRow[] = [
  {
    story: 'a flipped byte: DELETE 1 became DELETE 9',
    change: ({ entries }) => {
      const at = indexOfKind(entries, 'outcome');
      entries[at] = entries[at]?.replace('DELETE 1', 'DELETE 9') ?? '';
    },
    finding: 'root-differs',
  },
  {
    story: 'a dropped entry',
    change: ({ entries }) => entries.splice(indexOfKind(entries, 'decision'), 1),
    finding: 'root-differs',
  },
  {
    story: 'two entries in the other order',
    change: ({ entries }) => swap(entries, 0, 1),
    finding: 'root-differs',
  },
  {
    story: 'the last entry cut off',
    change: ({ entries }) => entries.pop(),
    finding: 'entries-missing',
  },
  {
    story: 'the tail and its checkpoint cut off, in the middle of a signed stretch',
    change: ({ entries, notes }) => {
      notes.pop();
      entries.splice(-2);
    },
    finding: 'entries-unsigned',
  },
  {
    story: 'an inserted entry',
    change: ({ entries }) => entries.splice(3, 0, entries[2] ?? ''),
    finding: 'root-differs',
  },
  {
    story: 'an entry added after the signed end',
    change: ({ entries }) => entries.push(entries.at(-1) ?? ''),
    finding: 'entries-unsigned',
  },
  {
    story: 'an empty line inside',
    change: ({ entries }) => entries.splice(2, 0, ''),
    finding: 'not-an-entry',
  },
  {
    story: 'a checkpoint whose size was changed',
    change: ({ notes }) => {
      notes[0] = notes[0]?.replace(/\n(\d+)\n/, (_, size) => `\n${Number(size) - 1}\n`) ?? '';
    },
    finding: 'signature-forged',
  },
  {
    story: 'all checkpoints taken out',
    change: ({ notes }) => notes.splice(0),
    finding: 'no-checkpoint',
  },
  {
    story: 'an outcome missing, signed again by the rightful key',
    change: (pieces) => {
      pieces.entries.splice(indexOfKind(pieces.entries, 'outcome'), 1);
      resign(pieces, signer);
    },
    finding: 'outcome-missing',
  },
  {
    story: 'a second outcome, signed again by the rightful key',
    change: (pieces) => {
      const stop = pieces.entries.pop() ?? '';
      const twin = pieces.entries[indexOfKind(pieces.entries, 'outcome')] ?? '';
      pieces.entries.push(twin, stop);
      resign(pieces, signer);
    },
    finding: 'outcome-doubled',
  },
  {
    story: 'an outcome before its decision, signed again by the rightful key',
    change: (pieces) => {
      const decision = indexOfKind(pieces.entries, 'decision');
      swap(pieces.entries, decision, indexOfKind(pieces.entries, 'outcome'));
      resign(pieces, signer);
    },
    finding: 'outcome-of-nothing',
  },
  {
    story: 'shortened and signed again by another key',
    change: (pieces) => {
      pieces.entries.pop();
      resign(pieces, stranger);
      pieces.header['key'] = stranger.verifierKey.text;
    },
    finding: 'not-signed-by-key',
  },
];
