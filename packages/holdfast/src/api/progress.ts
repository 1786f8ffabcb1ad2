/** Long work over the trail that says how far it is, as often as a person reads. */
import type { Clock } from '../model/clock.ts';

export interface ProgressSaid {
  readonly kind: 'progress';
  readonly done: number;
  readonly total: number;
  readonly perSecond: number;
  /** Null: not known yet. */
  readonly leftSeconds: number | null;
}

export type OrProgress<T> = ProgressSaid | { readonly kind: 'end'; readonly value: T };

/** A person reads a few a second. */
const PROGRESS_MS = 250;

/**
 * `work` tells how much is done; what it comes to is the last event. It ends when it is done, or whoever
 * asked is gone: `tell` throws then, since nobody works for nobody.
 */
export async function* withProgress<T>(
  clock: Clock,
  gone: AbortSignal,
  work: (tell: (done: number, total: number) => void) => Promise<T>,
): AsyncGenerator<OrProgress<T>> {
  const beganMs = clock.monotonicMs();
  let saidMs = beganMs;
  let news: ProgressSaid | null = null;
  let wake = (): void => {};
  const worked = work((done, total) => {
    gone.throwIfAborted();
    const nowMs = clock.monotonicMs();
    if (nowMs - saidMs < PROGRESS_MS) return;
    saidMs = nowMs;
    news = progressOf(done, total, nowMs - beganMs);
    wake();
  });
  const end = worked.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  for (;;) {
    const said = new Promise<null>((done) => {
      wake = () => done(null);
    });
    const came = await Promise.race([end, said]);
    if (came !== null && 'error' in came) throw came.error;
    if (came !== null) {
      yield { kind: 'end', value: came.value };
      return;
    }
    if (news !== null) yield news;
  }
}

function progressOf(done: number, total: number, tookMs: number): ProgressSaid {
  const perSecond = tookMs > 0 ? (done * 1000) / tookMs : 0;
  return {
    kind: 'progress',
    done,
    total,
    perSecond: Math.round(perSecond),
    leftSeconds: perSecond > 0 ? Math.ceil((total - done) / perSecond) : null,
  };
}
