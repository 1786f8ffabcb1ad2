/**
 * One statement -> what it does. Every statement node of PostgreSQL 15 to 18 has a line in one of the
 * tables; a kind that has none makes the text `unknown-statement`. The worst node of the whole tree
 * counts, because effects of all parts are gathered into one reading.
 */
import { doBlock } from './blocks.ts';
import { DEFINITIONS } from './definitions.ts';
import type { Gatherer } from './gatherer.ts';
import { object, relation, relationAt } from './objects.ts';
import { changed } from './queries.ts';
import { set, transactionModes, variableSet } from './settings.ts';
import type { TreeBody, TreeNode } from './tree.ts';
import { bodyAt, flagAt, listAt, nodeAt, nodesAt, stringOf, textAt, valueAt } from './tree.ts';
import { walk, walker } from './walk.ts';

type Statement = (body: TreeBody, into: Gatherer) => void;

const nothing: Statement = () => {};

const STATEMENTS: Readonly<Record<string, Statement>> = {
  TransactionStmt: transaction,
  VariableSetStmt: variableSet,
  VariableShowStmt: nothing,
  ConstraintsSetStmt: nothing,
  FetchStmt: nothing,
  ClosePortalStmt: nothing,
  ListenStmt: nothing,
  UnlistenStmt: nothing,
  CheckPointStmt: (_body, into) => into.effect('read', 'CHECKPOINT', null, 'none'),
  DiscardStmt: discard,
  DeclareCursorStmt: (body, into) => walk(nodeAt(body, 'query'), null, into),
  PrepareStmt: prepare,
  ExecuteStmt: execute,
  DeallocateStmt: (body, into) => {
    const all = flagAt(body, 'isall') || textAt(body, 'name') === null;
    into.act({ kind: 'deallocate', name: all ? null : textAt(body, 'name') });
  },
  ExplainStmt: explain,
  CopyStmt: copy,
  CreateSchemaStmt: createSchema,
  LockStmt: (body, into) => {
    for (const table of nodesAt(body, 'relations')) {
      into.effect('read', 'LOCK TABLE', relation(table.body), 'none', {
        why: 'Others may have to wait; no data changes.',
      });
    }
  },
  NotifyStmt: (body, into) => {
    into.effect('write', 'NOTIFY', object('other', textAt(body, 'conditionname') ?? '?'), 'rows', {
      why: 'It sends a notification to other sessions.',
    });
  },
  DoStmt: (body, into) => doBlock(body, into, statement),
  CallStmt: (body, into) => {
    const names = listAt(bodyAt(body, 'funccall'), 'funcname');
    const texts = names.map((name) => stringOf(nodeOf(name)) ?? '');
    into.effect(
      'execute',
      'CALL',
      object('function', texts.at(-1) ?? '?', texts.at(-2) ?? null),
      'unknown',
      {
        why: 'What a procedure does stands in the database, not in the text.',
      },
    );
    walker.fields(bodyAt(body, 'funccall'), null, into);
  },
  LoadStmt: (_body, into) => {
    into.effect('execute', 'LOAD', null, 'unknown', { why: 'It loads code into the server.' });
  },
  VacuumStmt: vacuum,
  ClusterStmt: (body, into) => {
    into.effect('reshape', 'CLUSTER', relationAt(body, 'relation'), 'whole', {
      why: 'It rewrites the table under an exclusive lock.',
    });
  },
  ReindexStmt: (body, into) => {
    const name = textAt(body, 'name');
    const ref = relationAt(body, 'relation') ?? (name === null ? null : object('other', name));
    into.effect('reshape', 'REINDEX', ref, 'whole', { why: 'It rebuilds indexes under a lock.' });
  },
  RefreshMatViewStmt: (body, into) => {
    const ref = relation(bodyAt(body, 'relation'), 'view');
    into.effect('write', 'REFRESH MATERIALIZED VIEW', ref, 'whole', {
      why: 'Its rows are replaced by those of its query, which runs as its owner.',
    });
  },
};

const QUERIES = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

export const STATEMENT_KINDS: readonly string[] = [
  ...QUERIES,
  ...Object.keys(STATEMENTS),
  ...Object.keys(DEFINITIONS),
];

export function statement(node: TreeNode, into: Gatherer): void {
  if (!into.enter()) return;
  const known = STATEMENTS[node.kind];
  const defined = DEFINITIONS[node.kind];
  if (QUERIES.has(node.kind)) walk(node, null, into);
  else if (known !== undefined) known(node.body, into);
  else if (defined !== undefined) defined(node.body, into, walker);
  else into.couldNotTell('unknown-statement', `Expected a known statement, found a ${node.kind}.`);
  into.leave();
}

function nodeOf(value: unknown): TreeNode | null {
  return nodeAt({ value }, 'value');
}

