/**
 * Restored copies beside their targets, as long as people need them: begun, compared, written back from,
 * discarded. Few at a time, each a server of its own. In this order:
 *
 *   asked -> waits for its turn among all heavy work on recovery -> restored -> ready -> compared, previewed (one
 *     preview at a time), written back -> discarded: asked for, when nobody used it for a while, or when Holdfast stops
 *
 * A copy in which somebody wrote after it came back is not what lay in the vault: nothing more is read from it.
 * What is promoted is restored anew from what was signed, never taken from a copy that stands.
 *
 * It knows no rights: whoever calls has asked for them. Copies are in memory only; what a kill -9 leaves of
 * them is a server and a folder beside those of drills, and is swept with them.
 */
import { join, resolve } from 'node:path';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError, isOutcomeUnknown, messageOf } from '../../model/errors.ts';
import type { HoldfastEvent, Note } from '../../model/event.ts';
import { newId } from '../../model/ids.ts';
import { RESTORE_IDLE_MS, RESTORE_STATEMENT_MS_MAX, RESTORES_MAX } from '../../model/limits.ts';
import type { Spoken } from '../../model/signed.ts';
import { oneLine } from '../../model/text.ts';
import type { TargetDatabase } from '../../protection/target-database.ts';
import type { Tell } from '../engines/engine.ts';
import type { StoredPoint } from '../recovery-point.ts';
import { troubleOf } from '../trouble.ts';
import {
  asOfText,
  type CopiedTarget,
  type Copy,
  discarded,
  type EndWhy,
  factsOf,
  isKept,
  isStanding,
  markOf,
  nameOf,
  readyOf,
  restoredOf,
  type StandingTarget,
  setDiff,
  viewOf,
  wishText,
} from './copy.ts';
import {
  choiceOf,
  mustBePartial,
  notYet,
  noVault,
  sumsOf,
  sumsText,
  tablesText,
  tooMany,
  touched,
  wholeTables,
} from './copy-orders.ts';
import type {
  CopyStanding,
  CopyWords,
  PromotionWords,
  ReportWords,
  WriteBackWords,
} from './copy-shape.ts';
import { diffWords, goalWords, progressOf, reportWords, wishOf } from './copy-words.ts';
import { diffTargets } from './diff.ts';
import { type InTurn, soon, turn } from './in-turn.ts';
import { OneLook } from './one-look.ts';
import { promoteRestoreRunner, promotionOf } from './promotion.ts';
import type { KeptCluster, RestoreOrder } from './restore-target.ts';
import type { PromotionAct, RestoreBegin, Restores } from './restores.ts';
import { type WriteBackOrder, type WriteBackReport, writeBack } from './write-back.ts';
import { state } from './write-refusals.ts';

export interface CopiesParts {
  /** Null: nothing of it is kept here. Else its vaults, and which of its databases people work in. */
  readonly targetOf: (name: string) => CopiedTarget | null;
  readonly restore: (
    target: string,
    vault: string,
    order: Omit<RestoreOrder, 'target'>,
    tell: Tell,
    signal: AbortSignal,
  ) => Promise<StandingTarget>;
  /** When a drill of that very point passed, as its records say; null: none did. */
  readonly drilledAt: (
    target: string,
    vault: string,
    point: Pick<StoredPoint, 'id' | 'digest' | 'server'>,
  ) => Promise<string | null>;
  /** Copies are made in it, each in a folder of its own. */
  readonly folder: string;
  readonly inTurn: InTurn;
  /** Of previews: people who look do not wait for a backup, nor for each other's restores. */
  readonly lookInTurn: InTurn;
  readonly clock: Clock;
  readonly note: Note;
  /** As `note`, and durable when it resolves. */
  readonly record: (event: HoldfastEvent) => Promise<void>;
}

const KEYS_SHOWN_MAX = 20;
/** Of those that are over, so that whoever asked can still see why. */
const OVER_KEPT_MAX = 20;

export class RestoredCopies implements Restores {
  readonly #parts: CopiesParts;
  readonly #copies = new Map<string, Copy>();
  readonly #looks = new OneLook<WriteBackReport>();
  readonly #stopping = new AbortController();
  readonly #promoting = new Set<Promise<unknown>>();

  constructor(parts: CopiesParts) {
    this.#parts = parts;
  }

