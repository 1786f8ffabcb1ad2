/**
 * Acts on structure in a target: one-time receipts, and statements that run as the owner so that they can
 * be taken back (docs/decisions/0006). Order of the steps: tables, small words, the difference, the plans,
 * then what an agent may call: `holdfast.run`, and nothing else.
 *
 * Schema and roles exist before; `holdfast.seq` and `holdfast.note_act` come with the capture.
 */
import { ident } from '../layout.ts';
import type { Step } from '../step.ts';
import { CHANGE_SQL } from './change-sql.ts';
import { COLUMNS_SQL } from './columns-sql.ts';
import { DIFFERENCE_SQL, DRAFT_SQL } from './difference-sql.ts';
import { EMPTYING_SQL, LARGE_OBJECT_SQL } from './emptying-sql.ts';
import { HANGING_SQL } from './hanging-sql.ts';
import { MADE_SQL } from './made-sql.ts';
import { MOVING_SQL } from './moving-sql.ts';
import { NAMES_SQL } from './names-sql.ts';
import { PATH_SQL } from './path-sql.ts';
import {
  EXECUTE_AS_OWNER_SQL,
  FORMER_SQL,
  IN_RECEIPT_SQL,
  ISSUE_SQL,
  RECEIPTS_SQL,
} from './permit-sql.ts';
import { CLAIMS_SQL, REVERSIBLE_SQL } from './reversible-sql.ts';
import { RUN_SQL, TAG_SQL, UNSEEN_SQL } from './run-sql.ts';

export interface ActsOptions {
  /** Owns what approved statements create; a member of every role whose objects they may change. */
  readonly ddlOwner: string;
}

export function actsFoundation(options: ActsOptions): Step[] {
  const owner = ident(options.ddlOwner);
  const asOwner = `${EXECUTE_AS_OWNER_SQL}
alter function holdfast.execute_as_owner(text, text) owner to ${owner};
revoke all on function holdfast.execute_as_owner(text, text) from public, ${owner};
grant execute on function holdfast.execute_as_owner(text, text) to holdfast_owner;
${LARGE_OBJECT_SQL}
alter function holdfast.large_object(oid) owner to ${owner};
revoke all on function holdfast.large_object(oid) from public;
grant execute on function holdfast.large_object(oid) to holdfast_owner;`;
  return [
    step(
      'acts.receipts',
      'Receipts are signed with a key only Holdfast reads, and counted.',
      RECEIPTS_SQL + IN_RECEIPT_SQL,
    ),
    inner('acts.issue', 'Receipts are given out to one session, in order.', ISSUE_SQL),
    inner('acts.path', 'Names mean what they were judged to mean.', PATH_SQL),
    inner('acts.unseen', 'What an old snapshot cannot see is not changed from it.', UNSEEN_SQL),
    step('acts.draft', 'What an act would do is worked out in two tables.', DRAFT_SQL),
    inner('acts.names', 'Names and grants as they stand.', NAMES_SQL),
    inner('acts.difference', 'What a statement would do is told by the catalogs.', DIFFERENCE_SQL),
    inner('acts.hanging', 'What hangs on what stays is recorded.', HANGING_SQL),
    inner('acts.moving', 'What is dropped is moved to the trash.', MOVING_SQL),
    inner('acts.columns', 'Values of columns are kept before they go.', COLUMNS_SQL),
    inner('acts.change', 'What is changed is recorded first.', CHANGE_SQL),
    inner('acts.emptying', 'What is emptied is kept first.', EMPTYING_SQL),
    inner('acts.claims', 'What nobody can take back is refused.', CLAIMS_SQL),
    inner('acts.reversible', 'Changes of structure are made reversible.', REVERSIBLE_SQL),
    inner('acts.made', 'What is made is noted, so that it can be taken back.', MADE_SQL),
    step('acts.owner', 'Approved statements run as the owner.', TAG_SQL + asOwner),
    inner('acts.run', 'Agents use a receipt by holdfast.run, once.', RUN_SQL),
    step('acts.former', 'What an older layout kept receipts in goes.', FORMER_SQL),
  ];
}

function step(id: string, about: string, sql: string): Step {
  return { id, about, sql: sql.trim(), needs: 'owner' };
}

/** Functions of ours only: nobody but holdfast_owner may call them. */
function inner(id: string, about: string, sql: string): Step {
  const names = [...sql.matchAll(/create or replace function (holdfast\.\w+)\(/g)];
  const locked = names.map(
    ([, name]) =>
      `alter function ${name} owner to holdfast_owner;\nrevoke all on function ${name} from public;`,
  );
  return step(id, about, `${sql.trim()}\n${locked.join('\n')}`);
}
