/**
 * Which statements of a text need more than an agent's role has, where they stand in it, and what the
 * server answers when they are done. For a protected target: there such a statement runs by a receipt
 * (docs/decisions/0006), so its exact bytes and its command tag have to be known.
 *
 * Nothing is said of texts that need nothing: `partsOf` is null for them, and costs one look-up a
 * statement. What it will not do: judge. A kind that is not listed needs nothing of ours; the server
 * then answers for itself what the agent's own role may do.
 */
import type { Effect } from '../../model/effect.ts';
import { NOTED } from '../../model/reversal.ts';
import { Gatherer } from './gatherer.ts';
import { unlinked } from './large-object.ts';
import { object, wordsOf } from './objects.ts';
import { asCreateTable } from './select-into.ts';
import type { Rights, SqlPart } from './sql-reading.ts';
import { statement } from './statements.ts';
import type { TreeBody, TreeNode } from './tree.ts';
import { asBody, bodyAt, flagAt, nodeAt, nodesAt, textAt } from './tree.ts';

/** The command tag of a kind, when it is always the same. */
const TAGS: Readonly<Record<string, string>> = {
  CreateStmt: 'CREATE TABLE',
  CreateForeignTableStmt: 'CREATE FOREIGN TABLE',
  IndexStmt: 'CREATE INDEX',
  ViewStmt: 'CREATE VIEW',
  CreateSeqStmt: 'CREATE SEQUENCE',
  CreateSchemaStmt: 'CREATE SCHEMA',
  CreateDomainStmt: 'CREATE DOMAIN',
  CompositeTypeStmt: 'CREATE TYPE',
  CreateEnumStmt: 'CREATE TYPE',
  CreateRangeStmt: 'CREATE TYPE',
  CreateStatsStmt: 'CREATE STATISTICS',
  CreateConversionStmt: 'CREATE CONVERSION',
  CreateOpClassStmt: 'CREATE OPERATOR CLASS',
  CreateOpFamilyStmt: 'CREATE OPERATOR FAMILY',
  CreateAmStmt: 'CREATE ACCESS METHOD',
  CreatePLangStmt: 'CREATE LANGUAGE',
  CreateTransformStmt: 'CREATE TRANSFORM',
  CreateTableSpaceStmt: 'CREATE TABLESPACE',
  CreatePublicationStmt: 'CREATE PUBLICATION',
  CreatedbStmt: 'CREATE DATABASE',
  CreateFdwStmt: 'CREATE FOREIGN DATA WRAPPER',
  CreateForeignServerStmt: 'CREATE SERVER',
  ImportForeignSchemaStmt: 'IMPORT FOREIGN SCHEMA',
  CreateCastStmt: 'CREATE CAST',
  RuleStmt: 'CREATE RULE',
  CreateTrigStmt: 'CREATE TRIGGER',
  CreateEventTrigStmt: 'CREATE EVENT TRIGGER',
  AlterEventTrigStmt: 'ALTER EVENT TRIGGER',
  CreateSubscriptionStmt: 'CREATE SUBSCRIPTION',
  AlterSubscriptionStmt: 'ALTER SUBSCRIPTION',
  DropSubscriptionStmt: 'DROP SUBSCRIPTION',
  AlterPublicationStmt: 'ALTER PUBLICATION',
  CreateExtensionStmt: 'CREATE EXTENSION',
  AlterExtensionStmt: 'ALTER EXTENSION',
  AlterExtensionContentsStmt: 'ALTER EXTENSION',
  AlterFdwStmt: 'ALTER FOREIGN DATA WRAPPER',
  AlterForeignServerStmt: 'ALTER SERVER',
  AlterSeqStmt: 'ALTER SEQUENCE',
  AlterCollationStmt: 'ALTER COLLATION',
  AlterDomainStmt: 'ALTER DOMAIN',
  AlterEnumStmt: 'ALTER TYPE',
  AlterTypeStmt: 'ALTER TYPE',
  AlterOperatorStmt: 'ALTER OPERATOR',
  AlterOpFamilyStmt: 'ALTER OPERATOR FAMILY',
  AlterStatsStmt: 'ALTER STATISTICS',
  AlterTSDictionaryStmt: 'ALTER TEXT SEARCH DICTIONARY',
  AlterTSConfigurationStmt: 'ALTER TEXT SEARCH CONFIGURATION',
  AlterTableSpaceOptionsStmt: 'ALTER TABLESPACE',
  AlterTableMoveAllStmt: 'ALTER TABLE',
  AlterDatabaseStmt: 'ALTER DATABASE',
  AlterDatabaseRefreshCollStmt: 'ALTER DATABASE',
  AlterDatabaseSetStmt: 'ALTER DATABASE',
  AlterSystemStmt: 'ALTER SYSTEM',
  CommentStmt: 'COMMENT',
  DropdbStmt: 'DROP DATABASE',
  DropTableSpaceStmt: 'DROP TABLESPACE',
  TruncateStmt: 'TRUNCATE TABLE',
  SecLabelStmt: 'SECURITY LABEL',
  CreatePolicyStmt: 'CREATE POLICY',
  AlterPolicyStmt: 'ALTER POLICY',
  CreateRoleStmt: 'CREATE ROLE',
  AlterRoleStmt: 'ALTER ROLE',
  AlterRoleSetStmt: 'ALTER ROLE',
  DropRoleStmt: 'DROP ROLE',
  AlterDefaultPrivilegesStmt: 'ALTER DEFAULT PRIVILEGES',
  CreateUserMappingStmt: 'CREATE USER MAPPING',
  AlterUserMappingStmt: 'ALTER USER MAPPING',
  DropUserMappingStmt: 'DROP USER MAPPING',
  DropOwnedStmt: 'DROP OWNED',
  ReassignOwnedStmt: 'REASSIGN OWNED',
  RefreshMatViewStmt: 'REFRESH MATERIALIZED VIEW',
  ReindexStmt: 'REINDEX',
  ClusterStmt: 'CLUSTER',
  DoStmt: 'DO',
};

