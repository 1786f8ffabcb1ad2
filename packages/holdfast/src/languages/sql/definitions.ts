/**
 * CREATE, ALTER, DROP and their kin. What is only stored (a function's body, a default) does not run
 * now and is not walked; of a view's query only what it reads counts; what runs now over existing rows
 * or fills a new table is walked. CREATE is additive unless it replaces something or makes what exists behave otherwise.
 */
import type { ObjectRef, ObjectType } from '../../model/effect.ts';
import { alterOwner, alterTable, moveAll } from './alter-table.ts';
import type { Gatherer } from './gatherer.ts';
import {
  object,
  objectOf,
  objectOfNames,
  relation,
  relationAt,
  role,
  typeOf,
  wordsOf,
} from './objects.ts';
import { isOffLimits, OFF_LIMITS } from './off-limits.ts';
import type { Walker } from './scope.ts';
import type { TreeBody } from './tree.ts';
import {
  asBody,
  asNode,
  bodyAt,
  flagAt,
  listAt,
  namesOf,
  nodeAt,
  nodesAt,
  textAt,
  valueAt,
} from './tree.ts';

type Define = (body: TreeBody, into: Gatherer, walker: Walker) => void;

function named(body: TreeBody, field: string, type: ObjectType): ObjectRef | null {
  const value = body[field];
  if (typeof value === 'string') return object(type, value);
  if (Array.isArray(value)) return objectOfNames(type, namesOf(value));
  const bare = asBody(value);
  if (textAt(bare, 'relname') !== null) return relation(bare, type);
  return objectOfNames(type, namesOf([...listAt(bare, 'objname'), ...listAt(bare, 'names')]));
}

/** A CREATE that adds one object; additive unless `OR REPLACE`. */
function adds(verb: string, field: string, type: ObjectType): Define {
  return (body, into) => {
    const replaces = flagAt(body, 'replace');
    into.effect(
      'reshape',
      replaces ? verb.replace('CREATE', 'CREATE OR REPLACE') : verb,
      named(body, field, type),
      replaces ? 'whole' : 'none',
      { additive: !replaces, why: replaces ? 'What stood under that name is replaced.' : null },
    );
  };
}

/** A statement that changes something there is, so that it behaves otherwise. */
function alters(verb: string, field: string, type: ObjectType, why: string | null = null): Define {
  return (body, into) => {
    into.effect('reshape', verb, named(body, field, type), 'whole', { why });
  };
}

function grants(verb: string, field: string, type: ObjectType, why: string | null = null): Define {
  return (body, into) => {
    into.effect('grant', verb, named(body, field, type), 'whole', { why });
  };
}

