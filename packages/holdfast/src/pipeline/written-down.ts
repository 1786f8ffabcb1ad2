/**
 * Per session: what was written down and perhaps is not on disk yet. Whatever could make it permanent
 * waits for the disk first (docs/decisions/0005).
 *
 * So that the wait is short, the disk is begun with early: with the write that was a transaction's last
 * one the time before. A wrong guess costs one fdatasync; a right one spares those who wait for the
 * transaction's locks. Nothing that is forwarded hangs on the guess.
 */
import type { SessionFacts } from '../model/intent.ts';
import type { DecisionRef, Recorder } from '../trail/recorder.ts';

interface Written {
  /** The newest one that perhaps is not durable yet. */
  ref: DecisionRef | null;
  count: number;
  /** How many they were the time before; 0: not known. */
  countBefore: number;
}

export class WrittenDown {
  readonly #recorder: Recorder;
  readonly #ofSessions = new WeakMap<SessionFacts, Written>();

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  add(session: SessionFacts, ref: DecisionRef): void {
    const written = this.#ofSessions.get(session);
    if (written === undefined) {
      this.#ofSessions.set(session, { ref, count: 1, countBefore: 0 });
      return;
    }
    written.ref = ref;
    written.count += 1;
    if (written.count === written.countBefore) this.#recorder.hasten(ref);
  }

  isOpen(session: SessionFacts): boolean {
    const written = this.#ofSessions.get(session);
    return written !== undefined && written.ref !== null;
  }

  /** Resolves when all of it is durable; null when it is. Ask again after: a wait may fail. */
  durable(session: SessionFacts): Promise<void> | null {
    const written = this.#ofSessions.get(session);
    if (written === undefined || written.ref === null) return null;
    const wait = this.#recorder.durable(written.ref);
    // Kept while it waits: should the wait fail, the next try must find it too.
    if (wait === null) this.settle(session);
    return wait;
  }

  /** All of it is durable: a later decision of the same recorder is. */
  settle(session: SessionFacts): void {
    const written = this.#ofSessions.get(session);
    if (written === undefined) return;
    written.ref = null;
    if (written.count > 0) written.countBefore = written.count;
    written.count = 0;
  }
}
