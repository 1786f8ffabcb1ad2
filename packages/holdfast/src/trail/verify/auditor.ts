/**
 * Judges a trail, entry by entry, from public artefacts alone: canonical bytes, checkpoints, a key.
 * Online and offline verification are this one judge; they differ only in where entries come from.
 *
 * It holds no opinion on what was decided, only on whether the record is whole: every entry hashed
 * into the signed root, each decision with at most one outcome after it, and exactly one once its
 * instance has ended.
 */
import { canonicalJson } from '../../model/canonical.ts';
import {
  checkSignature,
  parseCheckpoint,
  type SignedCheckpoint,
  type VerifierKey,
} from './note.ts';
import { GrowingTree, leafHash, rootOf, type TreeHead } from './tree.ts';

export const FINDINGS = {
  'not-an-entry': 'an entry is not canonical JSON of a known version',
  'root-differs': 'the entries do not lead to the signed root',
  'entries-missing': 'there are fewer entries than were signed',
  'entries-unsigned': 'there are entries after the newest checkpoint',
  'count-differs': 'the file does not hold as many entries as it says',
  'no-checkpoint': 'nothing is signed',
  'not-signed-by-key': 'a checkpoint is not signed by the key',
  'signature-forged': 'a signature claims the key and is not by it',
  'checkpoint-unreadable': 'a checkpoint is no signed note',
  'other-origin': 'a checkpoint names another trail',
  'outcome-missing': 'a decision of an instance that ended has no outcome',
  'outcome-doubled': 'a decision has more than one outcome',
  'outcome-of-nothing': 'an outcome names an entry that is no decision before it',
} as const;
export type FindingCode = keyof typeof FINDINGS;

export interface Finding {
  readonly code: FindingCode;
  /** The entry, or for a checkpoint its size; null when there is no place. */
  readonly index: number | null;
  /** One sentence with expected and found. */
  readonly message: string;
}

export interface AuditReport {
  readonly ok: boolean;
  readonly origin: string;
  readonly from: number;
  readonly to: number;
  readonly root: string;
  readonly checkpoints: number;
  readonly decisions: number;
  readonly outcomes: number;
  /** Decisions still waiting for their outcome; their instance had not ended. */
  readonly open: number;
  /** Entries with an earlier time than the one before; told, not judged: clocks are set. */
  readonly timeStepsBack: number;
  /** The first ones; `findingCount` counts all. */
  readonly findings: readonly Finding[];
  readonly findingCount: number;
}

export interface AuditQuestion {
  readonly origin: string;
  /** Where the walk begins; EMPTY_HEAD for a whole trail. */
  readonly start: TreeHead;
  /** Whole signed notes, any order. */
  readonly notes: readonly string[];
  readonly key: VerifierKey;
}

const FINDINGS_KEPT_MAX = 100;

export class Auditor {
  readonly #question: AuditQuestion;
  readonly #tree: GrowingTree;
  /** Signed sizes, ascending, not reached yet. */
  readonly #ahead: SignedCheckpoint[] = [];
  #signedTo = -1;
  #checkpoints = 0;
  readonly #findings: Finding[] = [];
  #findingCount = 0;
  /** Decision index -> its instance. */
  readonly #open = new Map<number, string>();
  readonly #closed = new BitMap();
  /** Decisions before the start of this export that had their outcome in it. */
  readonly #closedBefore = new Set<number>();
  /** Instance -> where it was last said to have ended. */
  readonly #ended = new Map<string, number>();
  #decisions = 0;
  #outcomes = 0;
  #lastTime = '';
  #timeStepsBack = 0;

  constructor(question: AuditQuestion) {
    this.#question = question;
    this.#tree = new GrowingTree(question.start);
    for (const note of question.notes) this.#addCheckpoint(note);
    this.#ahead.sort((a, b) => Number(a.size - b.size));
    this.#compareRoots();
  }

