import { HOLD_STATES, type HoldState, isOpen } from '../../approvals/hold.ts';
import type { Holds } from '../../approvals/holds.ts';
import type { HOLD_ROUTES } from '../contract/holds.ts';
import { pageOf, placeIn } from '../cursor.ts';
import type { Handlers } from '../handler.ts';
import { holdView } from '../views.ts';
import { type People, wordOf } from '../word.ts';

export interface HoldRouteParts {
  readonly holds: Holds;
  readonly people: People;
}

export function holdRoutes({ holds, people }: HoldRouteParts): Handlers<typeof HOLD_ROUTES> {
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
      return pageOf(found, limit, holdView, ({ id, openedAt }) => ({ at: openedAt, id }));
    },
    'holds.show': async ({ params }) => holdView(await holds.show(params.id)),
    'holds.approve': async ({ body, params, principal }) => {
      const word = await wordOf(principal, body, 'holds.decide', people);
      const { digestShown } = body;
      return holdView(await holds.approve({ ...word, holdId: params.id, digestShown }));
    },
    'holds.deny': async ({ body, params, principal }) => {
      const word = await wordOf(principal, body, 'holds.decide', people);
      const { digestShown, note } = body;
      return holdView(await holds.deny({ ...word, holdId: params.id, digestShown, note }));
    },
  };
}

export function statesOf(state: 'open' | 'all' | HoldState): readonly HoldState[] {
  if (state === 'open') return HOLD_STATES.filter(isOpen);
  return state === 'all' ? HOLD_STATES : [state];
}
