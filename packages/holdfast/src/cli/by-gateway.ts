/**
 * An order that is left for the gateway of this machine, and waited for. It ends in the answer, or in an
 * error that says what became of the order: not taken, dropped by a gateway that started anew, or left
 * behind by one that is gone. It never waits for somebody who is not there.
 */
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { RECOVERY_REPORT_AGE_MS_MAX } from '../model/limits.ts';
import type { Answered, Counter } from '../recovery/counter.ts';
import { TAKEN_MS_MAX, waitAt } from '../recovery/counter-wait.ts';
import type { Progress } from '../recovery/engines/engine.ts';
import { errorOf } from '../recovery/trouble.ts';
import type { WorkOrder, WorkResult } from '../recovery/work.ts';

export interface GatewayCall {
  readonly counter: Counter;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly tell: {
    readonly say: (progress: Progress) => void;
    readonly words: (text: string) => void;
    /** That stays. */
    readonly line: (text: string) => void;
  };
  /** Whether nobody keeps recovery any more. Rejects when the store is away. */
  readonly isGone: () => Promise<boolean>;
}

const POLL_MS = 250;
/** A gateway that tells nothing for so long, neither of the order nor of how anything stands, hangs. */
const SILENT_MS_MAX = 10 * 60 * 1000;

export const NOTHING_BEGUN = 'Taken back: nothing was begun.';

/** Ctrl-C takes back an order that was not taken; one that was goes on there. Which of them is told. */
export async function byGateway(
  order: WorkOrder,
  { clock, counter, isGone, signal, tell }: GatewayCall,
): Promise<readonly WorkResult[]> {
  counter.leaveOrder(order);
  // At once: nobody waits for what comes after.
  const stopped = (): void =>
    tell.line(
      counter.withdrawOrder(order.id)
        ? NOTHING_BEGUN
        : `The gateway goes on with it: holdfast recovery status ${order.target}`,
    );
  signal.addEventListener('abort', stopped, { once: true });
  let sign = { text: '', sinceMs: clock.monotonicMs() };
  let isWaitTold = false;
  try {
    return await waitAt<Answered, readonly WorkResult[]>(
      {
        ...{ clock, isGone, signal, pollMs: POLL_MS },
        isLeft: () => counter.isLeft(order.id),
        answer: () => counter.answer(order.id),
        gone: 'the gateway that had it is gone',
        dropped: (found) => dropped(order, found),
        look: ({ answer, isLeft, nowMs, waitedMs }) => {
          if (answer?.state === 'running' && answer.progress !== null) tell.say(answer.progress);
          const report = counter.report(order.target);
          const text = JSON.stringify([answer, report?.at ?? null]);
          if (text !== sign.text) sign = { text, sinceMs: nowMs };
          if (nowMs - sign.sinceMs > SILENT_MS_MAX) {
            throw dropped(order, 'the gateway tells nothing');
          }
          if (answer?.state === 'running' || waitedMs <= TAKEN_MS_MAX) return;
          const ageMs =
            report === null ? null : clock.now().getTime() - new Date(report.at).getTime();
          const isSilent = ageMs === null || ageMs > RECOVERY_REPORT_AGE_MS_MAX;
          if (isLeft && isSilent) throw keptElsewhere(order.target);
          if (!isWaitTold) tell.words('waiting: the gateway is at other work on recovery');
          isWaitTold = true;
        },
      },
      resultsIn,
    );
  } finally {
    signal.removeEventListener('abort', stopped);
    counter.takeBack(order.id);
  }
}

function resultsIn(answer: Answered): { readonly value: readonly WorkResult[] } | null {
  if (answer.state === 'failed') throw errorOf(answer);
  return answer.state === 'done' ? { value: answer.results } : null;
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
