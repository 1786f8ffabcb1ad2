import type { History } from '../../approvals/history.ts';
import {
  HOLD_STATES,
  type HoldRecord,
  type HoldState,
  OPEN_HOLD_STATES,
} from '../../approvals/hold.ts';
import type { Holds } from '../../approvals/holds.ts';
import type { Passkeys } from '../../identity/passkeys.ts';
import type { HOLD_ROUTES } from '../contract/holds.ts';
import { pageOf, placeIn } from '../cursor.ts';
import { decisionOf } from '../decision.ts';
import type { Handlers } from '../handler.ts';
import { personOf } from '../person.ts';
import { holdLine, holdView, pastView } from '../views.ts';
import type { People } from '../word.ts';

export interface HoldRouteParts {
  readonly holds: Holds;
  readonly people: People;
  readonly passkeys: Pick<Passkeys, 'toSign'>;
  readonly history: History;
}

export function holdRoutes(parts: HoldRouteParts): Handlers<typeof HOLD_ROUTES> {
  const { history, holds, passkeys, people } = parts;
  const shown = async (hold: HoldRecord) => holdView(hold, await ownersOf(people));
  return {
    'holds.list': async ({ query }) => {
      const { agent = null, cursor, limit, state, target = null } = query;
      const found = await holds.page({
        states: statesOf(state),
        agent,
        target,
        after: placeIn(cursor),
        limit: limit + 1,
      });
      return pageOf(found, limit, holdLine, ({ id, openedAt }) => ({ at: openedAt, id }));
    },
    'holds.show': async ({ params }) => shown(await holds.show(params.id)),
    'holds.past': async ({ params }) => {
      const { card, id } = await holds.show(params.id);
      const [recent, similar] = await Promise.all([
        history.recentActsOf(card.agentId),
        history.similarHolds(card, id),
      ]);
      return pastView(recent, similar);
    },
    'holds.challenge': async ({ params, principal, query }) => {
      const challenges = await holds.challenges(params.id);
      const asked = await passkeys.toSign(personOf(principal), challenges[query.decision]);
      return { ...asked, binding: challenges.bindings[query.decision] };
    },
    'holds.approve': async ({ body, params, principal }) => {
      const word = await decisionOf(principal, params.id, body, 'holds.decide', people);
      return shown(await holds.approve(word));
    },
    'holds.deny': async ({ body, params, principal }) => {
      const word = await decisionOf(principal, params.id, body, 'holds.decide', people);
      return shown(await holds.deny({ ...word, note: body.comment }));
    },
  };
}

export function statesOf(state: 'open' | 'all' | HoldState): readonly HoldState[] {
  if (state === 'open') return OPEN_HOLD_STATES;
  return state === 'all' ? HOLD_STATES : [state];
}

/** Names of people by their id. */
async function ownersOf(people: People): Promise<ReadonlyMap<string, string>> {
  return new Map((await people.list()).map(({ id, name }) => [id, name]));
}
