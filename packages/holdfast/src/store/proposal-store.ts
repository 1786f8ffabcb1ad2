/** Proposals lie with the holds: see `hold-store.ts`. Here is only how they end. */
import type { ActEnd, ProposalStore } from '../approvals/proposals.ts';
import type { ProposalCard } from '../approvals/proposed-act.ts';
import { storable } from '../model/text.ts';
import type { Database } from './database.ts';
import { PROPOSAL_ROWS } from './hold-rows.ts';
import { SqlHoldStore } from './hold-store.ts';
import type { PersonChecks } from './person-proof.ts';

export class SqlProposalStore extends SqlHoldStore<ProposalCard> implements ProposalStore {
  readonly #database: Database;

  constructor(database: Database, checks: PersonChecks) {
    super(database, checks, PROPOSAL_ROWS);
    this.#database = database;
  }

  async end(id: string, end: ActEnd): Promise<void> {
    await this.#database.run((db) =>
      db
        .updateTable('holdfast.holds')
        .set({ outcome: end.kind, outcome_note: storable(end.note) })
        .where('id', '=', id)
        .where(PROPOSAL_ROWS.own)
        .where('state', '=', 'consumed')
        .where('outcome', 'is', null)
        .execute(),
    );
  }
}
