/**
 * News as they come: the stream says what kind of thing changed, and what shows it looks again. A page
 * that nobody sees looks again when it is seen. While the stream is away, lists are asked every 15 s.
 */
import type { QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { STREAMS } from './routes.ts';

export type Liveness = 'live' | 'away';

interface News {
  readonly kind: string;
  readonly id: string | null;
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  hold: ['holds', 'proposals', 'now'],
  proposals: ['proposals', 'now'],
  trail: ['trail', 'now'],
  deferrals: ['deferrals', 'now'],
  undo: ['undo', 'now'],
  agents: ['agents', 'now'],
  targets: ['targets', 'now'],
};
const WAIT_MS = 400;
const POLL_MS = 15_000;

let liveness: Liveness = 'away';
const watchers = new Set<() => void>();
const newsWatchers = new Set<(news: News) => void>();

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

/** For what is said aloud. */
export function onNews(watcher: (news: News) => void): () => void {
  newsWatchers.add(watcher);
  return () => newsWatchers.delete(watcher);
}

/** Until the returned function is called. */
export function listen(queries: QueryClient): () => void {
  const due = new Set<string>();
  let timer: number | null = null;
  const look = (): void => {
    timer = null;
    const keys = [...due];
    due.clear();
    for (const key of keys) void queries.invalidateQueries({ queryKey: [key] });
  };
  const changed = (keys: readonly string[]): void => {
    for (const key of keys) due.add(key);
    timer ??= window.setTimeout(look, WAIT_MS);
  };
  const source = new EventSource(STREAMS.events);
  source.onopen = () => {
    setLiveness('live');
    // What came while it was away is not told again.
    changed(['holds', 'proposals', 'deferrals', 'undo', 'trail', 'now', 'targets', 'agents']);
  };
  source.onerror = () => setLiveness('away');
  const hear = (event: MessageEvent<unknown>): void => {
    const news = newsOf(event.data);
    if (news === null) return;
    changed(KEYS[news.kind] ?? ['now']);
    for (const watcher of newsWatchers) watcher(news);
  };
  source.onmessage = hear;
  source.addEventListener('signed-out', () => {
    source.close();
    setLiveness('away');
    void queries.invalidateQueries({ queryKey: ['session'] });
  });
  const poll = window.setInterval(() => {
    if (liveness === 'away') changed(['holds', 'proposals', 'deferrals', 'now']);
  }, POLL_MS);
  return () => {
    source.close();
    window.clearInterval(poll);
    if (timer !== null) window.clearTimeout(timer);
    setLiveness('away');
  };
}

function newsOf(data: unknown): News | null {
  if (typeof data !== 'string') return null;
  try {
    const parsed: unknown = JSON.parse(data);
    if (typeof parsed !== 'object' || parsed === null || !('kind' in parsed)) return null;
    const { kind } = parsed;
    const id = 'id' in parsed && typeof parsed.id === 'string' ? parsed.id : null;
    return typeof kind === 'string' ? { kind, id } : null;
  } catch {
    return null;
  }
}
