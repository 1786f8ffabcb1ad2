/** What pages look up, each under its name; news from the stream makes them look again (`live.ts`). */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type { TrailFilters } from '../lib/filters.ts';
import { type Answer, ask, type Query } from './client.ts';

/** The first page fills a screen soon; those after it are as long as the API lets them be. */
const FIRST_ROWS = 50;
const MORE_ROWS = 200;
const NO_CURSOR: string | null = null;

function page(cursor: string | null): { limit: number; cursor?: string } {
  return cursor === null ? { limit: FIRST_ROWS } : { limit: MORE_ROWS, cursor };
}

export type Which = 'open' | 'all';

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => ask('session.show', { signal }),
  staleTime: 60_000,
});

export const nowQuery = queryOptions({
  queryKey: ['now'],
  queryFn: ({ signal }) => ask('now.show', { signal }),
});

export function holdsQuery(state: Which) {
  return infiniteQueryOptions({
    queryKey: ['holds', 'list', state],
    queryFn: ({ pageParam, signal }) =>
      ask('holds.list', { query: { state, ...page(pageParam) }, signal }),
    initialPageParam: NO_CURSOR,
    getNextPageParam: (last) => last.next,
  });
}

export function holdQuery(id: string) {
  return queryOptions({
    queryKey: ['holds', 'one', id],
    queryFn: ({ signal }) => ask('holds.show', { params: { id }, signal }),
  });
}

export function pastQuery(id: string) {
  return queryOptions({
    queryKey: ['holds', 'past', id],
    queryFn: ({ signal }) => ask('holds.past', { params: { id }, signal }),
    staleTime: 60_000,
  });
}

export function proposalsQuery(state: Which) {
  return infiniteQueryOptions({
    queryKey: ['proposals', state],
    queryFn: ({ pageParam, signal }) =>
      ask('proposals.list', { query: { state, ...page(pageParam) }, signal }),
    initialPageParam: NO_CURSOR,
    getNextPageParam: (last) => last.next,
  });
}

export function deferralsQuery(state: Which) {
  return infiniteQueryOptions({
    queryKey: ['deferrals', state],
    queryFn: ({ pageParam, signal }) =>
      ask('deferrals.list', { query: { state, ...page(pageParam) }, signal }),
    initialPageParam: NO_CURSOR,
    getNextPageParam: (last) => last.next,
  });
}

export function undoQuery(state: Which) {
  return infiniteQueryOptions({
    queryKey: ['undo', 'list', state],
    queryFn: ({ pageParam, signal }) =>
      ask('undo.list', { query: { state, ...page(pageParam) }, signal }),
    initialPageParam: NO_CURSOR,
    getNextPageParam: (last) => last.next,
  });
}

export function rebuildsQuery() {
  return infiniteQueryOptions({
    queryKey: ['rebuilds', 'list'],
    queryFn: ({ pageParam, signal }) => ask('rebuilds.list', { query: page(pageParam), signal }),
    initialPageParam: NO_CURSOR,
    getNextPageParam: (last) => last.next,
  });
}

/** Others choose in it, too. */
const REBUILD_AGAIN_MS = 15_000;

export function rebuildQuery(id: string) {
  return queryOptions({
    queryKey: ['rebuilds', 'one', id],
    queryFn: ({ signal }) => ask('rebuilds.show', { params: { id }, signal }),
    refetchInterval: REBUILD_AGAIN_MS,
  });
}

export type RebuildRowsWish = Pick<Query<'rebuilds.rows'>, 'state' | 'was'>;

export function rebuildRowsQuery(id: string, wish: RebuildRowsWish) {
  return infiniteQueryOptions({
    queryKey: ['rebuilds', 'rows', id, wish],
    queryFn: ({ pageParam, signal }) =>
      ask('rebuilds.rows', { params: { id }, query: { ...wish, ...page(pageParam) }, signal }),
    initialPageParam: NO_CURSOR,
    getNextPageParam: (last) => last.next,
    // What is chosen here is written into it; long ones are not asked for anew page by page.
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function rebuildRowQuery(id: string, key: string) {
  return queryOptions({
    queryKey: ['rebuilds', 'row', id, key],
    queryFn: ({ signal }) => ask('rebuilds.row', { params: { id }, query: { key }, signal }),
  });
}

export function rebuildRecordsQuery(id: string, which: 'unreadable' | 'loose') {
  return infiniteQueryOptions({
    queryKey: ['rebuilds', 'records', id, which],
    queryFn: ({ pageParam, signal }) =>
      ask('rebuilds.records', { params: { id }, query: { which, ...page(pageParam) }, signal }),
    initialPageParam: NO_CURSOR,
    getNextPageParam: (last) => last.next,
  });
}

export function trailQuery({ at: _at, ...filters }: TrailFilters) {
  return infiniteQueryOptions({
    queryKey: ['trail', 'list', filters],
    queryFn: ({ pageParam, signal }) =>
      ask('trail.list', { query: { ...filters, ...page(pageParam) }, signal }),
    initialPageParam: NO_CURSOR,
    getNextPageParam: (last) => last.next,
  });
}

export function entryQuery(index: number) {
  return queryOptions({
    queryKey: ['trail', 'entry', index],
    queryFn: ({ signal }) => ask('trail.show', { params: { index: String(index) }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export const trailStatusQuery = queryOptions({
  queryKey: ['trail', 'status'],
  queryFn: ({ signal }) => ask('trail.status', { signal }),
});

export const targetsQuery = queryOptions({
  queryKey: ['targets'],
  queryFn: ({ signal }) => ask('targets.list', { signal }),
});

const PEOPLE_PAGE_ROWS = 200;

/** All of them, by name: each may be asked, or answer for an agent. */
export const peopleQuery = queryOptions({
  queryKey: ['people', 'list'],
  queryFn: async ({ signal }) => {
    const items: Answer<'people.list'>['items'] = [];
    for (let cursor: string | null = null; ; ) {
      const from: { cursor?: string } = cursor === null ? {} : { cursor };
      const page: Answer<'people.list'> = await ask('people.list', {
        query: { limit: PEOPLE_PAGE_ROWS, ...from },
        signal,
      });
      items.push(...page.items);
      if (page.next === null || page.next === cursor) return { items };
      cursor = page.next;
    }
  },
});

export const invitesQuery = queryOptions({
  queryKey: ['people', 'invites'],
  queryFn: ({ signal }) => ask('people.invites.list', { signal }),
});

export const rolesQuery = queryOptions({
  queryKey: ['roles'],
  queryFn: ({ signal }) => ask('roles.table', { signal }),
  staleTime: Number.POSITIVE_INFINITY,
});

export const policyQuery = queryOptions({
  queryKey: ['policy'],
  queryFn: ({ signal }) => ask('policy.show', { signal }),
});

export const selfQuery = queryOptions({
  queryKey: ['self', 'show'],
  queryFn: ({ signal }) => ask('self.show', { signal }),
});

export const pushQuery = queryOptions({
  queryKey: ['self', 'push'],
  queryFn: ({ signal }) => ask('self.push.list', { signal }),
});

export const notificationsQuery = queryOptions({
  queryKey: ['notifications'],
  queryFn: ({ signal }) => ask('notifications.show', { signal }),
});

export const sessionsQuery = queryOptions({
  queryKey: ['self', 'sessions'],
  queryFn: ({ signal }) => ask('self.sessions.list', { signal }),
});
