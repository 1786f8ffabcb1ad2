/** The words of a no. Each says what, why, and what to do instead, and not to try another route. */
import type { Deferral } from '../approvals/deferrals.ts';
import type { HoldTicket, Standing, Voided } from '../approvals/desk.ts';
import { allowanceCodeOf } from '../model/allowance.ts';
import type { CouldNotTell, Reading } from '../model/effect.ts';
import { type ErrorCode, HoldfastError, messageOf } from '../model/errors.ts';
import type { ProtectionLevel, TakingBack } from '../model/reversal.ts';
import type { Target } from '../model/target.ts';
import type { Hold, Refuse } from '../model/verdict.ts';
import type { Refusal } from './exchange.ts';

const NO_OTHER_ROUTE =
  'Do not try to reach the same result by another statement, tool or credential.';

/** An ordinary fault of the caller gets the words and the code it would get without us. */
const CALLERS_FAULTS: Partial<Record<CouldNotTell['code'], ErrorCode>> = {
  'syntax-error': 'HF_SYNTAX',
  'unknown-prepared-statement': 'HF_NOT_PREPARED',
};

export function refusalByPolicy(verdict: Refuse, reading: Reading): Refusal {
  const limit = allowanceCodeOf(verdict.rule);
  if (reading.kind === 'could-not-tell') {
    const { code, message, position } = reading.reason;
    const fault = CALLERS_FAULTS[code];
    // Who is stopped hears of that, whatever else is wrong; a fault of the text is told before its kind.
    if (fault !== undefined && (limit === null || limit === 'HF_AGENT_EFFECT')) {
      return { code: fault, message, detail: '', hint: verdict.hint, position };
    }
  }
  return {
    code: limit ?? 'HF_REFUSED',
    message: `Holdfast refused this: ${verdict.reason}.`,
    detail: `Rule ${verdict.rule}.`,
    hint: `${verdict.hint} ${NO_OTHER_ROUTE}`,
    position: null,
  };
}

/** How many still have to say yes, and until when. */
function missingWords({ alone, expiresAt, peopleNeeded, peopleSigned }: HoldTicket): string {
  const why = alone === undefined ? '' : ` (${alone})`;
  return (
    `${peopleNeeded - peopleSigned} of ${peopleNeeded} approval(s) missing${why}; ` +
    `expires ${expiresAt.toISOString()}. Nothing was changed.`
  );
}

export function refusalHeld(
  verdict: Hold,
  ticket: HoldTicket,
  target: Target,
  protection: ProtectionLevel,
): Refusal {
  return {
    code: 'HF_HELD',
    message: `Holdfast holds this for a person: ${verdict.reason}.`,
    detail:
      `Hold ${ticket.id} on ${target.name} (${target.environment.name}, ` +
      `${target.environment.level}, protection ${protection}), rule ${verdict.rule}. ` +
      missingWords(ticket),
    hint:
      `Ask a person to look at: holdfast holds show ${ticket.id}. ` +
      'After approval, retry exactly the same bytes once. ' +
      NO_OTHER_ROUTE,
    position: null,
  };
}

export function refusalDenied(standing: Standing & { kind: 'denied' }): Refusal {
  const note = standing.note === '' ? '' : ` They said: ${standing.note}`;
  return {
    code: 'HF_DENIED',
    message: `A person denied this: hold ${standing.ticket.id}, by ${standing.by}.${note}`,
    detail: 'A denial stands for these exact bytes on this target. Nothing was changed.',
    hint: `Stop, and report the denial to whoever gave you the task. ${NO_OTHER_ROUTE}`,
    position: null,
  };
}

/** It cannot be put off as it was sent (parameters, size), or the store is away. */
export function refusalNotDeferred(cause: unknown): Refusal {
  if (!(cause instanceof HoldfastError) || cause.code === 'HF_STORE_UNAVAILABLE') {
    return refusalTrailLost(cause);
  }
  return {
    code: cause.code,
    message: `Holdfast cannot put this off, and it cannot be taken back: ${cause.found}.`,
    detail: `Expected ${cause.expected}. Nothing was changed.`,
    hint: `${cause.hint} ${NO_OTHER_ROUTE}`,
    position: null,
  };
}

