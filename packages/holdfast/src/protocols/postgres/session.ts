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
import type { TargetFacts } from '../../model/target.ts';
import type { Refusal } from '../../pipeline/exchange.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import { type BrokenCode, type ClientEvents, ClientStream } from './client-stream.ts';
import { type Cycle, Cycles, newCycle } from './cycles.ts';
import { denialBytes, isDenialMarker, refusalBytes } from './denial.ts';
import { type Carrier, PostgresExchange } from './exchange.ts';
import { FRONTEND } from './frames.ts';
import { readyForQuery, sync, type TransactionStatus, terminate } from './messages.ts';
import { RelayWire } from './relay-wire.ts';
import { type ServerError, type ServerEvents, ServerStream } from './server-stream.ts';
import { pinnedSetting } from './session-rules.ts';
import { PreparedStatements } from './statements.ts';
import type { Unit } from './unit.ts';

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
  /** Stops what runs upstream now, by the server's own cancel key. */
  readonly cancelUpstream: () => void;
  readonly onEnd: () => void;
}

/**
 * What is read ahead behind an undecided unit before reading stops. Most clients send nothing until
 * they are answered, and then stopping and starting would cost two system calls a unit.
 */
const READ_AHEAD_BYTES_MAX = 64 * 1024;
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
  readonly #toClient = (slice: Buffer): void => this.#client.write(slice);

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.actor = parts.actor;
    this.facts = parts.facts;
    this.#target = parts.target;
    this.#searchPathMark = markOf(parts.target.searchPath);
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
    report: ((outcome: Outcome) => void) | null,
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
    if (unit.leavesPortal) this.#loosePortal = true;
    if (addedSchemas === null || addedSchemas.length > 0) this.#widenSearchPath(addedSchemas);
    this.#addToRun(unit.base, unit.start, unit.end);
    if (this.#undecided) this.#flushRun();
  }

  refuse(unit: Unit, refusal: Refusal): void {
    this.#answer(unit.kind, unit.closes, refusal);
  }

  #answer(kind: Unit['kind'], closes: boolean, refusal: Refusal): void {
    if (this.#ended) return;
    const error = refusalBytes(refusal, 'ERROR');
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
    if (unclosed !== undefined) {
      unclosed.closed = true;
      unclosed.silent = true;
      this.#flushRun();
      this.#server.write(sync());
    }
    const cycle = newCycle(kind);
    cycle.closed = closes;
    this.#cycles.push(cycle);
    return cycle;
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
    if (this.#client.isGone && this.#cycles.isEmpty) this.#finish('client gone');
    return !cycle.silent;
  }

  onError(error: ServerError): Buffer | null {
    const cycle = this.#cycles.first;
    if (cycle === undefined) return null;
    cycle.error = error;
    // An error ends copying in; a Sync that follows is the one the server waits for.
    this.#copyingIn = false;
    return isDenialMarker(error.message) ? cycle.substitute : null;
  }

  onCommandComplete(tag: string): void {
    const cycle = this.#cycles.first;
    if (cycle === undefined || cycle.reports === null) return;
    cycle.tag = cycle.tag === '' ? tag : `${cycle.tag}; ${tag}`.slice(0, 1_000);
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

/** A path as bytes of the digest; no name of a schema holds a NUL. */
function markOf(searchPath: readonly string[]): Buffer {
  return Buffer.from(searchPath.join('\0'));
}
