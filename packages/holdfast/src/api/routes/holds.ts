import type { Holds } from '../../approvals/holds.ts';
import type { HOLD_ROUTES } from '../contract/holds.ts';
import type { Handlers } from '../handler.ts';
import { requireOwnWord } from '../spoken.ts';
import { holdView } from '../views.ts';

export function holdRoutes(holds: Holds): Handlers<typeof HOLD_ROUTES> {
  return {
    'holds.list': async ({ query }) => {
      const found = await holds.list(query.state === 'open' ? 'open' : 'all');
      return { items: found.slice(0, query.limit).map(holdView), next: null };
    },
    'holds.show': async ({ params }) => holdView(await holds.show(params.id)),
    'holds.approve': async ({ body, params, principal }) => {
      requireOwnWord(principal, body.person);
      return holdView(await holds.approve({ ...body, holdId: params.id }));
    },
    'holds.deny': async ({ body, params, principal }) => {
      requireOwnWord(principal, body.person);
      return holdView(await holds.deny({ ...body, holdId: params.id }));
    },
  };
}
