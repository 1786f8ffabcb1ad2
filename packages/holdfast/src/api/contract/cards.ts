/** Lists with whole cards, for scripts that want all of it at once. */
import { DEFERRAL_ROUTES } from './deferrals.ts';
import { HOLD_ROUTES } from './holds.ts';
import { pageOf, route } from './route.ts';

export const CARD_ROUTES = {
  'holds.cards': route({
    method: 'GET',
    path: '/v1/hold-cards',
    access: 'holds.read',
    summary: 'List holds with their cards, newest first',
    query: HOLD_ROUTES['holds.list'].query,
    answer: pageOf(HOLD_ROUTES['holds.show'].answer),
  }),
  'deferrals.cards': route({
    method: 'GET',
    path: '/v1/deferral-cards',
    access: 'deferrals.read',
    summary: 'List what waits out the grace, with cards, newest first',
    query: DEFERRAL_ROUTES['deferrals.list'].query,
    answer: pageOf(DEFERRAL_ROUTES['deferrals.show'].answer),
  }),
} as const;
