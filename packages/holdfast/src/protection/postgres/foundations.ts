/** What lies in schema `holdfast` besides the wall's own: one readable list, in the order it is laid. */
import { actsFoundation } from './acts/foundation.ts';
import { captureFoundation } from './capture/foundation.ts';
import { ident, OWNER_ROLE } from './layout.ts';
import { type Foundation, foundation } from './wall/foundation.ts';

export const FOUNDATIONS = ({ ddlOwner }: { readonly ddlOwner: string }): readonly Foundation[] => [
  foundation(
    'capture',
    'capture',
    'The journal of changes, and the functions that put capture on tables',
    captureFoundation(),
    {
      about: 'Every table keeps the old rows of what is changed, in the same transaction',
      sql: 'select holdfast.attach_missing();',
    },
  ),
  foundation(
    'acts',
    'receipts',
    'One-time receipts, and what makes changes of structure reversible',
    lent(ddlOwner, actsFoundation({ ddlOwner })),
  ),
];

/** A role can only be given a function in a schema where it may create; it may for as long as it takes. */
function lent(role: string, steps: ReturnType<typeof actsFoundation>): typeof steps {
  if (role === OWNER_ROLE) return steps;
  const lend = (word: string, id: string, sql: string): (typeof steps)[number] => ({
    id,
    about: `${role} ${word} into schema holdfast`,
    sql,
    needs: 'owner',
  });
  const grant = `grant create on schema holdfast to ${ident(role)};`;
  const revoke = `revoke create on schema holdfast from ${ident(role)};`;
  return [lend('may write', 'lend', grant), ...steps, lend('may no longer write', 'take', revoke)];
}