export function refusalTrailLost(cause: unknown): Refusal {
  return {
    code: 'HF_TRAIL_UNAVAILABLE',
    message: 'Holdfast cannot record this, so it was not forwarded.',
    detail: `The trail or its store did not accept the entry: ${messageOf(cause)}`,
    hint: 'Nothing was changed. Wait and retry; a person can look at: holdfast trail tail.',
    position: null,
  };
}

export function refusalDeferred({ id, dueAt }: Deferral, why: string): Refusal {
  return {
    code: 'HF_DEFERRED',
    message: `Holdfast runs this later, because it cannot be taken back: ${why}.`,
    detail: `Deferral ${id}, due ${dueAt.toISOString()}; it is decided again then. Nothing was changed yet.`,
    hint:
      `A person can stop it until then: holdfast deferrals cancel ${id}. Do not send it again. ` +
      NO_OTHER_ROUTE,
    position: null,
  };
}

export function refusalIrreversible(why: string): Refusal {
  return {
    code: 'HF_REFUSED',
    message: `Holdfast refused this: it cannot be taken back (${why}), and it cannot be put off.`,
    detail: 'Nothing was changed.',
    hint: `Ask a person. ${NO_OTHER_ROUTE}`,
    position: null,
  };
}

/** `isFull`: plain writes stop, too. */
export function refusalProtectionLost(trouble: string, isFull: boolean): Refusal {
  return {
    code: 'HF_PROTECTION_LOST',
    message: `Holdfast refused this: what would take it back is not at hand (${trouble}).`,
    detail: `Nothing was changed. ${isFull ? 'Only reads go on' : 'Reads and plain writes go on'}.`,
    hint: `Wait and retry; a person can look at: holdfast doctor. ${NO_OTHER_ROUTE}`,
    position: null,
  };
}

/** Somebody else was quicker with the one approval, or it ran out meanwhile. */
export function refusalUsedUp(ticket: HoldTicket): Refusal {
  return {
    code: 'HF_HELD',
    message: `The approval of hold ${ticket.id} was used already, or ran out.`,
    detail: 'Nothing was changed.',
    hint: `Send it again to open a new hold, and ask a person to look at it. ${NO_OTHER_ROUTE}`,
    position: null,
  };
}

/** What people were asked about is not so any more; a new hold is open, which says what is. */
export function refusalVoided(verdict: Hold, ticket: HoldTicket, voided: Voided): Refusal {
  return {
    code: 'HF_HELD',
    message: `Hold ${voided.id} counts no more: ${voided.changes.join('; ')}.`,
    detail: `Hold ${ticket.id} is open in its place, rule ${verdict.rule}. ${missingWords(ticket)}`,
    hint:
      `Ask a person to look at: holdfast holds show ${ticket.id}. ` +
      'After approval, retry exactly the same bytes once. ' +
      NO_OTHER_ROUTE,
    position: null,
  };
}

/** Whoever signed was shown that it can be taken back, and it no longer can. */
export function refusalWeaker(ticket: HoldTicket, shown: TakingBack, now: TakingBack): Refusal {
  const why = now.reason === '' ? '' : ` (${now.reason})`;
  return {
    code: 'HF_HELD',
    message: `The approval of hold ${ticket.id} was given for something that could be taken back by ${shown.reversal}; now it is ${now.reversal}${why}.`,
    detail: `Protection was ${shown.level} and is ${now.level}. That approval counts no more. Nothing was changed.`,
    hint: `Send it again to open a new hold, which says so, and ask a person to look at it. ${NO_OTHER_ROUTE}`,
    position: null,
  };
}

/** What was known of it when people were asked cannot be told any more, or is about something else. */
export function refusalChanged(ticket: HoldTicket, change: string): Refusal {
  return {
    code: 'HF_HELD',
    message: `Hold ${ticket.id} counts no more: ${change}.`,
    detail: 'It was looked at again after it had waited for people. Nothing was changed.',
    hint: `Send it again to open a new hold, and ask a person to look at it. ${NO_OTHER_ROUTE}`,
    position: null,
  };
}

export function refusalUnread(): Refusal {
  return {
    code: 'HF_TRAIL_UNAVAILABLE',
    message: 'Holdfast cannot record reads now, and the configured rule is that they then wait.',
    detail: 'trail.readsWhenUnavailable is `refuse`.',
    hint: 'Wait and retry; a person can look at: holdfast trail tail.',
    position: null,
  };
}
