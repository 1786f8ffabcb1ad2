/**
 * Changes of roles: `ALTER ROLE`, `CREATE ROLE`, `DROP ROLE`, `GRANT` and `REVOKE` of one role to another.
 * Roles have no owner, so no receipt can lend the right to change them; and the role that runs receipts may
 * make none, so that nothing which agents set off ever can. They run over Holdfast's own connection, in a
 * transaction of their own:
 *
 *   lock roles -> picture -> the statement -> picture -> rules -> the act, in the journal -> commit
 *
 * So the statement and the record of how to take it back are one commit. It is not one with anything of the
 * agent's: inside a transaction block it is refused, because a rollback there would not reach it.
 *
 * It will not: run more than one statement, or one that is no change of roles by the server's own parser;
 * touch who may everything (rules.ts); or change what it cannot see (verifiers, where the admin is no
 * superuser).
 */
import { HoldfastError } from '../../../model/errors.ts';
import type { TargetDatabase, TargetSession } from '../../target-database.ts';
import type { ActObject, ActRecord } from '../../undo-item.ts';
import { ident, OWNER_ROLE } from '../layout.ts';
import { differences, lockRoles, type RolePicture, rolePicture } from './picture.ts';
import { type RoleFacts, roleTrouble } from './rules.ts';
import { changedSince, factsLeft, type LeftFact } from './since.ts';
import { roleSteps, withoutPassword } from './steps.ts';

const TAGS: ReadonlySet<string> = new Set([
  'CREATE ROLE',
  'ALTER ROLE',
  'DROP ROLE',
  'GRANT ROLE',
  'REVOKE ROLE',
]);

/** Runs it for the session of `role`. The command tag; rejects with what the server said, or HF_UNDO_STATE. */
export function changeRoles(db: TargetDatabase, statement: string, role: string): Promise<string> {
  return db.transaction('read committed', async (session) => {
    const tag = await tagOf(session, statement);
    if (!TAGS.has(tag)) throw notAllowed('it is no change of roles by the server’s own reading');
    const { before, after } = await checked(session, statement);
    if (!before.readable) checkSeen(before, after);
    const act = actOf(tag, statement, before, after);
    if (act === null) return tag;
    const [noted] = await session.query('select holdfast.note_act($1::jsonb)::text as seq', [
      JSON.stringify(act),
    ]);
    // It was run by us, and for the agent: by its name it is found and taken back.
    await session.query('update holdfast.journal set role = $1 where seq = $2::bigint', [
      role,
      noted?.['seq'],
    ]);
    return tag;
  });
}

/** One step of an undo, as the admin, within the same rules. */
export async function undoRoleStep(session: TargetSession, sql: string): Promise<void> {
  await checked(session, sql);
}

/** What somebody else has set otherwise since; nobody does meanwhile. */
export async function rolesChangedSince(
  session: TargetSession,
  left: readonly LeftFact[],
): Promise<readonly LeftFact[]> {
  return changedSince(left, await rolePicture(session, await lockRoles(session)));
}

async function checked(
  session: TargetSession,
  statement: string,
): Promise<{ readonly before: RolePicture; readonly after: RolePicture }> {
  const readable = await lockRoles(session);
  const facts = await factsOf(session);
  const before = await rolePicture(session, readable);
  await session.query(statement);
  const after = await rolePicture(session, readable);
  const trouble = roleTrouble(before, after, facts);
  if (trouble !== null) throw notAllowed(trouble);
  return { before, after };
}

/** By the server's parser, with no more rights than those of a receipt. */
async function tagOf(session: TargetSession, statement: string): Promise<string> {
  await session.query(
    `set local standard_conforming_strings = on; set local role ${ident(OWNER_ROLE)}`,
  );
  const [row] = await session.query('select holdfast.command_tag($1, $2) as tag', [
    statement,
    'pg_catalog',
  ]);
  await session.query('reset role');
  return typeof row?.['tag'] === 'string' ? row['tag'] : '';
}

/** Without verifiers only what has none may change: a new password would not be seen. */
function checkSeen(before: RolePicture, after: RolePicture): void {
  const attributes = differences(before.roles, after.roles);
  const others =
    differences(before.memberships, after.memberships).length +
    differences(before.settings, after.settings).length;
  if (attributes.length > 0 || others === 0)
    throw notAllowed('the admin of this target is no superuser and cannot read the verifiers');
}

async function factsOf(session: TargetSession): Promise<RoleFacts> {
  const [row] = await session.query(`
    select session_user::text as admin,
      coalesce((select value from holdfast.meta where key = 'exempt'), '[]') as exempt,
      (select coalesce(jsonb_agg(name), '[]') from (
        select value #>> '{}' as name from holdfast.meta where key = 'ddl_owner'
        union select e ->> 'owner' from holdfast.meta, jsonb_array_elements(value) e where key = 'before') n) as noted,
      (select coalesce(jsonb_agg(name), '[]') from pg_settings where context = 'user') as free`);
  return {
    admin: String(row?.['admin']),
    exempt: namesIn(row?.['exempt']),
    noted: namesIn(row?.['noted']),
    freeSettings: namesIn(row?.['free']),
  };
}

function namesIn(value: unknown): ReadonlySet<string> {
  return new Set(Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);
}

/** Null: nothing is different. */
function actOf(
  verb: string,
  statement: string,
  before: RolePicture,
  after: RolePicture,
): ActRecord | null {
  const undo = roleSteps(after, before);
  const redo = roleSteps(before, after);
  if (undo.steps.length === 0 && redo.steps.length === 0) return null;
  const roles = differences(before.roles, after.roles);
  // A name that is free now has to be free when it is taken back.
  const absent = roles.flatMap(({ before: old, after: now }) =>
    old !== null && old.name !== now?.name ? [objectOf(old.name)] : [],
  );
  return {
    verb,
    statement: withoutPassword(statement),
    objects: namesTouched(before, after).map(objectOf),
    undo: undo.steps,
    redo: redo.steps,
    absent,
    trash: [],
    notRestored: undo.notRestored,
    left: factsLeft(before, after),
  };
}

function namesTouched(before: RolePicture, after: RolePicture): string[] {
  const nameOf = (oid: string): string =>
    after.roles.get(oid)?.name ?? before.roles.get(oid)?.name ?? oid;
  const oids = [
    ...differences(before.roles, after.roles).map((one) => (one.after ?? one.before)?.oid),
    ...differences(before.memberships, after.memberships).flatMap((one) => {
      const row = one.after ?? one.before;
      return [row?.roleOid, row?.memberOid];
    }),
    ...differences(before.settings, after.settings).map(
      (one) => (one.after ?? one.before)?.roleOid,
    ),
  ];
  return [...new Set(oids.filter((oid) => oid !== undefined).map(nameOf))];
}

/** As pg_identify_object writes it, near enough for `to_regrole`. */
function objectOf(name: string): ActObject {
  return { type: 'role', name: /^[a-z_][a-z0-9_$]*$/.test(name) ? name : ident(name) };
}

function notAllowed(found: string): HoldfastError {
  return new HoldfastError('HF_UNDO_STATE', {
    expected: 'a change of roles that Holdfast makes, and can take back',
    found,
    hint: 'Nothing was changed. A person does it without Holdfast.',
  });
}
