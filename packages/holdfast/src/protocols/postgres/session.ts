/**
 * One agent's session: two wires, and between them units that are judged one after the other.
 *
 * Order kept: a unit is forwarded before the next is looked at; bytes of one read go upstream in one
 * write; whoever fills a wire that is behind is paused. What it will not do: concatenate what need
 * not be, answer out of turn, or let anything through once it has ended.
 */
import type { SqlReader } from '../../languages/sql/sql-reading.ts';
import type { AgentActor } from '../../model/actor.ts';
import type { ErrorCode } from '../../model/errors.ts';
import type { EventKind } from '../../model/event.ts';
import type { SessionFacts } from '../../model/intent.ts';
import type { Outcome } from '../../model/outcome.ts';
import { type Protection, UNPROTECTED } from '../../model/reversal.ts';
import type { TargetFacts } from '../../model/target.ts';
import type { Refusal } from '../../pipeline/exchange.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { TargetGuard } from '../../protection/target-guard.ts';
import { type BrokenCode, type ClientEvents, ClientStream } from './client-stream.ts';
import { type Cycle, Cycles, newCycle } from './cycles.ts';
import { denialBytes, isDenialMarker, refusalBytes } from './denial.ts';
import { type Carrier, PostgresExchange } from './exchange.ts';
import { BACKEND, FRONTEND } from './frames.ts';
import { readyForQuery, sync, type TransactionStatus, terminate } from './messages.ts';
import { type Permits, Receipts } from './receipts.ts';
import { RelayWire } from './relay-wire.ts';
import { Replies } from './replies.ts';
import { type ServerError, type ServerEvents, ServerStream } from './server-stream.ts';
import { pinnedSetting } from './session-rules.ts';
import { PreparedStatements } from './statements.ts';
import { type Substituted, substituted } from './substitutes.ts';
import type { Unit } from './unit.ts';

type Report = (outcome: Outcome) => void;

export interface SessionParts {
  readonly client: ConstructorParameters<typeof RelayWire>[0];
  readonly server: ConstructorParameters<typeof RelayWire>[0];
  /** Bytes that came with the last message of the start-up. */
  readonly clientLeftover: Buffer;
  readonly serverLeftover: Buffer;
  readonly actor: AgentActor;
  readonly facts: SessionFacts;
  readonly target: TargetFacts;
  readonly pipeline: Pipeline;
  readonly reader: SqlReader;
  readonly unitBytesMax: number;
  /** Null: the target is not protected, and what reaches it goes as it is. */
  readonly guard: TargetGuard | null;
  /** Null: the session has no role of its own upstream, and gets no more than that user has. */
  readonly permits: Permits | null;
  /** Stops what runs upstream now, by the server's own cancel key. */
  readonly cancelUpstream: () => void;
  readonly onEnd: () => void;
}

/**
 * What is read ahead behind an undecided unit before reading stops. Most clients send nothing until
 * they are answered, and then stopping and starting would cost two system calls a unit.
 */
const READ_AHEAD_BYTES_MAX = 64 * 1024;
/** Of an error or notice, besides the text of the statement that is in it, in bytes. */
const REPORT_BYTES_MAX = 64 * 1024;
/** The client left while its work was under way: how long the answer is waited for, in ms. */
const LAST_ANSWER_MS_MAX = 10_000;