  async begin(order: RestoreBegin): Promise<CopyWords> {
    this.#stopping.signal.throwIfAborted();
    const of = this.#targetOf(order.target);
    const vault = order.vault ?? of.vaults[0] ?? '';
    if (!of.vaults.includes(vault)) throw noVault(order.target, of.vaults, vault);
    const standing = [...this.#copies.values()].filter(isStanding);
    if (standing.length >= RESTORES_MAX) throw tooMany(standing);
    const { clock, note } = this.#parts;
    if (order.asOf !== null && new Date(order.asOf) > clock.now()) throw notYet(order.asOf);
    const copy: Copy = {
      id: newId('restore', clock),
      ...{ vault, of, wish: order.wish, asOf: order.asOf, into: order.into, askedBy: order.by },
      askedAt: clock.now().toISOString(),
      stop: new AbortController(),
      standing: { state: 'running', progress: null },
      restored: null,
      mark: '',
      usedMs: clock.monotonicMs(),
      uses: new Set(),
      ending: null,
      keeping: null,
    };
    this.#copies.set(copy.id, copy);
    try {
      await note({
        kind: 'restore-asked',
        facts: { ...factsOf(copy), by: order.by, wish: wishText(order.wish), asOf: order.asOf },
        message: `${oneLine(order.by)} asked for ${order.target} to be restored from ${vault}${asOfText(order)}: ${wishText(order.wish)}.`,
      });
    } catch (error) {
      this.#copies.delete(copy.id);
      throw error;
    }
    void this.#use(copy, this.#bringBack(copy));
    return viewOf(copy);
  }

  async list(target: string): Promise<readonly CopyWords[]> {
    this.#targetOf(target);
    const mine = [...this.#copies.values()].filter((copy) => nameOf(copy) === target);
    return mine.reverse().map(viewOf);
  }

  async show(target: string, id: string): Promise<CopyWords> {
    return viewOf(this.#copy(target, id));
  }

  async diff(target: string, id: string, by: string): Promise<CopyWords> {
    const copy = this.#copy(target, id);
    const ready = readyOf(copy);
    if (ready.diff?.state === 'running') return viewOf(copy);
    setDiff(copy, { state: 'running', progress: null });
    void this.#use(copy, this.#compare(copy, by));
    return viewOf(copy);
  }

  async preview(target: string, id: string, words: WriteBackWords): Promise<ReportWords> {
    const copy = this.#copy(target, id);
    return reportWords(await this.#look(copy, words));
  }

  async mustBeFree(target: string, id: string): Promise<void> {
    readyOf(this.#copy(target, id));
    this.#looks.mustBeFree(id);
  }

  async writeBack(
    target: string,
    id: string,
    words: WriteBackWords,
    by: Spoken,
  ): Promise<ReportWords> {
    const copy = this.#copy(target, id);
    readyOf(copy);
    mustBePartial(words);
    const work = () => this.#use(copy, this.#apply(copy, words, by));
    return reportWords(await this.#looks.run(id, null, work));
  }

  async promotion(target: string, id: string, words: PromotionWords): Promise<PromotionAct> {
    const copy = this.#copy(target, id);
    const { changed, extra } = words;
    const preview = await this.#look(copy, wholeTables(words));
    const { goal, isSealed, point } = restoredOf(copy);
    const { database, target: of } = copy.of;
    const drilledAt = await this.#parts.drilledAt(target, copy.vault, point);
    const {
      facts,
      reason,
      words: said,
    } = promotionOf({
      ...{ target: of, database, vault: copy.vault, asOf: copy.asOf, point, goal, preview },
      ...{ drilledAt, isSealed },
      order: { changed, extra },
    });
    return { facts, reason, words: said };
  }

  promote(target: string, proposalId: string, facts: unknown): Promise<string> {
    const work = this.#promote(target, proposalId, facts);
    this.#promoting.add(work);
    const over = (): void => void this.#promoting.delete(work);
    work.then(over, over);
    return work;
  }

  async keep(target: string, id: string): Promise<KeptCluster> {
    const copy = this.#copy(target, id);
    readyOf(copy);
    const work = this.#shutDown(copy, restoredOf(copy));
    // Before anything is waited for: who removes it meanwhile would remove what is kept.
    copy.keeping = work;
    const kept = await work.finally(() => {
      copy.keeping = null;
    });
    await this.#parts.note({
      kind: 'restore-kept',
      facts: { ...factsOf(copy), folder: kept.folder },
      message: `The copy ${id} of ${target} was kept in ${kept.folder}.`,
    });
    return kept;
  }

  async #shutDown(copy: Copy, restored: StandingTarget): Promise<KeptCluster> {
    await Promise.allSettled(copy.uses);
    const kept = await this.#use(copy, restored.keep());
    copy.restored = null;
    this.#over(copy, { state: 'discarded', why: 'kept' });
    return kept;
  }

  /** HF_RESTORE_STATE while somebody keeps it. */
  async discard(target: string, id: string, by: string): Promise<CopyWords> {
    const copy = this.#copy(target, id);
    if (copy.keeping !== null) throw isKept(copy);
    await this.#discard(copy, 'asked', by);
    return viewOf(copy);
  }

  /** Those that nobody used for a while. For whoever has a clock that ticks. */
  async discardIdle(): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    const idle = [...this.#copies.values()].filter(
      ({ keeping, standing, usedMs, uses }) =>
        standing.state === 'ready' &&
        keeping === null &&
        uses.size === 0 &&
        nowMs - usedMs >= RESTORE_IDLE_MS,
    );
    await Promise.all(idle.map((copy) => this.#discard(copy, 'idle', 'Holdfast')));
  }

  /** Everything is broken off and removed; a write-back that has begun is waited for. */
  async close(): Promise<void> {
    this.#stopping.abort(new Error('Holdfast stops'));
    const all = [...this.#copies.values()].filter(isStanding);
    await Promise.allSettled(all.map((copy) => this.#discard(copy, 'stopped', 'Holdfast')));
    await Promise.allSettled(this.#promoting);
  }

  async #bringBack(copy: Copy): Promise<void> {
    const { clock, folder, note, restore } = this.#parts;
    const { asOf, id, into, stop, vault, wish } = copy;
    const target = nameOf(copy);
    try {
      const order = {
        wish: wishOf(wish),
        asOf: asOf === null ? null : new Date(asOf),
        folder: into === null ? join(folder, id) : resolve(into),
        isKept: into !== null,
      };
      const tell: Tell = (progress) => {
        if (copy.standing.state !== 'running') return;
        copy.standing = { state: 'running', progress: progressOf(progress) };
      };
      const restored = await this.#turn(stop.signal, () =>
        restore(target, vault, order, tell, stop.signal),
      );
      copy.restored = restored;
      stop.signal.throwIfAborted();
      copy.mark = await markOf(restored, copy.of.database);
      const { goal, isSealed, phases, point, rtoMs, view, window } = restored;
      const drilledAt = await this.#parts.drilledAt(target, vault, point).catch(() => null);
      stop.signal.throwIfAborted();
      copy.usedMs = clock.monotonicMs();
      copy.standing = {
        state: 'ready',
        point: { id: point.id, endedAt: point.endedAt, drilledAt, isSealed },
        goal: goalWords(goal),
        window: { from: window.from.toISOString(), to: window.to.toISOString() },
        ...{ rtoMs, phases, view, keptUntil: this.#keptUntil(), diff: null },
      };
      await note({
        kind: 'restore-came-back',
        facts: {
          ...factsOf(copy),
          point: point.id,
          isSealed,
          drilledAt,
          ...goalWords(goal),
          rtoMs,
        },
        message: `${target} came back beside itself from ${point.id} in ${Math.ceil(rtoMs / 1000)} s (${id}).`,
      });
    } catch (error) {
      // Whoever breaks it off says so.
      if (stop.signal.aborted) return;
      await copy.restored?.discard().catch(() => {});
      copy.restored = null;
      this.#over(copy, { state: 'failed', ...troubleOf(error) });
      await note({
        kind: 'restore-failed',
        facts: { ...factsOf(copy), ...failureFacts(error), wishKind: copy.wish.kind },
        message: `${target} did not come back from ${vault}: ${messageOf(error)}`,
      });
    }
  }

  async #compare(copy: Copy, by: string): Promise<void> {
    const { clock, note } = this.#parts;
    try {
      const diff = await this.#turn(copy.stop.signal, () =>
        this.#between(copy, (restored, live) =>
          diffTargets({
            ...{ restored, live, keysMax: KEYS_SHOWN_MAX, signal: copy.stop.signal },
            onProgress: (progress) => setDiff(copy, { state: 'running', progress }),
          }),
        ),
      );
      const result = diffWords(diff);
      setDiff(copy, { state: 'done', at: clock.now().toISOString(), result });
      const rows = (of: 'missing' | 'changed' | 'extra'): number =>
        diff.tables.reduce((sum, { keys }) => sum + Number(keys?.[of] ?? 0n), 0);
      await note({
        kind: 'restore-diffed',
        facts: {
          ...{ ...factsOf(copy), by, tables: diff.tables.length, structure: diff.structure.length },
          ...{ missing: rows('missing'), changed: rows('changed'), extra: rows('extra') },
        },
        message: `${copy.id} of ${nameOf(copy)} was compared: ${rows('missing')} rows are missing, ${rows('changed')} changed, ${rows('extra')} came since.`,
      });
    } catch (error) {
      setDiff(copy, { state: 'failed', ...troubleOf(error) });
    }
  }

  #look(copy: Copy, words: WriteBackWords): Promise<WriteBackReport> {
    readyOf(copy);
    const { signal } = copy.stop;
    const look = () => this.#write(copy, { ...words, mode: 'preview' });
    return this.#looks.run(copy.id, JSON.stringify(words), () =>
      this.#use(copy, soon(this.#parts.lookInTurn, signal, look)).catch((error: unknown) => {
        throw signal.aborted ? discarded(copy) : error;
      }),
    );
  }

