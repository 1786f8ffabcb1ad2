/**
 * Restored copies beside their targets, as long as people need them: begun, compared, written back from,
 * discarded. Each is a server of its own. In this order:
 *
 *   asked -> waits for its turn among all heavy work on recovery -> restored (`bring-back.ts`) -> ready -> compared
 *     (`compare-copy.ts`), previewed (one preview at a time), written back (`write-from-copy.ts`) -> discarded
 *     (`copy-registry.ts`)
 *
 * What is promoted is restored anew from what was signed (`promote.ts`), never taken from a copy that stands.
 *
 * It knows no rights: whoever calls has asked for them. Copies are in memory only; what a kill -9 leaves of
 * them is a server and a folder beside those of drills, and is swept with them.
 */
import { newId } from '../../model/ids.ts';
import type { Spoken } from '../../model/signed.ts';
import { oneLine } from '../../model/text.ts';
import { isoWindow } from '../recovery-point.ts';
import { bringBack } from './bring-back.ts';
import { compareCopy } from './compare-copy.ts';
import type { CopiesParts } from './copies-parts.ts';
import {
  asOfText,
  type Copy,
  discarded,
  factsOf,
  readyOf,
  restoredOf,
  setDiff,
  viewOf,
  wishText,
} from './copy.ts';
import { mustBePartial, notYet, vaultOf, wholeTables } from './copy-orders.ts';
import { CopyRegistry } from './copy-registry.ts';
import type {
  CopyWords,
  PromotionWords,
  ReportWords,
  ViewWords,
  WriteBackWords,
} from './copy-shape.ts';
import { soon } from './in-turn.ts';
import { OneLook } from './one-look.ts';
import { promote } from './promote.ts';
import { promotionOf } from './promotion.ts';
import type { KeptCluster } from './restore-target.ts';
import type { PromotionAct, RestoreBegin, RestoreLook, Restores } from './restores.ts';
import { previewFrom, writeFrom } from './write-from-copy.ts';

export class RestoredCopies implements Restores {
  readonly #parts: CopiesParts;
  readonly #copies: CopyRegistry;
  readonly #looks = new OneLook<ReportWords>();
  readonly #stopping = new AbortController();
  readonly #promoting = new Set<Promise<unknown>>();

  constructor(parts: CopiesParts) {
    this.#parts = parts;
    this.#copies = new CopyRegistry(parts);
  }

  async view({ asOf, target, vault: named }: RestoreLook): Promise<ViewWords> {
    const vault = vaultOf(this.#copies.targetOf(target), named);
    this.#mustBeOver(asOf);
    const { points, view, window } = await this.#parts.viewOf(target, vault, new Date(asOf));
    return { vault, asOf, view, window: isoWindow(window), points: [...points] };
  }

  async begin(order: RestoreBegin): Promise<CopyWords> {
    this.#stopping.signal.throwIfAborted();
    const of = this.#copies.targetOf(order.target);
    const vault = vaultOf(of, order.vault);
    this.#copies.mustHaveRoom();
    const { clock, note } = this.#parts;
    if (order.asOf !== null) this.#mustBeOver(order.asOf);
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
    this.#copies.add(copy);
    try {
      await note({
        kind: 'restore-asked',
        facts: { ...factsOf(copy), by: order.by, wish: wishText(order.wish), asOf: order.asOf },
        message: `${oneLine(order.by)} asked for ${order.target} to be restored from ${vault}${asOfText(order)}: ${wishText(order.wish)}.`,
      });
    } catch (error) {
      this.#copies.drop(copy);
      throw error;
    }
    void this.#copies.use(copy, bringBack(copy, this.#copies, this.#parts));
    return viewOf(copy);
  }

  async list(target: string): Promise<readonly CopyWords[]> {
    return this.#copies.list(target).map(viewOf);
  }

  async show(target: string, id: string): Promise<CopyWords> {
    return viewOf(this.#copies.find(target, id));
  }

  async diff(target: string, id: string, by: string): Promise<CopyWords> {
    const copy = this.#copies.find(target, id);
    const ready = readyOf(copy);
    if (ready.diff?.state === 'running') return viewOf(copy);
    setDiff(copy, { state: 'running', progress: null });
    void this.#copies.use(copy, compareCopy(copy, by, this.#parts));
    return viewOf(copy);
  }

  async preview(target: string, id: string, words: WriteBackWords): Promise<ReportWords> {
    return this.#look(this.#copies.find(target, id), words);
  }

  async mustBeFree(target: string, id: string): Promise<void> {
    readyOf(this.#copies.find(target, id));
    this.#looks.mustBeFree(id);
  }

  async writeBack(
    target: string,
    id: string,
    words: WriteBackWords,
    by: Spoken,
  ): Promise<ReportWords> {
    const copy = this.#copies.find(target, id);
    readyOf(copy);
    mustBePartial(words);
    const work = () => this.#copies.use(copy, writeFrom(copy, words, by, this.#parts));
    return this.#looks.run(id, null, work);
  }

  async promotion(target: string, id: string, asked: PromotionWords): Promise<PromotionAct> {
    const copy = this.#copies.find(target, id);
    const { changed, extra } = asked;
    const preview = await this.#look(copy, wholeTables(asked));
    const { goal, isSealed, point } = restoredOf(copy);
    const { database, target: of } = copy.of;
    const drilledAt = await this.#parts.drilledAt(target, copy.vault, point);
    const { facts, reason, words } = promotionOf({
      ...{ target: of, database, vault: copy.vault, asOf: copy.asOf, point, goal, preview },
      ...{ drilledAt, isSealed },
      order: { changed, extra },
    });
    return { facts, reason, words };
  }

  async promote(target: string, proposalId: string, facts: unknown): Promise<string> {
    const of = this.#copies.targetOf(target);
    const work = promote(of, { proposalId, facts }, this.#parts, this.#stopping.signal);
    this.#promoting.add(work);
    return work.finally(() => this.#promoting.delete(work));
  }

  async keep(target: string, id: string): Promise<KeptCluster> {
    return this.#copies.keep(this.#copies.find(target, id));
  }

  async discard(target: string, id: string, by: string): Promise<CopyWords> {
    const copy = this.#copies.find(target, id);
    await this.#copies.discard(copy, by);
    return viewOf(copy);
  }

  /** Those that nobody used for a while. For whoever has a clock that ticks. */
  async discardIdle(): Promise<void> {
    await this.#copies.discardIdle();
  }

  /** Everything is broken off and removed; a write-back that has begun is waited for. */
  async close(): Promise<void> {
    this.#stopping.abort(new Error('Holdfast stops'));
    await this.#copies.discardAll();
    await Promise.allSettled(this.#promoting);
  }

  #mustBeOver(asOf: string): void {
    if (new Date(asOf) > this.#parts.clock.now()) throw notYet(asOf);
  }

  #look(copy: Copy, words: WriteBackWords): Promise<ReportWords> {
    readyOf(copy);
    const { clock, lookInTurn } = this.#parts;
    const { signal } = copy.stop;
    const look = () => previewFrom(copy, words, clock);
    return this.#looks.run(copy.id, JSON.stringify(words), () =>
      this.#copies.use(copy, soon(lookInTurn, signal, look)).catch((error: unknown) => {
        throw signal.aborted ? discarded(copy) : error;
      }),
    );
  }
}
