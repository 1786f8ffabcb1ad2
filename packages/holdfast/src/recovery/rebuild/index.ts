/**
 * The gap rebuild: given a restored old state, what is missing in it is proposed from what is known since,
 * people look at each cell, a quorum signs the digest, and the rows go into the scratch copy as a batch
 * that can be taken back. In this order:
 *
 *   parseMapping -> propose -> review* -> planOf (signed by its digest) -> apply -> [promotion] -> rollback
 *
 * Nothing here promotes, sends, or writes to anything but the scratch copy that is handed in.
 */
export { type ApplyOptions, type ApplyReport, apply } from './apply.ts';
export type { CapturedRow, CapturedRows } from './captured-rows.ts';
export { type CapturedUndoOptions, capturedFrom } from './captured-undo.ts';
export type { RebuildAssertion } from './checks.ts';
export type { Mapping } from './mapping/mapping.ts';
export { parseMapping } from './mapping/parse-mapping.ts';
export { planOf, type RebuildPlan } from './plan.ts';
export {
  type Choice,
  countsOf,
  digestOfProposal,
  type Proposal,
  type ProposedRow,
  type RowState,
} from './proposal.ts';
export { type ProposeOptions, propose } from './propose.ts';
export type { SourceInput } from './read-sources.ts';
export { type Reviewed, review } from './review.ts';
export { type RollbackOptions, type RollbackReport, rollback } from './rollback.ts';
