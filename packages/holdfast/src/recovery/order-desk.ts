/**
 * Orders of people who ask over the API: a recovery point, a drill, a proof. Each goes onto the counter, the way
 * an order of a command goes, and is carried out when its turn comes. In this order:
 *
 *   asked for -> in the trail -> on the counter -> taken -> running -> done or failed
 *
 * It knows no rights: whoever calls has asked for them. What it knows is in memory only, so that after a new start
 * of the gateway nothing is ordered any more; what came of earlier work is in the trail and in the vaults.
 */
import { z } from 'zod';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent } from '../model/event.ts';
import { RECOVERY_ORDERS_MAX } from '../model/limits.ts';
import { oneLine } from '../model/text.ts';
import type { Counter } from './counter.ts';
import { WORK_KINDS } from './due-work.ts';
import { RESTORE_PHASES } from './restore/copy-shape.ts';
import { progressOf } from './restore/copy-words.ts';
import { isWell, type WorkOrder, type WorkResult } from './work.ts';

export const ORDER_WORDS = {
  kind: z.enum(WORK_KINDS),
  /** Null: each of its vaults, one after the other. */
  vault: z.string().min(1).max(200).nullable().default(null),
  /** Of a drill; null: the newest. */
  point: z.string().min(1).max(200).nullable().default(null),
  /** Of a drill: where the point was witnessed, or any moment since. */
  goal: z.enum(['witness', 'random']).default('witness'),
};

export const ORDER_PROGRESS = z.object({
  phase: z.enum(RESTORE_PHASES),
  doneBytes: z.number(),
  totalBytes: z.number().nullable(),
  bytesPerSecond: z.number(),
  /** Of this phase; null: nobody knows. */
  leftMs: z.number().nullable(),
});

export interface OrderAsked extends Omit<WorkOrder, 'id'> {
  /** Who was found to be allowed; for the trail. */
  readonly by: string;
}

export type OrderStanding =
  /** For its turn: heavy work on recovery goes one by one. */
  | { readonly state: 'waiting' }
  | { readonly state: 'running'; readonly progress: z.output<typeof ORDER_PROGRESS> | null }
  | {
      readonly state: 'done';
      /** False: it was carried out, and what it found is not good. */
      readonly isWell: boolean;
      readonly results: readonly WorkResult[];
    }
  | {
      readonly state: 'failed';
      readonly code: string;
      readonly expected: string;
      readonly found: string;
      readonly hint: string;
    };

export interface Ordered extends OrderAsked {
  readonly id: string;
  readonly askedAt: string;
  readonly standing: OrderStanding;
}

export interface OrderDeskParts {
  readonly counter: Counter;
  readonly clock: Clock;
  /** Into the trail, durable when it resolves. */
  readonly record: (event: HoldfastEvent) => Promise<void>;
  /** Somebody waits: look now. */
  readonly wake: () => void;
}

const ID_BYTES = 8;
const OVER_KEPT_MAX = 20;
const WORDS = { backup: 'a recovery point', drill: 'a drill', prove: 'a proof' } as const;

export class OrderDesk {
  readonly #parts: OrderDeskParts;
  readonly #orders = new Map<string, Ordered>();

  constructor(parts: OrderDeskParts) {
    this.#parts = parts;
  }

  /** The same one again while one that asks for the same waits or runs. HF_LIMIT while too many do. */
  async order(asked: OrderAsked): Promise<Ordered> {
    const open = this.#look().filter(isOpen);
    const same = open.find((one) => sameText(one) === sameText(asked));
    if (same !== undefined) return same;
    if (open.length >= RECOVERY_ORDERS_MAX) throw tooMany(open.length);
    const { clock, counter, record, wake } = this.#parts;
    const id = clock.random(ID_BYTES).toString('hex');
    const askedAt = clock.now().toISOString();
    const ordered: Ordered = { ...asked, id, askedAt, standing: { state: 'waiting' } };
    // Before it is recorded: who asks for the same meanwhile gets this one.
    this.#orders.set(id, ordered);
    const { by, goal, kind, point, target, vault } = asked;
    try {
      await record({
        kind: 'recovery-ordered',
        facts: { target, vault, work: kind, point, order: id, by },
        message: `${oneLine(by)} asked for ${WORDS[kind]} of ${target}${vault === null ? '' : ` in ${vault}`}.`,
      });
      counter.leaveOrder({ id, kind, target, vault, point, goal });
    } catch (error) {
      this.#orders.delete(id);
      throw error;
    }
    wake();
    return ordered;
  }

  /** Newest first; of those that are over, the last. */
  list(target: string): readonly Ordered[] {
    return this.#look()
      .filter((one) => one.target === target)
      .reverse();
  }

  /** HF_NOT_FOUND. */
  show(target: string, id: string): Ordered {
    const found = this.#look().find((one) => one.id === id && one.target === target);
    if (found !== undefined) return found;
    throw new HoldfastError('HF_NOT_FOUND', {
      expected: `an order on ${oneLine(target)} by this id`,
      found: 'none',
      hint: 'A gateway that started anew has forgotten it: the trail says what came of it.',
    });
  }

  #look(): readonly Ordered[] {
    for (const ordered of this.#orders.values()) {
      if (isOpen(ordered)) this.#settle(ordered);
    }
    const over = [...this.#orders.values()].filter((one) => !isOpen(one));
    for (const { id } of over.slice(0, Math.max(0, over.length - OVER_KEPT_MAX))) {
      this.#orders.delete(id);
    }
    return [...this.#orders.values()];
  }

  #settle(ordered: Ordered): void {
    const { counter } = this.#parts;
    const { id, kind } = ordered;
    const answer = counter.answer(id);
    if (answer === null || answer.state === 'taken') return;
    const standing: OrderStanding = ((): OrderStanding => {
      switch (answer.state) {
        case 'running': {
          const { progress } = answer;
          return { state: 'running', progress: progress === null ? null : progressOf(progress) };
        }
        case 'done':
          return {
            state: 'done',
            isWell: isWell(kind, answer.results),
            results: answer.results,
          };
        case 'failed':
          return answer;
        default:
          return answer satisfies never;
      }
    })();
    const after = { ...ordered, standing };
    this.#orders.set(id, after);
    // Nobody else waits for it.
    if (!isOpen(after)) counter.takeBack(id);
  }
}

function isOpen({ standing: { state } }: Ordered): boolean {
  return state === 'waiting' || state === 'running';
}

function sameText({ goal, kind, point, target, vault }: OrderAsked): string {
  return JSON.stringify([kind, target, vault, point, goal]);
}

function tooMany(open: number): HoldfastError {
  return new HoldfastError('HF_LIMIT', {
    expected: `fewer than ${RECOVERY_ORDERS_MAX} orders on recovery that wait`,
    found: `${open}`,
    hint: 'Wait until some of them are done: they go one by one.',
  });
}
