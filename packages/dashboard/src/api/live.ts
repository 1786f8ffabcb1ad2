/**
 * News as they come: the stream says what kind of thing changed, and what shows it looks again. A page
 * that nobody sees looks again when it is seen. While the stream is away, lists are asked every 15 s.
 */
import type { InfiniteData, QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { keepListening } from './event-stream.ts';
import { STREAMS } from './routes.ts';

export type Liveness = 'live' | 'away';

const KEYS: Readonly<Record<string, readonly string[]>> = {
  hold: ['holds', 'proposals', 'now'],
  proposals: ['proposals', 'now'],
  trail: ['trail', 'now'],
  deferrals: ['deferrals', 'now'],
  undo: ['undo', 'now'],
  agents: ['agents', 'now'],
  targets: ['targets', 'now'],
  recovery: ['recovery', 'now'],
};
const WAIT_MS = 500;
/** A list is looked up again page by page, so a long one only for whoever is at its beginning. */
const SCROLLED_PX = 400;
const LATER_MS = 2_000;
const POLL_MS = 15_000;

let liveness: Liveness = 'away';
const watchers = new Set<() => void>();

function setLiveness(next: Liveness): void {
  if (next === liveness) return;
  liveness = next;
  for (const watcher of watchers) watcher();
}

export function useLiveness(): Liveness {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => liveness,
  );
}

/** Until the returned function is called. */
export function listen(queries: QueryClient): () => void {
  const due = new Set<string>();
  let timer: number | null = null;
  const look = (): void => {
    timer = null;
    const keys = [...due];
    due.clear();
    for (const key of keys) {
      if (isReadDeep(queries, key)) due.add(key);
      else void queries.invalidateQueries({ queryKey: [key] });
    }
    if (due.size > 0) timer = window.setTimeout(look, LATER_MS);
  };
  const changed = (keys: readonly string[]): void => {
    for (const key of keys) due.add(key);
    timer ??= window.setTimeout(look, WAIT_MS);
  };
  const signedOut = (): void => {
    leave();
    setLiveness('away');
    void queries.invalidateQueries({ queryKey: ['session'] });
  };
  const leave = keepListening(STREAMS.events, {
    opened: () => {
      setLiveness('live');
      // What came while it was away is not told again.
      changed([
        'holds',
        'proposals',
        'deferrals',
        'undo',
        'trail',
        'now',
        'targets',
        'agents',
        'recovery',
      ]);
    },
    away: () => setLiveness('away'),
    refused: signedOut,
    came: ({ data, type }) => {
      if (type === 'signed-out') signedOut();
      const kind = type === 'message' ? kindOf(data) : null;
      if (kind !== null) changed(KEYS[kind] ?? ['now']);
    },
  });
  const poll = window.setInterval(() => {
    if (liveness === 'away') changed(['holds', 'proposals', 'deferrals', 'now']);
  }, POLL_MS);
  return () => {
    leave();
    window.clearInterval(poll);
    if (timer !== null) window.clearTimeout(timer);
    setLiveness('away');
  };
}

/**
 * Somebody reads far down a list of this key. At its beginning, pages that are out of sight are let go, so
 * that looking again is one request.
 */
function isReadDeep(queries: QueryClient, key: string): boolean {
  const isDeep = window.scrollY > SCROLLED_PX;
  let isLong = false;
  for (const [name, data] of queries.getQueriesData<unknown>({ queryKey: [key], type: 'active' })) {
    if (!isPaged(data) || data.pages.length < 2) continue;
    isLong = true;
    if (!isDeep) {
      queries.setQueryData(name, {
        pages: data.pages.slice(0, 1),
        pageParams: data.pageParams.slice(0, 1),
      });
    }
  }
  return isDeep && isLong;
}

function isPaged(data: unknown): data is InfiniteData<unknown> {
  return typeof data === 'object' && data !== null && 'pages' in data && 'pageParams' in data;
}

/** What kind of thing changed; null: not news. */
export function kindOf(data: unknown): string | null {
  if (typeof data !== 'string') return null;
  try {
    const parsed: unknown = JSON.parse(data);
    if (typeof parsed !== 'object' || parsed === null || !('kind' in parsed)) return null;
    return typeof parsed.kind === 'string' ? parsed.kind : null;
  } catch {
    return null;
  }
}
