/** One restored copy as its keeper has it, what others are shown of it, and its facts for the trail. */
import type { HoldfastError } from '../../model/errors.ts';
import type { Target } from '../../model/target.ts';
import { oneLine } from '../../model/text.ts';
import type { TargetDatabase } from '../../protection/target-database.ts';
import type { CopyStanding, CopyWords, Diffing, WishWords } from './copy-shape.ts';
import type { RestoredTarget } from './restore-target.ts';
import { state } from './write-refusals.ts';

export interface CopiedTarget {
  readonly target: Target;
  readonly vaults: readonly string[];
  readonly database: string;
  /** The live one, by Holdfast's own credential; whoever opens it closes it. */
  readonly open: () => TargetDatabase;
}

/** What is needed of a `RestoredTarget` here. */
export type StandingTarget = Pick<
  RestoredTarget,
  | 'connect'
  | 'database'
  | 'discard'
  | 'goal'
  | 'isSealed'
  | 'keep'
  | 'phases'
  | 'point'
  | 'rtoMs'
  | 'view'
  | 'window'
>;

export type Ready = Extract<CopyStanding, { state: 'ready' }>;
export type EndWhy = Extract<CopyStanding, { state: 'discarded' }>['why'];

export interface Copy {
  readonly id: string;
  readonly vault: string;
  readonly wish: WishWords;
  readonly asOf: string | null;
  readonly into: string | null;
  readonly of: CopiedTarget;
  readonly askedAt: string;
  readonly askedBy: string;
  readonly stop: AbortController;
  standing: CopyStanding;
  restored: StandingTarget | null;
  /** The newest transaction that it knew when it came back. */
  mark: string;
  usedMs: number;
  readonly uses: Set<Promise<unknown>>;
  ending: Promise<void> | null;
  /** From when somebody asked for its folder to stay; nothing else is begun in it, nor is it removed, until then. */
  keeping: Promise<unknown> | null;
}

export function isStanding({ standing }: Copy): boolean {
  return standing.state === 'running' || standing.state === 'ready';
}

export function nameOf({ of }: Copy): string {
  return of.target.name;
}

export function viewOf(copy: Copy): CopyWords {
  const { asOf, askedAt, askedBy, id, standing, vault, wish } = copy;
  return { id, target: nameOf(copy), vault, wish, asOf, askedAt, askedBy, standing };
}

export function readyOf(copy: Copy): Ready {
  const { ending, id, keeping, standing } = copy;
  if (keeping !== null) throw isKept(copy);
  if (standing.state === 'ready' && ending === null) return standing;
  const found =
    standing.state === 'ready' ? 'that it is being removed' : `that it is ${standing.state}`;
  throw state(`${id} to be ready`, found, 'Wait for it, or restore once more.');
}

/** Of one that went while something was asked of it. */
export function discarded({ id }: Copy): HoldfastError {
  return state(`${id} to be ready`, 'that it is being removed', 'Restore once more.');
}

export function isKept({ id }: Copy): HoldfastError {
  return state(`${id} to be nobody else's`, 'that it is being kept', 'See what becomes of it.');
}

export function restoredOf(copy: Copy): StandingTarget {
  readyOf(copy);
  if (copy.restored === null) throw new Error(`${copy.id} is ready and has no server`);
  return copy.restored;
}

export function setDiff(copy: Copy, diff: Diffing): void {
  if (copy.standing.state === 'ready') copy.standing = { ...copy.standing, diff };
}

export function factsOf(copy: Copy): { readonly [name: string]: string } {
  return { restore: copy.id, target: nameOf(copy), vault: copy.vault };
}

/** ` as it was at …`; empty: as it is now. */
export function asOfText({ asOf }: { readonly asOf: string | null }): string {
  return asOf === null ? '' : ` as it was at ${asOf}`;
}

export function wishText(wish: WishWords): string {
  switch (wish.kind) {
    case 'at':
      return `as of ${wish.at}`;
    case 'lsn':
      return `up to ${wish.lsn}`;
    case 'point':
      return `the point ${oneLine(wish.id)}`;
    case 'newest':
      return 'all there is';
    default:
      return wish satisfies never;
  }
}
