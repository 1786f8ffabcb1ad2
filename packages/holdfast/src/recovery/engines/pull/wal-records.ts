/**
 * Reads WAL just far enough to know where transactions committed, and when: page headers, record headers,
 * and the time in the records of commits (xlog_internal.h, xlogrecord.h, xact.h; the same in servers 15
 * to 18). With it a restore to a moment knows which segments it needs, and whether the server will find a
 * commit after that moment to stop at; without one it must be given none, or it refuses to start.
 *
 * It checks no record's CRC (the server does, and what lies in the vault is authenticated), and changes
 * nothing. A page that is not where it should be ends the WAL, as it does for the server.
 */
export interface CommitRecord {
  /** Where the record begins. */
  readonly lsn: bigint;
  /** Since 2000, as PostgreSQL counts. */
  readonly micros: bigint;
}

const PAGE_BYTES = 8192;
const SHORT_HEADER_BYTES = 24;
const LONG_HEADER_BYTES = 40;
const PAGE_CONTINUES = 0x0001;
const PAGE_LONG = 0x0002;
const PAGE_ABORTS_RECORD = 0x0008;
const RECORD_HEADER_BYTES = 24;
const RMGR_XLOG = 0;
const RMGR_XACT = 1;
const XLOG_SWITCH = 0x40;
const XACT_OPMASK = 0x70;
const XACT_COMMIT = 0x00;
const XACT_COMMIT_PREPARED = 0x30;
/** Enough for the header, the block of small headers, and the time. */
const KEPT_BYTES = 64;
const ID_DATA_SHORT = 255;
const ID_DATA_LONG = 254;
const ID_ORIGIN = 253;
const ID_TOPLEVEL_XID = 252;

interface Pending {
  readonly lsn: bigint;
  readonly kept: Buffer;
  keptBytes: number;
  left: number;
}

/** Give it segments in order, each with as many bytes as there are. */
export class WalRecords {
  readonly #segmentBytes: number;
  readonly #onCommit: (commit: CommitRecord) => void;
  /** Where the next record begins; before that nothing is read. */
  #at: bigint;
  #pending: Pending | null = null;
  #lastStart: bigint | null = null;
  #hasEnded = false;

  constructor(segmentBytes: number, start: bigint, onCommit: (commit: CommitRecord) => void) {
    this.#segmentBytes = segmentBytes;
    this.#at = start;
    this.#onCommit = onCommit;
  }

  /** Where the newest whole record begins; null: there was none. */
  get lastStart(): bigint | null {
    return this.#lastStart;
  }

  /** Everything up to here was read, and was WAL. */
  get position(): bigint {
    return this.#at;
  }

  push(segmentStart: bigint, bytes: Buffer): void {
    const end = segmentStart + BigInt(bytes.length);
    while (!this.#hasEnded && this.#at < end && this.#at >= segmentStart) {
      const offset = Number(this.#at - segmentStart);
      if (offset % PAGE_BYTES === 0) {
        if (bytes.length - offset < LONG_HEADER_BYTES) return;
        this.#page(bytes.subarray(offset), this.#at);
      } else if (this.#pending) this.#goOn(this.#pending, bytes, offset);
      else if (!this.#begin(bytes, offset)) return;
    }
  }

  #page(page: Buffer, lsn: bigint): void {
    const flags = page.readUInt16LE(2);
    if (page.readBigUInt64LE(8) !== lsn) {
      this.#hasEnded = true;
      return;
    }
    const header = flags & PAGE_LONG ? LONG_HEADER_BYTES : SHORT_HEADER_BYTES;
    if (flags & PAGE_ABORTS_RECORD || !(flags & PAGE_CONTINUES)) this.#pending = null;
    this.#at = lsn + BigInt(header);
    // It continues a record that began before we did.
    if (flags & PAGE_CONTINUES && this.#pending === null) {
      const rest = page.readUInt32LE(16);
      this.#pending = { lsn, kept: Buffer.alloc(0), keptBytes: 0, left: rest };
    }
  }

  /** False: too few bytes to tell. */
  #begin(bytes: Buffer, offset: number): boolean {
    const aligned = (offset + 7) & ~7;
    if (aligned % PAGE_BYTES === 0) {
      this.#at += BigInt(aligned - offset);
      return true;
    }
    if (bytes.length - aligned < 4) return false;
    const length = bytes.readUInt32LE(aligned);
    if (length < RECORD_HEADER_BYTES) {
      this.#hasEnded = true;
      return false;
    }
    this.#at += BigInt(aligned - offset);
    this.#pending = { lsn: this.#at, kept: Buffer.alloc(KEPT_BYTES), keptBytes: 0, left: length };
    return true;
  }

  #goOn(record: Pending, bytes: Buffer, offset: number): void {
    const pageLeft = PAGE_BYTES - (offset % PAGE_BYTES);
    const taken = Math.min(record.left, pageLeft, bytes.length - offset);
    const kept = Math.min(record.kept.length - record.keptBytes, taken);
    bytes.copy(record.kept, record.keptBytes, offset, offset + kept);
    record.keptBytes += kept;
    record.left -= taken;
    this.#at += BigInt(taken);
    if (record.left > 0) return;
    this.#pending = null;
    this.#whole(record);
  }

  #whole({ lsn, kept }: Pending): void {
    if (kept.length === 0) return;
    this.#lastStart = lsn;
    const info = kept.readUInt8(16);
    const manager = kept.readUInt8(17);
    if (manager === RMGR_XLOG && (info & 0xf0) === XLOG_SWITCH) {
      const size = BigInt(this.#segmentBytes);
      this.#at = ((this.#at + size - 1n) / size) * size;
    }
    const kind = info & XACT_OPMASK;
    if (manager !== RMGR_XACT || (kind !== XACT_COMMIT && kind !== XACT_COMMIT_PREPARED)) return;
    const micros = commitMicros(kept);
    if (micros !== null) this.#onCommit({ lsn, micros });
  }
}

/** The first eight bytes of the record's own data. */
function commitMicros(record: Buffer): bigint | null {
  for (let at = RECORD_HEADER_BYTES; at + 13 <= record.length; ) {
    const id = record.readUInt8(at);
    if (id === ID_DATA_SHORT) return record.readBigInt64LE(at + 2);
    if (id === ID_DATA_LONG) return record.readBigInt64LE(at + 5);
    if (id === ID_ORIGIN) at += 3;
    else if (id === ID_TOPLEVEL_XID) at += 5;
    else return null;
  }
  return null;
}
