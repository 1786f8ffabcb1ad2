/** The exchange a session lends the pipeline for one unit; also the intent itself. */
import type { AgentActor } from '../../model/actor.ts';
import type { Reading } from '../../model/effect.ts';
import type { Intent, SessionFacts } from '../../model/intent.ts';
import type { Outcome } from '../../model/outcome.ts';
import { type Protection, type Reversal, reversalOf } from '../../model/reversal.ts';
import type { TargetFacts } from '../../model/target.ts';
import type { Exchange, Lasting, Refusal } from '../../pipeline/exchange.ts';
import { locatedWith } from './session-rules.ts';
import type { Unit } from './unit.ts';

/** What an exchange needs of its session. */
export interface Carrier {
  readonly actor: AgentActor;
  readonly facts: SessionFacts;
  readonly target: TargetFacts;
  /** What its meaning hangs on besides the bytes (search path, settings), for the digest. */
  readonly sessionMark: Buffer;
  /** The server has said that a transaction block is open, nothing is under way or left bound. */
  readonly isInTransaction: boolean;
  /** A portal is bound that could end the transaction when a later unit runs it. */
  readonly hasLoosePortal: boolean;
  /** Of the target, now. */
  readonly protection: Protection;
  /** What needs an owner's rights can get them. */
  readonly hasReceipts: boolean;
  forward(
    unit: Unit,
    addedSchemas: readonly string[] | null,
    report: ((outcome: Outcome) => void) | null,
  ): Promise<void> | undefined;
  refuse(unit: Unit, refusal: Refusal): void;
}

const NO_RECEIPTS = 'this session began before the target was protected: connect again';

export class PostgresExchange implements Exchange, Intent {
  readonly reading: Reading;
  readonly #carrier: Carrier;
  readonly #unit: Unit;
  readonly #addedSchemas: readonly string[] | null;
  #mark: Buffer | null = null;

  constructor(carrier: Carrier, unit: Unit, addedSchemas: readonly string[] | null) {
    this.#carrier = carrier;
    this.#unit = unit;
    this.#addedSchemas = addedSchemas;
    this.reading = unit.reading();
  }

  get intent(): Intent {
    return this;
  }
  get actor(): AgentActor {
    return this.#carrier.actor;
  }
  get session(): SessionFacts {
    return this.#carrier.facts;
  }

  get protection(): Protection {
    return this.#carrier.protection;
  }

  /** Structure is taken back by receipts, and only a session with a role of its own has them. */
  get reversal(): Reversal {
    const found = reversalOf(this.reading, this.protection);
    if (found.kind !== 'rename' || this.#carrier.hasReceipts) return found;
    return { kind: 'none', reason: NO_RECEIPTS };
  }

  /** Without a Bind nothing new runs; what a plain statement in an open block does ends with it. */
  get lasting(): Lasting {
    const isSafe =
      this.#unit.acts.length === 0
        ? !this.#carrier.hasLoosePortal
        : this.#carrier.isInTransaction && this.#unit.isPlain();
    return isSafe ? 'on-commit' : 'at-once';
  }

  text(): Buffer {
    return this.#unit.text();
  }

  acts(): readonly Uint8Array[] {
    // Answers that come while people are waited for change what is judged next, not this.
    this.#mark ??= this.#carrier.sessionMark;
    const bytes: Uint8Array[] = [this.#mark];
    this.#unit.addActBytes(bytes);
    return bytes;
  }

  /** What the unit itself adds to the search path counts for it already. */
  locate(): TargetFacts {
    return locatedWith(this.#carrier.target, this.#addedSchemas);
  }

  forward(report: ((outcome: Outcome) => void) | null): Promise<void> | undefined {
    return this.#carrier.forward(this.#unit, this.#addedSchemas, report);
  }

  refuse(refusal: Refusal): void {
    this.#carrier.refuse(this.#unit, refusal);
  }
}
