/**
 * The second door of the spine: acts whose grace is over. Each passes here, in this order:
 *
 *   due by watched time -> one row lock, of many gateways one gets it -> what would take it back is at hand, or
 *     it waits on -> decide AGAIN (policy, target) -> what was signed is still so (`approvals/release.ts`), or, while
 *     that cannot be told, it waits on for an hour of this process
 *     -> append decision (durable) -> `running`, committed -> run, once -> append outcome
 *     -> `done` | `failed` | `unknown`
 *
 * A crash before `running` is committed leaves it scheduled, and nothing was sent; a crash after it
 * makes it `unknown` once the trail has given up on this instance. No path leads back from there, so
 * nothing runs twice. What it will not do: run what was approved for another environment than the one
 * there is today, soften a verdict, or run anything while the trail cannot be written.
 */
import type { DeferralLine, DeferralRecord } from '../approvals/deferral.ts';
import type { DeferralEnd, DeferralStore, DueWord } from '../approvals/deferral-store.ts';
import type { GraceClock } from '../approvals/grace-clock.ts';
import { deferralFacts } from '../approvals/kept-deferrals.ts';
import type { Asked, Releases } from '../approvals/release.ts';
import type { Clock } from '../model/clock.ts';
import { digestOf } from '../model/digest.ts';
import type { Reading } from '../model/effect.ts';
import { type ErrorFacts, HoldfastError, messageOf } from '../model/errors.ts';
import type { Intent } from '../model/intent.ts';
import { DEFERRAL_SWEEP_MS, DUE_TARGET_WAIT_MS } from '../model/limits.ts';
import type { Outcome } from '../model/outcome.ts';
import { type Protection, takingBackOf } from '../model/reversal.ts';
import type { Target } from '../model/target.ts';
import type { Verdict } from '../model/verdict.ts';
import type { DecisionRef, Recorder } from '../trail/recorder.ts';
import { isLost } from './lost.ts';
import { pathIn } from './path-mark.ts';

/** What is known and decided of it now, not when it was approved. */
export interface Redecision {
  readonly reading: Reading;
  readonly target: Target;
  /** With the signatures of the deferral in hand. */
  readonly verdict: Verdict;
  readonly policyVersion: string;
  /** Of the target, now. */
  readonly protection: Protection;
  /** As whom SQL runs: found over all that it does. Left out: nobody, or nobody has to. */
  readonly owner?: string;
  /** Why the target could not be asked as whom; left out: it was, or had not to be. */
  readonly away?: string;
}
export type Redecide = (deferral: DeferralRecord) => Promise<Redecision>;

/**
 * Runs exactly `statement` on the target, once, as the owner that was found when it was decided, with unqualified names looked up in
 * `searchPath`. Resolves to the end: `done`, `failed` (the server said no), `not-forwarded` (nothing
 * was sent) or `unknown`. Never tries again. A rejection counts as `unknown`.
 */
export type DeferredExecutor = (deferral: DeferralRecord, owner: string | null) => Promise<Outcome>;

export interface DeferredRunParts {
  readonly store: DeferralStore;
  readonly graceClock: GraceClock;
  readonly clock: Clock;
  readonly recorder: Recorder;
  /** Of the trail that `recorder` writes. */
  readonly instanceId: string;
  readonly redecide: Redecide;
  /** Whether what was signed is still so. */
  readonly releases: Pick<Releases, 'cardNow' | 'look'>;
  readonly execute: DeferredExecutor;
  /** For the operator's log. */
  readonly trouble: (error: unknown) => void;
}

/** In one turn; more mean that it is not the deferrals' fault. */
const TROUBLES_MAX = 10;

/** What was decided of the one that was taken, for when our store does not say that it may run. */
interface Decided {
  ref: DecisionRef | null;
  id: string;
  owner: string | null;
}