export class PostgresSession implements Carrier, ClientEvents, ServerEvents {
  readonly actor: AgentActor;
  readonly facts: SessionFacts;
  readonly #parts: SessionParts;
  readonly #client: RelayWire;
  readonly #server: RelayWire;
  readonly #statements = new PreparedStatements();
  readonly #fromClient: ClientStream;
  readonly #fromServer: ServerStream;
  readonly #cycles = new Cycles();
  #target: TargetFacts;
  #searchPathMark: Buffer;
  #searchPathsLost = 0;
  #status: TransactionStatus = 'I';
  /** Contiguous bytes of one buffer that may go upstream, written together. */
  #run: Buffer | null = null;
  #runFrom = 0;
  #runTo = 0;
  #undecided = false;
  #copyingIn = false;
  /** A bound portal that could end the transaction may still be run; portals die with it. */
  #loosePortal = false;
  #serverBehind = false;
  #ended = false;
  readonly #receipts: Receipts | null;
  /** Who waits for everything that was forwarded to be answered. */
  #idlers: (() => void)[] = [];
  readonly #toClient = (slice: Buffer): void => this.#client.write(slice);

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.actor = parts.actor;
    this.facts = parts.facts;
    this.#target = parts.target;
    this.#searchPathMark = markOf(parts.target.searchPath);
    this.#receipts = parts.permits === null ? null : new Receipts(parts.permits);
    this.#fromClient = new ClientStream(this, parts.reader, this.#statements, parts);
    this.#fromServer = new ServerStream(this);
    this.#client = new RelayWire(parts.client, {
      onBytes: (bytes, length) => this.#clientBytes(bytes, length),
      onGone: (reason) => this.#clientGone(reason),
    });
    this.#server = new RelayWire(parts.server, {
      onBytes: (bytes, length) => this.#serverBytes(bytes, length),
      onGone: (reason) => this.#serverGone(reason),
    });
  }

  get isInTransaction(): boolean {
    return this.#status === 'T' && this.#cycles.isEmpty && !this.#loosePortal;
  }

  get protection(): Protection {
    return this.#parts.guard?.protection ?? UNPROTECTED;
  }

  get hasReceipts(): boolean {
    return this.#receipts !== null;
  }

  get searchPathMark(): Buffer {
    return this.#searchPathMark;
  }

  get hasLoosePortal(): boolean {
    return this.#loosePortal;
  }

  get target(): TargetFacts {
    return this.#target;
  }

  /** `greeting`: what ends the client's start-up. */
  start(greeting: Buffer): void {
    const { clientLeftover, serverLeftover } = this.#parts;
    this.#client.write(greeting);
    if (serverLeftover.length > 0) this.#serverBytes(serverLeftover, serverLeftover.length);
    if (clientLeftover.length > 0) this.#clientBytes(clientLeftover, clientLeftover.length);
    this.#server.resume();
    this.#letClientRead();
  }

  /** Ends the session from our side: the agent is told why, and running work is stopped. */
  end(code: ErrorCode, message: string, hint: string): void {
    if (this.#ended) return;
    const refusal: Refusal = { code, message, detail: '', hint, position: null };
    const words = this.#fromServer.isBetweenMessages ? refusalBytes(refusal, 'FATAL') : undefined;
    this.#client.end(words);
    if (!this.#cycles.isEmpty) this.#parts.cancelUpstream();
    this.#finish(`${code}: ${message}`);
  }

  // ---- from the client

  #clientBytes(bytes: Buffer, length: number): void {
    this.#fromClient.feed(bytes, length);
    this.#flushRun();
    if (this.#undecided && this.#fromClient.waitingBytes > READ_AHEAD_BYTES_MAX) {
      this.#client.pause();
    }
  }

  onUnit(unit: Unit, addedSchemas: readonly string[] | null): boolean {
    const exchange = new PostgresExchange(this, unit, addedSchemas);
    const pending = this.#parts.pipeline.handle(exchange);
    if (pending === undefined) return !this.#ended;
    unit.keep();
    this.#waitFor(pending);
    return false;
  }

  onSlowReading(done: Promise<void>): void {
    this.#waitFor(done);
  }

  onFunctionCall(): boolean {
    this.#note('protocol-error', 'fastpath function call refused');
    this.#answer('simple', true, {
      code: 'HF_UNSUPPORTED',
      message: 'Holdfast refuses fastpath function calls: they carry no text that could be judged.',
      detail: 'Nothing was changed.',
      hint: 'Call the function by SQL (SELECT function(...)); large objects are not available.',
      position: null,
    });
    return true;
  }

  get isCopyingIn(): boolean {
    return this.#copyingIn;
  }

  onPassage(bytes: Buffer, from: number, to: number, tag: number): void {
    if (tag === FRONTEND.copyDone || tag === FRONTEND.copyFail) this.#copyingIn = false;
    // The server would read and drop these; dropped here, they cannot confuse the count of cycles.
    if (this.#copyingIn && (tag === FRONTEND.sync || tag === FRONTEND.flush)) return;
    if (tag === FRONTEND.sync) {
      const unclosed = this.#cycles.unclosed;
      if (unclosed !== undefined) unclosed.closed = true;
      else this.#cycles.push({ ...newCycle('extended'), closed: true });
    }
    if (tag === FRONTEND.terminate) {
      this.#flushRun();
      this.#clientGone('said goodbye');
      return;
    }
    this.#addToRun(bytes, from, to);
  }

  onClientBroken(code: BrokenCode, expected: string, found: string): void {
    this.#broken(code, `expected ${expected}, found ${found}`);
  }

  // ---- what the pipeline tells us to do with a unit

  forward(
    unit: Unit,
    addedSchemas: readonly string[] | null,
    report: Report | null,
  ): Promise<void> | undefined {
    if (unit.needsRights && this.#receipts !== null && !this.#ended) {
      return this.#forwardByReceipt(this.#receipts, unit, addedSchemas, report);
    }
    this.#send(unit, addedSchemas, report, null);
    return undefined;
  }

  /** Waits for its receipts; nothing behind it is looked at meanwhile. Never rejects. */
  async #forwardByReceipt(
    receipts: Receipts,
    unit: Unit,
    addedSchemas: readonly string[] | null,
    report: Report | null,
  ): Promise<void> {
    const unclosed = unit.kind === 'extended' ? this.#cycles.unclosed : undefined;
    // What went before in the same cycle was not counted; when it cannot have run, a Sync parts them.
    const isMidCycle = unclosed !== undefined && unclosed.replies === null;
    if (isMidCycle && unclosed.ran && unclosed.error === null) {
      const refusal = midCycle();
      report?.({ kind: 'not-forwarded', reason: refusal.message });
      this.refuse(unit, refusal);
      return;
    }
    const prepared = await receipts.prepare(unit, {
      isMidCycle: this.#cycles.unclosed !== undefined,
      idle: () => this.#idle(),
    });
    switch (prepared.kind) {
      case 'go': {
        const { wanted, texts } = prepared;
        const instead =
          wanted.length === 0 ? null : substituted(unit, wanted, texts, receipts.portals);
        if (instead !== null && isMidCycle && unclosed.error === null)
          this.#closeSilently(unclosed);
        this.#send(unit, addedSchemas, report, instead);
        if (this.#ended) receipts.settle();
        return;
      }
      case 'refused':
        report?.({ kind: 'not-forwarded', reason: prepared.refusal.message });
        this.refuse(unit, prepared.refusal);
        return;
      case 'failed': {
        const { code, message, bytes } = prepared.failure;
        report?.({ kind: 'failed', code, message });
        this.#answerBytes(unit.kind, unit.closes, bytes);
        return;
      }
      default:
        return prepared satisfies never;
    }
  }

  #idle(): Promise<TransactionStatus | null> {
    return new Promise((done) => {
      const tell = (): void => done(this.#ended ? null : this.#status);
      if (this.#ended || this.#cycles.isEmpty) tell();
      else this.#idlers.push(tell);
    });
  }

  #send(
    unit: Unit,
    addedSchemas: readonly string[] | null,
    report: Report | null,
    instead: Substituted | null,
  ): void {
    if (this.#ended) {
      report?.({ kind: 'not-forwarded', reason: 'the session ended before it could be forwarded' });
      return;
    }
    const cycle = this.#cycleFor(unit.kind, unit.closes);
    if (report !== null) {
      cycle.reports ??= [];
      cycle.reports.push(report);
    }
    for (const change of unit.changes) {
      this.#statements.change(change);
      cycle.changes ??= [];
      cycle.changes.push(change);
    }
    if (unit.acts.length > 0) cycle.ran = true;
    if (unit.leavesPortal) this.#loosePortal = true;
    if (addedSchemas === null || addedSchemas.length > 0) this.#widenSearchPath(addedSchemas);
    const counted = instead ?? this.#counted(unit, cycle);
    if (counted === null) this.#addToRun(unit.base, unit.start, unit.end);
    else this.#sendCounted(cycle, counted);
    if (this.#undecided) this.#flushRun();
  }

  /** Where something of ours is bound or answered, every message counts; null: nowhere. */
  #counted(unit: Unit, cycle: Cycle): Substituted | null {
    const receipts = this.#receipts;
    if (receipts === null || unit.kind === 'simple') return null;
    if (cycle.replies === null && receipts.portals.size === 0) return null;
    return substituted(unit, [], [], receipts.portals);
  }

  #sendCounted(cycle: Cycle, { bytes, steps, map }: Substituted): void {
    cycle.replies ??= new Replies(map);
    cycle.replies.expect(steps);
    this.#fromServer.watch(2 * this.#parts.unitBytesMax + REPORT_BYTES_MAX);
    this.#flushRun();
    this.#addToRun(bytes, 0, bytes.length);
  }

  refuse(unit: Unit, refusal: Refusal): void {
    this.#answer(unit.kind, unit.closes, refusal);
  }

  #answer(kind: Unit['kind'], closes: boolean, refusal: Refusal): void {
    this.#answerBytes(kind, closes, refusalBytes(refusal, 'ERROR'));
  }

  #answerBytes(kind: Unit['kind'], closes: boolean, error: Buffer): void {
    if (this.#ended) return;
    if (closes && this.#cycles.isEmpty && this.#status !== 'T') {
      this.#client.write(Buffer.concat([error, readyForQuery(this.#status)]));
      return;
    }
    this.#flushRun();
    const cycle = this.#cycleFor(kind, closes);
    cycle.substitute = error;
    if (!closes) this.#fromClient.skipToSync();
    this.#server.write(denialBytes(kind, closes));
  }

  /**
   * A simple Query behind extended messages without a Sync: the server would answer both with one
   * ReadyForQuery, or with none if one of them failed. A Sync of ours in between keeps the count.
   */
  #cycleFor(kind: Unit['kind'], closes: boolean): Cycle {
    const unclosed = this.#cycles.unclosed;
    if (unclosed !== undefined && kind === 'extended') {
      unclosed.closed = closes;
      return unclosed;
    }
    if (unclosed !== undefined) this.#closeSilently(unclosed);
    const cycle = newCycle(kind);
    cycle.closed = closes;
    this.#cycles.push(cycle);
    return cycle;
  }

  #closeSilently(unclosed: Cycle): void {
    unclosed.closed = true;
    unclosed.silent = true;
    this.#flushRun();
    this.#server.write(sync());
  }

  /**
   * The path may be the old one or the new one (it is undone by a rollback): both count. Empty means
   * any, and then stays so: no approval given under one unknown path is good under another.
   */
  #widenSearchPath(added: readonly string[] | null): void {
    const { asked, searchPath: before } = this.#target;
    const isAny = added === null || before.length === 0;
    const searchPath = isAny ? [] : [...new Set([...before, ...added])];
    if (isAny) this.#searchPathsLost += 1;
    this.#target = { asked, searchPath };
    this.#searchPathMark = isAny
      ? markOf(['', this.facts.id, String(this.#searchPathsLost)])
      : markOf(searchPath);
  }

  // ---- from the server

  #serverBytes(bytes: Buffer, length: number): void {
    this.#fromServer.scan(bytes, length, this.#toClient);
    if (this.#client.isBehind) {
      this.#server.pause();
      this.#client.whenFlushed(() => this.#server.resume());
    }
  }

  onReady(status: TransactionStatus): boolean {
    this.#status = status;
    this.#copyingIn = false;
    if (status === 'I' && this.#cycles.count === 1) this.#loosePortal = false;
    const cycle = this.#cycles.end(status);
    if (cycle === undefined || !cycle.closed) {
      this.onServerBroken('an answer that nothing asked for');
      return false;
    }
    if (cycle.error === null && cycle.changes !== null) {
      this.#statements.confirm(cycle.changes);
    }
    if (this.#receipts !== null) this.#afterCycle(this.#receipts, cycle);
    if (this.#client.isGone && this.#cycles.isEmpty) this.#finish('client gone');
    return !cycle.silent;
  }

  #afterCycle(receipts: Receipts, { replies }: Cycle): void {
    if (replies !== null && this.#cycles.every((one) => one.replies === null)) {
      this.#fromServer.watch(null);
    }
    if (!this.#cycles.isEmpty) return;
    if (this.#status === 'I') receipts.settle();
    for (const tell of this.#idlers.splice(0)) tell();
  }

  onAnswer(type: number, body: Buffer): Buffer | null {
    const replies = this.#cycles.first?.replies ?? null;
    if (replies === null) return null;
    return type === BACKEND.noticeResponse ? replies.reported(type, body) : replies.answered(type);
  }

  onError(error: ServerError, body: Buffer): Buffer | null {
    const cycle = this.#cycles.first;
    if (cycle === undefined) return null;
    cycle.error = error;
    // An error ends copying in; a Sync that follows is the one the server waits for.
    this.#copyingIn = false;
    if (isDenialMarker(error.message)) return cycle.substitute;
    return cycle.replies?.reported(BACKEND.errorResponse, body) ?? null;
  }

  onCommandComplete(tag: string, type: number): Buffer | null {
    const cycle = this.#cycles.first;
    if (cycle === undefined) return null;
    const instead = cycle.replies?.answered(type) ?? null;
    if (cycle.reports === null) return instead;
    const said = instead === null ? tag : (cycle.replies?.tag ?? tag);
    cycle.tag = cycle.tag === '' ? said : `${cycle.tag}; ${said}`.slice(0, 1_000);
    return instead;
  }

  onParameter(name: string, value: string): void {
    const broken = pinnedSetting(name, value);
    if (broken !== null) this.onServerBroken(`a change of a pinned setting: ${broken}`);
  }

  /**
   * While data is copied in, the server takes nothing else: it drops a Sync (so an extended cycle goes
   * on until the next one) and fails on what was sent behind, which would put us out of step.
   */
  onCopyIn(): void {
    const cycle = this.#cycles.first;
    if (cycle === undefined || this.#cycles.count > 1) {
      return this.onServerBroken('CopyInResponse while more units were under way');
    }
    this.#copyingIn = true;
    if (cycle.kind === 'extended') cycle.closed = false;
  }

  onServerBroken(found: string): void {
    this.#broken('HF_PROTOCOL', `the server sent ${found}`);
  }

  // ---- wires

  #waitFor(pending: Promise<void>): void {
    this.#flushRun();
    this.#undecided = true;
    void pending.then(() => {
      this.#undecided = false;
      if (this.#ended) return;
      this.#fromClient.proceed();
      this.#flushRun();
      this.#letClientRead();
    });
  }

  #letClientRead(): void {
    if (!this.#undecided && !this.#serverBehind) this.#client.resume();
  }

  #addToRun(bytes: Buffer, from: number, to: number): void {
    if (this.#run === bytes && this.#runTo === from) {
      this.#runTo = to;
      return;
    }
    this.#flushRun();
    this.#run = bytes;
    this.#runFrom = from;
    this.#runTo = to;
  }

  #flushRun(): void {
    const run = this.#run;
    if (run === null) return;
    this.#run = null;
    this.#server.write(run.subarray(this.#runFrom, this.#runTo));
    if (!this.#server.isBehind || this.#serverBehind) return;
    this.#serverBehind = true;
    this.#client.pause();
    this.#server.whenFlushed(() => {
      this.#serverBehind = false;
      this.#letClientRead();
    });
  }

  // ---- ends

  #clientGone(reason: string): void {
    if (this.#cycles.isEmpty) return this.#finish(`client ${reason}`);
    // As with PostgreSQL itself, what runs goes on; the trail wants to know how it ends.
    this.#server.resume();
    setTimeout(() => this.#finish(`client ${reason}`), LAST_ANSWER_MS_MAX).unref();
  }

  #serverGone(reason: string): void {
    this.end(
      'HF_UPSTREAM_LOST',
      `The connection to the target was lost (${reason}).`,
      'Reconnect and look at what was done before doing it again.',
    );
  }

  #finish(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cycles.abandon(`the session ended before the answer came (${reason})`);
    this.#receipts?.settle();
    for (const tell of this.#idlers.splice(0)) tell();
    if (!this.#server.isGone) this.#server.end(terminate());
    if (!this.#client.isGone) this.#client.end();
    this.#note('session-closed', reason);
    this.#parts.onEnd();
  }

  #broken(code: BrokenCode, words: string): void {
    this.#note('protocol-error', words);
    this.end(
      code,
      `Holdfast ends this session: ${words}.`,
      'Reconnect; if the client is a known driver, report this as a fault of Holdfast.',
    );
  }

  #note(kind: EventKind, message: string): void {
    const { id, source, client } = this.facts;
    const facts = {
      session: id,
      agent: this.actor.name,
      target: this.#target.asked,
      source,
      client,
    };
    this.#parts.pipeline.note({ kind, facts, message });
  }
}

function midCycle(): Refusal {
  return {
    code: 'HF_UNSUPPORTED',
    message: 'Holdfast cannot run this behind other statements that no Sync has ended.',
    detail:
      'It needs the rights of an owner, and on a protected target gets them statement by statement.',
    hint: 'End the statements before it with a Sync, then send it.',
    position: null,
  };
}

/** A path as bytes of the digest; no name of a schema holds a NUL. */
function markOf(searchPath: readonly string[]): Buffer {
  return Buffer.from(searchPath.join('\0'));
}
