/**
 * THE SPINE. Every unit of every protocol passes here, in this order:
 *
 *   locate -> resolve -> decide -> append decision (durable)
 *     -> forward | protect, then forward (or put it off, when nothing takes it back)
 *        | hold, then decide AGAIN with the signatures | refuse
 *     -> append outcome
 *
 * What an inverse operation takes back is kept before its decision is appended: durable there before it
 * is changed here. Where that cannot be done, it is judged again without.
 *
 * All branching on verdicts is the one switch in `handle`. What it will not do: know a protocol, a
 * store or a wall clock; forward anything whose decision is not durable; soften a verdict.
 *
 * A harmless unit whose verdict is known takes the same path without a promise: it is counted into
 * the batch of reads and forwarded in the same turn of the event loop.
 *
 * Durable means twice. What can only last if a later unit commits it is written down before it is
 * forwarded (kill -9 does not lose it), and the unit that could make it last waits until all of that
 * is durable on disk; with the write that was the last one the time before, the disk is begun with.
 * Everything else waits for the disk itself. See docs/decisions/0005.
 */
import type { Deferral, Deferrals } from '../approvals/deferrals.ts';
import type { AfterWait, Desk, HoldTicket, Standing } from '../approvals/desk.ts';
import type { Asked } from '../approvals/release.ts';
import type { Allowances } from '../identity/agent-directory.ts';
import { digestOf } from '../model/digest.ts';
import { isHarmless } from '../model/effect.ts';
import type { HoldfastEvent } from '../model/event.ts';
import type { Outcome } from '../model/outcome.ts';
import { type RecoveryOf, withRecovery } from '../model/recovery-facts.ts';
import {
  isTakenBack,
  isWeaker,
  type Reversal,
  type TakingBack,
  takingBackOf,
} from '../model/reversal.ts';
import type { TargetFacts } from '../model/target.ts';
import type { Hold, Protect, Refuse, Verdict } from '../model/verdict.ts';
import type { Judge, Scope, Signature } from '../policy/judge.ts';
import type { TargetResolver } from '../targets/resolver.ts';
import type { Decision, DecisionRef, Recorder } from '../trail/recorder.ts';
import type { Exchange, Refusal } from './exchange.ts';
import { isLost } from './lost.ts';
import {
  refusalByPolicy,
  refusalChanged,
  refusalDeferred,
  refusalDenied,
  refusalHeld,
  refusalIrreversible,
  refusalNotDeferred,
  refusalProtectionLost,
  refusalTrailLost,
  refusalUnread,
  refusalUsedUp,
  refusalVoided,
  refusalWeaker,
} from './refusals.ts';
import { WrittenDown } from './written-down.ts';

export interface PipelineParts {
  readonly targets: TargetResolver;
  readonly judge: Judge;
  /** What agents may, with everything people said of them until now. */
  readonly allowances: Allowances;
  /** What is known of the recovery of targets; read for each unit. */
  readonly recoveryOf: RecoveryOf;
  readonly desk: Desk;
  /** Null: nothing can be put off, and what has no reversal is refused. */
  readonly deferrals: Deferrals | null;
  readonly recorder: Recorder;
  /** How long a held unit may wait on the wire for people before it is answered; 0: not at all. */
  readonly holdWaitMs: number;
}

const NO_SIGNATURES: readonly Signature[] = [];
const NOT_KEPT = 'the state before could not be kept';

