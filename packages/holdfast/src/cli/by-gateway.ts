/**
 * An order that is left for the gateway of this machine, and waited for. It ends in the answer, or in an
 * error that says what became of the order: not taken, dropped by a gateway that started anew, or left
 * behind by one that is gone. It never waits for somebody who is not there.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { RECOVERY_REPORT_AGE_MS_MAX } from '../model/limits.ts';
import { type Answered, type Counter, errorOf } from '../recovery/counter.ts';
import type { Progress } from '../recovery/engines/engine.ts';
import type { WorkOrder, WorkResult } from '../recovery/work.ts';

export interface GatewayCall {
  readonly counter: Counter;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly tell: {
    readonly say: (progress: Progress) => void;
    readonly words: (text: string) => void;
  };
  /** Whether nobody keeps recovery any more. Rejects when the store is away. */
  readonly isGone: () => Promise<boolean>;
}

const POLL_MS = 250;
/** The gateway looks every two seconds; one that is at other work takes longer, and that is said. */
const TAKEN_MS_MAX = 15_000;
/** How often it is asked whether the gateway is there at all. */
const GONE_LOOK_MS = 5_000;
/** A gateway that tells nothing for so long, neither of the order nor of how anything stands, hangs. */
const SILENT_MS_MAX = 10 * 60 * 1000;

/** Ctrl-C takes back an order that was not taken; one that was goes on there. */
export async function byGateway(
  order: WorkOrder,
  { clock, counter, isGone, signal, tell }: GatewayCall,
): Promise<readonly WorkResult[]> {
  counter.leaveOrder(order);
  const leftMs = clock.monotonicMs();
  let lookedMs = leftMs;
  let sign = { text: '', sinceMs: leftMs };
  let isWaitTold = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      // In this order: it is answered before it is taken away.
      const isLeft = counter.isLeft(order.id);
      const answer = counter.answer(order.id);
      const ended = endOf(answer);
      if (ended !== null) return ended;
      if (!isLeft && answer === null)
        throw dropped(order, 'a gateway that started anew dropped it');
      if (answer?.state === 'running' && answer.progress !== null) tell.say(answer.progress);
      const nowMs = clock.monotonicMs();
      const report = counter.report(order.target);
      const text = JSON.stringify([answer, report?.at ?? null]);
      if (text !== sign.text) sign = { text, sinceMs: nowMs };
      if (nowMs - sign.sinceMs > SILENT_MS_MAX) throw dropped(order, 'the gateway tells nothing');
      if (nowMs - lookedMs > GONE_LOOK_MS) {
        lookedMs = nowMs;
        if (await isGone()) {
          // It may have been its last word.
          const last = endOf(counter.answer(order.id));
          if (last !== null) return last;
          throw dropped(order, 'the gateway that had it is gone');
        }
      }
      if (answer?.state !== 'running' && nowMs - leftMs > TAKEN_MS_MAX) {
        const ageMs =
          report === null ? null : clock.now().getTime() - new Date(report.at).getTime();
        const isSilent = ageMs === null || ageMs > RECOVERY_REPORT_AGE_MS_MAX;
        if (isLeft && isSilent) throw keptElsewhere(order.target);
        if (!isWaitTold) tell.words('waiting: the gateway is at other work on recovery');
        isWaitTold = true;
      }
      // Stopped, it must be taken back at once.
      await pause(POLL_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    counter.takeBack(order.id);
  }
}

/** Null: it is not over. */
function endOf(answer: Answered | null): readonly WorkResult[] | null {
  if (answer?.state === 'failed') throw errorOf(answer);
  return answer?.state === 'done' ? answer.results : null;
}

export function keptElsewhere(target: string): HoldfastError {
  return new HoldfastError('HF_VAULT_UNREACHABLE', {
    expected: `the Holdfast that keeps the recovery of ${target} to answer on this machine`,
    found: 'that another process has it, and says nothing here',
    hint: 'Run the command where `holdfast up` runs, or again in a moment.',
  });
}

function dropped({ kind, target }: WorkOrder, found: string): HoldfastError {
  return new HoldfastError('HF_VAULT_UNREACHABLE', {
    expected: `the gateway to finish the ${kind} of ${target}`,
    found,
    hint: `See holdfast recovery status ${target}, and give the order again.`,
  });
}
