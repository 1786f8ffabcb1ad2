/** Short news at the edge: said aloud too. What needs an answer is never one of these. */
import { type ReactNode, useSyncExternalStore } from 'react';
import { Problem } from '../api/problem.ts';
import { oneLine } from '../lib/visible.ts';

interface Notice {
  readonly id: number;
  readonly words: string;
  readonly isBad: boolean;
}

const SHOWN_MS = 6_000;
const SHOWN_BAD_MS = 15_000;

let notices: readonly Notice[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function set(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

export function say(words: string, isBad: boolean = false): void {
  lastId += 1;
  const id = lastId;
  set([...notices.slice(-3), { id, words, isBad }]);
  window.setTimeout(() => dismiss(id), isBad ? SHOWN_BAD_MS : SHOWN_MS);
}

export function sayProblem(error: unknown): void {
  const { expected, found, hint } = Problem.of(error);
  say(`Expected ${expected}; found ${found}. ${hint}`, true);
}

function dismiss(id: number): void {
  set(notices.filter((notice) => notice.id !== id));
}

export function Toasts(): ReactNode {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => notices,
  );
  return (
    <div
      aria-live="polite"
      className="pointer-events-none fixed inset-x-3 bottom-24 z-50 grid justify-items-end gap-2 md:bottom-4"
    >
      {shown.map(({ id, words, isBad }) => (
        <button
          key={id}
          type="button"
          onClick={() => dismiss(id)}
          title="Dismiss"
          className={`fade-in pointer-events-auto max-w-md rounded-lg border bg-surface px-4 py-2.5 text-left shadow-(--shadow) ${isBad ? 'border-danger text-danger' : 'border-line'}`}
        >
          {isBad && <span aria-hidden="true">▲ </span>}
          {oneLine(words)}
        </button>
      ))}
    </div>
  );
}