export const DEFINITIONS: Readonly<Record<string, Define>> = {
  AlterTableStmt: alterTable,
  AlterTableMoveAllStmt: (body, into) => moveAll(body, into),
  AlterOwnerStmt: (body, into) => alterOwner(body, subjectOf(body, 'objectType'), into),
  CreateStmt: createTable,
  CreateForeignTableStmt: (body, into, walker) => {
    const base = bodyAt(body, 'base');
    if (base !== null) createTable(base, into, walker);
  },
  CreateTableAsStmt: createTableAs,
  IndexStmt: createIndex,
  ViewStmt: createView,
  CreateSeqStmt: adds('CREATE SEQUENCE', 'sequence', 'sequence'),
  CreateFunctionStmt: (body, into, walker) => {
    const verb = flagAt(body, 'is_procedure') ? 'CREATE PROCEDURE' : 'CREATE FUNCTION';
    adds(verb, 'funcname', 'function')(body, into, walker);
  },
  CreateDomainStmt: adds('CREATE DOMAIN', 'domainname', 'type'),
  CompositeTypeStmt: adds('CREATE TYPE', 'typevar', 'type'),
  CreateEnumStmt: adds('CREATE TYPE', 'typeName', 'type'),
  CreateRangeStmt: adds('CREATE TYPE', 'typeName', 'type'),
  CreateStatsStmt: adds('CREATE STATISTICS', 'defnames', 'other'),
  CreateConversionStmt: adds('CREATE CONVERSION', 'conversion_name', 'other'),
  CreateOpClassStmt: adds('CREATE OPERATOR CLASS', 'opclassname', 'other'),
  CreateOpFamilyStmt: adds('CREATE OPERATOR FAMILY', 'opfamilyname', 'other'),
  CreateAmStmt: adds('CREATE ACCESS METHOD', 'amname', 'other'),
  CreatePLangStmt: adds('CREATE LANGUAGE', 'plname', 'other'),
  CreateTransformStmt: adds('CREATE TRANSFORM', 'lang', 'other'),
  CreateTableSpaceStmt: adds('CREATE TABLESPACE', 'tablespacename', 'other'),
  CreatePublicationStmt: adds('CREATE PUBLICATION', 'pubname', 'other'),
  CreatedbStmt: adds('CREATE DATABASE', 'dbname', 'database'),
  CreateFdwStmt: adds('CREATE FOREIGN DATA WRAPPER', 'fdwname', 'other'),
  CreateForeignServerStmt: adds('CREATE SERVER', 'servername', 'other'),
  ImportForeignSchemaStmt: adds('IMPORT FOREIGN SCHEMA', 'local_schema', 'schema'),
  DefineStmt: (body, into, walker) => {
    const kind = textAt(body, 'kind');
    adds(`CREATE ${wordsOf(kind)}`, 'defnames', typeOf(kind))(body, into, walker);
  },
  CreateCastStmt: alters('CREATE CAST', 'targettype', 'type', 'It changes how types are matched.'),
  RuleStmt: alters('CREATE RULE', 'relation', 'table', 'It rewrites what statements on it do.'),
  CreateTrigStmt: alters('CREATE TRIGGER', 'relation', 'table', 'Code runs with its changes.'),
  CreateEventTrigStmt: alters(
    'CREATE EVENT TRIGGER',
    'trigname',
    'other',
    'Code runs with the commands of the whole database.',
  ),
  AlterEventTrigStmt: alters('ALTER EVENT TRIGGER', 'trigname', 'other'),
  CreateSubscriptionStmt: alters(
    'CREATE SUBSCRIPTION',
    'subname',
    'other',
    'It pulls rows from another server into the tables of this one.',
  ),
  AlterSubscriptionStmt: alters('ALTER SUBSCRIPTION', 'subname', 'other'),
  DropSubscriptionStmt: drops('DROP SUBSCRIPTION', 'subname', 'other'),
  AlterPublicationStmt: alters('ALTER PUBLICATION', 'pubname', 'other'),
  CreateExtensionStmt: createExtension,
  AlterExtensionStmt: (body, into) => {
    const ref = named(body, 'extname', 'other');
    into.effect('execute', 'ALTER EXTENSION', ref, 'unknown', {
      why: 'It runs the update scripts of the extension.',
    });
  },
  AlterExtensionContentsStmt: alters('ALTER EXTENSION', 'extname', 'other'),
  AlterFdwStmt: alters('ALTER FOREIGN DATA WRAPPER', 'fdwname', 'other'),
  AlterForeignServerStmt: alters('ALTER SERVER', 'servername', 'other'),
  AlterSeqStmt: alters('ALTER SEQUENCE', 'sequence', 'sequence'),
  AlterCollationStmt: alters('ALTER COLLATION', 'collname', 'other'),
  AlterDomainStmt: alterDomain,
  AlterEnumStmt: (body, into) => {
    const adding = textAt(body, 'oldVal') === null;
    const ref = named(body, 'typeName', 'type');
    into.effect('reshape', 'ALTER TYPE', ref, 'whole', { additive: adding });
  },
  AlterTypeStmt: alters('ALTER TYPE', 'typeName', 'type'),
  AlterOperatorStmt: alters('ALTER OPERATOR', 'opername', 'function'),
  AlterOpFamilyStmt: alters('ALTER OPERATOR FAMILY', 'opfamilyname', 'other'),
  AlterStatsStmt: alters('ALTER STATISTICS', 'defnames', 'other'),
  AlterTSDictionaryStmt: alters('ALTER TEXT SEARCH DICTIONARY', 'dictname', 'other'),
  AlterTSConfigurationStmt: alters('ALTER TEXT SEARCH CONFIGURATION', 'cfgname', 'other'),
  AlterFunctionStmt: alters('ALTER FUNCTION', 'func', 'function'),
  AlterTableSpaceOptionsStmt: alters('ALTER TABLESPACE', 'tablespacename', 'other'),
  AlterDatabaseStmt: alters('ALTER DATABASE', 'dbname', 'database'),
  AlterDatabaseRefreshCollStmt: alters('ALTER DATABASE', 'dbname', 'database'),
  AlterDatabaseSetStmt: alters(
    'ALTER DATABASE SET',
    'dbname',
    'database',
    'Every later session of the database starts with the setting.',
  ),
  AlterSystemStmt: (body, into) => {
    const name = textAt(bodyAt(body, 'setstmt'), 'name') ?? 'all';
    into.effect('reshape', 'ALTER SYSTEM', object('setting', name), 'whole', {
      why: 'It changes the configuration of the whole server.',
    });
  },
  AlterObjectSchemaStmt: (body, into) => {
    const words = wordsOf(textAt(body, 'objectType'));
    into.effect('reshape', `ALTER ${words} SET SCHEMA`, subjectOf(body, 'objectType'), 'whole');
  },
  AlterObjectDependsStmt: (body, into) => {
    const words = wordsOf(textAt(body, 'objectType'));
    into.effect('reshape', `ALTER ${words}`, subjectOf(body, 'objectType'), 'whole');
  },
  RenameStmt: rename,
  CommentStmt: (body, into) => {
    const kind = textAt(body, 'objtype');
    into.effect('reshape', 'COMMENT', objectOf(kind, valueAt(body, 'object')), 'none', {
      additive: true,
    });
  },
  DropStmt: drop,
  DropdbStmt: drops('DROP DATABASE', 'dbname', 'database'),
  DropTableSpaceStmt: drops('DROP TABLESPACE', 'tablespacename', 'other'),
  TruncateStmt: (body, into) => {
    const reach = textAt(body, 'behavior') === 'DROP_CASCADE' ? 'cascade' : 'whole';
    for (const table of nodesAt(body, 'relations')) {
      into.effect('destroy', 'TRUNCATE', relation(table.body), reach);
    }
  },
  SecLabelStmt: (body, into) => {
    const kind = textAt(body, 'objtype');
    into.effect('grant', 'SECURITY LABEL', objectOf(kind, valueAt(body, 'object')), 'whole');
  },
  CreatePolicyStmt: grants('CREATE POLICY', 'table', 'table', 'It changes who may see which rows.'),
  AlterPolicyStmt: grants('ALTER POLICY', 'table', 'table', 'It changes who may see which rows.'),
  CreateRoleStmt: grants('CREATE ROLE', 'role', 'role'),
  AlterRoleStmt: (body, into) => {
    into.effect('grant', 'ALTER ROLE', role(valueAt(body, 'role')), 'whole');
  },
  AlterRoleSetStmt: (body, into) => {
    into.effect('grant', 'ALTER ROLE SET', role(valueAt(body, 'role')), 'whole', {
      why: 'Every later session of the role starts with the setting.',
    });
  },
  DropRoleStmt: (body, into) => {
    for (const item of nodesAt(body, 'roles')) {
      into.effect('grant', 'DROP ROLE', role(item.body), 'whole');
    }
  },
  GrantStmt: grant,
  GrantRoleStmt: (body, into) => {
    const isGrant = flagAt(body, 'is_grant');
    const verb = isGrant ? 'GRANT ROLE' : 'REVOKE ROLE';
    if (isGrant) notToOurs(body, 'grantee_roles', ANY_SELF, into);
    for (const granted of nodesAt(body, 'granted_roles')) {
      into.effect('grant', verb, object('role', textAt(granted.body, 'priv_name') ?? '?'), 'whole');
    }
  },
  AlterDefaultPrivilegesStmt: (body, into) => {
    const action = bodyAt(body, 'action');
    if (action !== null && flagAt(action, 'is_grant'))
      notToOurs(action, 'grantees', AGENT_ITSELF, into);
    into.effect('grant', 'ALTER DEFAULT PRIVILEGES', null, 'unknown');
  },
  CreateUserMappingStmt: grants('CREATE USER MAPPING', 'servername', 'other'),
  AlterUserMappingStmt: grants('ALTER USER MAPPING', 'servername', 'other'),
  DropUserMappingStmt: grants('DROP USER MAPPING', 'servername', 'other'),
  DropOwnedStmt: (body, into) => {
    for (const owner of nodesAt(body, 'roles')) {
      into.effect('destroy', 'DROP OWNED', role(owner.body), 'cascade', {
        why: 'Everything the role owns is dropped; the text does not name it.',
      });
    }
  },
  ReassignOwnedStmt: (body, into) => {
    for (const owner of nodesAt(body, 'roles')) {
      into.effect('grant', 'REASSIGN OWNED', role(owner.body), 'whole');
    }
  },
};

