/**
 * What lay in a vault at a time, looked at before anything of it is restored: the points that a restore of then
 * may begin with, how far it reaches, and by whose word it is of then. It reads keys and each point.json only, so
 * that files of a point are there and whole is found by the restore itself.
 */
import { isSealed, type PointSeal } from '../point-seal.ts';
import type { RecoveryWindow, StoredPoint } from '../recovery-point.ts';
import { viewAsOf, viewWords } from '../vaults/as-of.ts';
import type { Vault } from '../vaults/vault.ts';
import { chooseAmong, noPoint, pointsIn, trusted } from './choose-point.ts';

export interface ViewOrder {
  readonly vault: Vault;
  readonly target: string;
  readonly asOf: Date;
  readonly seal: PointSeal;
}

export interface VaultView {
  /** By whose word it was stored by then: a sentence. */
  readonly view: string;
  readonly window: RecoveryWindow;
  /** Oldest first. */
  readonly points: readonly {
    readonly id: string;
    readonly endedAt: string;
    /** When a drill of this very point passed; null: none is known to have. */
    readonly drilledAt: string | null;
    /** By this installation; null: its key is not here, and nobody can tell. */
    readonly isSealed: boolean | null;
  }[];
}

/** `drilledAt` is asked for the newest `VIEW_POINTS_MAX` points. HF_RESTORE_WINDOW, HF_RECOVERY_DAMAGED, HF_VAULT_*. */
export async function lookAsOf(
  { asOf, seal, target, vault: now }: ViewOrder,
  drilledAt: (point: StoredPoint) => Promise<string | null>,
): Promise<VaultView> {
  const vault = viewAsOf(now, asOf);
  const newest = { kind: 'newest' } as const;
  const all = await pointsIn(vault, target, newest, seal);
  const meant = new Set(trusted(all));
  if (meant.size === 0) throw noPoint(target, asOf);
  const { point: first, window } = await chooseAmong(all, vault, target, newest);
  const shown = all.filter(({ point }) => meant.has(point)).slice(-VIEW_POINTS_MAX);
  const points: VaultView['points'][number][] = [];
  for (const { point, verdict } of shown) {
    const { endedAt, id } = point;
    const drilled = await drilledAt(point);
    points.push({ id, endedAt, drilledAt: drilled, isSealed: isSealed(verdict) });
  }
  return { view: viewWords(vault.kind, first.engine), window, points };
}

/** Whoever looks chooses among the newest; an older one is restored by its id, with the command. */
const VIEW_POINTS_MAX = 200;