  async #apply(copy: Copy, words: WriteBackWords, by: Spoken): Promise<WriteBackReport> {
    const { note, record } = this.#parts;
    const target = nameOf(copy);
    const facts = { ...factsOf(copy), by: by.name, tables: tablesText(words), ...choiceOf(words) };
    await record({
      kind: 'restore-writing',
      facts: { ...facts, ...by.facts },
      message: `${by.name} writes rows of ${facts.tables} back into ${target}, from ${copy.id}.`,
    });
    const order: WriteBackOrder = { ...words, mode: 'apply' };
    const report = await this.#write(copy, order).catch(async (error: unknown) => {
      const reason = messageOf(error);
      await note({
        kind: isOutcomeUnknown(error) ? 'restore-unknown' : 'restore-not-written',
        facts: { ...facts, reason },
        message: isOutcomeUnknown(error)
          ? `Whether rows were written back into ${target} is not known: ${reason}`
          : `Nothing was written back into ${target}: ${reason}`,
      });
      throw error;
    });
    const sums = sumsOf(report);
    await note({
      kind: 'restore-written-back',
      facts: { ...facts, write: report.id, ...sums },
      message: `${by.name} wrote rows of ${facts.tables} back into ${target}: ${sumsText(sums)} (${report.id}).`,
    });
    return report;
  }

  #write(copy: Copy, order: WriteBackOrder): Promise<WriteBackReport> {
    const { clock } = this.#parts;
    return this.#between(copy, (restored, live) =>
      writeBack(order, { restored, live, clock, onProgress: () => {} }),
    );
  }

  async #between<T>(
    copy: Copy,
    work: (restored: TargetDatabase, live: TargetDatabase) => Promise<T>,
  ): Promise<T> {
    const { database, open } = copy.of;
    const of = restoredOf(copy);
    if ((await markOf(of, database)) !== copy.mark) throw touched(copy.id);
    const restored = of.database(database, RESTORE_STATEMENT_MS_MAX);
    const live = open();
    try {
      return await work(restored, live);
    } finally {
      await Promise.allSettled([restored.close(), live.close()]);
    }
  }

  async #promote(target: string, proposalId: string, facts: unknown): Promise<string> {
    const { clock, folder, restore } = this.#parts;
    const of = this.#targetOf(target);
    const { signal } = this.#stopping;
    let written: WriteBackReport | null = null;
    const run = promoteRestoreRunner({
      restore: (_target, { asOf, vault }, wish) => {
        if (!of.vaults.includes(vault)) throw noVault(target, of.vaults, vault);
        const order = { wish, asOf, folder: join(folder, newId('restore', clock)), isKept: false };
        return restore(target, vault, order, () => {}, signal);
      },
      open: (_target, database) => {
        if (database === of.database) return of.open();
        throw state(`the database ${of.database} of ${target}`, database, 'Propose it anew.');
      },
      // Whoever drains the target sees it within a second.
      drainOnce: null,
      written: (report) => {
        written = report;
      },
      clock,
      statementMsMax: RESTORE_STATEMENT_MS_MAX,
    });
    const act = { proposalId, target, environment: of.target.environment.name, facts, people: [] };
    const said = await this.#turn(signal, () => run(act)).catch(async (error: unknown) => {
      if (isOutcomeUnknown(error)) {
        await this.#noteAfter(unknownPromotion(target, proposalId, messageOf(error)));
      }
      throw error;
    });
    const event = {
      kind: 'restore-promoted',
      facts: { target, proposal: proposalId, ...writtenFacts(written) },
      message: said,
    } as const;
    await this.#noteAfter(event);
    return said;
  }

  /** What is done is done, and the end of the proposal says so, too. */
  async #noteAfter(event: HoldfastEvent): Promise<void> {
    try {
      await this.#parts.note(event);
    } catch {
      // Nobody would know it better for an error.
    }
  }

  #turn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return turn(this.#parts.inTurn, signal, work);
  }

  /** What uses a copy keeps it, and is waited for before it is removed. */
  #use<T>(copy: Copy, work: Promise<T>): Promise<T> {
    copy.uses.add(work);
    const over = (): void => {
      copy.uses.delete(work);
      copy.usedMs = this.#parts.clock.monotonicMs();
      const { standing } = copy;
      if (standing.state === 'ready') copy.standing = { ...standing, keptUntil: this.#keptUntil() };
    };
    work.then(over, over);
    return work;
  }

  #keptUntil(): string {
    return new Date(this.#parts.clock.now().getTime() + RESTORE_IDLE_MS).toISOString();
  }

  #discard(copy: Copy, why: EndWhy, by: string): Promise<void> {
    if (!isStanding(copy)) return Promise.resolve();
    copy.ending ??= this.#end(copy, why, by);
    return copy.ending;
  }

  async #end(copy: Copy, why: EndWhy, by: string): Promise<void> {
    copy.stop.abort(new Error('discarded'));
    await copy.keeping?.catch(() => {});
    if (!isStanding(copy)) return;
    await Promise.allSettled(copy.uses);
    await copy.restored?.discard();
    copy.restored = null;
    this.#over(copy, { state: 'discarded', why });
    await this.#parts.note({
      kind: 'restore-discarded',
      facts: { ...factsOf(copy), why, by },
      message: `The copy ${copy.id} of ${nameOf(copy)} was removed (${why}).`,
    });
  }

  #over(copy: Copy, standing: CopyStanding): void {
    copy.standing = standing;
    const over = [...this.#copies.values()].filter((one) => !isStanding(one));
    for (const one of over.slice(0, -OVER_KEPT_MAX)) this.#copies.delete(one.id);
  }

  #targetOf(name: string): CopiedTarget {
    const found = this.#parts.targetOf(name);
    if (found !== null) return found;
    throw new HoldfastError('HF_NOT_FOUND', {
      expected: 'a target with `recovery` in holdfast.yaml',
      found: oneLine(name),
      hint: 'See holdfast recovery status.',
    });
  }

  #copy(target: string, id: string): Copy {
    this.#targetOf(target);
    const copy = this.#copies.get(id);
    if (copy !== undefined && nameOf(copy) === target) return copy;
    throw new HoldfastError('HF_NOT_FOUND', {
      expected: `a restore of ${target} that this Holdfast knows`,
      found: oneLine(id),
      hint: 'Copies do not outlive the Holdfast that made them. Restore once more.',
    });
  }
}

/** With a code it can be told whether the vault failed, or what was asked for is not there. */
function failureFacts(error: unknown): { readonly reason: string; readonly code: string | null } {
  const code = error instanceof HoldfastError ? error.code : null;
  return { reason: messageOf(error), code };
}

function writtenFacts(report: WriteBackReport | null): HoldfastEvent['facts'] {
  return report === null ? {} : { write: report.id, ...sumsOf(report) };
}

function unknownPromotion(target: string, proposal: string, reason: string): HoldfastEvent {
  return {
    kind: 'restore-unknown',
    facts: { target, proposal, reason },
    message: `Whether ${target} was promoted as ${proposal} says is not known: ${reason}`,
  };
}
