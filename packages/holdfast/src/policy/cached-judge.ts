/**
 * The judge. On the hot path it is two look-ups by identity: scope, then reading. A reading not seen
 * in this scope is taken apart into acts, whose answers are shared by all scopes that they cannot
 * tell apart; only what is new there is put to Cedar.
 *
 * What the agent itself may not (`within-allowance.ts`) is refused before any rule is asked: no policy
 * gives it back.
 *
 * It never throws, and never answers milder than the strictest act. Signatures turn a hold that has
 * enough distinct people into a forward (or into `protect`, where a rule asks for that beneath the
 * hold and the target is protected), and soften nothing else; they are counted anew each time
 * and never cached.
 */
import type { Effect, Reading } from '../model/effect.ts';
import { messageOf } from '../model/errors.ts';
import {
  JUDGED_ACTS_MAX,
  JUDGED_ANSWERS_KEPT_MAX,
  JUDGED_READ_CHARS_MAX,
  JUDGED_READS_KEPT_MAX,
} from '../model/limits.ts';
import { type Protect, type Refuse, VERDICT_ORDER, type Verdict } from '../model/verdict.ts';
import { type Act, actsOf } from './acts.ts';
import type { Answer } from './evaluator.ts';
import type { Judge, Scope, Signature } from './judge.ts';
import type { Policy } from './policy.ts';
import { refusalByAllowance } from './within-allowance.ts';
import { reasonOf } from './words.ts';

/** One effect and what stands of it; `act` is the one that decided. */
export interface JudgedEffect {
  readonly effect: Effect;
  readonly act: Act;
  readonly answer: Answer;
  readonly verdict: Verdict;
  /** Of every object it may mean, the deciding one among them. */
  readonly answers: readonly Answer[];
}

interface Standing {
  readonly verdict: Verdict;
  /** What is left of the verdict when people have signed a hold. */
  readonly beneath: Protect | null;
}

const NOT_ANSWERED = 'Ask a person to run: holdfast policy check.';

export class CachedJudge implements Judge {
  readonly version: string;
  readonly #policy: Policy;
  #verdicts = new WeakMap<Scope, WeakMap<Reading, Standing>>();
  /** Of readings that differ in nothing but the names of what they call (`plainReadOf`). */
  #plainReads = new WeakMap<Scope, Map<string, Standing>>();
  /** Two generations, so that it is bounded and what is used stays. */
  #answers = new Map<string, Answer>();
  #olderAnswers = new Map<string, Answer>();

  constructor(policy: Policy) {
    this.#policy = policy;
    this.version = policy.version;
  }

  judge(scope: Scope, reading: Reading, signatures: readonly Signature[]): Verdict {
    const standing = this.#standingOf(scope, reading);
    return signatures.length === 0 ? standing.verdict : signed(standing, signatures);
  }

  beneath(scope: Scope, reading: Reading): Protect | null {
    return this.#standingOf(scope, reading).beneath;
  }

