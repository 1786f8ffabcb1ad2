/**
 * The one time at which rows get a MAC that had none: in the transaction of the migration that makes the
 * columns. What was stamped is in the trail; where the trail says so already, nothing is stamped again, whatever
 * was struck out of our tables by hand, and Holdfast does not start.
 */
import { sql, type Transaction } from 'kysely';
import { HoldfastError } from '../model/errors.ts';
import type { RowMacs } from '../model/row-macs.ts';
import { rowMacs } from './migrations/0024-row-macs.ts';
import { agentFacts, keyedHash, linkMac, personMac, tokenFacts } from './row-facts.ts';
import type { Tables } from './tables.ts';

export interface Stamped {
  readonly people: number;
  readonly agents: number;
  readonly tokens: number;
}

/** Null: these steps do not ask for it. HF_STORE_ROWS: it was done before. */
export async function stampRows(
  trx: Transaction<Tables>,
  taken: readonly string[],
  rows: RowMacs,
): Promise<Stamped | null> {
  if (!taken.includes(rowMacs.name)) return null;
  await refuseSecond(trx);
  const people = await trx.selectFrom('holdfast.people').selectAll().execute();
  for (const row of people) {
    const mac = personMac(rows, row);
    await trx.updateTable('holdfast.people').set({ mac }).where('id', '=', row.id).execute();
  }
  const agents = await trx.selectFrom('holdfast.agents').selectAll().execute();
  for (const row of agents) {
    const mac = rows.mac('agent', row.id, agentFacts(row));
    await trx.updateTable('holdfast.agents').set({ mac }).where('id', '=', row.id).execute();
  }
  const tokens = await trx
    .selectFrom('holdfast.tokens')
    .selectAll()
    .where('revoked_at', 'is', null)
    .execute();
  for (const row of tokens) {
    const mac = rows.mac('token', row.id, tokenFacts(row));
    await trx.updateTable('holdfast.tokens').set({ mac }).where('id', '=', row.id).execute();
  }
  const links = await trx.selectFrom('holdfast.sso_identities').selectAll().execute();
  for (const row of links) {
    await trx
      .updateTable('holdfast.sso_identities')
      .set({ mac: linkMac(rows, row) })
      .where('issuer', '=', row.issuer)
      .where('subject', '=', row.subject)
      .execute();
  }
  const codes = await trx.selectFrom('holdfast.recovery_codes').selectAll().execute();
  for (const { code_hash: hash, person_id: id } of codes) {
    await trx
      .updateTable('holdfast.recovery_codes')
      .set({ code_hash: keyedHash(rows, id, hash) })
      .where('person_id', '=', id)
      .where('code_hash', '=', hash)
      .execute();
  }
  return { people: people.length, agents: agents.length, tokens: tokens.length };
}

/**
 * By what is hashed and signed, the bytes of the entries: the columns and the index beside them (0018) can be
 * changed without a trace. It reads the whole trail, once in the life of a store.
 */
async function refuseSecond(trx: Transaction<Tables>): Promise<void> {
  const found = await sql`
    select from holdfast.trail_entry
    where position('"rows-stamped"'::bytea in bytes) > 0
    limit 1`.execute(trx);
  if (found.rows.length === 0) return;
  throw new HoldfastError('HF_STORE_ROWS', {
    expected: `migration ${rowMacs.name} once`,
    found: 'that the trail says it was taken before, and our tables say that it was not',
    hint: 'Somebody changed our tables by hand: bring the database back from a backup of before.',
  });
}
