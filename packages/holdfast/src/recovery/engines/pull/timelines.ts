/**
 * Histories of timelines: which timeline each one left, and where (xlog.c, "timeline history file": one
 * line a parent, `<timeline> <position> <reason>`).
 */
import { lsnOf } from '../../lsn.ts';

export interface Branch {
  readonly timeline: number;
  /** Where the next timeline left it. */
  readonly end: bigint;
}

/** Oldest first, without the timeline itself. */
export function readHistory(text: string): readonly Branch[] {
  return text.split('\n').flatMap((line) => {
    const [timeline, position] = line.trim().split(/\s+/);
    const end = lsnOf(position ?? '');
    return /^\d+$/.test(timeline ?? '') && end !== null
      ? [{ timeline: Number(timeline), end }]
      : [];
  });
}

/** The timeline that left `timeline` on the way to `newest`, and where; null: none did. */
export function nextTimeline(
  history: readonly Branch[],
  newest: number,
  timeline: number,
): { readonly timeline: number; readonly start: bigint } | null {
  const at = history.findIndex((branch) => branch.timeline === timeline);
  const branch = history[at];
  return branch ? { timeline: history[at + 1]?.timeline ?? newest, start: branch.end } : null;
}
