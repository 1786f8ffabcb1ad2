/**
 * What people do with undo items: list, look, preview, apply, extend. Applying and extending want a
 * one-time code, or a session proved of late: undoing is a person's act, and the name under it is theirs.
 *
 * The order of an apply: who it is -> what is captured is drained -> items chosen -> the run is written down -> one
 * transaction on the target -> drained again -> states -> the trail. After a crash behind the commit the
 * run's own transaction is in the vault and its states are not set: the next look at these items, by
 * whatever command, finds that, sets them, and says that they are undone already.
 *
 * What was done at a provider is undone by one request instead (`inverse-undo.ts`); the list, the code, the
 * runs and the states are the same.
 */
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Note } from '../../model/event.ts';
import { newId } from '../../model/ids.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Signed, Spoken } from '../../model/signed.ts';
import type { TargetDatabase } from '../target-database.ts';
import type { UndoEntry, UndoItem, UndoState } from '../undo-item.ts';
import type { UndoStore } from '../undo-store.ts';
import type { InverseOrder, InverseUndo } from './inverse-undo.ts';
import type { ChosenItem } from './segments.ts';
import { type Selection, selectItems } from './selection.ts';
import { conflicting, type Decision, type UndoReport } from './undo-report.ts';

export interface UndoWish {
  readonly selection: Selection;
  readonly tables: readonly string[] | null;
  readonly key: readonly { readonly name: string; readonly value: string }[];
  readonly decisions: readonly Decision[];
}

/** The engine of a kind of target; protection/postgres/undo. */
export type RunUndo = (
  database: TargetDatabase,
  store: UndoStore,
  order: Omit<UndoWish, 'selection'> & {
    readonly chosen: readonly ChosenItem[];
    readonly mode: 'apply' | 'preview';
    readonly run?: string;
    readonly beforeCommit?: (report: UndoReport) => Promise<void>;
    readonly onProgress?: (progress: UndoProgress) => void;
  },
) => Promise<UndoReport>;

export interface UndoProgress {
  readonly phase: 'reading' | 'comparing' | 'writing' | 'checking';
  readonly rows: number;
  readonly rowsTotal: number;
}

export interface UndosParts {
  readonly store: UndoStore;
  readonly clock: Clock;
  readonly note: Note;
  readonly run: RunUndo;
  /** For what was done at providers. */
  readonly inverses: Pick<InverseUndo, 'preview' | 'apply'>;
  /** HF_TARGET_UNKNOWN when it is not declared. */
  readonly targetOf: (name: string) => TargetDatabase;
  /** What is captured goes to the vault now. Rejects when the target is away. */
  readonly drainOnce: (target: string) => Promise<unknown>;
  /** Every declared target that is protected. */
  readonly targets: readonly string[];
  /** Spends the code, or looks at the session: HF_TOTP_WRONG, HF_NOT_FOUND, HF_SIGN_IN, HF_FORBIDDEN. */
  readonly prove: (signed: Signed) => Promise<Spoken>;
  /** Now, by the ledger of watched time. */
  readonly tickMs: () => Promise<bigint>;
}

export interface Listed {
  readonly item: UndoItem;
  /** Watched time until it may be purged; null when its data is gone. */
  readonly leftMs: number | null;
}

const TRIED: readonly UndoState[] = ['kept', 'undone', 'purging'];

interface Applied {
  readonly target: string;
  readonly by: Spoken;
  readonly report: UndoReport;
  readonly rows: number;
}

export class Undos {
  readonly #parts: UndosParts;

  constructor(parts: UndosParts) {
    this.#parts = parts;
  }

