/**
 * The counter between a gateway and the commands beside it on one machine: a folder that only we may enter.
 * The gateway leaves there how each target stands; a command leaves an order and reads how far it is. A
 * local vault belongs to one process at a time, so that a command cannot do the work itself while the
 * gateway has it.
 *
 *   <target>.report.json   <id>.order.json   <id>.answer.json   <id>.ask.json   <id>.told.json
 *
 * Each file is written aside and renamed. What does not read is as if it were not there.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { hasCode } from '../model/errors.ts';
import { jsonOf } from '../model/json.ts';
import { RECOVERY_REPORT_AGE_MS_MAX } from '../model/limits.ts';
import type { Progress } from './engines/engine.ts';
import { REPORT_SHAPE, type TargetReport } from './target-report.ts';
import { TROUBLE, troubleOf } from './trouble.ts';
import { ORDER_SHAPE, RESULT_SHAPE, type WorkOrder, type WorkResult } from './work.ts';

const PHASES = ['start', 'backup', 'wal', 'fetch', 'restore', 'replay', 'verify'] as const;
const ANSWER_SHAPE = z.discriminatedUnion('state', [
  /** It waits for its turn. */
  z.object({ state: z.literal('taken') }),
  z.object({
    state: z.literal('running'),
    progress: z
      .object({
        phase: z.enum(PHASES),
        doneBytes: z.number(),
        totalBytes: z.number().nullable(),
        bytesPerSecond: z.number(),
      })
      .nullable(),
  }),
  z.object({ state: z.literal('done'), results: z.array(RESULT_SHAPE) }),
  z.object({ state: z.literal('failed'), ...TROUBLE }),
]);
export type Answered = z.output<typeof ANSWER_SHAPE>;

export class Counter {
  readonly #folder: Folder;
  readonly #orders: Drawer;
  readonly #asks: Drawer;

  constructor(folder: string) {
    this.#folder = new Folder(folder);
    this.#orders = new Drawer(this.#folder, 'order', 'answer');
    this.#asks = new Drawer(this.#folder, 'ask', 'told');
  }

  leaveReport(report: TargetReport): void {
    this.#folder.write(`${report.target}.report.json`, report);
  }

  /** Null: nobody left one. How old it is stands in it. */
  report(target: string): TargetReport | null {
    const read = REPORT_SHAPE.safeParse(this.#folder.read(`${target}.report.json`));
    return read.success ? read.data : null;
  }

  /** Null: no gateway left one of late. What is older says how it stood, not how it stands. */
  freshReport(target: string, now: Date): TargetReport | null {
    const report = this.report(target);
    if (report === null || !report.isRunning) return null;
    const ageMs = now.getTime() - new Date(report.at).getTime();
    return ageMs >= 0 && ageMs < RECOVERY_REPORT_AGE_MS_MAX ? report : null;
  }

  leaveOrder(order: WorkOrder): void {
    this.#orders.leave(order.id, order);
  }

  /** Whether nobody has taken it yet. One that is neither left nor answered was dropped. */
  isLeft(id: string): boolean {
    return this.#orders.isLeft(id);
  }

  /** Whoever takes them does them: each is there once, and is answered before it is gone. */
  takeOrders(): readonly WorkOrder[] {
    return this.#orders.take({ state: 'taken' }, (left) => {
      const read = ORDER_SHAPE.safeParse(left);
      return read.success ? read.data : null;
    });
  }

  /** False: the gateway has it. */
  withdrawOrder(id: string): boolean {
    return this.#orders.withdraw(id);
  }

  /** An order that nobody took yet is taken back. */
  takeBack(id: string): void {
    this.#orders.takeBack(id);
  }

  isRunning(id: string, progress: Progress | null): void {
    this.#orders.answer(id, { state: 'running', progress });
  }

  isDone(id: string, results: readonly WorkResult[]): void {
    this.#orders.answer(id, { state: 'done', results });
  }

  hasFailed(id: string, error: unknown): void {
    this.#orders.answer(id, { state: 'failed', ...troubleOf(error) });
  }

  /** Null: nobody has taken it yet. */
  answer(id: string): Answered | null {
    const read = ANSWER_SHAPE.safeParse(this.#orders.answered(id));
    return read.success ? read.data : null;
  }

  /** What is asked of restored copies, as `restore/asks.ts` words it. */
  leaveAsk(id: string, ask: unknown): void {
    this.#asks.leave(id, ask);
  }

  isAskLeft(id: string): boolean {
    return this.#asks.isLeft(id);
  }

  /** As orders are: each once, and told something before it is gone. */
  takeAsks(taken: unknown): readonly { readonly id: string; readonly ask: unknown }[] {
    return this.#asks.take(taken, (ask, id) => (ask === null ? null : { id, ask }));
  }

  leaveTold(id: string, told: unknown): void {
    this.#asks.answer(id, told);
  }

  /** Null: nothing that reads. */
  told(id: string): unknown {
    return this.#asks.answered(id);
  }

  /** False: the gateway has it. */
  withdrawAsk(id: string): boolean {
    return this.#asks.withdraw(id);
  }

  takeBackAsk(id: string): void {
    this.#asks.takeBack(id);
  }

  /** Of a gateway that is gone: nobody does them any more. */
  clear(): void {
    this.#orders.clear();
    this.#asks.clear();
  }
}

