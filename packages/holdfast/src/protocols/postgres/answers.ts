/**
 * The server's side of a session: what was forwarded and is not answered yet, and what the answers say
 * about the session's state. One ReadyForQuery ends one cycle; what could put us out of step with that
 * count is said to be broken, and ends the session.
 *
 * What it will not do: write to a wire, or judge.
 */
import { type Cycle, Cycles } from './cycles.ts';
import { isDenialMarker } from './denial.ts';
import { BACKEND } from './frames.ts';
import type { TransactionStatus } from './messages.ts';
import type { Receipts } from './receipts.ts';
import { Replies } from './replies.ts';
import { type ServerError, type ServerEvents, ServerStream } from './server-stream.ts';
import { pinnedSetting } from './setting-changes.ts';
import type { SettingFacts } from './setting-facts.ts';
import type { PreparedStatements } from './statements.ts';
import type { Substituted } from './substitutes.ts';

export interface AnswersParts {
  readonly statements: PreparedStatements;
  readonly receipts: Receipts | null;
  readonly settings: SettingFacts;
  /** Gathered of one report while answers are watched, in bytes. */
  readonly reportBytesMax: number;
  /** A cycle ended and nothing is left to be answered. */
  onAllAnswered(): void;
  onBroken(found: string): void;
}

export class Answers implements ServerEvents {
  readonly cycles = new Cycles();
  readonly stream: ServerStream;
  readonly #parts: AnswersParts;
  #status: TransactionStatus = 'I';
  #copyingIn = false;
  #isOver = false;
  /** A bound portal that could end the transaction may still be run; portals die with it. */
  #loosePortal = false;
  /** Who waits for everything that was forwarded to be answered. */
  #idlers: ((status: TransactionStatus | null) => void)[] = [];

  constructor(parts: AnswersParts) {
    this.#parts = parts;
    this.stream = new ServerStream(this);
  }

  get status(): TransactionStatus {
    return this.#status;
  }

  get isCopyingIn(): boolean {
    return this.#copyingIn;
  }

  get hasLoosePortal(): boolean {
    return this.#loosePortal;
  }

  /** The server has said that a transaction block is open, nothing is under way or left bound. */
  get isInTransaction(): boolean {
    return this.#status === 'T' && this.cycles.isEmpty && !this.#loosePortal;
  }

  /** The client ended it. */
  copyingInEnds(): void {
    this.#copyingIn = false;
  }

  portalIsLeft(): void {
    this.#loosePortal = true;
  }

  /** From here on every answer is held against what was sent in the client's name. */
  expect(cycle: Cycle, { map, steps }: Substituted): void {
    cycle.replies ??= new Replies(map);
    cycle.replies.expect(steps);
    this.stream.watch(this.#parts.reportBytesMax);
  }

  /** Resolves with the state when everything forwarded is answered; null: the session ended. */
  idle(): Promise<TransactionStatus | null> {
    return new Promise((done) => {
      if (this.#isOver) done(null);
      else if (this.cycles.isEmpty) done(this.#status);
      else this.#idlers.push(done);
    });
  }

  /** The session is over: nobody will answer any more. */
  abandon(reason: string): void {
    this.#isOver = true;
    this.cycles.abandon(`the session ended before the answer came (${reason})`);
    this.#parts.receipts?.settle();
    for (const tell of this.#idlers.splice(0)) tell(null);
  }

  onReady(status: TransactionStatus): boolean {
    this.#status = status;
    this.#copyingIn = false;
    if (status === 'I' && this.cycles.count === 1) this.#loosePortal = false;
    const cycle = this.cycles.end(status);
    if (cycle === undefined || !cycle.closed) {
      this.onServerBroken('an answer that nothing asked for');
      return false;
    }
    if (cycle.error === null && cycle.changes !== null) {
      this.#parts.statements.confirm(cycle.changes);
    }
    if (cycle.isWatched || this.#parts.settings.isOpen) this.#settle(cycle, status);
    if (this.#parts.receipts !== null) this.#afterCycle(this.#parts.receipts, cycle);
    if (this.cycles.isEmpty) this.#parts.onAllAnswered();
    return !cycle.silent;
  }

  #settle(cycle: Cycle, status: TransactionStatus): void {
    const { settings } = this.#parts;
    if (cycle.isWatched) settings.end(cycle.settings, cycle.tag, cycle.error !== null, status);
    else if (status === 'I') settings.ended();
  }

  #afterCycle(receipts: Receipts, { replies }: Cycle): void {
    if (replies !== null && this.cycles.every((one) => one.replies === null)) {
      this.stream.watch(null);
    }
    if (!this.cycles.isEmpty) return;
    if (this.#status === 'I') receipts.settle();
    for (const tell of this.#idlers.splice(0)) tell(this.#status);
  }

  onAnswer(type: number, body: Buffer): Buffer | null {
    const replies = this.cycles.first?.replies ?? null;
    if (replies === null) return null;
    return type === BACKEND.noticeResponse ? replies.reported(type, body) : replies.answered(type);
  }

  onError(error: ServerError, body: Buffer): Buffer | null {
    const cycle = this.cycles.first;
    if (cycle === undefined) return null;
    cycle.error = error;
    // An error ends copying in; a Sync that follows is the one the server waits for.
    this.#copyingIn = false;
    if (isDenialMarker(error.message)) return cycle.substitute;
    return cycle.replies?.reported(BACKEND.errorResponse, body) ?? null;
  }

  onCommandComplete(tag: string, type: number): Buffer | null {
    const cycle = this.cycles.first;
    if (cycle === undefined) return null;
    const instead = cycle.replies?.answered(type) ?? null;
    if (cycle.reports === null && !cycle.isWatched) return instead;
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
    const cycle = this.cycles.first;
    if (cycle === undefined || this.cycles.count > 1) {
      return this.onServerBroken('CopyInResponse while more units were under way');
    }
    this.#copyingIn = true;
    if (cycle.kind === 'extended') cycle.closed = false;
  }

  onServerBroken(found: string): void {
    this.#parts.onBroken(found);
  }
}
