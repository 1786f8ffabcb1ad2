/**
 * Proposals as they stand, with every choice in them, in memory for those who work on them now. One of a hundred
 * megabytes is unpacked, read, chosen in and digested in steps between which everything else goes on, and one at a
 * time; what was made once is used until somebody chooses again.
 *
 * It will not: keep more than `REBUILD_OPEN_BYTES_MAX` of them (but always the last one), or take a choice
 * otherwise than in its order.
 */
import { REBUILD_OPEN_BYTES_MAX } from '../../model/limits.ts';
import type { JournalRecord, RecordJournal } from '../../model/record-journal.ts';
import { inSteps } from '../../model/steps.ts';
import { planSteps, type RebuildPlan } from './plan.ts';
import { digestSteps, type Proposal } from './proposal.ts';
import { proposalSteps } from './proposal-shape.ts';
import { type Reviewed, reviewSteps } from './review.ts';

export interface OpenProposal {
  /** As it was proposed. */
  readonly first: Proposal;
  readonly proposal: Proposal;
  /** Of the proposal, choices included. */
  readonly digest: string;
  readonly plan: RebuildPlan;
}

interface Kept extends OpenProposal {
  /** Choices that are in it. */
  readonly choices: number;
  /** As it was proposed, unpacked. */
  readonly bytes: number;
}

export class OpenProposals {
  readonly #journal: Pick<RecordJournal, 'body'>;
  readonly #bytesMax: number;
  /** The one that was asked for last stands last. */
  readonly #kept = new Map<string, Kept>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(journal: Pick<RecordJournal, 'body'>, bytesMax = REBUILD_OPEN_BYTES_MAX) {
    this.#journal = journal;
    this.#bytesMax = bytesMax;
  }

  /** `choices`: all that were made, in order. Throws HF_REBUILD_STATE. */
  async of(record: JournalRecord, choices: readonly Reviewed[]): Promise<OpenProposal> {
    const known = this.#kept.get(record.id);
    if (known?.choices === choices.length) {
      this.#keep(record.id, known);
      return known;
    }
    const turn = this.#turn.then(() => this.#opened(record, choices));
    this.#turn = turn.catch(() => {});
    return await turn;
  }

  async #opened(record: JournalRecord, choices: readonly Reviewed[]): Promise<OpenProposal> {
    const known = this.#kept.get(record.id);
    if (known?.choices === choices.length) return known;
    const from = known ?? (await this.#read(record));
    const isBehind = known !== undefined && known.choices < choices.length;
    const start = isBehind ? known.proposal : from.first;
    const since = choices.slice(isBehind ? known.choices : 0);
    const proposal = await inSteps(reviewSteps(start, since));
    const digest = await inSteps(digestSteps(proposal));
    const plan = await inSteps(planSteps(proposal, digest));
    const { bytes, first } = from;
    const opened: Kept = { first, proposal, digest, plan, bytes, choices: choices.length };
    // Whoever read the journal before the others did does not put them back.
    if (known === undefined || isBehind) this.#keep(record.id, opened);
    return opened;
  }

  async #read(record: JournalRecord): Promise<Pick<Kept, 'first' | 'bytes'>> {
    const body = await this.#journal.body(record);
    return { first: await inSteps(proposalSteps(body)), bytes: body.length };
  }

  #keep(id: string, kept: Kept): void {
    this.#kept.delete(id);
    this.#kept.set(id, kept);
    let bytes = [...this.#kept.values()].reduce((sum, one) => sum + one.bytes, 0);
    for (const [oldest, one] of this.#kept) {
      if (bytes <= this.#bytesMax || oldest === id) break;
      this.#kept.delete(oldest);
      bytes -= one.bytes;
    }
  }
}
