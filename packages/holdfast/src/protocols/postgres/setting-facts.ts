/**
 * What a session's statements mean hangs on more than their bytes: on settings (`SET app.tenant = '42'`). This
 * keeps those that are in force and may change a meaning, from the start-up packet on, for the digest.
 *
 * Believed is what the server has confirmed, in the transaction it was said in: a SET whose answer came, alone
 * or in a text whose answers can be counted; what a COMMIT keeps and a ROLLBACK takes back. Everything else (a
 * portal that was bound and not run, ROLLBACK TO, an expression) makes the setting one that is not known, and
 * that no other moment is equal to: no approval given then is good for any other.
 *
 * It costs nothing until something is set. What it will not do: ask the server, or count what cannot change
 * which rows a text means (timeouts, the planner's switches, messages).
 */
import {
  markWith,
  SETTINGS_SHOWN_MAX,
  type SessionSetting,
  settingName,
} from '../../model/session-settings.ts';
import type { TransactionStatus } from './messages.ts';
import { mayChangeMeaning, type SettingChange } from './setting-changes.ts';

/** What settings a cycle may change, for when it has been answered. */
export interface SettingsAsked {
  readonly changes: readonly SettingChange[];
  readonly kind: 'simple' | 'extended';
  /** Of a Query: its statements. Else how many were bound. */
  readonly statements: number;
  /** Nothing but one unit is in the cycle, and nothing was left bound before or behind it. */
  readonly isAlone: boolean;
}

/** Null: as at the start of the session. */
type Value = Pick<SessionSetting, 'value' | 'once'> | null;

interface InBlock {
  readonly now: Value;
  /** What a COMMIT keeps; undefined: what was before, since every change was a local one. */
  readonly stays: Value | undefined;
}

const NAMES_MAX = 64;
/** Tags longer than this were cut (answers.ts), and cannot be counted. */
const TAGS_CHARS_MAX = 900;
/** Of any other nobody can tell which setting a server of this version makes of it. */
const PLAIN_NAME = /^[a-z_][a-z0-9_$.]*$/;
const ENDS = /^(?:COMMIT|ROLLBACK|PREPARE TRANSACTION)/;
const BEGINS = /^(?:BEGIN|START TRANSACTION)$/;
const KEPT: ReadonlySet<string> = new Set(['role', 'session_authorization', 'seed']);
const SETS = /^(?:SET|RESET|DISCARD ALL)$/;

export class SettingFacts {
  readonly #sessionId: string;
  readonly #start: ReadonlyMap<string, Value>;
  /** '' when the connection said none. */
  readonly #startPath: string;
  readonly #set = new Map<string, Value>();
  /** What the open transaction has changed; null: nothing. */
  #block: Map<string, InBlock> | null = null;
  /** Cycles not answered yet that may change what is in force. */
  #underWay = 0;
  /** Something is bound that may set more whenever it is run. */
  #isLoose = false;
  #isLost = false;
  #lost = 0;
  #cached: { readonly path: Buffer; readonly mark: Buffer } | null = null;

