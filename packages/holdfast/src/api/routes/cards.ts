/** A page of a list, and of each of its lines the card: one question for each, of at most a page. */
import type { CARD_ROUTES } from '../contract/cards.ts';
import type { Handlers } from '../handler.ts';

type Sources = Pick<Handlers, 'holds.list' | 'holds.show' | 'deferrals.list' | 'deferrals.show'>;

export function cardRoutes(sources: Sources): Handlers<typeof CARD_ROUTES> {
  return {
    'holds.cards': async (ask) => {
      const { items, next } = await sources['holds.list'](ask);
      const show = (id: string) => sources['holds.show']({ ...ask, ...asking(id) });
      return { items: await Promise.all(items.map(({ id }) => show(id))), next };
    },
    'deferrals.cards': async (ask) => {
      const { items, next } = await sources['deferrals.list'](ask);
      const show = (id: string) => sources['deferrals.show']({ ...ask, ...asking(id) });
      return { items: await Promise.all(items.map(({ id }) => show(id))), next };
    },
  };
}

function asking(id: string) {
  return { params: { id }, query: {}, body: {} };
}
