/**
 * One agent's session: two wires (`wires.ts`), and between them units that are judged one after the
 * other. What was forwarded and what the server says to it is `answers.ts`.
 *
 * Order kept: a unit is forwarded before the next is looked at. What it will not do: concatenate what
 * need not be, answer out of turn, or let anything through once it has ended.
 */
import type { UseMark } from '../../identity/token-uses.ts';
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
import { Answers } from './answers.ts';
import { type BrokenCode, type ClientEvents, ClientStream } from './client-stream.ts';
import { type Cycle, newCycle } from './cycles.ts';
import { denialBytes, refusalBytes } from './denial.ts';
import { type Carrier, PostgresExchange } from './exchange.ts';
import { FRONTEND } from './frames.ts';
import { readyForQuery, sync, terminate } from './messages.ts';
import { PathFacts } from './path-facts.ts';
import { type Permits, Receipts } from './receipts.ts';
import type { RelayWire } from './relay-wire.ts';
import { FUNCTION_CALL, MID_CYCLE } from './session-refusals.ts';
import { SettingFacts, type SettingsAsked } from './setting-facts.ts';
import type { StartupParameter } from './startup.ts';
import { PreparedStatements } from './statements.ts';
import { type Substituted, substituted } from './substitutes.ts';
import type { Unit } from './unit.ts';
import { type WireEvents, Wires } from './wires.ts';

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
  /** Of the start-up packet, as they were sent upstream. */
  readonly settings: readonly StartupParameter[];
  readonly pipeline: Pipeline;
  readonly reader: SqlReader;
  readonly unitBytesMax: number;
  /** Null: the target is not protected, and what reaches it goes as it is. */
  readonly guard: TargetGuard | null;
  /** Null: the session has no role of its own upstream, and gets no more than that user has. */
  readonly permits: Permits | null;
  /** Set with each unit. */
  readonly use: UseMark;
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