export class DeferredRun {
  readonly #parts: DeferredRunParts;
  /** What the store has yet to hear. Null: it was not run. */
  readonly #unsaid = new Map<string, DeferralEnd | null>();
  /** Those that wait on, said once; with the tick of the first look that was not told, null where none was yet. */
  readonly #waitingOn = new Map<string, bigint | null>();
  #sweeping: Promise<number> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: DeferredRunParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.sweep().catch((error: unknown) => this.#parts.trouble(error));
    }, DEFERRAL_SWEEP_MS).unref();
  }

  /** Nothing new is begun; what runs is waited for. */
  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    await this.#sweeping?.catch(() => {});
    await this.#sayUnsaid().catch((error: unknown) => this.#parts.trouble(error));
  }

  /** Deals with what is due; says with how many. Rejects when the store or the ledger is away: nothing was run then. */
  sweep(): Promise<number> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = null;
    });
    return this.#sweeping;
  }

  async #sweep(): Promise<number> {
    const { clock, graceClock, recorder, store, trouble } = this.#parts;
    await this.#sayUnsaid();
    for (const line of await store.settle(clock.now())) {
      recorder.note(ranEvent(line, { kind: 'unknown', reason: line.note ?? '' }));
    }
    const tickMs = await graceClock.tickMs();
    const tried: string[] = [];
    let ran = 0;
    for (let troubles = 0; troubles < TROUBLES_MAX; ) {
      const before = tried.length;
      try {
        if (!(await this.#one(tickMs, tried))) return ran;
        ran += 1;
      } catch (error) {
        const at = tried.length === before ? undefined : tried.at(-1);
        if (at !== undefined && error instanceof WaitsOn) {
          if (!this.#waitingOn.has(at)) trouble(error);
          this.#waitingOn.set(at, error.untoldSince);
          continue;
        }
        // One that cannot be decided must not keep the others waiting; it is tried at the next turn.
        trouble(error);
        if (at === undefined) return ran;
        troubles += 1;
      }
    }
    return ran;
  }

  /** False: nothing is due that was not tried. `tried` grows by what was taken. */
  async #one(tickMs: bigint, tried: string[]): Promise<boolean> {
    const { clock, instanceId, recorder, store } = this.#parts;
    const decided: Decided = { ref: null, id: '', owner: null };
    const turn = { tickMs, runBy: instanceId, except: tried, now: clock.now() };
    const taken = await store
      .takeDue(turn, async (deferral) => {
        tried.push(deferral.id);
        const { owner, ref, word } = await this.#decide(deferral, tickMs);
        decided.ref = ref;
        decided.owner = owner;
        decided.id = deferral.id;
        return word;
      })
      .catch((error: unknown) => {
        if (decided.ref !== null) {
          const reason = 'Our store did not confirm that it may run; it is tried again.';
          recorder.outcome(decided.ref, { kind: 'not-forwarded', reason });
          this.#unsaid.set(decided.id, null);
        }
        throw error;
      });
    if (taken === null) return false;
    await this.#end(taken, decided.ref, decided.owner);
    return true;
  }

  async #decide(
    deferral: DeferralRecord,
    tickMs: bigint,
  ): Promise<{ ref: DecisionRef; word: DueWord; owner: string | null }> {
    const { recorder, redecide } = this.#parts;
    const again = await redecide(deferral);
    const { policyVersion, protection, reading, target, verdict } = again;
    if (isLost(reading, protection, target)) throw notNow(deferral, protection);
    const intent = intentOf(deferral, reading);
    const decided = wordOf(deferral, intent, target, verdict);
    const word =
      decided.kind === 'run' ? await this.#stillSo(deferral, intent, again, tickMs) : decided;
    this.#waitingOn.delete(deferral.id);
    const ref = await recorder.decide({
      intent,
      target,
      digest: deferral.card.digest,
      verdict: word.kind === 'run' ? verdict : refuseWith(verdict, word.reason),
      policyVersion,
      holdId: deferral.holdId,
    });
    return { ref, word, owner: again.owner ?? null };
  }

  /** Policy has decided with the signatures that are left; whether these are for what would run now is asked here. */
  async #stillSo(
    deferral: DeferralRecord,
    intent: Intent,
    { away, protection, target, verdict }: Redecision,
    tickMs: bigint,
  ): Promise<DueWord> {
    const { releases } = this.#parts;
    const since = this.#waitingOn.get(deferral.id) ?? tickMs;
    if (away !== undefined) return untoldYet(deferral, tickMs, since, away);
    const { holdId, signed } = deferral;
    if (holdId === null) return { kind: 'run' };
    if (signed === null) {
      return { kind: 'void', reason: `Its approval ${holdId} was denied or voided meanwhile.` };
    }
    const asked: Asked = {
      intent,
      target,
      verdict: { ...verdict, people: signed.peopleNeeded },
      // It has waited out its grace: that was the way back that people were shown.
      takingBack: takingBackOf(protection, { kind: 'none', reason: '' }, true),
      isDue: true,
    };
    // Another policy since is no change of what was signed: it has just decided.
    const now = releases.cardNow(asked, signed.card.policyVersion);
    const release = await releases.look(signed, asked, now);
    switch (release.kind) {
      case 'released':
        return { kind: 'run' };
      case 'changed':
        if (release.isUntold) {
          return untoldYet(deferral, tickMs, since, release.changes.join('; '));
        }
        return { kind: 'void', reason: `Not what was approved: ${release.changes.join('; ')}.` };
      case 'owner-alone':
        return { kind: 'void', reason: `Fewer signed who still count: ${release.why}.` };
      default:
        return release satisfies never;
    }
  }

  async #end(
    { deferral, word }: { readonly deferral: DeferralRecord; readonly word: DueWord },
    ref: DecisionRef | null,
    owner: string | null,
  ): Promise<void> {
    const { execute, recorder } = this.#parts;
    if (word.kind === 'void') {
      if (ref !== null) recorder.outcome(ref, { kind: 'not-forwarded', reason: word.reason });
      recorder.note({
        kind: 'deferral-void',
        facts: { ...deferralFacts(deferral), reason: word.reason },
        message: `${deferral.id} was due and was not run: ${word.reason}`,
      });
      return;
    }
    const outcome = await execute(deferral, owner).catch(
      (error: unknown): Outcome => ({
        kind: 'unknown',
        reason: messageOf(error),
      }),
    );
    if (ref !== null) recorder.outcome(ref, outcome);
    recorder.note(ranEvent(deferral, outcome));
    this.#unsaid.set(deferral.id, endOf(outcome));
    await this.#sayUnsaid();
  }

  async #sayUnsaid(): Promise<void> {
    const { clock, instanceId, store } = this.#parts;
    for (const [id, end] of this.#unsaid) {
      if (end === null) await store.putBack(id, instanceId);
      else await store.finish(id, instanceId, end, clock.now());
      this.#unsaid.delete(id);
    }
  }
}

