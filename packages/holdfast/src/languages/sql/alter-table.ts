/**
 * ALTER TABLE and its kin, sub-command by sub-command. Additive is only what leaves everything that
 * exists as it was; whatever loses data is `destroy`, whatever moves the wall (owner, row security)
 * is `grant`; the rest reshapes.
 */
import type { ObjectRef } from '../../model/effect.ts';
import type { Gatherer } from './gatherer.ts';
import { object, relationAt, role, typeOf, wordsOf } from './objects.ts';
import type { Walker } from './scope.ts';
import type { TreeBody } from './tree.ts';
import { bodyAt, nodeAt, nodesAt, textAt, valueAt } from './tree.ts';

const ADDITIVE = new Set([
  'AT_AddColumn',
  'AT_AddIndex',
  'AT_AddIndexConstraint',
  'AT_AddConstraint',
  'AT_ValidateConstraint',
  'AT_AddIdentity',
  'AT_AttachPartition',
  'AT_SetStatistics',
]);
const GRANTS = new Set([
  'AT_ChangeOwner',
  'AT_EnableRowSecurity',
  'AT_DisableRowSecurity',
  'AT_ForceRowSecurity',
  'AT_NoForceRowSecurity',
]);
const WHY: Readonly<Record<string, string>> = {
  AT_AlterColumnType: 'It rewrites every value of the column.',
  AT_SetUnLogged: 'The table is emptied after a crash from then on.',
  AT_SetLogged: 'It rewrites the table.',
  AT_SetTableSpace: 'It rewrites the table.',
  AT_SetAccessMethod: 'It rewrites the table.',
  AT_DisableTrig: 'Triggers that guard or record changes no longer fire.',
  AT_DisableTrigAll: 'Triggers that guard or record changes no longer fire.',
  AT_DisableTrigUser: 'Triggers that guard or record changes no longer fire.',
  AT_DetachPartition: 'The rows of the partition are no longer in the table.',
  AT_AddInherit: 'Queries of the parent see its rows from then on.',
  AT_DropInherit: 'Queries of the parent no longer see its rows.',
};
/** Expressions that run at once, over the rows there are. */
const RUNS_NOW = new Set([
  'AT_AddColumn',
  'AT_AddConstraint',
  'AT_AlterColumnType',
  'AT_AttachPartition',
]);

export function alterTable(body: TreeBody, into: Gatherer, walker: Walker): void {
  const kind = textAt(body, 'objtype');
  const table: ObjectRef | null = named(relationAt(body, 'relation'), kind);
  for (const command of nodesAt(body, 'cmds')) {
    if (command.kind !== 'AlterTableCmd') {
      into.couldNotTell('unknown-statement', `Expected an ALTER command, found ${command.kind}.`);
      continue;
    }
    alterCommand(command.body, `ALTER ${wordsOf(kind)}`, table, into);
    if (RUNS_NOW.has(textAt(command.body, 'subtype') ?? '')) {
      walker.fields(bodyOfDefinition(command.body), null, into);
    }
  }
}

function named(ref: ObjectRef | null, kind: string | null): ObjectRef | null {
  return ref === null ? null : { ...ref, type: typeOf(kind) };
}

function alterCommand(
  command: TreeBody,
  verb: string,
  table: ObjectRef | null,
  into: Gatherer,
): void {
  const subtype = textAt(command, 'subtype') ?? '';
  const cascade = textAt(command, 'behavior') === 'DROP_CASCADE';
  const full = `${verb} ${spoken(subtype)}`;
  if (subtype === 'AT_DropColumn') {
    const column = object('column', `${table?.name ?? '?'}.${textAt(command, 'name') ?? '?'}`);
    const ref = { ...column, schema: table?.schema ?? null };
    into.effect('destroy', full, ref, cascade ? 'cascade' : 'whole', {
      why: 'All values of the column are lost.',
    });
    return;
  }
  if (GRANTS.has(subtype)) {
    into.effect('grant', full, table, 'whole', { why: 'It changes who may see or change rows.' });
    return;
  }
  if (subtype === 'AT_AlterColumnType' && replacesValues(command)) {
    into.effect('destroy', full, table, 'whole', {
      why: 'USING does not mention the column: all its values are replaced.',
    });
    return;
  }
  into.effect('reshape', full, table, cascade ? 'cascade' : 'whole', {
    additive: ADDITIVE.has(subtype) && !cascadesOnDelete(command),
    why: WHY[subtype] ?? null,
  });
}

/** `AT_SetNotNull` as `SET NOT NULL`. */
function spoken(subtype: string): string {
  return subtype
    .replace('AT_', '')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replace('Trig', 'Trigger')
    .toUpperCase();
}

function bodyOfDefinition(command: TreeBody): TreeBody | null {
  return { def: valueAt(command, 'def') };
}

/** `ALTER COLUMN c TYPE t USING expression` where the expression does not look at any column. */
function replacesValues(command: TreeBody): boolean {
  const using = nodeAt(nodeAt(command, 'def')?.body ?? null, 'raw_default');
  return using !== null && !JSON.stringify(using).includes('"ColumnRef"');
}

/** A new foreign key that carries deletions on to this table. */
function cascadesOnDelete(command: TreeBody): boolean {
  const constraint = nodeAt(command, 'def')?.body ?? null;
  const action = textAt(constraint, 'fk_del_action');
  return action !== null && 'cnd'.includes(action);
}

/** ALTER TABLE ALL IN TABLESPACE. */
export function moveAll(body: TreeBody, into: Gatherer): void {
  const from = object('other', textAt(body, 'orig_tablespacename') ?? '?');
  into.effect('reshape', `ALTER ${wordsOf(textAt(body, 'objtype'))} ALL`, from, 'cascade', {
    why: 'It rewrites everything in the tablespace.',
  });
}

/** ALTER ... OWNER TO. */
export function alterOwner(body: TreeBody, ref: ObjectRef | null, into: Gatherer): void {
  const words = wordsOf(textAt(body, 'objectType'));
  into.effect('grant', `ALTER ${words} OWNER`, ref, 'whole', {
    why: `It gives the object to ${role(bodyAt(body, 'newowner'))?.name ?? 'another role'}.`,
  });
}
