/**
 * What a command beside the gateway asks of restored copies, over the counter: one file with the question, one
 * with the answer. The same calls as `Restores`, at both ends. The counter's folder is Holdfast's own user's,
 * who holds every key: rights are asked for by the command, before it asks here. What people signed together is
 * looked up by the gateway itself all the same.
 */
import { z } from 'zod';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Spoken } from '../../model/signed.ts';
import type { Counter } from '../counter.ts';
import { TAKEN_MS_MAX, waitAt } from '../counter-wait.ts';
import { errorOf, TROUBLE, troubleOf } from '../trouble.ts';
import {
  COPY_SHAPE,
  type CopyWords,
  PROMOTION_ORDER,
  type PromotionWords,
  REPORT_SHAPE,
  type ReportWords,
  VIEW_SHAPE,
  type ViewWords,
  WISH_SHAPE,
  WRITE_BACK_ORDER,
  type WriteBackWords,
} from './copy-shape.ts';
import type { KeptCluster } from './restore-target.ts';
import type { PromotionAct, RestoreBegin, RestoreLook, Restores } from './restores.ts';

const ONE = { target: z.string(), id: z.string() };
const ASK_SHAPE = z.discriminatedUnion('call', [
  z.strictObject({
    call: z.literal('view'),
    look: z.strictObject({
      target: z.string(),
      vault: z.string().nullable(),
      asOf: z.iso.datetime(),
    }),
  }),
  z.strictObject({
    call: z.literal('begin'),
    order: z.strictObject({
      target: z.string(),
      vault: z.string().nullable(),
      wish: WISH_SHAPE,
      asOf: z.iso.datetime().nullable(),
      by: z.string(),
      into: z.string().nullable(),
    }),
  }),
  z.strictObject({ call: z.literal('list'), target: z.string() }),
  z.strictObject({ call: z.literal('show'), ...ONE }),
  z.strictObject({ call: z.literal('diff'), ...ONE, by: z.string() }),
  z.strictObject({ call: z.literal('preview'), ...ONE, words: WRITE_BACK_ORDER }),
  z.strictObject({ call: z.literal('mustBeFree'), ...ONE }),
  z.strictObject({
    call: z.literal('writeBack'),
    ...ONE,
    words: WRITE_BACK_ORDER,
    by: z.strictObject({ name: z.string(), facts: z.record(z.string(), z.string()) }),
  }),
  z.strictObject({ call: z.literal('promotion'), ...ONE, words: PROMOTION_ORDER }),
  z.strictObject({ call: z.literal('promote'), target: z.string(), proposalId: z.string() }),
  z.strictObject({ call: z.literal('keep'), ...ONE }),
  z.strictObject({ call: z.literal('discard'), ...ONE, by: z.string() }),
]);
type Ask = z.output<typeof ASK_SHAPE>;

const FACT = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const ACT_SHAPE = z.object({
  facts: z.record(z.string(), z.union([FACT, z.array(FACT)])),
  words: z.string(),
  reason: z.string(),
});
const KEPT_SHAPE = z.object({ folder: z.string(), major: z.number(), next: z.array(z.string()) });

const TOLD_SHAPE = z.discriminatedUnion('state', [
  z.object({ state: z.literal('taken') }),
  z.object({ state: z.literal('done'), said: z.unknown() }),
  z.object({ state: z.literal('failed'), ...TROUBLE }),
]);
type Told = z.output<typeof TOLD_SHAPE>;

/** The facts of a proposal that is being carried out, as they were signed. Rejects when it is not. */
export type SignedFacts = (target: string, proposalId: string) => Promise<unknown>;

/**
 * Takes what is asked, and answers each when it is done. For the gateway, every so often; `trouble` hears of a
 * folder that cannot be written, a full disk for one: whoever asked waits in vain then, and nobody else.
 */
export function answerAsks(
  counter: Counter,
  restores: Restores,
  signedFacts: SignedFacts,
  trouble: (error: unknown) => void,
): void {
  try {
    for (const { ask, id } of counter.takeAsks({ state: 'taken' })) {
      answer(ask, restores, signedFacts)
        .then(
          (said) => counter.leaveTold(id, { state: 'done', said: said ?? null }),
          (error: unknown) => counter.leaveTold(id, { state: 'failed', ...troubleOf(error) }),
        )
        .catch(trouble);
    }
  } catch (error) {
    trouble(error);
  }
}

async function answer(
  asked: unknown,
  restores: Restores,
  signedFacts: SignedFacts,
): Promise<unknown> {
  const read = ASK_SHAPE.safeParse(asked);
  if (!read.success) {
    throw new HoldfastError('HF_USAGE', {
      expected: 'a question as this version of Holdfast asks it',
      found: 'another',
      hint: 'Use the command of the version that runs.',
    });
  }
  const ask = read.data;
  switch (ask.call) {
    case 'view':
      return restores.view(ask.look);
    case 'begin':
      return restores.begin(ask.order);
    case 'list':
      return restores.list(ask.target);
    case 'show':
      return restores.show(ask.target, ask.id);
    case 'diff':
      return restores.diff(ask.target, ask.id, ask.by);
    case 'preview':
      return restores.preview(ask.target, ask.id, ask.words);
    case 'mustBeFree':
      return restores.mustBeFree(ask.target, ask.id);
    case 'writeBack':
      return restores.writeBack(ask.target, ask.id, ask.words, ask.by);
    case 'promotion':
      return restores.promotion(ask.target, ask.id, ask.words);
    case 'promote': {
      const { proposalId, target } = ask;
      return restores.promote(target, proposalId, await signedFacts(target, proposalId));
    }
    case 'keep':
      return restores.keep(ask.target, ask.id);
    case 'discard':
      return restores.discard(ask.target, ask.id, ask.by);
    default:
      return ask satisfies never;
  }
}