  #standingOf(scope: Scope, reading: Reading): Standing {
    let readings = this.#verdicts.get(scope);
    if (readings === undefined) {
      readings = new WeakMap();
      this.#verdicts.set(scope, readings);
    }
    let standing = readings.get(reading);
    if (standing === undefined) {
      const plain = plainReadOf(reading);
      if (plain !== null) return this.#standingOfPlain(scope, reading, plain);
      standing = this.#judgeAnew(scope, reading);
      readings.set(reading, standing);
    }
    return standing;
  }

  /** Calls of an API mostly have other variables each time, and are new readings that say the same. */
  #standingOfPlain(scope: Scope, reading: Reading, plain: string): Standing {
    let standings = this.#plainReads.get(scope);
    if (standings === undefined) {
      standings = new Map();
      this.#plainReads.set(scope, standings);
    }
    let standing = standings.get(plain);
    if (standing === undefined) {
      standing = this.#judgeAnew(scope, reading);
      if (standings.size >= JUDGED_READS_KEPT_MAX) standings.clear();
      standings.set(plain, standing);
    }
    return standing;
  }

  /** Each effect with its own verdict, in the order of the text; for `explain`. */
  judgeEach(scope: Scope, reading: Reading): JudgedEffect[] {
    const budget = { left: JUDGED_ACTS_MAX };
    return effectsOf(reading).map(({ effect, code }) => {
      const [first, ...rest] = this.#actsOf(scope, effect, code);
      let worst = this.#judgeAct(scope, reading, effect, first, budget);
      const answers = [worst.answer];
      for (const act of rest) {
        const next = this.#judgeAct(scope, reading, effect, act, budget);
        answers.push(next.answer);
        if (isStricter(next.verdict, worst.verdict)) worst = next;
      }
      return { ...worst, answers };
    });
  }

  #judgeAnew(scope: Scope, reading: Reading): Standing {
    try {
      const barred = refusalByAllowance(scope, reading);
      if (barred !== null) return { verdict: barred, beneath: null };
      const judged = this.judgeEach(scope, reading);
      const verdict = judged
        .map((one) => one.verdict)
        .reduce((worst, next) => (isStricter(next, worst) ? next : worst));
      return { verdict, beneath: this.#beneathOf(scope, reading, judged) };
    } catch (cause) {
      const message = messageOf(cause);
      const verdict = refusal('policy.error', `judging failed: ${message}`, NOT_ANSWERED);
      return { verdict, beneath: null };
    }
  }

  /** What a person cannot sign away: on a protected target, that it is made reversible first. */
  #beneathOf(scope: Scope, reading: Reading, judged: readonly JudgedEffect[]): Protect | null {
    if (scope.protection.level === 'none') return null;
    for (const { effect, act, answers } of judged) {
      const rule = answers.find((one) => one.kind === 'ruled' && one.protect !== null);
      if (rule?.kind !== 'ruled' || rule.protect === null) continue;
      const reason = reasonOf(rule.protect.reason, { scope, reading, effect, code: act.code });
      return { kind: 'protect', rule: rule.protect.id, reason };
    }
    return null;
  }

  #actsOf(scope: Scope, effect: Effect, code: string): [Act, ...Act[]] {
    const { vocabulary } = this.#policy;
    const allowed = this.#policy.functionsAllowed(scope.target.name);
    const [first, ...rest] = actsOf(
      effect,
      scope.searchPath,
      allowed,
      vocabulary,
      scope.protection,
    );
    if (first === undefined) throw new Error(`no act for ${effect.verb}`);
    return code === '' ? [first, ...rest] : [{ ...first, code }];
  }

  #judgeAct(
    scope: Scope,
    reading: Reading,
    effect: Effect,
    act: Act,
    budget: { left: number },
  ): JudgedEffect {
    const answer = this.#answerOf(scope, act, budget);
    if (answer === null) {
      const verdict = refusal(
        'policy.too-many-acts',
        `it does more than ${JUDGED_ACTS_MAX} different things that rules look at`,
        'Send it in several smaller units.',
      );
      const none: Answer = { kind: 'failed', id: verdict.rule, reason: verdict.reason };
      return { effect, act, answer: none, verdict, answers: [none] };
    }
    const verdict = this.#verdictOf(scope, reading, effect, act, answer);
    return { effect, act, answer, verdict, answers: [answer] };
  }

  /** Null when this reading has asked too much that is new: an agent must not block the others. */
  #answerOf(scope: Scope, act: Act, budget: { left: number }): Answer | null {
    const key = this.#policy.evaluator.keyOf(scope, act);
    let answer = this.#answers.get(key);
    if (answer !== undefined) return answer;
    answer = this.#olderAnswers.get(key);
    if (answer === undefined) {
      if (budget.left === 0) return null;
      budget.left -= 1;
      answer = this.#policy.evaluator.evaluate(scope, act);
    }
    if (this.#answers.size >= JUDGED_ANSWERS_KEPT_MAX) {
      this.#olderAnswers = this.#answers;
      this.#answers = new Map();
    }
    this.#answers.set(key, answer);
    return answer;
  }

  #verdictOf(scope: Scope, reading: Reading, effect: Effect, act: Act, answer: Answer): Verdict {
    if (answer.kind === 'failed') return refusal(answer.id, answer.reason, NOT_ANSWERED);
    const { rule } = answer;
    const say = (template: string): string =>
      reasonOf(template, { scope, reading, effect, code: act.code });
    const grounds = { rule: rule.id, reason: say(rule.reason) };
    switch (answer.verdict) {
      case 'forward':
      case 'protect':
        return { kind: answer.verdict, ...grounds };
      case 'hold': {
        const least = this.#policy.peopleIn(scope.target.environment.name);
        return { kind: 'hold', ...grounds, people: Math.max(rule.people, least) };
      }
      case 'refuse':
        return { kind: 'refuse', ...grounds, hint: say(rule.hint) };
      default:
        return answer.verdict satisfies never;
    }
  }
}

/** `unknown` with the reader's code, and whatever the reader did recognise. */
function effectsOf(reading: Reading): { readonly effect: Effect; readonly code: string }[] {
  const effects = reading.effects.map((effect) => ({ effect, code: '' }));
  if (reading.kind === 'could-not-tell') {
    const { code, message } = reading.reason;
    return [
      { effect: { ...NOTHING, kind: 'unknown', verb: 'UNKNOWN', why: message }, code },
      ...effects,
    ];
  }
  // An empty text, or one that only steers the session, is judged too: an agent may be barred whole.
  return effects.length > 0 ? effects : [{ effect: NOTHING, code: '' }];
}

const NOTHING: Effect = {
  kind: 'read',
  verb: '',
  object: null,
  reach: 'none',
  additive: false,
  why: null,
};

/**
 * All that is in a reading which only reads and names no object; null: there is more in it, or more than is
 * worth keeping for each connection. Two with the same text are told apart by nothing that a rule or its
 * words could see.
 */
function plainReadOf({ effects, kind }: Reading): string | null {
  if (kind !== 'understood' || effects.length === 0) return null;
  let text = '';
  for (const effect of effects) {
    const { additive, object, reach, verb, why } = effect;
    if (effect.kind !== 'read' || object !== null || why !== null) return null;
    if (additive || reach !== 'none') return null;
    text += `${verb.length} ${verb}`;
    // An agent makes up the names.
    if (text.length > JUDGED_READ_CHARS_MAX) return null;
  }
  return text;
}

function isStricter(a: Verdict, b: Verdict): boolean {
  const order = VERDICT_ORDER.indexOf(a.kind) - VERDICT_ORDER.indexOf(b.kind);
  if (order !== 0) return order > 0;
  return a.kind === 'hold' && b.kind === 'hold' && a.people > b.people;
}

function signed({ verdict, beneath }: Standing, signatures: readonly Signature[]): Verdict {
  if (verdict.kind !== 'hold') return verdict;
  const people = new Map(signatures.map((one) => [one.personId, one.personName]));
  if (people.size < verdict.people) return verdict;
  const by = `approved by ${[...people.values()].join(' and ')}`;
  return beneath === null
    ? { kind: 'forward', rule: verdict.rule, reason: `${by}: ${verdict.reason}` }
    : { ...beneath, reason: `${by}: ${beneath.reason}` };
}

function refusal(rule: string, reason: string, hint: string): Refuse {
  return { kind: 'refuse', rule, reason, hint };
}
