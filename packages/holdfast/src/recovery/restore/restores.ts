/**
 * What can be done with restored copies, whoever asks and wherever they stand: in the gateway that keeps the
 * recovery of this installation (`restored-copies.ts`), or asked for over its counter by a command beside it.
 * Orders are authorised before they come here: `by` is who was found to be allowed, and is for the trail.
 *
 * Everything rejects with HF_NOT_FOUND for a target or copy that is not there, HF_RESTORE_STATE for one that
 * is not in a state for it, HF_VAULT_UNREACHABLE where nobody here keeps recovery points.
 */
import type { ProposedAct } from '../../approvals/proposed-act.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Spoken } from '../../model/signed.ts';
import type {
  CopyWords,
  PromotionWords,
  ReportWords,
  ViewWords,
  WishWords,
  WriteBackWords,
} from './copy-shape.ts';
import type { KeptCluster } from './restore-target.ts';

export interface RestoreBegin {
  readonly target: string;
  /** Null: the first of the target's. */
  readonly vault: string | null;
  readonly wish: WishWords;
  /** The vault as it was then; null: as it is. HF_USAGE for a time to come. */
  readonly asOf: string | null;
  readonly by: string;
  /** It shall be kept there, and is as durable as PostgreSQL makes it. Null: beside the drills. */
  readonly into: string | null;
}

/** A promotion, but for its target's environment: what `Proposals.open` is given. */
export type PromotionAct = Pick<ProposedAct, 'facts' | 'words' | 'reason'>;

export interface RestoreLook {
  readonly target: string;
  /** Null: the first of the target's. */
  readonly vault: string | null;
  /** As of when. HF_USAGE for a time to come. */
  readonly asOf: string;
}

export interface Restores {
  /** What lay in a vault then; nothing is restored. HF_RESTORE_WINDOW: no point of the target did. */
  view(look: RestoreLook): Promise<ViewWords>;
  /** Resolves at once; it goes on by itself. HF_LIMIT while too many stand. */
  begin(order: RestoreBegin): Promise<CopyWords>;
  list(target: string): Promise<readonly CopyWords[]>;
  show(target: string, id: string): Promise<CopyWords>;
  /** Resolves at once; the result comes with `show`. Asked again, it is made anew. */
  diff(target: string, id: string, by: string): Promise<CopyWords>;
  preview(target: string, id: string, words: WriteBackWords): Promise<ReportWords>;
  /** Rejects as `writeBack` would now before it begins, HF_LIMIT too: asked before a code is spent for nothing. */
  mustBeFree(target: string, id: string): Promise<void>;
  /** Whole tables only put rows in again. */
  writeBack(target: string, id: string, words: WriteBackWords, by: Spoken): Promise<ReportWords>;
  promotion(target: string, id: string, words: PromotionWords): Promise<PromotionAct>;
  /** What was signed is restored anew and written: one sentence of what was done. */
  promote(target: string, proposalId: string, facts: unknown): Promise<string>;
  /** Of a copy that was begun with `into`. */
  keep(target: string, id: string): Promise<KeptCluster>;
  /** Also what is still being restored. Of one that is over, nothing happens. */
  discard(target: string, id: string, by: string): Promise<CopyWords>;
}

export function keptNowhere(): HoldfastError {
  return new HoldfastError('HF_VAULT_UNREACHABLE', {
    expected: 'a gateway that keeps recovery points',
    found: 'a process that keeps none',
    hint: 'Give a target `recovery` in holdfast.yaml, and ask the gateway; or use `holdfast restore`.',
  });
}
