/**
 * 48 hours for what has no reversal: schedules what was approved, shows the countdown, lets one person
 * call it off. Running what is due is the spine's business (`pipeline/deferred-run.ts`).
 *
 * What it will not do: schedule what it cannot run again to the letter (several statements bound at
 * once, a name with several meanings), use one approval twice, or count the grace by a wall clock.
 */
import type { Clock } from '../model/clock.ts';
import { digestOf } from '../model/digest.ts';
import { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent, Note } from '../model/event.ts';
import { HEADER_HASHED } from '../model/http-request.ts';
import { newId } from '../model/ids.ts';
import type { Intent } from '../model/intent.ts';
import { DEFERRAL_LIST_MAX, DEFERRED_BYTES_MAX } from '../model/limits.ts';
import {
  canBeSetAgain,
  isPathAsSaid,
  sessionMarkOf,
  settingsText,
} from '../model/session-settings.ts';
import type { Target } from '../model/target.ts';
import type { Protect } from '../model/verdict.ts';
import { cardOf, NO_EXTRAS } from './card.ts';
import {
  DEFERRAL_STATES,
  type DeferralLine,
  type DeferralRecord,
  type DeferralState,
  OPEN_DEFERRAL_STATES,
} from './deferral.ts';
import type { CancelWord, DeferralStore } from './deferral-store.ts';
import type { Deferral, Deferrals } from './deferrals.ts';
import type { HoldTicket } from './desk.ts';
import type { GraceClock } from './grace-clock.ts';
import type { PageWish } from './list-page.ts';
import { runnableOf } from './runnable.ts';

export interface KeptDeferralsParts {
  readonly store: DeferralStore;
  readonly graceClock: GraceClock;
  readonly clock: Clock;
  readonly note: Note;
  readonly graceMsOf: (environment: string) => number;
}

/** With the countdown. */
export type Countdown<D extends DeferralLine> = D & { readonly dueAt: Date };

export class KeptDeferrals implements Deferrals {
  readonly #parts: KeptDeferralsParts;

  constructor(parts: KeptDeferralsParts) {
    this.#parts = parts;
  }

  async standing(intent: Intent, target: Target): Promise<Deferral | null> {
    const found = await this.#parts.store.standing(digestOf(intent, target));
    return found === null ? null : this.#ticketOf(found);
  }

  async schedule(
    intent: Intent,
    target: Target,
    verdict: Protect,
    ticket: HoldTicket | null,
    searchPath: readonly string[],
  ): Promise<Deferral> {
    const { clock, graceClock, graceMsOf, note, store } = this.#parts;
    const acts = intent.acts().map((act) => Buffer.from(act));
    checkRunnable(intent.text(), acts);
    const { deferral, isNew } = await store.schedule({
      id: newId('deferral', clock),
      card: cardOf(intent, target, verdict, null, NO_EXTRAS),
      holdId: ticket?.id ?? null,
      acts,
      searchPath,
      scheduledAt: clock.now(),
      dueTickMs: (await graceClock.tickMs()) + BigInt(graceMsOf(target.environment.name)),
    });
    const made = await this.#ticketOf(deferral);
    if (isNew) await note(scheduledEvent(deferral, made.dueAt));
    return made;
  }

  /** Newest first, at most DEFERRAL_LIST_MAX. `open`: scheduled or running. */
  async list(which: 'open' | 'all'): Promise<readonly Countdown<DeferralLine>[]> {
    return await this.page({
      states: which === 'open' ? OPEN_DEFERRAL_STATES : DEFERRAL_STATES,
      agent: null,
      target: null,
      after: null,
      limit: DEFERRAL_LIST_MAX,
    });
  }

