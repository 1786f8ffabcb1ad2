/** The exchange a session lends the pipeline for one unit; also the intent itself. */
import type { AgentActor } from '../../model/actor.ts';
import type { Reading } from '../../model/effect.ts';
import type { Intent, SessionFacts } from '../../model/intent.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Reversal } from '../../model/reversal.ts';
import type { TargetFacts } from '../../model/target.ts';
import type { Exchange, Lasting, Refusal } from '../../pipeline/exchange.ts';
import { locatedWith } from './session-rules.ts';
import type { Unit } from './unit.ts';

/** What an exchange needs of its session. */
export interface Carrier {
  readonly actor: AgentActor;
  readonly facts: SessionFacts;
  readonly target: TargetFacts;
  /** What the names without a schema hang on, for the digest; changes when the path may have. */
  readonly searchPathMark: Buffer;
  /** The server has said that a transaction block is open, nothing is under way or left bound. */
  readonly isInTransaction: boolean;
  /** A portal is bound that could end the transaction when a later unit runs it. */
  readonly hasLoosePortal: boolean;
  forward(
    unit: Unit,
    addedSchemas: readonly string[] | null,
    report: ((outcome: Outcome) => void) | null,
  ): void;
  refuse(unit: Unit, refusal: Refusal): void;
}

const NO_REVERSAL: Reversal = {
  kind: 'none',
  reason: 'this target is not protected yet (holdfast protect)',
};

export class PostgresExchange implements Exchange, Intent {
  readonly reading: Reading;
  readonly reversal = NO_REVERSAL;
  readonly #carrier: Carrier;
  readonly #unit: Unit;
  readonly #addedSchemas: readonly string[] | null;

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
    return [this.#carrier.searchPathMark, ...this.#unit.actBytes()];
  }

  /** What the unit itself adds to the search path counts for it already. */
  locate(): TargetFacts {
    return locatedWith(this.#carrier.target, this.#addedSchemas);
  }

  forward(report: ((outcome: Outcome) => void) | null): void {
    this.#carrier.forward(this.#unit, this.#addedSchemas, report);
  }

  refuse(refusal: Refusal): void {
    this.#carrier.refuse(this.#unit, refusal);
  }
}
