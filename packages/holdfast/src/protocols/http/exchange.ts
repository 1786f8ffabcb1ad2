/** The exchange a request lends the pipeline; also the intent itself. */
import type { AgentActor } from '../../model/actor.ts';
import type { Reading } from '../../model/effect.ts';
import { type HttpAct, httpActs, httpText } from '../../model/http-request.ts';
import type { Intent, SessionFacts } from '../../model/intent.ts';
import type { Outcome } from '../../model/outcome.ts';
import { PROVIDER_PROTECTION, type Protection, type Reversal } from '../../model/reversal.ts';
import type { TargetFacts } from '../../model/target.ts';
import type { Exchange, Lasting, Refusal } from '../../pipeline/exchange.ts';
import type { ProviderAct, ProviderRequest } from '../../providers/provider.ts';

export interface HttpExchangeParts {
  readonly actor: AgentActor;
  readonly session: SessionFacts;
  readonly act: ProviderAct;
  /** Of `act`, as an object that only this session has. */
  readonly place: TargetFacts;
  readonly asked: ProviderRequest;
  /** Its name. */
  readonly provider: string;
  forward(report: ((outcome: Outcome) => void) | null): Promise<void> | undefined;
  refuse(refusal: Refusal): void;
}

export class HttpExchange implements Exchange, Intent {
  readonly #parts: HttpExchangeParts;
  /** A request is a transaction of its own. */
  readonly lasting: Lasting = 'at-once';
  readonly protection: Protection = PROVIDER_PROTECTION;

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
    return this.#parts.place;
  }

  text(): Buffer {
    return httpText(this.#act());
  }

  acts(): readonly Uint8Array[] {
    return httpActs(this.#act(), this.#parts.act.evidence);
  }

  forward(report: ((outcome: Outcome) => void) | null): Promise<void> | undefined {
    return this.#parts.forward(report);
  }

  refuse(refusal: Refusal): void {
    this.#parts.refuse(refusal);
  }

  #act(): HttpAct {
    const { asked, provider } = this.#parts;
    return { ...asked, provider };
  }
}
