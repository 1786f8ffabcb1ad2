/**
 * What only the gateway can close: settings that change how the server reads the next statement, and
 * names whose meaning lies in the session (facts in docs/threat-model.md, evasions B1, B2, B4, B6).
 *
 * Pure: takes a reading and what the session knows, gives the reading that is to be judged.
 */

import type { SessionAct, SqlReading } from '../../languages/sql/sql-reading.ts';
import type { CouldNotTell, Reading } from '../../model/effect.ts';
import { pathNames } from '../../model/session-settings.ts';
import type { TargetFacts } from '../../model/target.ts';
import { changeOf, changesBehind, pinnedSetting, type SettingChange } from './setting-changes.ts';
import { type NameChange, type Prepared, preparedBySql } from './statements.ts';
import { joinReadings } from './unit.ts';

/** What the session knows of names; implemented by `PreparedStatements`. */
export interface SessionLookup {
  candidates(name: string, ahead: readonly NameChange[]): readonly Prepared[];
  names(): readonly string[];
}

/** A statement about to run, where it stands in its unit. */
export interface Standing {
  readonly text: Buffer;
  /** Changes of names earlier in the same unit. */
  readonly ahead: readonly NameChange[];
  /** False when it is only bound: it may never be executed. */
  readonly sure: boolean;
}

export interface SessionView {
  /** To be judged: the text's own effects and those of what it executes by name. */
  readonly reading: Reading;
  readonly changes: readonly NameChange[];
  /** What it executes by name. */
  readonly runs: readonly Prepared[];
  /** Schemas that `search_path` may now hold besides those before; null: any. */
  readonly addedSchemas: readonly string[] | null;
  /** Null: none that counts, as for nearly every text. */
  readonly settings: readonly SettingChange[] | null;
}

const NO_SCHEMAS: readonly string[] = [];

/** For readings with session acts; all others are judged as they are. */
export function viewOf(
  reading: SqlReading,
  { text, ahead, sure }: Standing,
  session: SessionLookup,
): SessionView {
  const parts: Reading[] = [reading];
  const changes: NameChange[] = [];
  const runs: Prepared[] = [];
  let addedSchemas: readonly string[] | null = NO_SCHEMAS;
  const settings: SettingChange[] = [];
  for (const act of reading.session) {
    switch (act.kind) {
      case 'set':
        parts.push(...readingOfSet(act));
        if (act.parameter === 'search_path') addedSchemas = schemasOf(act.value, addedSchemas);
        settings.push(changeOf(act, text));
        break;
      case 'prepare':
        changes.push({ name: act.name, to: preparedBySql(act.name, act.reading, text), sure });
        break;
      case 'deallocate': {
        const names = act.name === null ? [...session.names(), ...namesIn(ahead)] : [act.name];
        changes.push(...names.map((name) => ({ name, to: null, sure })));
        break;
      }
      case 'execute': {
        const candidates = session.candidates(act.name, [...ahead, ...changes]);
        runs.push(...candidates);
        parts.push(...readingsOf(act.name, candidates));
        if (candidates.some((one) => one.reading.session.length > 0)) parts.push(nested(act.name));
        settings.push(...candidates.flatMap((one) => changesBehind(one)));
        break;
      }
      default:
        return act satisfies never;
    }
  }
  const joined = parts.length === 1 ? reading : joinReadings(parts);
  const counts = settings.some(({ isTracked }) => isTracked);
  return { reading: joined, changes, runs, addedSchemas, settings: counts ? settings : null };
}

/** The path may be the old one or the new one (it is undone by a rollback): both count. */
export function widenedPath(
  path: readonly string[],
  added: SessionView['addedSchemas'],
): readonly string[] {
  // Empty stands for any path: what is not known does not become known by adding to it.
  if (added === null || path.length === 0) return [];
  return [...path, ...added.filter((schema) => !path.includes(schema))];
}

/** Where a unit is located that adds to the path; the same facts when it adds nothing. */
export function locatedWith(facts: TargetFacts, added: SessionView['addedSchemas']): TargetFacts {
  if (added?.length === 0) return facts;
  return { asked: facts.asked, searchPath: widenedPath(facts.searchPath, added) };
}

function readingOfSet(act: SessionAct & { kind: 'set' }): Reading[] {
  const broken = pinnedSetting(act.parameter, act.value);
  return broken === null ? [] : [unclear('lexing-setting', broken)];
}

/** The readings of everything a name may mean; that it means nothing known is one too. */
export function readingsOf(name: string, candidates: readonly Prepared[]): readonly SqlReading[] {
  return candidates.length === 0 ? [unknownStatement(name)] : candidates.map((p) => p.reading);
}

function namesIn(changes: readonly NameChange[]): string[] {
  return changes.map(({ name }) => name);
}

function unknownStatement(name: string): SqlReading {
  return unclear('unknown-prepared-statement', `prepared statement "${name}" does not exist`);
}

/** Its own acts on the session (SET, EXECUTE, DEALLOCATE) would happen behind our back. */
function nested(name: string): SqlReading {
  return unclear(
    'unknown-prepared-statement',
    `prepared statement "${name}" changes the session, and EXECUTE may not run it`,
  );
}

function unclear(code: CouldNotTell['code'], message: string): SqlReading {
  const reason = { code, message, position: null };
  return { kind: 'could-not-tell', effects: [], reason, session: [], statements: 1 };
}

function schemasOf(value: string | null, before: readonly string[] | null): string[] | null {
  if (value === null || before === null) return null;
  const names = pathNames(value);
  return names === null ? null : [...before, ...names];
}