  #addCheckpoint(note: string): void {
    let checkpoint: SignedCheckpoint;
    try {
      checkpoint = parseCheckpoint(note);
    } catch (cause) {
      this.find('checkpoint-unreadable', null, cause instanceof Error ? cause.message : '');
      return;
    }
    const at = Number(checkpoint.size);
    const { key, origin } = this.#question;
    const signed = checkSignature(checkpoint, key);
    if (signed === 'absent') {
      const names = checkpoint.signatures
        .map(({ name, keyId }) => `${name}+${keyId.toString('hex')}`)
        .join(', ');
      const wanted = `${key.name}+${key.keyId.toString('hex')}`;
      this.find('not-signed-by-key', at, `expected a signature by ${wanted}, found ${names}`);
    } else if (signed === 'forged') {
      this.find('signature-forged', at, `the signature of the checkpoint at ${at} does not verify`);
    } else if (checkpoint.origin !== origin) {
      this.find('other-origin', at, `expected ${origin}, found ${checkpoint.origin}`);
    } else if (at >= this.#tree.size) {
      this.#ahead.push(checkpoint);
      this.#checkpoints += 1;
    }
  }

  /** The next entry: its bytes as they were hashed. */
  entry(bytes: Buffer): void {
    const index = this.#tree.size;
    this.#tree.append(leafHash(bytes));
    const entry = readEntry(bytes);
    if (typeof entry === 'string') this.find('not-an-entry', index, entry);
    else this.#account(index, entry);
    this.#compareRoots();
  }

  /** For what the bearer of the entries found himself (a gap, a line too many). */
  find(code: FindingCode, index: number | null, message: string): void {
    this.#findingCount += 1;
    if (this.#findings.length < FINDINGS_KEPT_MAX) this.#findings.push({ code, index, message });
  }

  finish(): AuditReport {
    const to = this.#tree.size;
    const newest = this.#ahead.at(-1);
    if (newest !== undefined) {
      const message = `expected ${newest.size} entries as signed, found ${to}`;
      this.find('entries-missing', to, message);
    } else if (this.#checkpoints === 0) {
      this.find('no-checkpoint', null, 'expected at least one checkpoint by the key, found none');
    } else if (this.#signedTo < to) {
      const message = `expected a checkpoint at ${to}, found the newest at ${this.#signedTo}`;
      this.find('entries-unsigned', this.#signedTo, message);
    }
    let open = 0;
    for (const [index, instance] of this.#open) {
      if (index > (this.#ended.get(instance) ?? -1)) open += 1;
      else this.find('outcome-missing', index, `${instance} ended, and decision ${index} is open`);
    }
    return {
      ok: this.#findingCount === 0,
      origin: this.#question.origin,
      from: Number(this.#question.start.size),
      to,
      root: rootOf(this.#tree.head()).toString('base64'),
      checkpoints: this.#checkpoints,
      decisions: this.#decisions,
      outcomes: this.#outcomes,
      open,
      timeStepsBack: this.#timeStepsBack,
      findings: this.#findings,
      findingCount: this.#findingCount,
    };
  }

  #compareRoots(): void {
    for (let next = this.#ahead[0]; next !== undefined; next = this.#ahead[0]) {
      if (Number(next.size) !== this.#tree.size) return;
      this.#ahead.shift();
      this.#signedTo = this.#tree.size;
      const root = rootOf(this.#tree.head());
      if (!root.equals(next.root)) {
        const [signed, found] = [next.root.toString('base64'), root.toString('base64')];
        const message = `expected the root ${signed} at ${next.size}, found ${found}`;
        this.find('root-differs', this.#tree.size, message);
      }
    }
  }

  #account(index: number, entry: EntryFacts): void {
    if (entry.time < this.#lastTime) this.#timeStepsBack += 1;
    this.#lastTime = entry.time;
    if (entry.kind === 'decision') {
      this.#decisions += 1;
      this.#open.set(index, entry.instance);
    } else if (entry.kind === 'outcome') {
      this.#outcomes += 1;
      this.#accountOutcome(index, entry.decision);
    } else if (entry.kind === 'instance-stopped' && entry.stopped !== null) {
      this.#ended.set(entry.stopped, index);
    }
  }

  #accountOutcome(index: number, decision: number | null): void {
    const start = Number(this.#question.start.size);
    if (decision === null || decision < 0 || decision >= index) {
      this.find('outcome-of-nothing', index, `entry ${index} names decision ${decision}`);
    } else if (this.#closed.has(decision) || this.#closedBefore.has(decision)) {
      this.find('outcome-doubled', index, `decision ${decision} had an outcome before ${index}`);
    } else if (this.#open.delete(decision)) {
      this.#closed.add(decision);
    } else if (decision < start) {
      this.#closedBefore.add(decision);
    } else {
      this.find('outcome-of-nothing', index, `entry ${decision} is no decision`);
    }
  }
}

/** A set of entry indexes: a Set ends at 16.7 million, and costs forty bytes each. */
class BitMap {
  #bits = new Uint8Array(1024);

  add(index: number): void {
    const at = Math.floor(index / 8);
    if (at >= this.#bits.length) {
      const larger = new Uint8Array(Math.max(at + 1, this.#bits.length * 2));
      larger.set(this.#bits);
      this.#bits = larger;
    }
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (index % 8));
  }

  has(index: number): boolean {
    return ((this.#bits[Math.floor(index / 8)] ?? 0) & (1 << (index % 8))) !== 0;
  }
}

interface EntryFacts {
  readonly kind: string;
  readonly time: string;
  readonly instance: string;
  readonly decision: number | null;
  readonly stopped: string | null;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What the judge needs of an entry, or what is wrong with it. */
function readEntry(bytes: Buffer): EntryFacts | string {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    if (!Buffer.from(canonicalJson(value), 'utf8').equals(bytes)) {
      return 'expected canonical JSON, found other bytes for the same value';
    }
  } catch (cause) {
    return `expected canonical JSON, found: ${cause instanceof Error ? cause.message : 'none'}`;
  }
  if (!isRecord(value)) return 'expected an object, found something else';
  const { decision, facts, instance, kind, time, v } = value;
  if (v !== 1) return `expected version 1, found ${JSON.stringify(v)}`;
  if (typeof kind !== 'string' || typeof instance !== 'string') return 'no kind or no instance';
  if (typeof time !== 'string' || !TIME.test(time)) return 'no time in ISO 8601 with milliseconds';
  const { instance: stopped } = isRecord(facts) ? facts : {};
  return {
    kind,
    time,
    instance,
    decision: typeof decision === 'number' ? decision : null,
    stopped: typeof stopped === 'string' ? stopped : null,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