function transaction(body: TreeBody, into: Gatherer): void {
  transactionModes(listAt(body, 'options'), true, into, 'untold');
  switch (textAt(body, 'kind')) {
    case 'TRANS_STMT_PREPARE':
      into.effect('write', 'PREPARE TRANSACTION', null, 'unknown', {
        why: 'The transaction outlives the session and keeps its locks.',
      });
      return;
    case 'TRANS_STMT_COMMIT_PREPARED':
    case 'TRANS_STMT_ROLLBACK_PREPARED': {
      const verb = textAt(body, 'kind') === 'TRANS_STMT_COMMIT_PREPARED' ? 'COMMIT' : 'ROLLBACK';
      into.effect('execute', `${verb} PREPARED`, null, 'unknown', {
        why: 'It ends a transaction that this text does not show.',
      });
      return;
    }
    default:
  }
}

function discard(body: TreeBody, into: Gatherer): void {
  if (textAt(body, 'target') !== 'DISCARD_ALL') return;
  const told = { isReset: true, isDiscard: true } as const;
  const identity = { kind: 'set', parameter: 'session_authorization', value: null } as const;
  into.act({ ...identity, local: false, ...told, isUntold: true });
  set('all', null, false, into, told);
  into.act({ kind: 'deallocate', name: null });
}

function prepare(body: TreeBody, into: Gatherer): void {
  const inside = into.apart();
  const query = nodeAt(body, 'query');
  if (query !== null) statement(query, inside);
  if (inside.literalSensitive) into.literalSensitive = true;
  into.act({ kind: 'prepare', name: textAt(body, 'name') ?? '', reading: inside.reading(1) });
}

function execute(body: TreeBody, into: Gatherer): void {
  into.act({ kind: 'execute', name: textAt(body, 'name') ?? '' });
  walker.value(listAt(body, 'params'), null, into);
}

/** Without ANALYZE the statement is planned, not run; planning runs stable functions of users. */
function explain(body: TreeBody, into: Gatherer): void {
  const query = nodeAt(body, 'query');
  if (query === null) return;
  if (nodesAt(body, 'options').some(isAnalyze)) {
    statement(query, into);
    return;
  }
  const inside = into.apart();
  statement(query, inside);
  if (inside.literalSensitive) into.literalSensitive = true;
  for (const effect of inside.effects) {
    if (effect.kind === 'execute' || effect.kind === 'unknown') into.add(effect);
    else {
      const object = effect.object?.type === 'table' ? effect.object : null;
      into.effect('read', 'EXPLAIN', object, 'none');
    }
  }
  if (inside.trouble !== null && inside.trouble.code !== 'lexing-setting') {
    into.couldNotTell(inside.trouble.code, inside.trouble.message);
  }
  if (inside.effectCount === 0) into.effect('read', 'EXPLAIN', null, 'none');
}

function isAnalyze(option: TreeNode): boolean {
  if (textAt(option.body, 'defname')?.toLowerCase() !== 'analyze') return false;
  const arg = nodeAt(option.body, 'arg');
  if (arg === null) return true;
  const word = (stringOf(arg) ?? '').toLowerCase();
  const zero = arg.kind === 'Integer' && (valueAt(arg.body, 'ival') ?? 0) === 0;
  return !(word === 'false' || word === 'off' || zero);
}

function copy(body: TreeBody, into: Gatherer): void {
  const table = bodyAt(body, 'relation');
  const file = textAt(body, 'filename') !== null;
  const reads = flagAt(body, 'is_from');
  if (flagAt(body, 'is_program')) {
    into.effect('execute', 'COPY PROGRAM', null, 'unknown', {
      why: 'It runs a program on the server.',
    });
  } else if (file) {
    into.effect('execute', reads ? 'COPY FROM' : 'COPY TO', null, 'unknown', {
      why: reads ? 'It reads a file of the server.' : 'It writes a file on the server.',
    });
  }
  if (table !== null && reads) changed('COPY FROM', table, true, into);
  else if (table !== null) into.effect('read', 'COPY TO', relation(table), 'none');
  const query = nodeAt(body, 'query');
  if (query !== null) statement(query, into);
  walk(nodeAt(body, 'whereClause'), null, into);
}

function createSchema(body: TreeBody, into: Gatherer): void {
  const name = textAt(body, 'schemaname') ?? textAt(bodyAt(body, 'authrole'), 'rolename');
  into.effect('reshape', 'CREATE SCHEMA', name === null ? null : object('schema', name), 'none', {
    additive: true,
  });
  for (const element of nodesAt(body, 'schemaElts')) statement(element, into);
}

function vacuum(body: TreeBody, into: Gatherer): void {
  const verb = flagAt(body, 'is_vacuumcmd') ? 'VACUUM' : 'ANALYZE';
  const names = nodesAt(body, 'options').map((option) => textAt(option.body, 'defname') ?? '');
  const full = verb === 'VACUUM' && names.includes('full');
  const tables = nodesAt(body, 'rels').map((item) => relationAt(item.body, 'relation'));
  for (const ref of tables.length === 0 ? [null] : tables) {
    into.effect('reshape', full ? 'VACUUM FULL' : verb, ref, full ? 'whole' : 'none', {
      additive: !full,
      why: full ? 'It rewrites tables under an exclusive lock.' : null,
    });
  }
}