function drops(verb: string, field: string, type: ObjectType): Define {
  return (body, into) => {
    const cascade = textAt(body, 'behavior') === 'DROP_CASCADE';
    into.effect('destroy', verb, named(body, field, type), cascade ? 'cascade' : 'whole');
  };
}

function drop(body: TreeBody, into: Gatherer): void {
  const kind = textAt(body, 'removeType');
  const reach = textAt(body, 'behavior') === 'DROP_CASCADE' ? 'cascade' : 'whole';
  for (const value of listAt(body, 'objects')) {
    into.effect('destroy', `DROP ${wordsOf(kind)}`, objectOf(kind, value), reach);
    if (kind === 'OBJECT_POLICY') {
      into.effect('grant', 'DROP POLICY', objectOf(kind, value), 'whole', {
        why: 'It changes who may see which rows.',
      });
    }
  }
}

function subjectOf(body: TreeBody, typeField: string): ObjectRef | null {
  const kind = textAt(body, typeField);
  const relationRef = relation(bodyAt(body, 'relation'), typeOf(kind));
  return relationRef ?? objectOf(kind, valueAt(body, 'object'));
}

function rename(body: TreeBody, into: Gatherer): void {
  const kind = textAt(body, 'renameType');
  const cascade = textAt(body, 'behavior') === 'DROP_CASCADE';
  const table = relation(bodyAt(body, 'relation'));
  const ref =
    table ?? objectOf(kind, valueAt(body, 'object')) ?? named(body, 'subname', typeOf(kind));
  const verb = `ALTER ${wordsOf(kind)} RENAME`;
  if (kind === 'OBJECT_ROLE') into.effect('grant', verb, ref, 'whole');
  else into.effect('reshape', verb, ref, cascade ? 'cascade' : 'whole');
}

