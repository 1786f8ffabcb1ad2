/**
 * Which settings a text changes, and which of them count: those that are pinned, those that may change what
 * the same bytes mean (they go into the digest, `setting-facts.ts`), and those that cannot. Pure.
 */
import type { SessionAct } from '../../languages/sql/sql-reading.ts';
import type { Prepared } from './statements.ts';

/** Parameter -> the values it may be set to; null: none. Reset to the server's default is judged alike. */
const PINNED: ReadonlyMap<string, readonly string[] | null> = new Map([
  ['standard_conforming_strings', ['on', 'true', 'yes', '1']],
  ['client_encoding', ['utf8', 'utf-8', 'unicode']],
  ['backslash_quote', ['safe_encoding', 'off', 'false', 'no', '0']],
  ['session_replication_role', ['origin']],
]);

/** A setting the session may not take, in the words of the refusal; null when all is well. */
export function pinnedSetting(parameter: string, value: string | null): string | null {
  const allowed = PINNED.get(parameter);
  if (allowed === undefined) return null;
  if (value !== null && allowed?.includes(value.toLowerCase())) return null;
  return (
    `${parameter} is pinned while an agent works through Holdfast ` +
    `(allowed: ${allowed?.join(', ') ?? 'none'}), and the statement sets it to ${value ?? 'something else'}`
  );
}

/** One of those that are pinned, set to what it has to be. */
export function isPinnedTo(parameter: string, value: string | null): boolean {
  return PINNED.has(parameter) && pinnedSetting(parameter, value) === null;
}

/** A setting that a statement changes when it runs. */
export interface SettingChange {
  /** In lower case; `all` is RESET ALL. */
  readonly name: string;
  /** Null: as at the start of the session, or not known. */
  readonly value: string | null;
  readonly isReset: boolean;
  /** DISCARD ALL. */
  readonly isDiscard: boolean;
  /** It has an answer of its own: one `SET`, `RESET` or `DISCARD ALL`. */
  readonly isTold: boolean;
  readonly isLocal: boolean;
  /** By set_config. */
  readonly isCall: boolean;
  /** By no other function of that name, whatever the search path is. */
  readonly isQualified: boolean;
  /** It may change what a text means (setting-facts.ts). */
  readonly isTracked: boolean;
  /** It has happened, once and as it is written, when the answer says so. */
  readonly isSure: boolean;
  /** It can happen again whenever something that stays (a cursor, a name) is run. */
  readonly isKept: boolean;
  /** `value` is bound to this parameter; null: to none. */
  readonly parameterAt: number | null;
}

export type SetAct = Extract<SessionAct, { kind: 'set' }>;

export function changeOf(act: SetAct, text: Buffer): SettingChange {
  const { isCall = false, isDiscard = false, isReset = false, isUntold = false } = act;
  const { local, parameter, parameterAt, value } = act;
  const isTracked = parameter === 'all' || mayChangeMeaning(parameter, value);
  const isSure = !isCall || isBareCall(text);
  // A cursor calls it again at each FETCH.
  const isKept = !isSure && (text.length > CALLS_BYTES_MAX || /cursor/i.test(text.toString()));
  const at = isSure ? (parameterAt ?? null) : null;
  return {
    name: parameter,
    value,
    isReset,
    isDiscard,
    isTold: !isUntold,
    isLocal: local,
    isCall,
    isQualified: isCall && isSure && !UNQUALIFIED.test(text.toString()),
    isTracked,
    isSure,
    isKept,
    parameterAt: at,
  };
}

/** What a name prepared by SQL does to settings is done once more at each EXECUTE. */
export function changesBehind({ reading, text }: Prepared): readonly SettingChange[] {
  return reading.session.flatMap((act): readonly SettingChange[] =>
    act.kind === 'set' ? [{ ...changeOf(act, text), isSure: false }] : [],
  );
}

const LITERAL = "'(?:[^'\\\\]|'')*'";
const CALL =
  `(?:pg_catalog\\.)?set_config\\(\\s*${LITERAL}\\s*,\\s*(?:${LITERAL}|\\$\\d+)(?:::text)?` +
  '\\s*,\\s*(?:true|false)\\s*\\)(?:\\s+as\\s+"?\\w+"?)?';
const BARE_CALLS = new RegExp(`^\\s*select\\s+${CALL}(?:\\s*,\\s*${CALL})*\\s*;?\\s*$`, 'i');
const UNQUALIFIED = /(?<!pg_catalog\.)set_config/i;
/** Longer ones are not looked at. */
const CALLS_BYTES_MAX = 16 * 1024;

/** Nothing but calls of set_config, so that each has run when the one row of it came. */
function isBareCall(text: Buffer): boolean {
  return text.length <= CALLS_BYTES_MAX && BARE_CALLS.test(text.toString());
}

/** They change when and how something runs, or what is said of it; never which rows a text means. */
const HARMLESS = new RegExp(
  '^(?:' +
    [
      'application_name|client_min_messages|.*_timeout|.*_cost|log_.*|debug_.*|track_.*|lc_messages',
      'enable_.*|jit(?:_.*)?|geqo(?:_.*)?|(?:from|join)_collapse_limit|plan_cache_mode|constraint_exclusion',
      'work_mem|maintenance_work_mem|temp_buffers|hash_mem_multiplier|logical_decoding_work_mem',
      'max_parallel_.*|min_parallel_.*|parallel_.*|force_parallel_mode|cursor_tuple_fraction',
      '(?:effective|maintenance|backend)_(?:cache_size|io_concurrency|flush_after)',
      'synchronous_commit|commit_(?:delay|siblings)|tcp_.*|client_connection_check_interval|vacuum_.*',
      '(?:default_)?transaction_(?:isolation|read_only|deferrable)|default_statistics_target',
      'check_function_bodies|stats_fetch_consistency|update_process_title|escape_string_warning',
    ].join('|') +
    ')$',
);

/** Whether the same bytes may mean other rows, or do another thing, when it is set. */
export function mayChangeMeaning(name: string, value: string | null): boolean {
  // A name with a dot is somebody's own, whatever it ends with.
  return !(HARMLESS.test(name) && !name.includes('.')) && !isPinnedTo(name, value);
}