/** The tag of a kind that has several (`command tags` of PostgreSQL's utility.c). */
const TAGS_BY_BODY: Readonly<Record<string, (body: TreeBody) => string>> = {
  AlterTableStmt: (body) => altering(textAt(body, 'objtype')),
  AlterOwnerStmt: (body) => altering(textAt(body, 'objectType')),
  AlterObjectSchemaStmt: (body) => altering(textAt(body, 'objectType')),
  AlterObjectDependsStmt: (body) => altering(textAt(body, 'objectType')),
  AlterFunctionStmt: (body) => altering(textAt(body, 'objtype')),
  RenameStmt: (body) => {
    const kind = textAt(body, 'renameType');
    return altering(kind === 'OBJECT_COLUMN' ? textAt(body, 'relationType') : kind);
  },
  DefineStmt: (body) => `CREATE ${wordsOf(textAt(body, 'kind'))}`,
  DropStmt: (body) => `DROP ${wordsOf(textAt(body, 'removeType'))}`,
  CreateFunctionStmt: (body) =>
    flagAt(body, 'is_procedure') ? 'CREATE PROCEDURE' : 'CREATE FUNCTION',
  GrantStmt: (body) => (flagAt(body, 'is_grant') ? 'GRANT' : 'REVOKE'),
  GrantRoleStmt: (body) => (flagAt(body, 'is_grant') ? 'GRANT ROLE' : 'REVOKE ROLE'),
  VacuumStmt: (body) => (flagAt(body, 'is_vacuumcmd') ? 'VACUUM' : 'ANALYZE'),
  // With data the server says `SELECT n`; how many, only it can tell.
  CreateTableAsStmt: (body) =>
    textAt(body, 'objtype') === 'OBJECT_MATVIEW' ? 'CREATE MATERIALIZED VIEW' : 'CREATE TABLE AS',
  SelectStmt: (body) => (unlinked(body) === null ? 'SELECT INTO' : 'SELECT 1'),
};

