/** The exchange a request lends the pipeline; also the intent itself. */
import type { AgentActor } from '../../model/actor.ts';
import type { Clock } from '../../model/clock.ts';
import type { Reading } from '../../model/effect.ts';
import { messageOf } from '../../model/errors.ts';
import { type HttpAct, type HttpHeader, httpActs, httpText } from '../../model/http-request.ts';
import type { Intent, SessionFacts } from '../../model/intent.ts';
import { INVERSE_FRESH_MS } from '../../model/limits.ts';
import type { Outcome } from '../../model/outcome.ts';
import { PROVIDER_PROTECTION, type Protection, type Reversal } from '../../model/reversal.ts';
import type { Target, TargetFacts } from '../../model/target.ts';
import type { Exchange, Lasting, Refusal } from '../../pipeline/exchange.ts';
import type { Inverse, InverseKeeper, KeptInverse } from '../../protection/inverse.ts';
import { withoutInverse } from '../../providers/acting.ts';
import type { ProviderAct, ProviderRequest } from '../../providers/provider.ts';

export interface HttpExchangeParts {
  readonly actor: AgentActor;
  readonly session: SessionFacts;
  readonly act: ProviderAct;
  /** Of `act`, as an object that only this session has. */
  readonly place: TargetFacts;
  readonly asked: ProviderRequest;
  /** Those that its meaning may hang on (`signed-headers.ts`); asked for only where they are needed. */
  headers(): readonly HttpHeader[];
  /** Its name. */
  readonly provider: string;
  /** Null: nothing can be kept here, so nothing is taken back by its inverse. */
  readonly keeper: InverseKeeper | null;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** The same request, read again. Rejects when the token is not for what it reaches now. */
  readAgain(): Promise<ProviderAct>;
  forward(report: ((outcome: Outcome) => void) | null): Promise<void> | undefined;
  refuse(refusal: Refusal): void;
}

export class HttpExchange implements Exchange, Intent {
  readonly #parts: HttpExchangeParts;
  /** A request is a transaction of its own. */
  readonly lasting: Lasting = 'at-once';
  readonly protection: Protection = PROVIDER_PROTECTION;
  #readAtMs: number;
  #act: ProviderAct;
  #kept: KeptInverse | null = null;

  constructor(parts: HttpExchangeParts) {
    this.#parts = parts;
    this.#act = parts.act;
    this.#readAtMs = parts.clock.monotonicMs();
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
    return this.#act.reading;
  }
  get reversal(): Reversal {
    return this.#act.reversal;
  }

  locate(): TargetFacts {
    return this.#parts.place;
  }

  text(): Buffer {
    return httpText(this.#http());
  }

  acts(): readonly Uint8Array[] {
    return httpActs(this.#http(), this.#act.evidence);
  }

  async keep(target: Target): Promise<boolean> {
    if (this.#kept !== null) return true;
    const { actor, keeper, provider, session } = this.#parts;
    if (this.#act.inverse === undefined) return false;
    try {
      const inverse = await this.#freshInverse();
      if (keeper === null) throw new Error('Holdfast keeps nothing here');
      const { client } = session;
      this.#kept = await keeper.keep({ inverse, provider, target, actor, client, undoOf: null });
      return true;
    } catch (error) {
      const found = messageOf(error);
      this.#act = withoutInverse(this.#act, `the state before could not be kept: ${found}`);
      return false;
    }
  }

  async freshen(): Promise<string | null> {
    const { clock, readAgain } = this.#parts;
    if (this.#kept !== null || clock.monotonicMs() - this.#readAtMs <= INVERSE_FRESH_MS)
      return null;
    try {
      const again = await readAgain();
      if (again.place.asked !== this.#act.place.asked) return 'it acts elsewhere than it did';
      // Other evidence is another digest: who compares it sees that.
      this.#act = again;
      this.#readAtMs = clock.monotonicMs();
      return null;
    } catch (error) {
      return `it could not be read again (${messageOf(error)})`;
    }
  }

  /** What waited on the wire was read before it did; it still has to be what was judged and signed. */
  async #freshInverse(): Promise<Inverse> {
    const { clock, readAgain } = this.#parts;
    const { evidence, inverse, place } = this.#act;
    if (inverse === undefined) throw new Error('there is none');
    if (clock.monotonicMs() - this.#readAtMs <= INVERSE_FRESH_MS) return inverse;
    const again = await readAgain();
    const isSame =
      again.place.asked === place.asked &&
      again.evidence.length === evidence.length &&
      again.evidence.every((one, at) => Buffer.from(one).equals(evidence[at] ?? Buffer.of()));
    if (isSame && again.inverse !== undefined) return again.inverse;
    throw new Error('it is another now, or cannot be read, since the request waited');
  }

  forward(report: ((outcome: Outcome) => void) | null): Promise<void> | undefined {
    const kept = this.#kept;
    return kept === null ? this.#parts.forward(report) : this.#forwardKept(kept, report);
  }

  async #forwardKept(
    kept: KeptInverse,
    report: ((outcome: Outcome) => void) | null,
  ): Promise<void> {
    const outcomes: Outcome[] = [];
    await this.#parts.forward((outcome) => {
      outcomes.push(outcome);
      report?.(outcome);
    });
    for (const outcome of outcomes) await kept.settle(outcome);
  }

  refuse(refusal: Refusal): void {
    void this.#kept?.settle({ kind: 'not-forwarded', reason: refusal.message });
    this.#parts.refuse(refusal);
  }

  #http(): HttpAct {
    const { asked, headers, provider } = this.#parts;
    return { ...asked, headers: headers(), provider };
  }
}