  /**
   * Newest first. A target that is away is listed as far as it was drained; `away` names it. `isDrained`:
   * somebody else sees to that all the time.
   */
  async list(
    selection: Selection,
    states: readonly UndoState[],
    limit: number,
    isDrained = false,
  ): Promise<{ readonly items: readonly Listed[]; readonly away: readonly string[] }> {
    const { store, targets } = this.#parts;
    const wanted = targets.filter(
      (name) => selection.target === undefined || selection.target === name,
    );
    const away = isDrained ? [] : await this.#drain(wanted);
    const items = await this.#settled(() => selectItems(store, selection, states, limit));
    return { items: await this.#timed(items), away };
  }

  async show(id: string): Promise<Listed & { readonly entries: readonly UndoEntry[] }> {
    const { store } = this.#parts;
    const items = await this.#settled(() => selectItems(store, { ids: [id] }, TRIED));
    const [listed] = await this.#timed(items);
    if (listed === undefined) throw nothingChosen();
    const isGone = listed.item.state === 'purged';
    return { ...listed, entries: isGone ? [] : await store.entries(id) };
  }

  async preview(wish: UndoWish): Promise<UndoReport> {
    const { target, chosen, away } = await this.#choose(wish);
    if (isOfProvider(chosen)) return this.#parts.inverses.preview(inverseOrderOf(wish, chosen));
    const report = await this.#parts.run(this.#parts.targetOf(target), this.#parts.store, {
      ...wish,
      chosen,
      mode: 'preview',
    });
    return withNotes(report, away.map(notDrained));
  }

  /** HF_UNDO_CONFLICT, with the report as its cause, when something is not decided; nothing was changed then. */
  async apply(
    wish: UndoWish,
    signed: Signed,
    onProgress?: (progress: UndoProgress) => void,
  ): Promise<UndoReport> {
    const { store, run, prove, targetOf, clock } = this.#parts;
    const by = await prove(signed);
    const { target, chosen, away } = await this.#choose(wish);
    const isRange = wish.selection.ids.length === 0;
    if (isRange && away.includes(target)) throw notAll(target);
    const done = chosen.filter(({ item }) => item.state === 'undone');
    if (done.length === chosen.length) throw alreadyUndone(done);
    const open = chosen.filter(({ item }) => item.state !== 'undone');
    if (isOfProvider(open)) return this.#applyInverse(target, inverseOrderOf(wish, open), by);
    const runId = newId('run', clock);
    await store.beginRun({ id: runId, target, items: open.map(({ item }) => item.id) });
    const report = await run(targetOf(target), store, {
      ...wish,
      chosen: open,
      mode: 'apply',
      run: runId,
      beforeCommit: ({ isWhole }) => store.endRun(runId, isWhole),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    if (report.undecided > 0) throw conflicting(report.undecided, report);
    const later = await this.#drain([target]);
    if (report.isWhole) await this.#settle(open.map(({ item }) => item));
    await store.settleRun(runId);
    const rows = report.tables.reduce((sum, one) => sum + rowsOf(one), 0);
    await this.#noteApplied({ target, by, report, rows }, {}, '.');
    return withNotes(report, [...new Set([...away, ...later])].map(notDrained));
  }

  /** The run is whole only once it was seen to be: a crash before that leaves the items as they are. */
  async #applyInverse(target: string, order: InverseOrder, by: Spoken): Promise<UndoReport> {
    const { clock, inverses, store } = this.#parts;
    const ids = order.items.map(({ id }) => id);
    const runId = newId('run', clock);
    await store.beginRun({ id: runId, target, items: ids });
    const { outcome, report } = await inverses.apply(order, by, runId);
    if (report.undecided > 0) throw conflicting(report.undecided, report);
    if (report.isWhole) {
      await store.endRun(runId, true);
      await this.#settle(order.items);
      await store.settleRun(runId);
    }
    const came = { outcome: outcome?.kind ?? 'nothing-to-send' };
    await this.#noteApplied({ target, by, report, rows: 0 }, came, `: ${wordsOf(outcome)}.`);
    if (outcome !== null && outcome.kind !== 'done' && !report.isWhole)
      throw notUndone(outcome, report);
    return report;
  }

  async #noteApplied(
    { target, by, report, rows }: Applied,
    more: Readonly<Record<string, string>>,
    end: string,
  ): Promise<void> {
    const count = report.items.length;
    await this.#parts.note({
      kind: 'undo-applied',
      facts: {
        person: by.name,
        ...by.facts,
        target,
        items: report.items.slice(0, ITEMS_NAMED_MAX).join(', '),
        count,
        rows,
        conflicts: report.conflictsTotal,
        whole: report.isWhole,
        ...more,
      },
      message: `${by.name} undid ${count} item(s) on ${target}${end}`,
    });
  }

  async extend(ids: readonly string[], byMs: number, signed: Signed): Promise<number> {
    const { store, prove, note } = this.#parts;
    const by = await prove(signed);
    const items = await selectItems(store, { ids }, TRIED);
    const extended = await store.extend(
      items.map(({ id }) => id),
      byMs,
    );
    await note({
      kind: 'undo-extended',
      facts: { person: by.name, ...by.facts, items: ids.join(', '), byMs, extended },
      message: `${by.name} keeps ${extended} item(s) longer.`,
    });
    return extended;
  }

  /** How many stay; a purge that has begun is not taken back. */
  async cancelPurge(ids: readonly string[], signed: Signed): Promise<number> {
    const { store, prove, note } = this.#parts;
    const by = await prove(signed);
    const items = await selectItems(store, { ids }, TRIED);
    const cancelled = await store.cancelPurge(items.map(({ id }) => id));
    await note({
      kind: 'purge-cancelled',
      facts: { person: by.name, ...by.facts, items: ids.join(', '), cancelled },
      message: `${by.name} cancelled the pending purge of ${cancelled} item(s).`,
    });
    return cancelled;
  }

  /** For a purge that people are to sign: all of one target, and still there. */
  async ofOneTarget(selection: Selection): Promise<readonly UndoItem[]> {
    const items = await selectItems(this.#parts.store, selection, ['kept', 'undone']);
    if (items.length === 0) throw nothingChosen();
    oneTarget(items);
    return items;
  }

  async #choose(wish: UndoWish): Promise<{
    readonly target: string;
    readonly chosen: readonly ChosenItem[];
    readonly away: readonly string[];
  }> {
    const { store, targets } = this.#parts;
    const asked = wish.selection.target;
    const away = await this.#drain(targets.filter((name) => asked === undefined || asked === name));
    const items = await this.#settled(() => selectItems(store, wish.selection, ['kept']));
    if (items.length === 0) throw nothingChosen();
    const target = oneTarget(items);
    for (const item of items) {
      if (item.state === 'purged' || item.state === 'purging') throw leaving(item);
    }
    const entries = await store.entriesOf(items.map(({ id }) => id));
    const chosen = items.map((item) => ({ item, entries: entries.get(item.id) ?? [] }));
    return { target, chosen, away };
  }

  /** What a crash left: undone on the target, and nobody wrote it down. Then they are chosen anew. */
  async #settled(choose: () => Promise<readonly UndoItem[]>): Promise<readonly UndoItem[]> {
    const { store } = this.#parts;
    const items = await choose();
    const runs = await store.unsettledRuns(items.map(({ id }) => id));
    for (const run of runs) {
      await this.#settle(await selectItems(store, { ids: run.items }, TRIED));
      await store.settleRun(run.id);
    }
    return runs.length > 0 ? choose() : items;
  }

  /** Undone; and what an undo had taken back is there again when that undo is undone. */
  async #settle(items: readonly UndoItem[]): Promise<void> {
    const { store } = this.#parts;
    await store.setState(
      items.map(({ id }) => id),
      ['kept'],
      'undone',
    );
    const back: string[] = [];
    for (const { undoOf, application } of items) {
      if (undoOf === null) continue;
      // Only our own sessions give an item an `undoOf`, so the name is ours too.
      const [run] = RUN_WORD.exec(application) ?? [];
      const of = run === undefined ? [] : await store.itemsOfRun(run);
      back.push(...(of.length > 0 ? of : [undoOf]));
    }
    if (back.length > 0) await store.setState(back, ['undone'], 'kept');
  }

  /** Names of those that could not be reached. */
  async #drain(names: readonly string[]): Promise<readonly string[]> {
    const away: string[] = [];
    for (const name of names) {
      try {
        await this.#parts.drainOnce(name);
      } catch {
        away.push(name);
      }
    }
    return away;
  }

  async #timed(items: readonly UndoItem[]): Promise<readonly Listed[]> {
    const tick = await this.#parts.tickMs();
    return items.map((item) => {
      if (item.state === 'purged') return { item, leftMs: null };
      const until = item.purgeAtTickMs ?? item.keptUntilTickMs;
      return { item, leftMs: Math.max(0, Number(until - tick)) };
    });
  }
}

