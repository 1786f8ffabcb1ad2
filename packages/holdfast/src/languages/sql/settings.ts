/**
 * SET in its many dresses, told as acts on the session. Which parameters may be set is not decided
 * here: the gateway pins those that change how text is read.
 */
import { settingName } from '../../model/session-settings.ts';
import { constantText } from './constants.ts';
import type { Gatherer } from './gatherer.ts';
import { object } from './objects.ts';
import type { SessionAct } from './sql-reading.ts';
import type { TreeBody, TreeNode } from './tree.ts';
import { flagAt, listAt, nodeAt, nodesAt, nodesOf, textAt, valueAt } from './tree.ts';

/** GUC_LIST_QUOTE: each argument of SET is one name, so it is quoted where it has to be. */
const NAME_LISTS = new Set([
  'search_path',
  'temp_tablespaces',
  'session_preload_libraries',
  'shared_preload_libraries',
  'local_preload_libraries',
  'unix_socket_directories',
]);

const ROLE_SETTINGS = new Set(['role', 'session_authorization']);

type SetAct = Extract<SessionAct, { kind: 'set' }>;
type Told = Omit<SetAct, 'kind' | 'parameter' | 'value' | 'local'>;

export function set(
  parameter: string,
  value: string | null,
  local: boolean,
  into: Gatherer,
  told: Told = {},
): void {
  const name = settingName(parameter);
  into.act({ kind: 'set', parameter: name, value, local, ...told });
  if (ROLE_SETTINGS.has(name)) {
    into.effect(
      'grant',
      name === 'role' ? 'SET ROLE' : 'SET SESSION AUTHORIZATION',
      value === null ? null : object('role', value),
      'unknown',
      { why: 'It changes as whom the session acts.' },
    );
  }
}

/** A bare VariableSetStmt body of a SET or RESET of this session. */
export function variableSet(body: TreeBody, into: Gatherer): void {
  const name = textAt(body, 'name') ?? '';
  const local = flagAt(body, 'is_local');
  switch (textAt(body, 'kind')) {
    case 'VAR_SET_VALUE':
      set(name, settingText(name, body, into), local, into);
      break;
    case 'VAR_SET_DEFAULT':
    case 'VAR_RESET':
      set(name, null, local, into, { isReset: true });
      break;
    case 'VAR_SET_CURRENT':
      set(name, null, local, into);
      break;
    case 'VAR_RESET_ALL':
      set('all', null, false, into, { isReset: true });
      break;
    case 'VAR_SET_MULTI':
      setMulti(name, body, into);
      break;
    default:
      into.couldNotTell('unknown-statement', 'Expected a known form of SET, found another.');
  }
}

function setMulti(name: string, body: TreeBody, into: Gatherer): void {
  const args = listAt(body, 'args');
  if (name === 'TRANSACTION') transactionModes(args, true, into, 'told');
  else if (name === 'SESSION CHARACTERISTICS') transactionModes(args, false, into, 'told');
  else if (name === 'TRANSACTION SNAPSHOT') {
    const snapshot = constantText(nodesAt(body, 'args')[0] ?? null, into);
    set('transaction_snapshot', snapshot, true, into);
  } else {
    into.couldNotTell('unknown-statement', `Expected a known form of SET, found SET ${name}.`);
  }
}

/** `read only`, `isolation level ...` of SET TRANSACTION, BEGIN and SESSION CHARACTERISTICS; of all one is `told`, or none. */
export function transactionModes(
  modes: readonly unknown[],
  local: boolean,
  into: Gatherer,
  answer: 'told' | 'untold',
): void {
  for (const [at, mode] of nodesOf(modes).entries()) {
    const name = textAt(mode.body, 'defname') ?? '';
    const value = constantText(nodeAt(mode.body, 'arg'), into);
    const isolation = name === 'transaction_isolation';
    const text = isolation || value === null ? value : value === '0' ? 'off' : 'on';
    const isTold = answer === 'told' && at === 0;
    set(local ? name : `default_${name}`, text, local, into, isTold ? {} : { isUntold: true });
  }
}

function settingText(name: string, body: TreeBody, into: Gatherer): string | null {
  const texts: string[] = [];
  for (const arg of nodesAt(body, 'args')) {
    const text = constantText(arg, into);
    // INTERVAL '-8' is another zone than '-8'.
    if (text === null || arg.kind === 'TypeCast') return null;
    texts.push(NAME_LISTS.has(settingName(name)) ? quoteName(text) : text);
  }
  return texts.join(', ');
}

function quoteName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** `$2`, with a cast or without: its number; null: it is something else. */
function parameterOf(node: TreeNode | null): number | null {
  if (node?.kind === 'TypeCast') return parameterOf(nodeAt(node.body, 'arg'));
  const at = node?.kind === 'ParamRef' ? valueAt(node.body, 'number') : null;
  return typeof at === 'number' ? at : null;
}

/** set_config(name, value, is_local): a SET in the shape of a function. */
export function setConfigCall(call: TreeBody, into: Gatherer): void {
  const args = nodesAt(call, 'args');
  const named = args.some((arg) => arg.kind === 'NamedArgExpr');
  const name = named ? null : (into.knownSetting(call) ?? constantText(args[0] ?? null, into));
  if (name === null) {
    into.couldNotTell(
      'lexing-setting',
      'Expected set_config with the parameter as a literal, found one that is computed: ' +
        'it could change how the following text is read.',
    );
    return;
  }
  const parameterAt = named ? null : parameterOf(args[1] ?? null);
  set(
    name,
    constantText(args[1] ?? null, into),
    constantText(args[2] ?? null, into) === 'true',
    into,
    { isCall: true, ...(parameterAt === null ? {} : { parameterAt }) },
  );
}