function createTable(body: TreeBody, into: Gatherer, walker: Walker): void {
  const parents = nodesAt(body, 'inhRelations');
  const partition = bodyAt(body, 'partbound');
  into.effect('reshape', 'CREATE TABLE', relationAt(body, 'relation'), 'none', { additive: true });
  for (const parent of parents) {
    into.effect('reshape', 'CREATE TABLE', relation(parent.body), 'none', {
      additive: true,
      why: 'Queries of the parent see its rows from then on.',
    });
  }
  // The bounds of a partition are computed now.
  walker.fields(partition, null, into);
}

/**
 * Its query is only stored, but who reads the view reads its tables under another name: the view counts
 * as a read of them now, where they are still named. Settings it would change count likewise.
 */
function createView(body: TreeBody, into: Gatherer, walker: Walker): void {
  adds('CREATE VIEW', 'view', 'view')(body, into, walker);
  const stored = into.apart();
  walker.node(nodeAt(body, 'query'), null, stored);
  for (const effect of stored.effects) {
    if (effect.kind === 'read' && effect.object !== null) into.add(effect);
  }
  for (const act of stored.session) into.act(act);
  if (stored.trouble !== null) into.couldNotTell(stored.trouble.code, stored.trouble.message);
  if (stored.literalSensitive) into.literalSensitive = true;
}