export class Pipeline {
  readonly #parts: PipelineParts;
  /** One scope per located facts object and actor, so that the judge can cache by identity. */
  #scopes = new WeakMap<TargetFacts, Scope>();
  readonly #namedVerdicts = new WeakMap<Protect, Protect>();
  readonly #written: WrittenDown;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#written = new WrittenDown(parts.recorder);
  }

  /** For what is worth an entry but is no unit: sessions, protocol errors. */
  note(event: HoldfastEvent): void {
    this.#parts.recorder.note(event);
  }

  /** Undefined when the unit was dealt with at once; else a promise that never rejects. */
  handle(exchange: Exchange): Promise<void> | undefined {
    const scope = this.#scopeOf(exchange);
    const { reading } = exchange.intent;
    const trouble = troubleOf(exchange, scope);
    if (trouble !== null) return this.#protectionLost(exchange, scope, trouble, null);
    const verdict = this.#parts.judge.judge(scope, reading, NO_SIGNATURES);
    switch (verdict.kind) {
      case 'forward':
        if (isHarmless(reading)) return this.#forwardRead(exchange, scope);
        return exchange.reversal.kind === 'inverse'
          ? this.#forwardKept(exchange, scope, verdict, null)
          : this.#forwardRecorded(exchange, scope, verdict, null);
      case 'protect':
        return exchange.reversal.kind === 'inverse'
          ? this.#protectByInverse(exchange, scope, verdict)
          : this.#protect(exchange, scope, verdict, null);
      case 'hold':
        return this.#hold(exchange, scope, verdict);
      case 'refuse':
        return this.#refuse(exchange, scope, verdict);
      default:
        return verdict satisfies never;
    }
  }

  #scopeOf(exchange: Exchange): Scope {
    const facts = exchange.locate();
    let scope = this.#scopes.get(facts);
    const { actor } = exchange.intent;
    const allowance = this.#parts.allowances.allowanceOf(actor.id);
    const isSame =
      scope?.protection === exchange.protection &&
      scope.actor === actor &&
      scope.allowance === allowance &&
      scope.recovery === this.#parts.recoveryOf(scope.target.name);
    if (scope === undefined || !isSame) {
      const target = this.#parts.targets.resolve(facts);
      scope = {
        actor,
        target,
        searchPath: facts.searchPath,
        protection: exchange.protection,
        recovery: this.#parts.recoveryOf(target.name),
        allowance,
      };
      this.#scopes.set(facts, scope);
    }
    return scope;
  }

  #forwardRead(exchange: Exchange, scope: Scope): Promise<void> | undefined {
    const { session } = exchange.intent;
    // What must be durable before this unit may make it permanent.
    const mayLast = this.#written.isOpen(session) && exchange.lasting === 'at-once';
    const unsettled = mayLast ? this.#written.durable(session) : null;
    if (unsettled !== null) return this.#forwardSettling(exchange, scope, unsettled);
    if (this.#parts.recorder.read(exchange.intent, scope.target)) return exchange.forward(null);
    exchange.refuse(refusalUnread());
    return undefined;
  }

  async #forwardSettling(exchange: Exchange, scope: Scope, wait: Promise<void>): Promise<void> {
    try {
      await wait;
    } catch (cause) {
      exchange.refuse(refusalTrailLost(cause));
      return;
    }
    await this.#forwardRead(exchange, scope);
  }

  #forwardRecorded(
    exchange: Exchange,
    scope: Scope,
    verdict: Verdict,
    hold: HoldTicket | null,
  ): Promise<void> | undefined {
    if (exchange.lasting === 'at-once') return this.#forwardDurable(exchange, scope, verdict, hold);
    const { recorder } = this.#parts;
    let ref: DecisionRef | null;
    try {
      ref = recorder.jot(this.#decision(exchange, scope, verdict, hold));
    } catch (cause) {
      exchange.refuse(refusalTrailLost(cause));
      return undefined;
    }
    if (ref === null) return this.#forwardDurable(exchange, scope, verdict, hold);
    const jotted = ref;
    this.#written.add(exchange.intent.session, jotted);
    return exchange.forward((outcome) => recorder.outcome(jotted, outcome));
  }

  /** No rule asks that it can be taken back; where it can, it is. */
  async #forwardKept(
    exchange: Exchange,
    scope: Scope,
    verdict: Verdict,
    hold: HoldTicket | null,
  ): Promise<void> {
    if (await isKept(exchange, scope)) {
      return await this.#forwardRecorded(exchange, scope, verdict, hold);
    }
    // It may have passed only because it could be taken back.
    if (exchange.reversal.kind !== 'inverse') return await this.handle(exchange);
    await this.#protectionLost(exchange, scope, NOT_KEPT, null);
  }

  /** What could not be kept is judged again, as what nothing takes back at once. */
  async #protectByInverse(exchange: Exchange, scope: Scope, verdict: Protect): Promise<void> {
    if (await isKept(exchange, scope)) return this.#protect(exchange, scope, verdict, null);
    const { reversal } = exchange;
    if (reversal.kind !== 'inverse') return this.handle(exchange);
    return this.#protectionLost(exchange, scope, NOT_KEPT, null);
  }

  /** A decision that is durable makes all before it durable: they lie in one sequence. */
  async #forwardDurable(
    exchange: Exchange,
    scope: Scope,
    verdict: Verdict,
    hold: HoldTicket | null,
  ): Promise<void> {
    const { recorder } = this.#parts;
    let ref: DecisionRef;
    try {
      ref = await recorder.decide(this.#decision(exchange, scope, verdict, hold));
    } catch (cause) {
      exchange.refuse(refusalTrailLost(cause));
      return;
    }
    this.#written.settle(exchange.intent.session);
    await exchange.forward((outcome) => recorder.outcome(ref, outcome));
  }

  async #hold(exchange: Exchange, scope: Scope, verdict: Hold): Promise<void> {
    let standing: Standing;
    try {
      const waits = await this.#deferred(exchange, scope);
      if (waits !== null) {
        const refusal = refusalDeferred(waits, verdict.reason);
        return await this.#answer(exchange, scope, verdict, null, refusal);
      }
      standing = await this.#parts.desk.submit(
        exchange.intent,
        scope.target,
        verdict,
        this.#parts.holdWaitMs,
        this.#takingBack(exchange, scope),
        () => this.#again(exchange, verdict),
      );
    } catch (cause) {
      exchange.refuse(refusalTrailLost(cause));
      return;
    }
    const { ticket } = standing;
    // Target, protection and what the agent may are read again: an approval of Monday does not pass a
    // freeze of Tuesday, nor a pause of a moment ago.
    const now = this.#scopeOf(exchange);
    switch (standing.kind) {
      case 'waiting': {
        if (standing.voided === null) return this.#stillHeld(exchange, now, verdict, ticket);
        const refusal = refusalVoided(verdict, ticket, standing.voided);
        return this.#answer(exchange, now, verdict, ticket, refusal);
      }
      case 'denied':
        return this.#answer(exchange, scope, verdict, ticket, refusalDenied(standing));
      case 'lost': {
        const { why } = standing;
        return this.#annulled(exchange, now, verdict, ticket, why, refusalChanged(ticket, why));
      }
      case 'signed':
        return this.#released(exchange, now, verdict, standing);
      default:
        return standing satisfies never;
    }
  }

  #stillHeld(exchange: Exchange, scope: Scope, verdict: Hold, ticket: HoldTicket): Promise<void> {
    const { level } = exchange.protection;
    const refusal = refusalHeld(verdict, ticket, scope.target, level);
    return this.#answer(exchange, scope, verdict, ticket, refusal);
  }

  /** All that was known of it is as old as the wait. */
  async #again(exchange: Exchange, before: Hold): Promise<AfterWait> {
    const trouble = (await exchange.freshen?.()) ?? null;
    if (trouble !== null) return { kind: 'lost', why: trouble };
    const scope = this.#scopeOf(exchange);
    const { intent } = exchange;
    const verdict = this.#parts.judge.judge(scope, intent.reading, NO_SIGNATURES);
    const asked: Asked = {
      intent,
      target: scope.target,
      // What is no hold any more is judged when it is released.
      verdict: verdict.kind === 'hold' ? verdict : before,
      takingBack: this.#takingBack(exchange, scope),
    };
    return { kind: 'asked', asked };
  }

  /** People signed, and for what is here now; what policy says of it, and what takes it back, is asked again. */
  async #released(
    exchange: Exchange,
    scope: Scope,
    verdict: Hold,
    { shown, signatures, ticket }: Extract<Standing, { readonly kind: 'signed' }>,
  ): Promise<void> {
    const trouble = troubleOf(exchange, scope) ?? (await this.#notKept(exchange, scope));
    if (trouble !== null) return this.#protectionLost(exchange, scope, trouble, ticket);
    // To keep it takes a while: what the agent may, and what would take it back, is as it is after that.
    const now = this.#scopeOf(exchange);
    const lost = troubleOf(exchange, now);
    if (lost !== null) return this.#protectionLost(exchange, now, lost, ticket);
    const takingBack = this.#takingBack(exchange, now);
    if (shown !== null && isWeaker(takingBack, shown)) {
      const change = `it could be taken back by ${shown.reversal}, and now it is ${takingBack.reversal}`;
      const refusal = refusalWeaker(ticket, shown, takingBack);
      return this.#annulled(exchange, now, verdict, ticket, change, refusal);
    }
    const again = this.#parts.judge.judge(now, exchange.intent.reading, signatures);
    if (again.kind === 'refuse') return this.#refuse(exchange, now, again);
    if (again.kind === 'forward' && (await this.#consume(ticket))) {
      await this.#forwardRecorded(exchange, now, again, ticket);
      return;
    }
    if (again.kind === 'protect') return this.#protectSigned(exchange, now, again, ticket);
    return this.#stillHeld(exchange, now, verdict, ticket);
  }

  /** Why what an inverse operation takes back may not pass; null: it is kept, or nothing of it says that it would be. */
  async #notKept(exchange: Exchange, scope: Scope): Promise<string | null> {
    if (exchange.reversal.kind !== 'inverse' || (await isKept(exchange, scope))) return null;
    return exchange.reversal.kind === 'inverse' ? NOT_KEPT : null;
  }

  #takingBack({ intent, reversal }: Exchange, scope: Scope): TakingBack {
    const beneath = this.#parts.judge.beneath(scope, intent.reading);
    const takingBack = takingBackOf(scope.protection, reversal, beneath !== null);
    return withRecovery(takingBack, intent.reading, scope.recovery);
  }

  /** What people signed for is not so any more: that word is void. */
  async #annulled(
    exchange: Exchange,
    scope: Scope,
    verdict: Hold,
    ticket: HoldTicket,
    change: string,
    refusal: Refusal,
  ): Promise<void> {
    try {
      await this.#parts.desk.annul(ticket, [change]);
    } catch {
      // Not voided, it is found changed again at the next try.
    }
    return this.#answer(exchange, scope, verdict, ticket, refusal);
  }

  /** The approval is used up only when something comes of it. */
  async #protectSigned(
    exchange: Exchange,
    scope: Scope,
    verdict: Protect,
    ticket: HoldTicket,
  ): Promise<void> {
    const { trouble } = exchange.protection;
    if (trouble !== null) return this.#protectionLost(exchange, scope, trouble, ticket);
    // Putting it off keeps the approval with it, once; nothing is lost when that cannot be done.
    const used = takesBack(exchange) ? await this.#consume(ticket) : true;
    if (used) return this.#protect(exchange, scope, verdict, ticket);
    return this.#answer(exchange, scope, verdict, ticket, refusalUsedUp(ticket));
  }

  #protect(
    exchange: Exchange,
    scope: Scope,
    verdict: Protect,
    hold: HoldTicket | null,
  ): Promise<void> | undefined {
    const { protection, reversal } = exchange;
    if (protection.level === 'none') {
      return this.#refuse(exchange, scope, {
        kind: 'refuse',
        rule: verdict.rule,
        reason: `${verdict.reason} Making it reversible first is not possible on this target`,
        hint: 'Ask a person, or do it with a statement that names the rows.',
      });
    }
    if (protection.trouble !== null) {
      return this.#protectionLost(exchange, scope, protection.trouble, hold);
    }
    const named = this.#named(verdict, reversal.kind);
    return takesBack(exchange)
      ? this.#forwardRecorded(exchange, scope, named, hold)
      : this.#defer(exchange, scope, named, hold);
  }

  /** The same object for the same verdict, so that the trail renders it once. */
  #named(verdict: Protect, reversal: Reversal['kind']): Protect {
    let named = this.#namedVerdicts.get(verdict);
    if (named?.reversal !== reversal) {
      named = { ...verdict, reversal };
      this.#namedVerdicts.set(verdict, named);
    }
    return named;
  }

  /** Nothing takes it back, so it waits for the grace: long enough for somebody to say stop. */
  async #defer(
    exchange: Exchange,
    scope: Scope,
    verdict: Protect,
    hold: HoldTicket | null,
  ): Promise<void> {
    const { deferrals } = this.#parts;
    const why = exchange.reversal.kind === 'none' ? exchange.reversal.reason : verdict.reason;
    if (deferrals === null) {
      return this.#answer(exchange, scope, verdict, hold, refusalIrreversible(why));
    }
    let refusal: Refusal;
    try {
      const deferral = await deferrals.schedule(
        exchange.intent,
        scope.target,
        verdict,
        hold,
        scope.searchPath,
      );
      // The approval goes with the deferral, which the store keeps to one; it opens nothing else.
      if (hold !== null) await this.#consume(hold);
      refusal = refusalDeferred(deferral, why);
    } catch (cause) {
      refusal = refusalNotDeferred(cause);
    }
    return this.#answer(exchange, scope, { ...verdict, reversal: 'defer' }, hold, refusal);
  }

  #protectionLost(
    exchange: Exchange,
    scope: Scope,
    trouble: string,
    hold: HoldTicket | null,
  ): Promise<void> {
    const verdict: Refuse = {
      kind: 'refuse',
      rule: 'protection.lost',
      reason: `what would take it back is not at hand: ${trouble}`,
      hint: 'Reads go on; wait, or ask a person to look at: holdfast doctor.',
    };
    const isFull = exchange.protection.isFull === true;
    return this.#answer(exchange, scope, verdict, hold, refusalProtectionLost(trouble, isFull));
  }

  /** What was approved and put off already is not held anew. */
  async #deferred(exchange: Exchange, scope: Scope): Promise<Deferral | null> {
    if (scope.protection.level === 'none' || this.#parts.deferrals === null) return null;
    return await this.#parts.deferrals.standing(exchange.intent, scope.target);
  }

  async #consume(ticket: HoldTicket): Promise<boolean> {
    try {
      return await this.#parts.desk.consume(ticket);
    } catch {
      return false;
    }
  }

  #refuse(exchange: Exchange, scope: Scope, verdict: Refuse): Promise<void> {
    const refusal = refusalByPolicy(verdict, exchange.intent.reading);
    return this.#answer(exchange, scope, verdict, null, refusal);
  }

  /** A no is recorded too; but a lost trail does not turn it into anything but a no. */
  async #answer(
    exchange: Exchange,
    scope: Scope,
    verdict: Verdict,
    hold: HoldTicket | null,
    refusal: Refusal,
  ): Promise<void> {
    const outcome: Outcome = { kind: 'not-forwarded', reason: refusal.message };
    try {
      const { recorder } = this.#parts;
      const ref = await recorder.decide(this.#decision(exchange, scope, verdict, hold));
      recorder.outcome(ref, outcome);
    } catch {
      // Whatever failed, the answer stays no: thrown on, it would leave the agent without any.
    }
    exchange.refuse(refusal);
  }

  #decision(exchange: Exchange, scope: Scope, verdict: Verdict, hold: HoldTicket | null): Decision {
    return {
      intent: exchange.intent,
      target: scope.target,
      digest: hold?.digest ?? digestOf(exchange.intent, scope.target),
      verdict,
      policyVersion: this.#parts.judge.version,
      holdId: hold?.id ?? null,
    };
  }
}

/** Why it may not pass now, since it could not be kept; null: it may. */
function troubleOf({ intent, protection }: Exchange, { target }: Scope): string | null {
  const { trouble } = protection;
  return trouble !== null && isLost(intent.reading, protection, target) ? trouble : null;
}

function takesBack({ reversal }: Exchange): boolean {
  return isTakenBack(reversal);
}

async function isKept(exchange: Exchange, { target }: Scope): Promise<boolean> {
  return (await exchange.keep?.(target)) ?? false;
}