/** What one side leaves and the other takes and answers, each by its id. */
class Drawer {
  readonly #folder: Folder;
  readonly #left: string;
  readonly #answered: string;

  /** Both as the names of files end: `order`, `answer`. */
  constructor(folder: Folder, left: string, answered: string) {
    this.#folder = folder;
    this.#left = `.${left}.json`;
    this.#answered = `.${answered}.json`;
  }

  leave(id: string, value: unknown): void {
    this.#folder.write(`${id}${this.#left}`, value);
  }

  isLeft(id: string): boolean {
    return this.#folder.has(`${id}${this.#left}`);
  }

  /** Each once, and answered with `taken` before it is gone. What `read` makes null of is thrown away. */
  take<T>(taken: unknown, read: (left: unknown, id: string) => T | null): readonly T[] {
    return this.#folder.names(this.#left).flatMap((name) => {
      const id = name.slice(0, -this.#left.length);
      const one = read(this.#folder.read(name), id);
      if (one !== null) this.answer(id, taken);
      if (this.#folder.remove(name)) return one === null ? [] : [one];
      // Whoever left it has withdrawn it in between.
      this.#folder.remove(`${id}${this.#answered}`);
      return [];
    });
  }

  /** False: it was taken, and what comes of it is worth waiting for. */
  withdraw(id: string): boolean {
    return this.#folder.remove(`${id}${this.#left}`);
  }

  answer(id: string, value: unknown): void {
    this.#folder.write(`${id}${this.#answered}`, value);
  }

  /** Null: nothing that reads. */
  answered(id: string): unknown {
    return this.#folder.read(`${id}${this.#answered}`);
  }

  takeBack(id: string): void {
    for (const end of [this.#left, this.#answered]) this.#folder.remove(`${id}${end}`);
  }

  clear(): void {
    for (const end of [this.#left, this.#answered]) {
      for (const name of this.#folder.names(end)) this.#folder.remove(name);
    }
  }
}

/** Each file is written aside and renamed. */
class Folder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }

  names(end: string): readonly string[] {
    return readdirSync(this.#path).filter((name) => name.endsWith(end));
  }

  has(name: string): boolean {
    return existsSync(join(this.#path, name));
  }

  write(name: string, value: unknown): void {
    const path = join(this.#path, name);
    writeFileSync(`${path}.half`, JSON.stringify(value), { mode: 0o600 });
    renameSync(`${path}.half`, path);
  }

  /** Null: it is not there, or does not read. */
  read(name: string): unknown {
    try {
      return jsonOf(readFileSync(join(this.#path, name), 'utf8'));
    } catch {
      return null;
    }
  }

  /** False: it was not there. */
  remove(name: string): boolean {
    try {
      unlinkSync(join(this.#path, name));
      return true;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw error;
    }
  }
}
