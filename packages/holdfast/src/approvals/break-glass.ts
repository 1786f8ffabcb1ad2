/**
 * Break-glass: nobody who may do what has to be done can be reached. Whoever asks is made an owner for
 * BREAK_GLASS_MS when PROPOSAL_PEOPLE_MIN people say so, whatever their roles; it ends by itself. Written down
 * before it is done, under an event of its own, so that everybody is told.
 */
import { z } from 'zod';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent } from '../model/event.ts';
import { BREAK_GLASS_MS } from '../model/limits.ts';
import type { ActRunner } from './proposals.ts';
import type { ProposedAct } from './proposed-act.ts';

const FACTS = z.object({ person: z.string(), name: z.string(), reason: z.string() });
const HOUR_MS = 60 * 60 * 1000;

export interface BreakGlassParts {
  /** False: nobody of that id who has joined. */
  readonly raise: (personId: string, until: Date) => Promise<boolean>;
  /** Durable when it resolves. */
  readonly record: (event: HoldfastEvent) => Promise<void>;
  readonly clock: Clock;
}

/** `askedAt` makes each asking another act: that one was denied does not stand for the next fire. */
export function breakGlassAct(
  person: { readonly id: string; readonly name: string },
  reason: string,
  askedAt: Date,
): ProposedAct {
  return {
    kind: 'break-glass',
    target: {
      name: 'holdfast',
      environment: { name: 'holdfast', level: 'sealed' },
      protocol: 'http',
      resolvedBy: 'Holdfast itself',
    },
    facts: { person: person.id, name: person.name, reason, askedAt: askedAt.toISOString() },
    words:
      `Make ${person.name} an owner for ${BREAK_GLASS_MS / HOUR_MS} hour. An owner may do everything: ` +
      `people, roles, credentials.\n${person.name} says why: ${reason}`,
    reason: 'An owner keeps the house, and none can be reached.',
  };
}

export function breakGlassRunner({ clock, raise, record }: BreakGlassParts): ActRunner {
  return async (act) => {
    const { name, person, reason } = FACTS.parse(act.facts);
    const until = new Date(clock.now().getTime() + BREAK_GLASS_MS);
    await record({
      kind: 'break-glass',
      facts: {
        proposal: act.proposalId,
        person: name,
        personId: person,
        people: act.people.join(', '),
        until: until.toISOString(),
        reason,
      },
      message: `BREAK-GLASS: ${name} is an owner until ${until.toISOString()}, by ${act.people.join(' and ')}.`,
    });
    if (await raise(person, until)) return `${name} is an owner until ${until.toISOString()}.`;
    throw new HoldfastError('HF_NOT_FOUND', {
      expected: `${name} to be here still`,
      found: 'that they were removed, or never joined',
      hint: 'Somebody else asks.',
    });
  };
}
