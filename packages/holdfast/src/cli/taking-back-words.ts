/** How an act is taken back, in a sentence: on the card of a hold, and in `policy explain`. */
import type { TakingBack } from '../model/reversal.ts';
import { oneLine, spanOf } from './print.ts';

/** `graceMs`: of the environment. */
export function takingBackWords(takingBack: TakingBack, graceMs: number): string {
  const { reason, reversal } = takingBack;
  const grace = spanOf(graceMs);
  const why = oneLine(reason);
  switch (reversal) {
    case 'capture':
      return `capture: the rows as they were before are kept for ${grace} (holdfast undo)`;
    case 'rename':
      return `rename: what is dropped goes to the trash, what is changed is recorded; kept for ${grace} (holdfast undo)`;
    case 'inverse':
      return `inverse: the state as it was before is kept sealed for ${grace}, and set again by holdfast undo`;
    case 'defer':
      return `defer: nothing takes it back (${why}), so it does not run at once but after ${grace}, unless somebody cancels it (holdfast deferrals)`;
    case 'none':
      return `none: what passes is done for good${why === '' ? '' : ` (${why})`}`;
    default:
      return reversal satisfies never;
  }
}

/** `full: ...`; what people must know of a target before they sign for it. */
export function levelWords({ level }: Pick<TakingBack, 'level'>): string {
  switch (level) {
    case 'full':
      return 'full: the database itself refuses what was not approved, and keeps what passes';
    case 'no-fence':
      return 'no-fence: what passes is kept; owners of tables may drop and rewrite past Holdfast';
    case 'capture-only':
      return 'capture-only: agents have no role of their own there';
    case 'none':
      return 'none: the database is not protected (holdfast protect)';
    default:
      return level satisfies never;
  }
}