  /** Newest first, page by page. */
  async page(wish: PageWish<DeferralState>): Promise<readonly Countdown<DeferralLine>[]> {
    const tickMs = await this.#parts.graceClock.tickMs();
    const lines = await this.#parts.store.page(wish);
    return lines.map((line) => this.#withDue(line, tickMs));
  }

  /** HF_DEFERRAL_UNKNOWN. */
  async show(id: string): Promise<Countdown<DeferralRecord>> {
    const tickMs = await this.#parts.graceClock.tickMs();
    const deferral = await this.#parts.store.get(id);
    if (deferral === null) throw unknownDeferral(id);
    return this.#withDue(deferral, tickMs);
  }

  /** By one person. HF_TOTP_WRONG, HF_SIGN_IN, HF_NOT_FOUND, HF_DEFERRAL_UNKNOWN, HF_DEFERRAL_STATE. */
  async cancel(word: CancelWord): Promise<Countdown<DeferralLine>> {
    const { clock, graceClock, note, store } = this.#parts;
    const cancelled = await store.cancel(word, clock.now());
    switch (cancelled.kind) {
      case 'unknown-deferral':
        throw unknownDeferral(word.deferralId);
      case 'too-late':
        throw new HoldfastError('HF_DEFERRAL_STATE', {
          expected: `${word.deferralId} to be scheduled`,
          found: `it is ${cancelled.deferral.state}`,
          hint:
            cancelled.deferral.state === 'running'
              ? 'It runs at this moment. See its end with `holdfast deferrals show`.'
              : 'There is nothing left to cancel.',
        });
      case 'cancelled':
        await note({
          kind: 'deferral-cancelled',
          facts: {
            ...deferralFacts(cancelled.deferral),
            person: cancelled.by.name,
            ...cancelled.by.facts,
            note: word.note,
          },
          message: `${cancelled.by.name} cancelled ${word.deferralId}.`,
        });
        return this.#withDue(cancelled.deferral, await graceClock.tickMs());
      default:
        return cancelled satisfies never;
    }
  }

  #withDue<D extends DeferralLine>(line: D, tickMs: bigint): Countdown<D> {
    return { ...line, dueAt: this.#parts.graceClock.expiresAt(line.dueTickMs, tickMs) };
  }

  async #ticketOf(line: DeferralLine): Promise<Deferral> {
    const { graceClock } = this.#parts;
    const dueAt = graceClock.expiresAt(line.dueTickMs, await graceClock.tickMs());
    return { id: line.id, dueAt };
  }
}

/** What every entry about a deferral carries. */
export function deferralFacts({ id, card, holdId }: DeferralLine): Record<string, string | null> {
  return {
    deferral: id,
    digest: card.digest,
    agent: card.agentName,
    target: card.target,
    environment: card.environment,
    hold: holdId,
  };
}

/** What is read back out of the acts is what people see, or it is not put off. */
function checkRunnable(text: Buffer, acts: readonly Buffer[]): void {
  const runnable = runnableOf(acts);
  if (runnable?.statement.equals(text) !== true) {
    throw new HoldfastError('HF_UNSUPPORTED', {
      expected: 'one statement to be run later, with parameters of types of the server',
      found: 'several statements bound at once, or what cannot be bound again to the letter',
      hint: 'Send the text as one simple query (psql does; most drivers do without parameters), with the values in it.',
    });
  }
  const headers = runnable.request?.headers ?? [];
  if (headers.some(([, value]) => value.startsWith(HEADER_HASHED))) {
    throw new HoldfastError('HF_UNSUPPORTED', {
      expected: 'a request that can be sent later as it was',
      found: 'a header that looks like a secret, which is not kept',
      hint: 'Send it without that header; the credential for the API is put in by Holdfast.',
    });
  }
  const session = sessionMarkOf(acts);
  const { settings } = session;
  if (!canBeSetAgain(settings)) {
    throw new HoldfastError('HF_UNSUPPORTED', {
      expected: 'settings of the session that can be set again when it runs',
      found: `settings that nobody can tell, or a role: ${settingsText(settings)}`,
      hint: 'Connect anew, say what has to be set by SET alone, and send it again.',
    });
  }
  if (!isPathAsSaid(session)) {
    throw new HoldfastError('HF_UNSUPPORTED', {
      expected: 'one search path to run it under',
      found: 'one that was set to nothing, or was taken back by a rollback since',
      hint: 'Set search_path to the schemas that are meant, and send it again; or write the schema before each name.',
    });
  }
  const bytes = acts.reduce((sum, act) => sum + act.length, 0);
  if (bytes > DEFERRED_BYTES_MAX) {
    throw new HoldfastError('HF_LIMIT', {
      expected: `a text of at most ${DEFERRED_BYTES_MAX} bytes to be kept until it runs`,
      found: `${bytes} bytes`,
      hint: 'Split it.',
    });
  }
}

function unknownDeferral(id: string): HoldfastError {
  return new HoldfastError('HF_DEFERRAL_UNKNOWN', {
    expected: 'the id of a deferral',
    found: `no deferral ${id}`,
    hint: 'See `holdfast deferrals list`.',
  });
}

function scheduledEvent(deferral: DeferralLine, dueAt: Date): HoldfastEvent {
  const { card, dueTickMs, id } = deferral;
  return {
    kind: 'deferral-scheduled',
    facts: {
      ...deferralFacts(deferral),
      session: card.sessionId,
      rule: card.rule,
      due: dueAt.toISOString(),
      dueTickMs: Number(dueTickMs),
    },
    message: `${id} of ${card.agentName} on ${card.target} runs ${dueAt.toISOString()} unless cancelled.`,
  };
}
