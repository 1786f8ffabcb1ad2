/**
 * Undoing what was done at a provider: the values before are set again, by one request. The order of an
 * apply:
 *
 *   what is there now is read -> compared -> the undo's own item is kept -> the trail has it, durably
 *     -> sent, once -> what came of it -> what is there is read again
 *
 * What it will not do: overwrite what somebody else set since, unless that was decided; send a second
 * time; call something undone that it did not see; show a value.
 */
import { HoldfastError } from '../../model/errors.ts';
import type { HoldfastEvent } from '../../model/event.ts';
import type { HttpAct } from '../../model/http-request.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Spoken } from '../../model/signed.ts';
import type { Target } from '../../model/target.ts';
import type { InverseKeeper, InverseSource } from '../inverse.ts';
import { type StateValue, slotKey } from '../inverse.ts';
import type { SealedInverses } from '../sealed-inverses.ts';
import type { UndoItem } from '../undo-item.ts';
import { comparedWith, netOf, reportOf, type SlotPlan } from './inverse-plan.ts';
import type { Decision, UndoReport } from './undo-report.ts';

export interface InverseUndoParts {
  readonly sealed: InverseKeeper & Pick<SealedInverses, 'open'>;
  /** HF_TARGET_UNKNOWN when the provider is not declared any more, or has no inverses. */
  readonly sourceOf: (provider: string) => Promise<InverseSource>;
  readonly targetOf: (name: string) => Target;
  /** Sends it, once, with the real credential. Never rejects. */
  readonly send: (request: HttpAct) => Promise<Outcome>;
  /** Durable when it resolves; rejects with HF_TRAIL_UNAVAILABLE. */
  readonly record: (event: HoldfastEvent) => Promise<void>;
}

export interface InverseOrder {
  /** Of one target, so of one provider; newest first. */
  readonly items: readonly UndoItem[];
  readonly decisions: readonly Decision[];
}

/** A report, and what came of it when something was sent. */
export interface InverseApplied {
  readonly report: UndoReport;
  readonly outcome: Outcome | null;
}

export class InverseUndo {
  readonly #parts: InverseUndoParts;

  constructor(parts: InverseUndoParts) {
    this.#parts = parts;
  }

  /** Rejects when what is there now cannot be read. */
  async preview(order: InverseOrder): Promise<UndoReport> {
    const { plan, notes } = await this.#planned(order);
    return reportOf(order.items, plan, notes);
  }

  /**
   * `run`: the id of the undo, for the name of its own item. With conflicts that are not decided nothing is
   * sent, and the report says so. Never rejects once it was sent.
   */
  async apply(order: InverseOrder, by: Spoken, run: string): Promise<InverseApplied> {
    const { plan, notes, source } = await this.#planned(order);
    const report = reportOf(order.items, plan, notes);
    const wanted = plan.filter(({ does }) => does === 'set');
    if (report.undecided > 0 || wanted.length === 0) return { report, outcome: null };
    const request = source.setting(
      wanted.map(({ before, ...slot }) => ({ ...slot, value: before })),
    );
    const kept = await this.#keep(order, wanted, notes, run);
    try {
      await this.#parts.record(sentEvent(order, by, kept.id));
    } catch (error) {
      await kept.settle({ kind: 'not-forwarded', reason: 'the trail could not be written' });
      throw error;
    }
    const outcome = await this.#parts.send(request);
    await kept.settle(outcome);
    return { report: await this.#seen(report, wanted, source, outcome), outcome };
  }

  async #planned({ decisions, items }: InverseOrder): Promise<{
    readonly plan: readonly SlotPlan[];
    readonly notes: readonly string[];
    readonly source: InverseSource;
  }> {
    const opened = [];
    for (const item of items) opened.push({ item, inverse: await this.#parts.sealed.open(item) });
    const source = await this.#parts.sourceOf(items[0]?.inverse?.provider ?? '');
    const net = netOf(opened);
    const now = await source.stateOf(net);
    const plan = comparedWith(net, now, decisions);
    const unknown = items.filter(({ inverse }) => inverse?.happened !== 'done');
    const notes = [
      ...new Set(opened.flatMap(({ inverse }) => inverse.notRestored)),
      ...unknown.map(
        ({ id }) => `It is not known whether ${id} came about; what is there now was compared.`,
      ),
    ];
    return { plan, notes, source };
  }

  /** Itself a change that can be taken back: from what is there now to what was there before. */
  #keep(
    { items }: InverseOrder,
    wanted: readonly SlotPlan[],
    notRestored: readonly string[],
    run: string,
  ): ReturnType<InverseKeeper['keep']> {
    const [first] = items;
    if (first?.inverse === undefined) throw new Error('an undo without an item');
    const changes = wanted.map(({ at, before, now, title }) => ({
      at,
      title,
      before: now,
      after: before,
    }));
    return this.#parts.sealed.keep({
      inverse: { changes, notRestored },
      provider: first.inverse.provider,
      target: this.#parts.targetOf(first.target),
      actor: null,
      client: `holdfast undo ${run}`,
      undoOf: first.id,
    });
  }

  /** What is there tells more than an answer, or none. */
  async #seen(
    report: UndoReport,
    wanted: readonly SlotPlan[],
    source: InverseSource,
    outcome: Outcome,
  ): Promise<UndoReport> {
    let now: readonly StateValue[];
    try {
      now = await source.stateOf(wanted);
    } catch (error) {
      const found = error instanceof HoldfastError ? error.found : String(error);
      const note = `What is there now could not be read again (${found}).`;
      const isWhole = report.isWhole && outcome.kind === 'done';
      return { ...report, isWhole, notes: [...report.notes, note] };
    }
    const values = new Map(now.map((one) => [slotKey(one), one.value]));
    const other = wanted.filter((one) => values.get(slotKey(one)) !== one.before);
    const notes = other.map(({ title }) => `${title} is not as it was before.`);
    const isWhole = report.isWhole && other.length === 0;
    return { ...report, isWhole, notes: [...report.notes, ...notes] };
  }
}

function sentEvent({ items }: InverseOrder, by: Spoken, undo: string): HoldfastEvent {
  const ids = items.map(({ id }) => id);
  const target = items[0]?.target ?? '';
  return {
    kind: 'undo-sent',
    facts: {
      person: by.name,
      ...by.facts,
      target,
      undo,
      items: ids.slice(0, 20).join(', '),
      count: ids.length,
    },
    message: `${by.name} undoes ${ids.length} item(s) on ${target}: the request is sent now.`,
  };
}