  constructor(sessionId: string, start: readonly (readonly [name: string, value: string])[]) {
    this.#sessionId = sessionId;
    this.#start = new Map(
      start
        .map(([name, value]) => [settingName(name), value] as const)
        // The path has a mark of its own, from its start on.
        .filter(([name, value]) => name !== 'search_path' && mayChangeMeaning(name, value))
        .map(([name, value]) => [name, { value, once: '' }]),
    );
    this.#startPath = start.find(([name]) => settingName(name) === 'search_path')?.[1] ?? '';
    this.#isLost = [...this.#start.keys()].some((name) => !PLAIN_NAME.test(name));
  }

  /** The open transaction has changed some, or may have when it is answered, so that its end matters. */
  get isOpen(): boolean {
    return this.#block !== null || this.#underWay > 0;
  }

  /** With the mark of the search path. `isOpenEnded`: what is run next may be preceded by what was bound before. */
  mark(path: Buffer, isOpenEnded: boolean): Buffer {
    if (!isOpenEnded && this.#cached?.path === path) return this.#cached.mark;
    const { isSure, settings } = this.#inForce(isOpenEnded);
    const mark = markWith(path, settings);
    // One that is not sure is equal to no other, not even to the next of this session.
    if (isSure) this.#cached = { path, mark };
    return mark;
  }

  /** A cycle was forwarded that may change them. */
  begin(asked: SettingsAsked | null): void {
    this.#underWay += 1;
    this.#changed();
    if (asked !== null) this.add(asked);
  }

  add(asked: SettingsAsked): void {
    this.#changed();
    if (asked.changes.some(({ isKept, name }) => isKept || !PLAIN_NAME.test(name))) {
      this.#isLost = true;
    }
    if (!asked.isAlone) this.#isLoose = true;
  }

  /** It was answered; `tags`: of all its statements, `; ` between. */
  end(
    asked: SettingsAsked | null,
    tags: string,
    hasFailed: boolean,
    status: TransactionStatus,
  ): void {
    this.#underWay -= 1;
    this.#changed();
    const said = tags.split('; ');
    const isWhole = tags.length < TAGS_CHARS_MAX;
    const ends = said.filter((tag) => ENDS.test(tag)).length;
    if (asked === null) {
      this.#endPlain(said, ends, isWhole, status);
    } else {
      switch (this.#mayBeOthers(asked) ? 'lost' : fateOf(asked, said, ends, isWhole, hasFailed)) {
        case 'nothing':
          break;
        case 'done':
          for (const change of asked.changes) this.#apply(change, status);
          break;
        case 'lost':
          for (const change of asked.changes) if (change.isTracked) this.#lose(change, status);
          if (ends > 0 || !isWhole) this.#loseBlock(status);
          break;
      }
    }
    if (status === 'I') {
      // Unless its end was told apart above, nobody can tell how it ended.
      if (this.#block !== null) this.#loseBlock('I');
      if (this.#underWay === 0) this.#isLoose = false;
    }
  }

  /** No transaction is open any more, and nothing that was watched has ended it. */
  ended(): void {
    this.#changed();
    this.#loseBlock('I');
  }

  #endPlain(
    said: readonly string[],
    ends: number,
    isWhole: boolean,
    status: TransactionStatus,
  ): void {
    const block = this.#block;
    if (block === null) return;
    if (status !== 'I') {
      // ROLLBACK TO, or a chain: which of them it took back nobody can tell.
      if (ends > 0 || !isWhole) this.#loseBlock(status);
      return;
    }
    const last = said.at(-1);
    if (!isWhole || ends > 1) return;
    // Without an end of its own it failed to commit.
    if (ends === 0 || last === 'ROLLBACK') this.#block = null;
    else if (last === 'COMMIT') {
      for (const [name, { stays }] of block) if (stays !== undefined) this.#set.set(name, stays);
      this.#block = null;
    }
  }

  #apply(change: SettingChange, status: TransactionStatus): void {
    const { isDiscard, isLocal, isReset, isTracked, name, value } = change;
    if (!isTracked) return;
    if (name === 'all') return this.#resetAll(isDiscard, status);
    // As somebody else the session has no role, whatever was said before.
    if (name === 'session_authorization' && this.#isSet('role')) {
      this.#lose({ isLocal, name: 'role' }, status);
    }
    if (value === null && !isReset) return this.#lose(change, status);
    const to = isReset ? null : { value, once: '' };
    if (status === 'I') {
      // A local one ended with its own statement.
      if (!isLocal) this.#put(name, to);
      return;
    }
    this.#block ??= new Map();
    const before = this.#block.get(name);
    this.#block.set(name, { now: to, stays: isLocal ? before?.stays : to });
  }

  /** Where the path names pg_catalog, or nobody knows it, `set_config` alone may be a function of somebody's own. */
  #mayBeOthers({ changes }: SettingsAsked): boolean {
    if (!changes.some(({ isCall, isQualified }) => isCall && !isQualified)) return false;
    const { value } = this.#block?.get('search_path')?.now ??
      this.#set.get('search_path') ?? { value: this.#startPath };
    return value === null || /pg_catalog/i.test(value);
  }

  #isSet(name: string): boolean {
    return this.#set.has(name) || this.#block?.has(name) === true;
  }

  #put(name: string, to: Value): void {
    if (this.#set.size >= NAMES_MAX && !this.#set.has(name)) this.#isLost = true;
    else this.#set.set(name, to);
  }

  /** The role and the like are kept by RESET ALL, and reset by DISCARD ALL. */
  #resetAll(isDiscard: boolean, status: TransactionStatus): void {
    const names = new Set([...this.#set.keys(), ...(this.#block?.keys() ?? [])]);
    for (const name of names) {
      if (!isDiscard && KEPT.has(name)) continue;
      if (status === 'I') this.#set.set(name, null);
      else {
        this.#block ??= new Map();
        this.#block.set(name, { now: null, stays: null });
      }
    }
    // The path is reset with them, and its own mark goes on saying what was set last.
    if (names.has('search_path') && status === 'I') this.#set.delete('search_path');
  }

  /** A local one is in force no longer than the transaction, whatever it was. */
  #lose(
    { isLocal, name }: Pick<SettingChange, 'isLocal' | 'name'>,
    status: TransactionStatus,
  ): void {
    if (name === 'all') {
      this.#isLost = true;
      return;
    }
    const lost = this.#never();
    if (status === 'I') {
      const before = this.#block?.get(name);
      this.#block?.delete(name);
      if (!isLocal || before?.stays !== undefined) this.#put(name, lost);
      return;
    }
    this.#block ??= new Map();
    const before = this.#block.get(name);
    const stays = isLocal && before?.stays === undefined ? undefined : lost;
    this.#block.set(name, { now: lost, stays });
  }

  #loseBlock(status: TransactionStatus): void {
    for (const [name, { stays }] of [...(this.#block ?? [])]) {
      this.#lose({ isLocal: stays === undefined, name }, status);
    }
    if (status === 'I') this.#block = null;
  }

  #inForce(isOpenEnded: boolean): {
    readonly settings: readonly SessionSetting[];
    readonly isSure: boolean;
  } {
    const values = new Map<string, Value>(this.#start);
    for (const [name, to] of this.#set) values.set(name, to ?? this.#start.get(name) ?? null);
    for (const [name, { now }] of this.#block ?? []) {
      values.set(name, now ?? this.#start.get(name) ?? null);
    }
    const set = [...values].flatMap(([name, value]) =>
      value === null ? [] : [{ name, ...value }],
    );
    const isUnsure = isOpenEnded || this.#underWay > 0 || this.#isLoose || this.#isLost;
    const isSure = !isUnsure && set.length <= SETTINGS_SHOWN_MAX;
    if (!isSure) set.push({ name: '*', ...this.#never() });
    return { settings: set, isSure };
  }

  #never(): NonNullable<Value> {
    this.#lost += 1;
    return { value: null, once: `${this.#sessionId}/${this.#lost}` };
  }

  #changed(): void {
    this.#cached = null;
  }
}

function fateOf(
  { changes, isAlone, kind, statements }: SettingsAsked,
  said: readonly string[],
  ends: number,
  isWhole: boolean,
  hasFailed: boolean,
): 'nothing' | 'done' | 'lost' {
  if (!isAlone || !isWhole) return 'lost';
  // The only statement failed, so nothing was set.
  if (hasFailed) return statements === 1 ? 'nothing' : 'lost';
  if (said.length !== statements || changes.some(({ isSure }) => !isSure)) return 'lost';
  const tracked = changes.filter(({ isTracked }) => isTracked);
  // Drivers send the BEGIN of a transaction under one Sync with the first statement in it.
  const isBegun = kind === 'extended' && statements === 2 && BEGINS.test(said[0] ?? '');
  const isOne = statements === 1 || isBegun;
  if (changes.some(({ isCall }) => isCall)) {
    return isOne && said.at(-1) === 'SELECT 1' ? 'done' : 'lost';
  }
  const isCounted =
    said.filter((tag) => SETS.test(tag)).length === changes.filter(({ isTold }) => isTold).length;
  if (kind === 'extended') return isOne && isCounted ? 'done' : 'lost';
  if (ends > 0) {
    const isWrapped = ends === 1 && BEGINS.test(said[0] ?? '') && said.at(-1) === 'COMMIT';
    return isWrapped && tracked.every(({ isLocal }) => isLocal) ? 'nothing' : 'lost';
  }
  return isCounted ? 'done' : 'lost';
}
