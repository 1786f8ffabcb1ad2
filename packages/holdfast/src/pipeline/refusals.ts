/** The words of a no. Each says what, why, and what to do instead, and not to try another route. */
import type { HoldTicket, Standing } from '../approvals/desk.ts';
import type { CouldNotTell, Reading } from '../model/effect.ts';
import type { ErrorCode } from '../model/errors.ts';
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
  if (reading.kind === 'could-not-tell') {
    const { code, message, position } = reading.reason;
    const fault = CALLERS_FAULTS[code];
    if (fault !== undefined) {
      return { code: fault, message, detail: '', hint: verdict.hint, position };
    }
  }
  return {
    code: 'HF_REFUSED',
    message: `Holdfast refused this: ${verdict.reason}.`,
    detail: `Rule ${verdict.rule}.`,
    hint: `${verdict.hint} ${NO_OTHER_ROUTE}`,
    position: null,
  };
}

export function refusalHeld(verdict: Hold, ticket: HoldTicket, target: Target): Refusal {
  const missing = ticket.peopleNeeded - ticket.peopleSigned;
  return {
    code: 'HF_HELD',
    message: `Holdfast holds this for a person: ${verdict.reason}.`,
    detail:
      `Hold ${ticket.id} on ${target.name} (${target.environment.name}, ` +
      `${target.environment.level}), rule ${verdict.rule}. ` +
      `${missing} of ${ticket.peopleNeeded} approval(s) missing; ` +
      `expires ${ticket.expiresAt.toISOString()}. Nothing was changed.`,
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

export function refusalTrailLost(cause: unknown): Refusal {
  return {
    code: 'HF_TRAIL_UNAVAILABLE',
    message: 'Holdfast cannot record this, so it was not forwarded.',
    detail: `The trail or its store did not accept the entry: ${messageOf(cause)}`,
    hint: 'Nothing was changed. Wait and retry; a person can look at: holdfast trail tail.',
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

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