function isOfProvider(chosen: readonly ChosenItem[]): boolean {
  return chosen.some(({ item }) => item.inverse !== undefined);
}

/** HF_USAGE for a part of one: what a request changed is set again whole. */
function inverseOrderOf(wish: UndoWish, chosen: readonly ChosenItem[]): InverseOrder {
  if (wish.tables === null && wish.key.length === 0) {
    return { items: chosen.map(({ item }) => item), decisions: wish.decisions };
  }
  throw new HoldfastError('HF_USAGE', {
    expected: 'whole items: what was done at a provider has no tables',
    found: '--table',
    hint: 'Leave --table and --key out; --conflict decides single values.',
  });
}

function wordsOf(outcome: Outcome | null): string {
  if (outcome === null) return 'nothing had to be sent';
  switch (outcome.kind) {
    case 'done':
      return 'done';
    case 'failed':
      return `the provider said no (${outcome.code})`;
    case 'not-forwarded':
      return 'it was not sent';
    case 'unknown':
      return 'it is not known what came of it';
    default:
      return outcome satisfies never;
  }
}

/** It was looked at again, and is not as it was before. */
function notUndone(outcome: Outcome, report: UndoReport): HoldfastError {
  const code =
    outcome.kind === 'unknown'
      ? 'HF_UPSTREAM_LOST'
      : outcome.kind === 'failed'
        ? 'HF_UPSTREAM_REFUSED'
        : 'HF_UPSTREAM_UNREACHABLE';
  return new HoldfastError(code, {
    expected: 'the values of before to be set again',
    found: `${wordsOf(outcome)}; ${report.notes.at(-1) ?? ''}`,
    hint: 'It is not sent a second time by itself. Look with `holdfast undo preview`, then apply again.',
    cause: report,
  });
}

