/**
 * News for who looks at the dashboard: what changed, by kind, never what is in it. One look a moment at
 * how far the trail has grown serves every stream, because whatever changes leaves an entry; holds come
 * sooner, by the store's own notices. While nobody listens nothing is looked at.
 *
 * An event's id is the size of the trail then. Who comes back with one hears of everything since, or is
 * told to look at everything again when that is too much.
 */
import type { z } from 'zod';
import type { TrailHead } from '../trail/trail-store.ts';
import type { NOW_ROUTES } from './contract/now.ts';
import type { StreamEvent } from './handler.ts';

export type NewsItem = z.input<(typeof NOW_ROUTES)['events.stream']['answer']>;

export interface NewsParts {
  readonly head: () => Promise<Pick<TrailHead, 'size'>>;
  readonly kinds: (from: bigint, limit: number) => Promise<readonly string[]>;
  /** Tells of holds at once; null payload: look again. Null: nobody tells. */
  readonly holds: ((handler: (id: string | null) => void) => () => void) | null;
  readonly trouble: (error: unknown) => void;
}

type Listener = (event: StreamEvent<NewsItem>) => void;

const LOOK_MS = 500;
/** More entries than this at once, and everything may have changed. */
const ENTRIES_MAX = 5_000;
/** Waiting for who reads slowly; then they are told to look at everything instead. */
const WAITING_MAX = 200;
/** Undo data reaches the vault within a second or two of what it belongs to. */
const UNDO_LOOKS = 4;

const EVERYTHING: readonly NewsItem[] = [
  { kind: 'hold', id: null },
  { kind: 'deferrals' },
  { kind: 'undo' },
  { kind: 'agents' },
  { kind: 'targets' },
  { kind: 'recovery' },
];

export class News {
  readonly #parts: NewsParts;
  readonly #listeners = new Set<Listener>();
  #timer: NodeJS.Timeout | null = null;
  #leave: (() => void) | null = null;
  #size: bigint | null = null;
  #undoLooks = 0;
  #looking = false;
  /** It was said that the store is away. */
  #isAway = false;

  constructor(parts: NewsParts) {
    this.#parts = parts;
  }

  /** From now on, or from what `lastEventId` had seen on, until `gone`. */
  async *listen(
    lastEventId: string | null,
    gone: AbortSignal,
  ): AsyncGenerator<StreamEvent<NewsItem>> {
    const waiting: StreamEvent<NewsItem>[] = [];
    let wake = (): void => {};
    const hear: Listener = (event) => {
      if (waiting.length >= WAITING_MAX) waiting.splice(0, waiting.length, ...everything(event.id));
      else waiting.push(event);
      wake();
    };
    const stop = (): void => wake();
    gone.addEventListener('abort', stop);
    this.#add(hear);
    try {
      const { size } = await this.#parts.head();
      // From here on; what comes before the first look is not missed.
      this.#size ??= size;
      for (const data of await this.#since(lastEventId, size)) yield { id: String(size), data };
      yield { id: String(size), data: { kind: 'trail', size: Number(size) } };
      while (!gone.aborted) {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) yield next;
        if (gone.aborted) return;
        await new Promise<void>((done) => {
          wake = done;
          if (waiting.length > 0) done();
        });
      }
    } finally {
      gone.removeEventListener('abort', stop);
      this.#remove(hear);
    }
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#leave?.();
    this.#leave = null;
  }

  async #since(lastEventId: string | null, size: bigint): Promise<readonly NewsItem[]> {
    if (lastEventId === null) return [];
    const from = /^\d{1,15}$/.test(lastEventId) ? BigInt(lastEventId) : null;
    if (from === null || from > size || size - from > BigInt(ENTRIES_MAX)) return EVERYTHING;
    return from === size ? [] : newsOf(await this.#parts.kinds(from, ENTRIES_MAX));
  }

  #add(listener: Listener): void {
    this.#listeners.add(listener);
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
    this.#timer.unref();
    this.#leave =
      this.#parts.holds?.((id) => {
        // A poll tells nothing; what it might have missed is in the trail.
        if (id !== null) this.#tell([{ kind: 'hold', id }]);
      }) ?? null;
  }

  #remove(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    this.stop();
    this.#size = null;
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const { size } = await this.#parts.head();
      this.#isAway = false;
      const from = this.#size ?? size;
      this.#size = size;
      if (size > from) {
        const isMany = size - from > BigInt(ENTRIES_MAX);
        const news = isMany ? EVERYTHING : newsOf(await this.#parts.kinds(from, ENTRIES_MAX));
        this.#tell([...news, { kind: 'trail', size: Number(size) }]);
        if (news.some(({ kind }) => kind === 'undo')) this.#undoLooks = UNDO_LOOKS;
      } else if (this.#undoLooks > 0) {
        this.#undoLooks -= 1;
        this.#tell([{ kind: 'undo' }]);
      }
    } catch (error) {
      if (!this.#isAway) this.#parts.trouble(error);
      this.#isAway = true;
    } finally {
      this.#looking = false;
    }
  }

  #tell(news: readonly NewsItem[]): void {
    const id = this.#size === null ? null : String(this.#size);
    for (const data of news) for (const hear of this.#listeners) hear({ id, data });
  }
}

function everything(id: string | null): StreamEvent<NewsItem>[] {
  return EVERYTHING.map((data) => ({ id, data }));
}

/** Which lists an entry of a kind may have changed. */
function newsOf(kinds: readonly string[]): readonly NewsItem[] {
  const any = (...beginnings: readonly string[]): boolean =>
    kinds.some((kind) => beginnings.some((one) => kind.startsWith(one)));
  return [
    ...(any('hold-', 'proposal-') ? [{ kind: 'hold', id: null } as const] : []),
    ...(any('deferral-') ? [{ kind: 'deferrals' } as const] : []),
    ...(any('outcome', 'undo-', 'purge-', 'vault-') ? [{ kind: 'undo' } as const] : []),
    ...(any('agent-', 'token-', 'session-') ? [{ kind: 'agents' } as const] : []),
    ...(any('target-', 'protection-') ? [{ kind: 'targets' } as const] : []),
    ...(any('recovery-', 'drill-', 'blast-radius-', 'wal-stream-', 'restore-')
      ? [{ kind: 'recovery' } as const]
      : []),
  ];
}
