/** What is said of an agent on the command line, as the API takes it. `add` and `set` share it. */
import type { Command } from 'commander';
import type { Routes } from '../api/contract/index.ts';
import { durationMs } from '../config/duration.ts';
import { workingHoursOf, workingHoursText } from '../identity/working-hours.ts';
import { EFFECT_KINDS, type EffectKind } from '../model/effect.ts';
import type { HoldfastError } from '../model/errors.ts';
import { nearest } from '../model/nearest.ts';
import type { AskOf } from './api/api-client.ts';
import { usageError } from './usage.ts';

export type Settings = NonNullable<AskOf<Routes['agents.change']>['body']>;

export interface SettingOptions {
  readonly purpose?: string;
  readonly owner?: string;
  readonly env?: readonly string[];
  readonly target?: readonly string[];
  readonly effects?: string;
  readonly hours?: string;
  readonly expires?: string;
}

export function withSettings(command: Command): Command {
  return command
    .option('--owner <person>', 'who answers for it, of `holdfast people list`')
    .option('--env <environment...>', "where it may work; or 'any': whichever its tokens name")
    .option('--target <name...>', "on what it may work; or 'any'")
    .option(
      '--effects <kinds>',
      `what it may ask for, as read,write: of ${EFFECT_KINDS.join(', ')}; or 'all'`,
    )
    .option('--hours <hours>', "when it works: 'Mon-Fri 08:00-19:00 Europe/Lisbon'; or 'always'")
    .option('--expires <when>', "90d, or 2027-03-31, or 'never'; nothing of it works from then on");
}

/** Throws HF_USAGE. Names are held against holdfast.yaml where that is: by the API. */
export function settingsFrom(options: SettingOptions, now: Date): Settings {
  const { effects, env, expires, hours, owner, purpose, target } = options;
  return {
    ...(purpose === undefined ? {} : { purpose }),
    ...(owner === undefined ? {} : { owner }),
    ...(env === undefined ? {} : { environments: namesOf(env) }),
    ...(target === undefined ? {} : { targets: namesOf(target) }),
    ...(effects === undefined ? {} : { effectKinds: effectsOf(effects) }),
    ...(hours === undefined
      ? {}
      : { workingHours: hours === 'always' ? null : workingHoursText(workingHoursOf(hours)) }),
    ...(expires === undefined ? {} : { expiresAt: expiryOf(expires, now)?.toISOString() ?? null }),
  };
}

function namesOf(words: readonly string[]): string[] {
  return words.length === 1 && words[0] === 'any' ? [] : [...words];
}

function effectsOf(text: string): EffectKind[] | null {
  if (text === 'all') return null;
  const words = text.split(',').map((word) => word.trim());
  const kinds = EFFECT_KINDS.filter((kind) => words.includes(kind));
  const odd = words.find((word) => !EFFECT_KINDS.some((kind) => kind === word));
  if (odd !== undefined) throw unknownKind(odd);
  return kinds;
}

function expiryOf(text: string, now: Date): Date | null {
  if (text === 'never') return null;
  const lifeMs = durationMs(text);
  const at = lifeMs === null ? dayOf(text) : new Date(now.getTime() + lifeMs);
  if (at !== null && !Number.isNaN(at.getTime()) && at.getTime() > now.getTime()) return at;
  throw usageError(
    "--expires in the future, as 90d, as 2027-03-31 (it begins in UTC), or 'never'",
    text,
    'To stop it now: holdfast agents pause',
  );
}

/** A day that there is: JavaScript makes 2 March of 30 February. */
function dayOf(text: string): Date | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text) ? at : null;
}

function unknownKind(found: string): HoldfastError {
  const near = nearest(found, EFFECT_KINDS);
  const list = `There are ${EFFECT_KINDS.join(', ')}`;
  const hint = near === null ? `${list}.` : `Did you mean ${near}? ${list}.`;
  return usageError('a kind of effect', found, hint);
}