export interface AskingParts {
  readonly counter: Counter;
  readonly clock: Clock;
  /** Aborted by Ctrl-C: what was not taken is taken back. */
  readonly signal: AbortSignal;
  /** Whether nobody keeps recovery any more. Rejects when the store is away. */
  readonly isGone: () => Promise<boolean>;
}

const POLL_MS = 50;
const ID_BYTES = 8;

/** The copies of the gateway on this machine. */
export class AskedRestores implements Restores {
  readonly #parts: AskingParts;

  constructor(parts: AskingParts) {
    this.#parts = parts;
  }

  async view(look: RestoreLook): Promise<ViewWords> {
    return VIEW_SHAPE.parse(await this.#ask({ call: 'view', look }));
  }
  async begin(order: RestoreBegin): Promise<CopyWords> {
    return COPY_SHAPE.parse(await this.#ask({ call: 'begin', order }));
  }
  async list(target: string): Promise<readonly CopyWords[]> {
    return z.array(COPY_SHAPE).parse(await this.#ask({ call: 'list', target }));
  }
  async show(target: string, id: string): Promise<CopyWords> {
    return COPY_SHAPE.parse(await this.#ask({ call: 'show', target, id }));
  }
  async diff(target: string, id: string, by: string): Promise<CopyWords> {
    return COPY_SHAPE.parse(await this.#ask({ call: 'diff', target, id, by }));
  }
  async preview(target: string, id: string, words: WriteBackWords): Promise<ReportWords> {
    return REPORT_SHAPE.parse(await this.#ask({ call: 'preview', target, id, words }));
  }
  async mustBeFree(target: string, id: string): Promise<void> {
    await this.#ask({ call: 'mustBeFree', target, id });
  }
  async writeBack(
    target: string,
    id: string,
    words: WriteBackWords,
    by: Spoken,
  ): Promise<ReportWords> {
    const { facts, name } = by;
    const ask = {
      call: 'writeBack',
      target,
      id,
      words,
      by: { name, facts: { ...facts } },
    } as const;
    return REPORT_SHAPE.parse(await this.#ask(ask));
  }
  async promotion(target: string, id: string, words: PromotionWords): Promise<PromotionAct> {
    return ACT_SHAPE.parse(await this.#ask({ call: 'promotion', target, id, words }));
  }
  async promote(target: string, proposalId: string): Promise<string> {
    return z.string().parse(await this.#ask({ call: 'promote', target, proposalId }));
  }
  async keep(target: string, id: string): Promise<KeptCluster> {
    return KEPT_SHAPE.parse(await this.#ask({ call: 'keep', target, id }));
  }
  async discard(target: string, id: string, by: string): Promise<CopyWords> {
    return COPY_SHAPE.parse(await this.#ask({ call: 'discard', target, id, by }));
  }

  async #ask(ask: Ask): Promise<unknown> {
    const { clock, counter, isGone, signal } = this.#parts;
    const id = clock.random(ID_BYTES).toString('hex');
    counter.leaveAsk(id, ask);
    try {
      return await waitAt<Told, unknown>(
        {
          ...{ clock, isGone, pollMs: POLL_MS, gone: 'the gateway is gone' },
          dropped: (found) =>
            writes(ask) && !counter.isAskLeft(id) ? unanswered(found) : dropped(found),
          // What cleans up is asked after Ctrl-C, too, and is not broken off by it; and of what was begun the
          // answer is awaited, or nobody would know what to clean up.
          signal: ask.call === 'discard' || ask.call === 'begin' ? null : signal,
          isLeft: () => counter.isAskLeft(id),
          answer: () => toldIn(counter, id),
          look: ({ isLeft, waitedMs }) => {
            if (ask.call === 'begin' && signal.aborted && counter.withdrawAsk(id))
              throw signal.reason;
            if (!isLeft || waitedMs <= TAKEN_MS_MAX) return;
            throw dropped('that another process keeps recovery, and says nothing here');
          },
        },
        saidIn,
      );
    } finally {
      counter.takeBackAsk(id);
    }
  }
}

function writes({ call }: Ask): boolean {
  return call === 'writeBack' || call === 'promote';
}

/** It may have been taken, and be done. */
function unanswered(found: string): HoldfastError {
  return new HoldfastError('HF_RESTORE_UNKNOWN', {
    expected: 'the gateway to say what came of it',
    found,
    hint: 'It was done if `holdfast undo list` shows an item of “holdfast restore …” of now. Look there, and in the trail, before it is tried again.',
  });
}

function saidIn(told: Told): { readonly value: unknown } | null {
  if (told.state === 'failed') throw errorOf(told);
  return told.state === 'done' ? { value: told.said } : null;
}

function toldIn(counter: Counter, id: string): Told | null {
  const read = TOLD_SHAPE.safeParse(counter.told(id));
  return read.success ? read.data : null;
}

function dropped(found: string): HoldfastError {
  return new HoldfastError('HF_VAULT_UNREACHABLE', {
    expected: 'the gateway that keeps recovery on this machine to answer',
    found,
    hint: 'Run the command where `holdfast up` runs, or again in a moment.',
  });
}
