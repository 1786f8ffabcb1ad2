/**
 * A thread that packs, opens or writes: hashing, lz4, sealing, tar and the writing of files happen here,
 * so that what a backup costs does not stand in the way of the data path.
 *
 * Pack: what comes is hashed file by file, compressed where it is not yet, encrypted, sent back.
 * Seal: the same for bytes that are no tar, hashed as one.
 * Open: the reverse, as far as plain bytes. Two threads beside it see those. Hash: each file, as they pass.
 * Write: each file where it belongs; nothing is written through a link, nothing that exists is written over.
 *
 * What goes back waits until what went before was taken: a few packed bytes may open to a great many.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import { encrypted } from './age.ts';
import { FrameOpener } from './lz4-frames.ts';
import { packed, unpacked } from './pack.ts';
import { PipeGiver, taken } from './shared-pipe.ts';
import { type TarEntry, TarReader, type TarSink } from './tar-reader.ts';
import {
  type Answer,
  type FoundFile,
  HASHER,
  type Order,
  type Work,
  WRITER,
} from './thread-words.ts';

type Of<Kind extends Work['kind']> = Extract<Work, { kind: Kind }>;

const UNTAKEN_BYTES_MAX = 4 * 1024 * 1024;
/** What is written goes to the disk in steps of so much. */
const FLUSHED_BYTES = 16 * 1024 * 1024;
const PIECES_PER_BREATH = 16;

/** What has come and was not used yet. */
class Inbox {
  /** What it has opened to so far, by whoever reads. */
  plainBytes = 0;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #ended = false;
  #wake: (() => void) | null = null;

  put(bytes: Uint8Array<ArrayBuffer> | null): void {
    if (bytes) this.#waiting.push(bytes);
    else this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) {
        yield next;
        say({ kind: 'used', bytes: next, plainBytes: this.plainBytes });
      } else if (this.#ended) return;
      else {
        await new Promise<void>((done) => {
          this.#wake = done;
        });
        this.#wake = null;
      }
    }
  }
}

/** Hashes the files of a tar stream as they pass. */
class FileHasher implements TarSink {
  readonly files: FoundFile[] = [];
  readonly #prefix: string;
  #current: { readonly entry: TarEntry; readonly hash: Hash } | null = null;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  entry(entry: TarEntry): void {
    this.#current = entry.kind === 'file' ? { entry, hash: createHash('sha256') } : null;
  }

  bytes(chunk: Uint8Array): void {
    this.#current?.hash.update(chunk);
  }

  end(): void {
    if (!this.#current) return;
    const { entry, hash } = this.#current;
    this.files.push({
      path: this.#prefix + entry.path,
      bytes: entry.bytes,
      sha256: hash.digest('hex'),
    });
    this.#current = null;
  }
}

/**
 * Writes them. What is large goes to the disk as soon as it is written, one after the other and beside the
 * rest: left to the end, the disk would stand idle until then.
 */
class FileWriter implements TarSink {
  readonly #work: Of<'write'>;
  #open: { readonly file: number; readonly place: string; unflushedBytes: number } | null = null;
  #flushing: Promise<void> | null = null;
  #failure: unknown = null;

  constructor(work: Of<'write'>) {
    this.#work = work;
  }

