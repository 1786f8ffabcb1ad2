/**
 * The gap rebuild: given a restored old state, what is missing in it is proposed from what is known since,
 * people look at each cell, a quorum signs the digest, and the rows go into the scratch copy as a batch
 * that can be taken back. In this order:
 *
 *   parseMapping -> propose -> Rebuilds: keep, decide* -> apply into the copy -> promotionOf, signed by the
 *     digest -> promoteRebuildRunner -> takeBackLive
 *
 * Nothing here writes to the live target but what a quorum signed, and what takes that back.
 */
export { type ApplyOptions, type ApplyReport, apply } from './apply.ts';
export { capturedFrom } from './captured-undo.ts';
export { parseMapping } from './mapping/parse-mapping.ts';
export { planOf } from './plan.ts';
export { countsOf, digestOfProposal, type Proposal, type ProposedRow } from './proposal.ts';
export { parseChoice, parseProposal } from './proposal-shape.ts';
export { propose } from './propose.ts';
export { review } from './review.ts';
export { rollback } from './rollback.ts';
