/**
 * The restored copies there are, and how long each stays: few at a time, each as long as somebody uses it; removed
 * when that is asked for, when nobody used it for a while, or when Holdfast stops. What uses a copy is waited for
 * before it is removed, or kept as an ordinary folder.
 */
import { HoldfastError } from '../../model/errors.ts';
import { RESTORE_IDLE_MS, RESTORES_MAX } from '../../model/limits.ts';
import { oneLine } from '../../model/text.ts';
import type { CopiesParts } from './copies-parts.ts';
import {
  type CopiedTarget,
  type Copy,
  type EndWhy,
  factsOf,
  isKept,
  isStanding,
  nameOf,
  readyOf,
  restoredOf,
  type StandingTarget,
} from './copy.ts';
import { tooMany } from './copy-orders.ts';
import type { CopyStanding } from './copy-shape.ts';
import type { KeptCluster } from './restore-target.ts';

/** Of those that are over, so that whoever asked can still see why. */
const OVER_KEPT_MAX = 20;

export class CopyRegistry {
  readonly #parts: Pick<CopiesParts, 'clock' | 'note' | 'targetOf'>;
  readonly #copies = new Map<string, Copy>();

  constructor(parts: Pick<CopiesParts, 'clock' | 'note' | 'targetOf'>) {
    this.#parts = parts;
  }

  /** HF_NOT_FOUND. */
  targetOf(name: string): CopiedTarget {
    const found = this.#parts.targetOf(name);
    if (found !== null) return found;
    throw new HoldfastError('HF_NOT_FOUND', {
      expected: 'a target with `recovery` in holdfast.yaml',
      found: oneLine(name),
      hint: 'See holdfast recovery status.',
    });
  }

  /** HF_NOT_FOUND. */
  find(target: string, id: string): Copy {
    this.targetOf(target);
    const copy = this.#copies.get(id);
    if (copy !== undefined && nameOf(copy) === target) return copy;
    throw new HoldfastError('HF_NOT_FOUND', {
      expected: `a restore of ${target} that this Holdfast knows`,
      found: oneLine(id),
      hint: 'Copies do not outlive the Holdfast that made them. Restore once more.',
    });
  }

  /** The newest first. */
  list(target: string): readonly Copy[] {
    this.targetOf(target);
    return [...this.#copies.values()].filter((copy) => nameOf(copy) === target).reverse();
  }

  /** HF_LIMIT. */
  mustHaveRoom(): void {
    const standing = this.#standing();
    if (standing.length >= RESTORES_MAX) throw tooMany(standing);
  }

  add(copy: Copy): void {
    this.#copies.set(copy.id, copy);
  }

  /** Of one that never began. */
  drop({ id }: Copy): void {
    this.#copies.delete(id);
  }

  /** What uses a copy keeps it, and is waited for before it is removed. */
  use<T>(copy: Copy, work: Promise<T>): Promise<T> {
    copy.uses.add(work);
    const over = (): void => {
      copy.uses.delete(work);
      copy.usedMs = this.#parts.clock.monotonicMs();
      const { standing } = copy;
      if (standing.state === 'ready') copy.standing = { ...standing, keptUntil: this.keptUntil() };
    };
    work.then(over, over);
    return work;
  }

  /** Of one that is used now. */
  keptUntil(): string {
    return new Date(this.#parts.clock.now().getTime() + RESTORE_IDLE_MS).toISOString();
  }

  /** Its folder stays, as an ordinary one. HF_RESTORE_STATE where it is not ready. */
  async keep(copy: Copy): Promise<KeptCluster> {
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
      message: `The copy ${copy.id} of ${nameOf(copy)} was kept in ${kept.folder}.`,
    });
    return kept;
  }

  async #shutDown(copy: Copy, restored: StandingTarget): Promise<KeptCluster> {
    await Promise.allSettled(copy.uses);
    const kept = await this.use(copy, restored.keep());
    this.over(copy, { state: 'discarded', why: 'kept' });
    return kept;
  }

  /** HF_RESTORE_STATE while somebody keeps it. */
  async discard(copy: Copy, by: string): Promise<void> {
    if (copy.keeping !== null) throw isKept(copy);
    await this.#discard(copy, 'asked', by);
  }

  /** Those that nobody used for a while. */
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

  /** What has begun to write is waited for. */
  async discardAll(): Promise<void> {
    const all = this.#standing();
    await Promise.allSettled(all.map((copy) => this.#discard(copy, 'stopped', 'Holdfast')));
  }

  /** Nothing is left of it but what is said of its end. */
  over(copy: Copy, standing: CopyStanding): void {
    copy.restored = null;
    copy.standing = standing;
    const over = [...this.#copies.values()].filter((one) => !isStanding(one));
    for (const one of over.slice(0, -OVER_KEPT_MAX)) this.drop(one);
  }

  #standing(): readonly Copy[] {
    return [...this.#copies.values()].filter(isStanding);
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
    this.over(copy, { state: 'discarded', why });
    await this.#parts.note({
      kind: 'restore-discarded',
      facts: { ...factsOf(copy), why, by },
      message: `The copy ${copy.id} of ${nameOf(copy)} was removed (${why}).`,
    });
  }
}