function createTableAs(body: TreeBody, into: Gatherer, walker: Walker): void {
  const created = bodyAt(body, 'into');
  const view = textAt(body, 'objtype') === 'OBJECT_MATVIEW';
  into.effect(
    'reshape',
    view ? 'CREATE MATERIALIZED VIEW' : 'CREATE TABLE AS',
    relation(bodyAt(created, 'rel'), view ? 'view' : 'table'),
    'none',
    { additive: true },
  );
  const query = nodeAt(body, 'query');
  if (query?.kind === 'ExecuteStmt') {
    into.act({ kind: 'execute', name: textAt(query.body, 'name') ?? '' });
    walker.fields(query.body, null, into);
    return;
  }
  walker.node(query, null, into);
}

function createIndex(body: TreeBody, into: Gatherer, walker: Walker): void {
  into.effect('reshape', 'CREATE INDEX', relationAt(body, 'relation'), 'none', { additive: true });
  // Its expressions are computed now, for every row there is.
  for (const field of ['indexParams', 'whereClause']) walker.value(body[field], null, into);
}

/**
 * They come with the server, are trusted by it (no superuser needed), and only compute: types, operators,
 * functions without effects. A version or CASCADE asks for something else than what is known here.
 */
const HARMLESS_EXTENSIONS: ReadonlySet<string> = new Set(
  (
    'btree_gin btree_gist citext cube fuzzystrmatch hstore intarray isn ltree pg_trgm pgcrypto seg ' +
    'unaccent uuid-ossp'
  ).split(' '),
);

function createExtension(body: TreeBody, into: Gatherer): void {
  const ref = named(body, 'extname', 'other');
  into.effect('reshape', 'CREATE EXTENSION', ref, 'none', { additive: true });
  const isPlain = nodesAt(body, 'options').every(
    (option) => textAt(option.body, 'defname') === 'schema',
  );
  if (isPlain && HARMLESS_EXTENSIONS.has(ref?.name ?? '')) return;
  into.effect('execute', 'CREATE EXTENSION', ref, 'unknown', {
    why: 'It runs the install script of the extension.',
  });
}

function alterDomain(body: TreeBody, into: Gatherer, walker: Walker): void {
  const cascade = textAt(body, 'behavior') === 'DROP_CASCADE';
  const adding = textAt(body, 'subtype') === 'C';
  const ref = named(body, 'typeName', 'type');
  into.effect('reshape', 'ALTER DOMAIN', ref, cascade ? 'cascade' : 'whole', { additive: adding });
  // A new check is run over the rows there are.
  if (adding) walker.value(valueAt(body, 'def'), null, into);
}

/** Runs as the owner of what it names: there CURRENT_USER is the owner, and SESSION_USER is the agent. */
const AGENT_ITSELF: readonly string[] = ['session_user'];
/** A change of roles runs as the admin, who gains nothing by an agent either. */
const ANY_SELF: readonly string[] = ['current_user', 'current_role', 'session_user'];

/** What an agent's role may is settled by `holdfast protect`, under whatever name it is given more. */
function notToOurs(body: TreeBody, field: string, selves: readonly string[], into: Gatherer): void {
  for (const grantee of nodesAt(body, field)) {
    const to = role(grantee.body);
    const isSelf = textAt(grantee.body, 'rolename') === null && selves.includes(to?.name ?? '');
    if (isSelf || isOffLimits(to)) into.couldNotTell('off-limits', OFF_LIMITS);
  }
}

function grant(body: TreeBody, into: Gatherer): void {
  const verb = flagAt(body, 'is_grant') ? 'GRANT' : 'REVOKE';
  const kind = textAt(body, 'objtype');
  const all = textAt(body, 'targtype') === 'ACL_TARGET_ALL_IN_SCHEMA';
  if (verb === 'GRANT') notToOurs(body, 'grantees', AGENT_ITSELF, into);
  for (const value of listAt(body, 'objects')) {
    const node = asNode(value);
    const ref =
      node?.kind === 'RangeVar'
        ? relation(node.body, typeOf(kind))
        : objectOf(all ? 'OBJECT_SCHEMA' : kind, value);
    into.effect('grant', verb, ref, 'whole');
  }
}
