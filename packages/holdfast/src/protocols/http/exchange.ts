/** The exchange a request lends the pipeline; also the intent itself. */
import type { AgentActor } from '../../model/actor.ts';
import type { Reading } from '../../model/effect.ts';
import type { Intent, SessionFacts } from '../../model/intent.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Protection, Reversal } from '../../model/reversal.ts';
import type { TargetFacts } from '../../model/target.ts';
import type { Exchange, Lasting, Refusal } from '../../pipeline/exchange.ts';
import type { ProviderAct } from '../../providers/provider.ts';

/**
 * Every call of a provider passes Holdfast, so what it would destroy can always be put off, and what it
 * would change can be read before: there is no weaker level.
 */
const PROTECTED: Protection = { level: 'full', trouble: null };

export interface HttpExchangeParts {
  readonly actor: AgentActor;
  readonly session: SessionFacts;
  readonly act: ProviderAct;
  /** Which request it is: method, provider and path, for the digest. */
  readonly line: string;
  forward(report: ((outcome: Outcome) => void) | null): Promise<void>;
  refuse(refusal: Refusal): void;
}

export class HttpExchange implements Exchange, Intent {
  readonly #parts: HttpExchangeParts;
  /** A request is a transaction of its own. */
  readonly lasting: Lasting = 'at-once';
  readonly protection = PROTECTED;

  constructor(parts: HttpExchangeParts) {
    this.#parts = parts;
  }

  get intent(): Intent {
    return this;
  }
  get actor(): AgentActor {
    return this.#parts.actor;
  }
  get session(): SessionFacts {
    return this.#parts.session;
  }
  get reading(): Reading {
    return this.#parts.act.reading;
  }
  get reversal(): Reversal {
    return this.#parts.act.reversal;
  }

  locate(): TargetFacts {
    return this.#parts.act.place;
  }

  text(): Buffer {
    return this.#parts.act.text;
  }

  acts(): readonly Uint8Array[] {
    return [Buffer.from(this.#parts.line), ...this.#parts.act.acts];
  }

  forward(report: ((outcome: Outcome) => void) | null): Promise<void> {
    return this.#parts.forward(report);
  }

  refuse(refusal: Refusal): void {
    this.#parts.refuse(refusal);
  }
}