export class PostgresSession implements Carrier, ClientEvents, WireEvents {
  readonly actor: AgentActor;
  readonly facts: SessionFacts;
  readonly #parts: SessionParts;
  readonly #wires: Wires;
  readonly #answers: Answers;
  readonly #statements = new PreparedStatements();
  readonly #fromClient: ClientStream;
  readonly #path: PathFacts;
  readonly #settings: SettingFacts;
  readonly #receipts: Receipts | null;
  readonly #use: UseMark;
  #ended = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.actor = parts.actor;
    this.facts = parts.facts;
    this.#use = parts.use;
    this.#path = new PathFacts(parts.target, parts.facts.id);
    this.#settings = new SettingFacts(parts.facts.id, parts.settings);
    this.#receipts = parts.permits === null ? null : new Receipts(parts.permits);
    this.#fromClient = new ClientStream(this, parts.reader, this.#statements, parts);
    this.#answers = new Answers({
      statements: this.#statements,
      receipts: this.#receipts,
      settings: this.#settings,
      reportBytesMax: 2 * parts.unitBytesMax + REPORT_BYTES_MAX,
      onAllAnswered: () => {
        if (this.#wires.client.isGone) this.#finish('client gone');
      },
      onBroken: (found) => this.#broken('HF_PROTOCOL', `the server sent ${found}`),
    });
    this.#wires = new Wires(parts.client, parts.server, this);
  }

  get isInTransaction(): boolean {
    return this.#answers.isInTransaction;
  }

  get protection(): Protection {
    return this.#parts.guard?.protection ?? UNPROTECTED;
  }

  get hasReceipts(): boolean {
    return this.#receipts !== null;
  }

  get sessionMark(): Buffer {
    // A portal that could end a transaction, or part of one, may be run in front of what is judged.
    return this.#settings.mark(this.#path.mark, this.#answers.hasLoosePortal);
  }

  get hasLoosePortal(): boolean {
    return this.#answers.hasLoosePortal;
  }

  get target(): TargetFacts {
    return this.#path.target;
  }

  /** `greeting`: what ends the client's start-up. */
  start(greeting: Buffer): void {
    const { clientLeftover, serverLeftover } = this.#parts;
    this.#wires.client.write(greeting);
    if (serverLeftover.length > 0) this.onServerBytes(serverLeftover, serverLeftover.length);
    if (clientLeftover.length > 0) this.onClientBytes(clientLeftover, clientLeftover.length);
    this.#wires.server.resume();
    this.#wires.letClientRead();
  }

  /** Ends the session from our side: the agent is told why, and running work is stopped. */
  end(code: ErrorCode, message: string, hint: string): void {
    if (this.#ended) return;
    const refusal: Refusal = { code, message, detail: '', hint, position: null };
    const { cycles, stream } = this.#answers;
    this.#wires.client.end(stream.isBetweenMessages ? refusalBytes(refusal, 'FATAL') : undefined);
    if (!cycles.isEmpty) this.#parts.cancelUpstream();
    this.#finish(`${code}: ${message}`);
  }

  // ---- from the client

  onClientBytes(bytes: Buffer, length: number): void {
    this.#fromClient.feed(bytes, length);
    this.#wires.flushRun();
    if (this.#wires.isUndecided && this.#fromClient.waitingBytes > READ_AHEAD_BYTES_MAX) {
      this.#wires.client.pause();
    }
  }

  onUnit(unit: Unit, addedSchemas: readonly string[] | null): boolean {
    this.#use.isUsed = true;
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
    this.#answer('simple', true, refusalBytes(FUNCTION_CALL, 'ERROR'));
    return true;
  }

  get isCopyingIn(): boolean {
    return this.#answers.isCopyingIn;
  }

  onPassage(bytes: Buffer, from: number, to: number, tag: number): void {
    const { cycles } = this.#answers;
    if (tag === FRONTEND.copyDone || tag === FRONTEND.copyFail) this.#answers.copyingInEnds();
    // The server would read and drop these; dropped here, they cannot confuse the count of cycles.
    if (this.isCopyingIn && (tag === FRONTEND.sync || tag === FRONTEND.flush)) return;
    if (tag === FRONTEND.sync) {
      const { unclosed } = cycles;
      if (unclosed !== undefined) unclosed.closed = true;
      else cycles.push({ ...newCycle('extended'), closed: true });
    }
    if (tag === FRONTEND.terminate) {
      this.#wires.flushRun();
      this.onClientGone('said goodbye');
      return;
    }
    this.#wires.addToRun(bytes, from, to);
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
    const unclosed = unit.kind === 'extended' ? this.#answers.cycles.unclosed : undefined;
    // What went before in the same cycle was not counted; when it cannot have run, a Sync parts them.
    const isMidCycle = unclosed !== undefined && unclosed.replies === null;
    if (isMidCycle && unclosed.ran && unclosed.error === null) {
      report?.({ kind: 'not-forwarded', reason: MID_CYCLE.message });
      this.refuse(unit, MID_CYCLE);
      return;
    }
    const prepared = await receipts.prepare(unit, {
      isMidCycle: this.#answers.cycles.unclosed !== undefined,
      path: this.#path.judged(addedSchemas),
      idle: () => this.#answers.idle(),
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
        const { bytes, outcome } = prepared.failure;
        report?.(outcome);
        this.#answer(unit.kind, unit.closes, bytes);
        return;
      }
      default:
        return prepared satisfies never;
    }
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
    // What was only parsed and described before the same Sync ran nothing.
    const wasBound = this.#answers.hasLoosePortal || this.#answers.cycles.unclosed?.ran === true;
    const cycle = this.#cycleFor(unit.kind, unit.closes);
    if (unit.settings !== null || this.#settings.isOpen) {
      this.#watchSettings(unit, cycle, !wasBound && instead === null);
    }
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
    if (unit.leavesPortal) this.#answers.portalIsLeft();
    this.#path.widen(addedSchemas);
    const counted = instead ?? this.#receipts?.counted(unit, cycle) ?? null;
    if (counted === null) this.#wires.addToRun(unit.base, unit.start, unit.end);
    else this.#sendCounted(cycle, counted);
    if (this.#wires.isUndecided) this.#wires.flushRun();
  }

  /** What a plain statement does to no setting needs no watching, unless a portal may run with it. */
  #watchSettings(unit: Unit, cycle: Cycle, isAlone: boolean): void {
    const { settings } = unit;
    if (settings === null && unit.isPlain() && !this.#answers.hasLoosePortal) return;
    const asked: SettingsAsked | null =
      settings === null
        ? null
        : {
            changes: [...(cycle.settings?.changes ?? []), ...settings],
            kind: unit.kind,
            statements: unit.statements,
            isAlone: isAlone && cycle.settings === null && unit.closes && !unit.leavesPortal,
          };
    if (!cycle.isWatched) this.#settings.begin(asked);
    else if (asked !== null) this.#settings.add(asked);
    cycle.isWatched = true;
    cycle.settings = asked ?? cycle.settings;
  }

  #sendCounted(cycle: Cycle, counted: Substituted): void {
    this.#answers.expect(cycle, counted);
    this.#wires.flushRun();
    this.#wires.addToRun(counted.bytes, 0, counted.bytes.length);
  }

  refuse(unit: Unit, refusal: Refusal): void {
    this.#answer(unit.kind, unit.closes, refusalBytes(refusal, 'ERROR'));
  }

  #answer(kind: Unit['kind'], closes: boolean, error: Buffer): void {
    if (this.#ended) return;
    const { cycles, status } = this.#answers;
    if (closes && cycles.isEmpty && status !== 'T') {
      this.#wires.client.write(Buffer.concat([error, readyForQuery(status)]));
      return;
    }
    this.#wires.flushRun();
    const cycle = this.#cycleFor(kind, closes);
    cycle.substitute = error;
    if (!closes) this.#fromClient.skipToSync();
    this.#wires.server.write(denialBytes(kind, closes));
  }

  /**
   * A simple Query behind extended messages without a Sync: the server would answer both with one
   * ReadyForQuery, or with none if one of them failed. A Sync of ours in between keeps the count.
   */
  #cycleFor(kind: Unit['kind'], closes: boolean): Cycle {
    const unclosed = this.#answers.cycles.unclosed;
    if (unclosed !== undefined && kind === 'extended') {
      unclosed.closed = closes;
      return unclosed;
    }
    if (unclosed !== undefined) this.#closeSilently(unclosed);
    const cycle = newCycle(kind);
    cycle.closed = closes;
    this.#answers.cycles.push(cycle);
    return cycle;
  }

  #closeSilently(unclosed: Cycle): void {
    unclosed.closed = true;
    unclosed.silent = true;
    this.#wires.sendUpstream(sync());
  }

  // ---- from the server

  onServerBytes(bytes: Buffer, length: number): void {
    this.#answers.stream.scan(bytes, length, this.#wires.toClient);
    this.#wires.awaitClient();
  }

  #waitFor(pending: Promise<void>): void {
    this.#wires.holdBack();
    void pending.then(() => {
      this.#wires.decided();
      if (this.#ended) return;
      this.#fromClient.proceed();
      this.#wires.flushRun();
      this.#wires.letClientRead();
    });
  }

  // ---- ends

  onClientGone(reason: string): void {
    if (this.#answers.cycles.isEmpty) return this.#finish(`client ${reason}`);
    // As with PostgreSQL itself, what runs goes on; the trail wants to know how it ends.
    this.#wires.server.resume();
    setTimeout(() => this.#finish(`client ${reason}`), LAST_ANSWER_MS_MAX).unref();
  }

  onServerGone(reason: string): void {
    this.end(
      'HF_UPSTREAM_LOST',
      `The connection to the target was lost (${reason}).`,
      'Reconnect and look at what was done before doing it again.',
    );
  }

  #finish(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#answers.abandon(reason);
    const { client, server } = this.#wires;
    if (!server.isGone) server.end(terminate());
    if (!client.isGone) client.end();
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
      target: this.target.asked,
      source,
      client,
    };
    this.#parts.pipeline.note({ kind, facts, message });
  }
}
