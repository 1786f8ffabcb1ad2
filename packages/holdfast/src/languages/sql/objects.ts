/** From the names in the tree to the objects of an effect, with the schema as written. */
import type { ObjectRef, ObjectType } from '../../model/effect.ts';
import type { TreeBody, TreeNode } from './tree.ts';
import {
  asBody,
  asNode,
  bodyAt,
  listAt,
  namesOf,
  nodesOf,
  stringOf,
  textAt,
  valueAt,
} from './tree.ts';

/** The words of PostgreSQL's ObjectType (`OBJECT_TABLE`) as people write them, and our type. */
const KINDS: Readonly<Record<string, readonly [words: string, type: ObjectType]>> = {
  OBJECT_ACCESS_METHOD: ['ACCESS METHOD', 'other'],
  OBJECT_AGGREGATE: ['AGGREGATE', 'function'],
  OBJECT_ATTRIBUTE: ['ATTRIBUTE', 'column'],
  OBJECT_CAST: ['CAST', 'other'],
  OBJECT_COLLATION: ['COLLATION', 'other'],
  OBJECT_COLUMN: ['COLUMN', 'column'],
  OBJECT_CONVERSION: ['CONVERSION', 'other'],
  OBJECT_DATABASE: ['DATABASE', 'database'],
  OBJECT_DOMAIN: ['DOMAIN', 'type'],
  OBJECT_DOMCONSTRAINT: ['DOMAIN CONSTRAINT', 'type'],
  OBJECT_EVENT_TRIGGER: ['EVENT TRIGGER', 'other'],
  OBJECT_EXTENSION: ['EXTENSION', 'other'],
  OBJECT_FDW: ['FOREIGN DATA WRAPPER', 'other'],
  OBJECT_FOREIGN_SERVER: ['SERVER', 'other'],
  OBJECT_FOREIGN_TABLE: ['FOREIGN TABLE', 'table'],
  OBJECT_FUNCTION: ['FUNCTION', 'function'],
  OBJECT_INDEX: ['INDEX', 'index'],
  OBJECT_LANGUAGE: ['LANGUAGE', 'other'],
  OBJECT_LARGEOBJECT: ['LARGE OBJECT', 'large-object'],
  OBJECT_MATVIEW: ['MATERIALIZED VIEW', 'view'],
  OBJECT_OPCLASS: ['OPERATOR CLASS', 'other'],
  OBJECT_OPERATOR: ['OPERATOR', 'function'],
  OBJECT_OPFAMILY: ['OPERATOR FAMILY', 'other'],
  OBJECT_PARAMETER_ACL: ['PARAMETER', 'setting'],
  OBJECT_POLICY: ['POLICY', 'other'],
  OBJECT_PROCEDURE: ['PROCEDURE', 'function'],
  OBJECT_PUBLICATION: ['PUBLICATION', 'other'],
  OBJECT_ROLE: ['ROLE', 'role'],
  OBJECT_ROUTINE: ['ROUTINE', 'function'],
  OBJECT_RULE: ['RULE', 'other'],
  OBJECT_SCHEMA: ['SCHEMA', 'schema'],
  OBJECT_SEQUENCE: ['SEQUENCE', 'sequence'],
  OBJECT_SUBSCRIPTION: ['SUBSCRIPTION', 'other'],
  OBJECT_STATISTIC_EXT: ['STATISTICS', 'other'],
  OBJECT_TABCONSTRAINT: ['CONSTRAINT', 'table'],
  OBJECT_TABLE: ['TABLE', 'table'],
  OBJECT_TABLESPACE: ['TABLESPACE', 'other'],
  OBJECT_TRANSFORM: ['TRANSFORM', 'other'],
  OBJECT_TRIGGER: ['TRIGGER', 'other'],
  OBJECT_TSCONFIGURATION: ['TEXT SEARCH CONFIGURATION', 'other'],
  OBJECT_TSDICTIONARY: ['TEXT SEARCH DICTIONARY', 'other'],
  OBJECT_TSPARSER: ['TEXT SEARCH PARSER', 'other'],
  OBJECT_TSTEMPLATE: ['TEXT SEARCH TEMPLATE', 'other'],
  OBJECT_TYPE: ['TYPE', 'type'],
  OBJECT_USER_MAPPING: ['USER MAPPING', 'role'],
  OBJECT_VIEW: ['VIEW', 'view'],
};

