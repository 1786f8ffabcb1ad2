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
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ERRORS, type ErrorCode, HoldfastError, messageOf } from '../model/errors.ts';
import { jsonOf } from '../model/json.ts';
import { RECOVERY_REPORT_AGE_MS_MAX } from '../model/limits.ts';
import type { Progress } from './engines/engine.ts';
import { REPORT_SHAPE, type TargetReport } from './target-report.ts';
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
  z.object({
    state: z.literal('failed'),
    code: z.string(),
    expected: z.string(),
    found: z.string(),
    hint: z.string(),
  }),
]);
export type Answered = z.output<typeof ANSWER_SHAPE>;

export class Counter {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  leaveReport(report: TargetReport): void {
    this.#write(`${report.target}.report.json`, report);
  }

  /** Null: nobody left one. How old it is stands in it. */
  report(target: string): TargetReport | null {
    const read = REPORT_SHAPE.safeParse(this.#read(`${target}.report.json`));
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
    this.#write(`${order.id}.order.json`, order);
  }

  /** Whether nobody has taken it yet. One that is neither left nor answered was dropped. */
  isLeft(id: string): boolean {
    return existsSync(join(this.#folder, `${id}.order.json`));
  }

  /** Whoever takes them does them: each is there once, and is answered before it is gone. */
  takeOrders(): readonly WorkOrder[] {
    return this.#names('.order.json').flatMap((name) => {
      const read = ORDER_SHAPE.safeParse(this.#read(name));
      if (read.success) this.#write(`${read.data.id}.answer.json`, { state: 'taken' });
      rmSync(join(this.#folder, name), { force: true });
      return read.success ? [read.data] : [];
    });
  }

  /** An order that nobody took yet is taken back. */
  takeBack(id: string): void {
    for (const kind of ['order', 'answer']) {
      rmSync(join(this.#folder, `${id}.${kind}.json`), { force: true });
    }
  }

  isRunning(id: string, progress: Progress | null): void {
    this.#write(`${id}.answer.json`, { state: 'running', progress });
  }

  isDone(id: string, results: readonly WorkResult[]): void {
    this.#write(`${id}.answer.json`, { state: 'done', results });
  }

  hasFailed(id: string, error: unknown): void {
    const it =
      error instanceof HoldfastError
        ? error
        : new HoldfastError('HF_INTERNAL', {
            expected: 'the work to be done',
            found: messageOf(error),
            hint: 'See the log of the gateway.',
          });
    const { code, expected, found, hint } = it;
    this.#write(`${id}.answer.json`, { state: 'failed', code, expected, found, hint });
  }

  /** Null: nobody has taken it yet. */
  answer(id: string): Answered | null {
    const read = ANSWER_SHAPE.safeParse(this.#read(`${id}.answer.json`));
    return read.success ? read.data : null;
  }

  /** What is asked of restored copies, as `restore/asks.ts` words it. */
  leaveAsk(id: string, ask: unknown): void {
    this.#write(`${id}.ask.json`, ask);
  }

  isAskLeft(id: string): boolean {
    return existsSync(join(this.#folder, `${id}.ask.json`));
  }

  /** As orders are: each once, and told something before it is gone. */
  takeAsks(taken: unknown): readonly { readonly id: string; readonly ask: unknown }[] {
    return this.#names('.ask.json').flatMap((name) => {
      const id = name.slice(0, -'.ask.json'.length);
      const ask = this.#read(name);
      if (ask !== null) this.leaveTold(id, taken);
      rmSync(join(this.#folder, name), { force: true });
      return ask === null ? [] : [{ id, ask }];
    });
  }

  leaveTold(id: string, told: unknown): void {
    this.#write(`${id}.told.json`, told);
  }

  /** Null: nothing that reads. */
  told(id: string): unknown {
    return this.#read(`${id}.told.json`);
  }

  takeBackAsk(id: string): void {
    for (const kind of ['ask', 'told']) {
      rmSync(join(this.#folder, `${id}.${kind}.json`), { force: true });
    }
  }

  /** Of a gateway that is gone: nobody does them any more. */
  clear(): void {
    for (const end of ['.order.json', '.answer.json', '.ask.json', '.told.json']) {
      for (const name of this.#names(end)) rmSync(join(this.#folder, name), { force: true });
    }
  }

  #names(end: string): readonly string[] {
    return readdirSync(this.#folder).filter((name) => name.endsWith(end));
  }

  #write(name: string, value: unknown): void {
    const path = join(this.#folder, name);
    writeFileSync(`${path}.half`, JSON.stringify(value), { mode: 0o600 });
    renameSync(`${path}.half`, path);
  }

  #read(name: string): unknown {
    try {
      return jsonOf(readFileSync(join(this.#folder, name), 'utf8'));
    } catch {
      return null;
    }
  }
}

export function errorOf(failed: Extract<Answered, { state: 'failed' }>): HoldfastError {
  const { code, expected, found, hint } = failed;
  return new HoldfastError(isCode(code) ? code : 'HF_INTERNAL', { expected, found, hint });
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