function intentOf({ acts, card, request, statement }: DeferralRecord, reading: Reading): Intent {
  return {
    actor: { kind: 'agent', id: card.agentId, name: card.agentName, tokenId: card.tokenId },
    session: {
      id: card.sessionId,
      protocol: request === null ? 'postgres' : 'http',
      source: card.source,
      client: card.client,
    },
    reading,
    text: () => statement,
    acts: () => acts,
  };
}

function wordOf(
  { acts, card, request, searchPath }: DeferralRecord,
  intent: Intent,
  target: Target,
  verdict: Verdict,
): DueWord {
  if (digestOf(intent, target) !== card.digest) {
    const reason =
      'It is not what was approved any more: its text, or the environment of its target, has changed.';
    return { kind: 'void', reason };
  }
  // The digest covers the path that names were judged by (the first of several acts), not the column
  // beside it; a path that was not known then is none to run by.
  const [mark, ...others] = acts;
  const isSql = request === null && mark !== undefined && others.length > 0;
  if (isSql && pathIn(mark, searchPath) === null) {
    const reason =
      'The schemas its names would be looked up in are not those it was approved under.';
    return { kind: 'void', reason };
  }
  switch (verdict.kind) {
    case 'forward':
    case 'protect':
      return { kind: 'run' };
    case 'hold': {
      const reason = `Policy now wants ${verdict.people} people (${verdict.rule}), and fewer signed who still count.`;
      return { kind: 'void', reason };
    }
    case 'refuse':
      return { kind: 'void', reason: `${verdict.reason} (${verdict.rule})` };
    default:
      return verdict satisfies never;
  }
}

/** It stays scheduled, and is looked at again at the next turn. Thrown, so that the row lock is given back. */
class WaitsOn extends HoldfastError {
  /** The tick of the first look that was not told; null: it was not looked up. */
  readonly untoldSince: bigint | null;

  constructor(untoldSince: bigint | null, facts: ErrorFacts) {
    super('HF_PROTECTION_LOST', facts);
    this.untoldSince = untoldSince;
  }
}

function notNow({ card, id }: DeferralRecord, { trouble }: Protection): WaitsOn {
  return new WaitsOn(null, {
    expected: `what would take ${id} back to be at hand on ${card.target}`,
    found: trouble ?? 'it is not',
    hint: 'It runs once it is; or cancel it: holdfast deferrals cancel. A person looks at: holdfast doctor.',
  });
}

/**
 * A target that is briefly away is no change of what was signed: it waits on, for DUE_TARGET_WAIT_MS from the first
 * look that was not told.
 */
function untoldYet(
  { card, id }: DeferralRecord,
  tickMs: bigint,
  since: bigint,
  why: string,
): DueWord {
  if (tickMs - since >= BigInt(DUE_TARGET_WAIT_MS)) {
    return { kind: 'void', reason: `Not what was approved: ${why}; so it was for an hour.` };
  }
  throw new WaitsOn(since, {
    expected: `${card.target} to tell what is looked up before ${id} runs`,
    found: why,
    hint: 'It is looked up again, for an hour, and is void then. A person looks at: holdfast doctor.',
  });
}

/** As it stands in the trail: policy may have said yes to what is not what was approved. */
function refuseWith(verdict: Verdict, reason: string): Verdict {
  const hint = 'The agent may ask again; it is approved, and waits, anew.';
  return { kind: 'refuse', rule: verdict.rule, reason, hint };
}

function endOf(outcome: Outcome): DeferralEnd {
  switch (outcome.kind) {
    case 'done':
      return { state: 'done', note: outcome.tag };
    case 'failed':
      return { state: 'failed', note: `${outcome.code}: ${outcome.message}` };
    case 'not-forwarded':
      return { state: 'failed', note: `Nothing was sent: ${outcome.reason}` };
    case 'unknown':
      return { state: 'unknown', note: outcome.reason };
    default:
      return outcome satisfies never;
  }
}

function ranEvent(deferral: DeferralLine, outcome: Outcome): Parameters<Recorder['note']>[0] {
  const { note, state } = endOf(outcome);
  return {
    kind: 'deferral-ran',
    facts: { ...deferralFacts(deferral), outcome: state, note },
    message: `${deferral.id} ran on ${deferral.card.target}: ${state}.`,
  };
}