/** Objects that live on a table and are named `table.name` in the tree: the table is what matters. */
const ON_TABLE = new Set([
  'OBJECT_TRIGGER',
  'OBJECT_RULE',
  'OBJECT_POLICY',
  'OBJECT_TABCONSTRAINT',
  'OBJECT_COLUMN',
]);

export function wordsOf(objectType: string | null): string {
  return KINDS[objectType ?? '']?.[0] ?? 'OBJECT';
}

export function typeOf(objectType: string | null): ObjectType {
  return KINDS[objectType ?? '']?.[1] ?? 'other';
}

export function object(type: ObjectType, name: string, schema: string | null = null): ObjectRef {
  return { type, schema, name };
}

/** `[schema, name]` or `[database, schema, name]` or `[name]`. */
export function objectOfNames(type: ObjectType, names: readonly string[]): ObjectRef | null {
  const name = names.at(-1);
  if (name === undefined) return null;
  return { type, schema: names.at(-2) ?? null, name };
}

/** The object of a bare RangeVar body. */
export function relation(body: TreeBody | null, type: ObjectType = 'table'): ObjectRef | null {
  const name = textAt(body, 'relname');
  return name === null ? null : { type, schema: textAt(body, 'schemaname'), name };
}

/** The object a DROP, COMMENT or ALTER names, whatever shape the grammar gives it. */
export function objectOf(objectType: string | null, value: unknown): ObjectRef | null {
  const node = asNode(value);
  const type = typeOf(objectType);
  if (node === null) return null;
  if (objectType !== null && ON_TABLE.has(objectType)) {
    return objectOfNames('table', namesOf(listAt(node.body, 'items')).slice(0, -1));
  }
  return objectOfNames(type, dottedName(node, objectType));
}

function dottedName(node: TreeNode, objectType: string | null): string[] {
  const text = stringOf(node);
  if (text !== null) return [text];
  switch (node.kind) {
    case 'ObjectWithArgs':
      return namesOf(listAt(node.body, 'objname'));
    case 'TypeName':
      return namesOf(listAt(node.body, 'names'));
    case 'Integer':
    case 'Float':
      return [String(valueAt(node.body, 'ival') ?? valueAt(node.body, 'fval') ?? 0)];
    case 'List':
      return listName(listAt(node.body, 'items'), objectType);
    default:
      return [];
  }
}

function listName(items: readonly unknown[], objectType: string | null): string[] {
  // Operator classes and families carry their access method in front.
  const named = objectType === 'OBJECT_OPCLASS' || objectType === 'OBJECT_OPFAMILY';
  const names = namesOf(named ? items.slice(1) : items);
  if (names.length > 0) return names;
  const types = nodesOf(items).filter((item) => item.kind === 'TypeName');
  const words = types.map((item) => namesOf(listAt(item.body, 'names')).at(-1) ?? '?');
  return words.length > 0 ? [words.join(' AS ')] : [];
}

/** The name of a bare RoleSpec body. */
export function role(value: unknown): ObjectRef | null {
  const node = asNode(value);
  const body = node?.kind === 'RoleSpec' ? node.body : asBody(value);
  if (body === null) return null;
  const special = textAt(body, 'roletype')?.replace('ROLESPEC_', '').toLowerCase() ?? 'unknown';
  return object('role', textAt(body, 'rolename') ?? special);
}

/** A name inside a string, as `regclass` reads it: `'app."My Seq"'`. */
export function objectInText(type: ObjectType, text: string): ObjectRef | null {
  const parts = [...text.trim().matchAll(/"((?:[^"]|"")*)"|([^".\s]+)/g)].map((part) =>
    part[1] === undefined ? (part[2] ?? '').toLowerCase() : part[1].replaceAll('""', '"'),
  );
  return objectOfNames(type, parts);
}

/** Tables of the system: whoever edits them edits the database itself. */
export function isSystemRelation(ref: ObjectRef): boolean {
  if (ref.schema === null) return ref.name.startsWith('pg_');
  return /^(pg_catalog|information_schema|pg_toast.*)$/.test(ref.schema);
}

export function relationAt(body: TreeBody | null, field: string): ObjectRef | null {
  return relation(bodyAt(body, field));
}