/** Ids in the entry of an undo; a range of thousands is named by its count. */
const ITEMS_NAMED_MAX = 20;

const RUN_WORD = /run_[0-9a-z]{16}$/;

function withNotes(report: UndoReport, notes: readonly string[]): UndoReport {
  return notes.length === 0 ? report : { ...report, notes: [...report.notes, ...notes] };
}

function notDrained(target: string): string {
  return `${target} could not be drained now: what was done there last may be missing here.`;
}

/** Everything since 14:00 is not everything while the newest of it is still in the target. */
function notAll(target: string): HoldfastError {
  return new HoldfastError('HF_UNDO_STATE', {
    expected: `what is captured in ${target} to be in the vault`,
    found: 'that it could not be drained now, so the newest may be missing from the range',
    hint: 'Nothing was changed. See `holdfast doctor`, or name the items by id.',
  });
}

function rowsOf(table: UndoReport['tables'][number]): number {
  return table.insertedBack + table.changedBack + table.removedAgain;
}

function oneTarget(items: readonly UndoItem[]): string {
  const names = [...new Set(items.map(({ target }) => target))];
  const [first = ''] = names;
  if (names.length === 1) return first;
  throw new HoldfastError('HF_USAGE', {
    expected: 'items of one target: an undo is one transaction',
    found: names.join(', '),
    hint: 'Add --target NAME.',
  });
}

function nothingChosen(): HoldfastError {
  return new HoldfastError('HF_UNDO_UNKNOWN', {
    expected: 'at least one item that can be taken back',
    found: 'none',
    hint: 'See `holdfast undo list --all`.',
  });
}

function alreadyUndone(done: readonly ChosenItem[]): HoldfastError {
  return new HoldfastError('HF_UNDO_STATE', {
    expected: 'an item that was not undone yet',
    found: `${done.map(({ item }) => item.id).join(', ')}: undone already`,
    hint: 'To do it again, undo the undo: `holdfast undo list` shows it.',
  });
}

function leaving({ id, state }: UndoItem): HoldfastError {
  return new HoldfastError('HF_UNDO_STATE', {
    expected: `${id} to be kept`,
    found: state === 'purged' ? 'that its data is gone' : 'that it is to be purged',
    hint: 'A purge that is pending can be cancelled: `holdfast undo purge ITEM --cancel --as NAME`.',
  });
}