/** Parts of an object that have no ALTER of their own. */
const HOLDERS: Readonly<Record<string, string>> = {
  OBJECT_ATTRIBUTE: 'ALTER TYPE',
  OBJECT_COLUMN: 'ALTER TABLE',
  OBJECT_TABCONSTRAINT: 'ALTER TABLE',
  OBJECT_DOMCONSTRAINT: 'ALTER DOMAIN',
};

function altering(objectType: string | null): string {
  return HOLDERS[objectType ?? ''] ?? `ALTER ${wordsOf(objectType)}`;
}

/** Kinds that may need more than the agent's own rights. */
export const TAGGED: ReadonlySet<string> = new Set([
  ...Object.keys(TAGS),
  ...Object.keys(TAGS_BY_BODY),
]);

/** Kinds that run with the agent's own rights, or not at all. */
export const RIGHTLESS: ReadonlySet<string> = new Set(
  (
    'InsertStmt UpdateStmt DeleteStmt MergeStmt TransactionStmt VariableSetStmt VariableShowStmt ' +
    'ConstraintsSetStmt FetchStmt ClosePortalStmt ListenStmt UnlistenStmt NotifyStmt ' +
    'CheckPointStmt DiscardStmt DeclareCursorStmt PrepareStmt ExecuteStmt DeallocateStmt ' +
    'ExplainStmt CopyStmt LockStmt CallStmt LoadStmt'
  ).split(' '),
);

/** Never inside a transaction block, so never inside `holdfast.run` either. */
const OUTSIDE: Readonly<Record<string, (body: TreeBody) => boolean>> = {
  CreatedbStmt: () => true,
  DropdbStmt: () => true,
  CreateTableSpaceStmt: () => true,
  DropTableSpaceStmt: () => true,
  AlterSystemStmt: () => true,
  CreateSubscriptionStmt: () => true,
  DropSubscriptionStmt: () => true,
  VacuumStmt: (body) => flagAt(body, 'is_vacuumcmd'),
  ClusterStmt: (body) => bodyAt(body, 'relation') === null,
  IndexStmt: (body) => flagAt(body, 'concurrent'),
  DropStmt: (body) => flagAt(body, 'concurrent'),
  ReindexStmt: (body) =>
    !['REINDEX_OBJECT_INDEX', 'REINDEX_OBJECT_TABLE'].includes(textAt(body, 'kind') ?? '') ||
    nodesAt(body, 'params').some((one) => textAt(one.body, 'defname') === 'concurrently'),
  AlterTableStmt: (body) =>
    nodesAt(body, 'cmds').some((one) => {
      if (textAt(one.body, 'subtype') !== 'AT_DetachPartition') return false;
      return flagAt(nodeAt(one.body, 'def')?.body ?? null, 'concurrent');
    }),
  AlterDatabaseStmt: (body) =>
    nodesAt(body, 'options').some((one) => textAt(one.body, 'defname') === 'tablespace'),
};

/** Roles have no owner who could lend his rights to a receipt. */
const ROLES: ReadonlySet<string> = new Set([
  'CreateRoleStmt',
  'AlterRoleStmt',
  'AlterRoleSetStmt',
  'DropRoleStmt',
  'GrantRoleStmt',
]);

/** A temporary table is the agent's own business: its role may make one, or it may not. */
function isTemporary(relation: TreeBody | null): boolean {
  return textAt(relation, 'relpersistence') === 't';
}

function rightsOf({ kind, body }: TreeNode): Rights {
  switch (kind) {
    case 'SelectStmt': {
      const into = intoOf(body);
      if (unlinked(body) !== null) return 'owner';
      return into === null || isTemporary(bodyAt(into, 'rel')) ? 'none' : 'owner';
    }
    case 'CreateTableAsStmt':
      return isTemporary(bodyAt(bodyAt(body, 'into'), 'rel')) ? 'none' : 'owner';
    case 'CreateStmt':
      return isTemporary(bodyAt(body, 'relation')) ? 'none' : 'owner';
    case 'ViewStmt':
      return isTemporary(bodyAt(body, 'view')) ? 'none' : 'owner';
    case 'DoStmt':
      return definesOnly(body) ? 'owner' : 'none';
    case 'CreateSeqStmt':
      return isTemporary(bodyAt(body, 'sequence')) ? 'none' : 'owner';
    default:
      if (ROLES.has(kind)) return 'admin';
      if (kind === 'RenameStmt' && textAt(body, 'renameType') === 'OBJECT_ROLE') return 'admin';
      if (OUTSIDE[kind]?.(body) === true) return 'outside';
      return TAGGED.has(kind) ? 'owner' : 'none';
  }
}

