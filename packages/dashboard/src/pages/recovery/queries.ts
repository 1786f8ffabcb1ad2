/** What the Recovery pages look up. Looks go on by themselves: how a target stands changes without an entry. */
import { queryOptions } from '@tanstack/react-query';
import { ask } from '../../api/client.ts';

const LOOK_MS = 10_000;
const CLOSE_LOOK_MS = 1_000;

export const recoveryQuery = queryOptions({
  queryKey: ['recovery', 'list'],
  queryFn: ({ signal }) => ask('recovery.list', { signal }),
  refetchInterval: LOOK_MS,
});

export function recoveryOfQuery(target: string) {
  return queryOptions({
    queryKey: ['recovery', 'of', target],
    queryFn: ({ signal }) => ask('recovery.show', { params: { target }, signal }),
    refetchInterval: LOOK_MS,
  });
}

/** Closely while one of them waits or runs. */
export function ordersQuery(target: string) {
  return queryOptions({
    queryKey: ['recovery', 'orders', target],
    queryFn: ({ signal }) => ask('recovery.orders', { params: { target }, signal }),
    refetchInterval: ({ state }) =>
      state.data?.items.some(({ standing }) => isOpen(standing.state)) ? CLOSE_LOOK_MS : LOOK_MS,
  });
}

export function restoresQuery(target: string) {
  return queryOptions({
    queryKey: ['recovery', 'restores', target],
    queryFn: ({ signal }) => ask('restores.list', { params: { target }, signal }),
    refetchInterval: LOOK_MS,
  });
}

/** What lay in a vault at a time that is over. Null: nobody asks. */
export function viewQuery(target: string, vault: string, asOf: string | null) {
  return queryOptions({
    queryKey: ['recovery', 'view', target, vault, asOf],
    queryFn: ({ signal }) =>
      ask('restores.view', { params: { target }, query: { vault, asOf: asOf ?? '' }, signal }),
    enabled: asOf !== null,
  });
}

export function restoreQuery(target: string, id: string) {
  return queryOptions({
    queryKey: ['recovery', 'restore', target, id],
    queryFn: ({ signal }) => ask('restores.show', { params: { target, id }, signal }),
    refetchInterval: ({ state }) => {
      const standing = state.data?.standing;
      const isBusy =
        standing?.state === 'running' ||
        (standing?.state === 'ready' && standing.diff?.state === 'running');
      return isBusy ? CLOSE_LOOK_MS : LOOK_MS;
    },
  });
}

export function isOpen(state: string): boolean {
  return state === 'waiting' || state === 'running';
}