  entry(entry: TarEntry): void {
    const place = join(this.#work.folder, entry.path);
    if (entry.kind === 'folder') mkdirSync(place, { recursive: true, mode: 0o700 });
    // `wx`: neither over a file nor through a link that an entry before it has made.
    else if (entry.kind === 'file') {
      this.#open = { file: openSync(place, 'wx', 0o600), place, unflushedBytes: 0 };
    } else symlinkSync(this.#tablespaceOf(entry), place);
  }

  bytes(chunk: Uint8Array): void {
    const open = this.#open;
    if (open === null) return;
    for (let at = 0; at < chunk.length; ) at += writeSync(open.file, chunk, at);
    open.unflushedBytes += chunk.length;
    if (open.unflushedBytes < FLUSHED_BYTES || this.#flushing !== null) return;
    open.unflushedBytes = 0;
    this.#flushing = flushed(open.place)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => {
        this.#flushing = null;
      });
  }

  end(): void {
    this.close();
  }

  close(): void {
    if (this.#open !== null) closeSync(this.#open.file);
    this.#open = null;
  }

  /** Rejects when the disk refused what was written. */
  async settled(): Promise<void> {
    await this.#flushing;
    if (this.#failure !== null) throw this.#failure;
  }

  #tablespaceOf(entry: TarEntry): string {
    const oid = /^pg_tblspc\/(\d+)$/.exec(entry.path)?.[1];
    const place = oid === undefined ? undefined : this.#work.tablespaces[oid];
    if (place !== undefined) return place;
    throw new HoldfastError('HF_RECOVERY_DAMAGED', {
      expected: 'links to the tablespaces of the recovery point only',
      found: `a link at ${entry.path}`,
      hint: 'A link that leads out of the data folder is not restored; take another recovery point.',
    });
  }
}

/** What went back and was not taken yet. */
class Outbox {
  #untakenBytes = 0;
  #wake: (() => void) | null = null;

  async send(bytes: Uint8Array): Promise<void> {
    this.#untakenBytes += bytes.length;
    say({ kind: 'result', bytes });
    while (this.#untakenBytes > UNTAKEN_BYTES_MAX) {
      await new Promise<void>((done) => {
        this.#wake = done;
      });
    }
  }

  taken(bytes: number): void {
    this.#untakenBytes -= bytes;
    this.#wake?.();
  }
}

async function pack(work: Of<'pack'>, inbox: Inbox, outbox: Outbox): Promise<Answer> {
  const hasher = new FileHasher(work.prefix);
  const reader = new TarReader(hasher);
  const opener = new FrameOpener();
  const read = (plain: Uint8Array): void => {
    reader.push(plain);
    inbox.plainBytes += plain.length;
  };
  async function* hashed(): AsyncIterable<Uint8Array> {
    for await (const chunk of inbox) {
      if (!work.isCompressed) read(chunk);
      else for (const plain of opener.open(chunk)) read(plain);
      yield chunk;
    }
    opener.end();
    reader.end();
  }
  const seal = work.isCompressed ? encrypted : packed;
  try {
    for await (const bytes of seal(hashed(), work.recipients)) await outbox.send(bytes);
  } finally {
    opener.close();
  }
  return { kind: 'done', plainBytes: inbox.plainBytes, files: hasher.files };
}

async function seal(work: Of<'seal'>, inbox: Inbox, outbox: Outbox): Promise<Answer> {
  const hash = createHash('sha256');
  let bytes = 0;
  async function* hashed(): AsyncIterable<Uint8Array> {
    for await (const chunk of inbox) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  for await (const part of packed(hashed(), work.recipients)) await outbox.send(part);
  const whole = { path: '', bytes, sha256: hash.digest('hex') };
  return { kind: 'done', plainBytes: bytes, files: [whole] };
}

async function openPacked(work: Of<'open'>, inbox: Inbox, outbox: Outbox): Promise<Answer> {
  const pipe = work.into === null ? null : new PipeGiver(work.into);
  for await (const bytes of unpacked(inbox, work.identities, work.of)) {
    inbox.plainBytes += bytes.length;
    if (pipe === null) await outbox.send(new Uint8Array(bytes));
    else pipe.give(bytes);
  }
  pipe?.end();
  return { kind: 'done', plainBytes: inbox.plainBytes, files: [] };
}

async function write(work: Of<'write'>): Promise<Answer> {
  const writer = new FileWriter(work);
  const reader = new TarReader(writer);
  let plainBytes = 0;
  let pieces = 0;
  try {
    for (const piece of taken(work.from, WRITER)) {
      reader.push(piece);
      plainBytes += piece.length;
      pieces += 1;
      // What was flushed is heard of only so.
      if (pieces % PIECES_PER_BREATH === 0) await setImmediate();
    }
    reader.end();
    await writer.settled();
  } finally {
    writer.close();
  }
  return { kind: 'done', plainBytes, files: [] };
}

async function hash(work: Of<'hash'>): Promise<Answer> {
  const hasher = new FileHasher(work.prefix);
  const reader = new TarReader(hasher);
  let plainBytes = 0;
  for (const piece of taken(work.from, HASHER)) {
    reader.push(piece);
    plainBytes += piece.length;
  }
  reader.end();
  return { kind: 'done', plainBytes, files: hasher.files };
}

/** On the disk, and not in the server's memory only. */
async function flushed(place: string): Promise<void> {
  const file = await open(place, 'r');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

function failedBy(error: unknown): Answer {
  if (error instanceof HoldfastError) {
    const { code, expected, found, hint } = error;
    return { kind: 'failed', code, expected, found, hint };
  }
  const found = messageOf(error);
  return { kind: 'failed', code: null, expected: '', found, hint: '' };
}

function say(answer: Answer): void {
  if (answer.kind !== 'result' && answer.kind !== 'used') parentPort?.postMessage(answer);
  else {
    // Handed over, not copied, where it is the whole of its memory.
    const { buffer, byteLength } = answer.bytes;
    const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
    parentPort?.postMessage(answer, isWhole ? [buffer] : []);
  }
}

let inbox = new Inbox();
let outbox = new Outbox();

function start(work: Work): Promise<Answer> {
  inbox = new Inbox();
  outbox = new Outbox();
  switch (work.kind) {
    case 'pack':
      return pack(work, inbox, outbox);
    case 'seal':
      return seal(work, inbox, outbox);
    case 'open':
      return openPacked(work, inbox, outbox);
    case 'hash':
      return hash(work);
    case 'write':
      return write(work);
  }
}

parentPort?.on('message', (order: Order) => {
  if (order.kind === 'bytes') inbox.put(order.bytes);
  else if (order.kind === 'end') inbox.put(null);
  else if (order.kind === 'taken') outbox.taken(order.bytes);
  else void start(order).catch(failedBy).then(say);
});