/** A block that was read whole and defines something; any other runs with the agent's own rights. */
function definesOnly(body: TreeBody): boolean {
  const into = new Gatherer();
  statement({ kind: 'DoStmt', body }, into);
  const kinds = new Set(into.effects.map(({ kind }) => kind));
  return into.trouble === null && !kinds.has('execute') && kinds.has('reshape');
}

/** INTO stands at the leftmost SELECT of a UNION. */
function intoOf(body: TreeBody): TreeBody | null {
  let select: TreeBody | null = body;
  while (select !== null) {
    const into = bodyAt(select, 'intoClause');
    if (into !== null) return into;
    select = bodyAt(select, 'larg');
  }
  return null;
}

/** The statements of a text, in order; null when none needs anything. */
export function partsOf(statements: readonly unknown[], text: Buffer): SqlPart[] | null {
  if (statements.every((raw) => rightsAt(raw) === 'none')) return null;
  return statements.map((raw) => partOf(asBody(raw), text));
}

/** One statement as it stands in a text. The call that deletes a large object counts as what it is only there. */
export function topStatement(node: TreeNode, into: Gatherer): void {
  const id = node.kind === 'SelectStmt' ? unlinked(node.body) : null;
  if (id === null) return statement(node, into);
  into.literalSensitive = true;
  into.effect('destroy', 'LO_UNLINK', object('large-object', id), 'whole', {
    why: 'It deletes a large object.',
  });
}

function rightsAt(raw: unknown): Rights {
  const node = nodeAt(asBody(raw), 'stmt');
  return node === null ? 'none' : rightsOf(node);
}

function partOf(raw: TreeBody | null, text: Buffer): SqlPart {
  const node = nodeAt(raw, 'stmt');
  const from = numberAt(raw, 'stmt_location');
  const length = numberAt(raw, 'stmt_len');
  const to = length === 0 ? text.length : from + length;
  const needs = node === null ? 'none' : rightsOf(node);
  if (node === null || needs === 'none')
    return { from, to, needs: 'none', tag: '', loses: false, answers: 'tag' };
  const into = new Gatherer();
  topStatement(node, into);
  const loses = into.trouble !== null || into.effects.some((effect) => !isLossless(effect));
  const tag = TAGS_BY_BODY[node.kind]?.(node.body) ?? TAGS[node.kind] ?? '';
  const answers = answersOf(node);
  const part: SqlPart = { from, to, needs, tag, loses, answers };
  if (node.kind !== 'SelectStmt' || answers !== 'count') return part;
  const rel = bodyAt(intoOf(node.body), 'rel');
  const instead = asCreateTable(
    text.subarray(from, to),
    node.body,
    numberAt(rel, 'location') - from,
  );
  return { ...part, instead };
}

function answersOf({ kind, body }: TreeNode): SqlPart['answers'] {
  if (kind === 'SelectStmt') return unlinked(body) === null ? 'count' : 'one';
  if (kind !== 'CreateTableAsStmt') return 'tag';
  return flagAt(bodyAt(body, 'into'), 'skipData') ? 'tag' : 'count';
}

function isLossless({ additive, kind, verb }: Effect): boolean {
  if (kind === 'reshape') return additive || NOTED.has(verb);
  return kind === 'read' || kind === 'write';
}

function numberAt(body: TreeBody | null, field: string): number {
  const value = body?.[field];
  return typeof value === 'number' ? value : 0;
}
