/** What is said of an agent on the command line, held against holdfast.yaml. `add` and `set` share it. */
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { durationMs } from '../config/duration.ts';
import type { AgentChange } from '../identity/agents.ts';
import { workingHoursOf } from '../identity/working-hours.ts';
import { EFFECT_KINDS, type EffectKind } from '../model/effect.ts';
import { nearest } from '../model/nearest.ts';
import { usageError } from './usage.ts';

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
    .option('--owner <person>', "who answers for it, of `holdfast people list`; or 'none'")
    .option('--env <environment...>', "where it may work; or 'any': whichever its tokens name")
    .option('--target <name...>', "on what it may work; or 'any'")
    .option(
      '--effects <kinds>',
      `what it may ask for, as read,write: of ${EFFECT_KINDS.join(', ')}; or 'all'`,
    )
    .option('--hours <hours>', "when it works: 'Mon-Fri 08:00-19:00 Europe/Lisbon'; or 'always'")
    .option('--expires <when>', "90d, or 2027-03-31, or 'never'; nothing of it works from then on");
}

/** Throws HF_USAGE. */
export function settingsFrom(config: Config, options: SettingOptions, now: Date): AgentChange {
  const { effects, env, expires, hours, owner, purpose, target } = options;
  return {
    ...(purpose === undefined ? {} : { purpose }),
    ...(owner === undefined ? {} : { owner: owner === 'none' ? null : owner }),
    ...(env === undefined ? {} : { environments: namesOf('an environment', env, places(config)) }),
    ...(target === undefined ? {} : { targets: namesOf('a target', target, targetNames(config)) }),
    ...(effects === undefined ? {} : { effectKinds: effectsOf(effects) }),
    ...(hours === undefined
      ? {}
      : { workingHours: hours === 'always' ? null : workingHoursOf(hours) }),
    ...(expires === undefined ? {} : { expiresAt: expiryOf(expires, now) }),
  };
}

export function places({ environments, providers, targets }: Config): ReadonlySet<string> {
  return new Set([
    ...environments.map(({ name }) => name),
    ...targets.map(({ environment }) => environment),
    ...providers.flatMap((one) => one.places.map(({ environment }) => environment)),
  ]);
}

function targetNames({ providers, targets }: Config): ReadonlySet<string> {
  const hosted = providers.flatMap((one) => one.places.map(({ target }) => target));
  return new Set([...targets.map(({ name }) => name), ...hosted]);
}

function namesOf(
  what: string,
  words: readonly string[],
  known: ReadonlySet<string>,
): readonly string[] {
  if (words.length === 1 && words[0] === 'any') return [];
  for (const word of words) if (!known.has(word)) throw unknownWord(what, word, known);
  return [...new Set(words)];
}

function effectsOf(text: string): readonly EffectKind[] | null {
  if (text === 'all') return null;
  const words = text.split(',').map((word) => word.trim());
  const kinds = EFFECT_KINDS.filter((kind) => words.includes(kind));
  const odd = words.find((word) => !EFFECT_KINDS.some((kind) => kind === word));
  if (odd !== undefined) throw unknownWord('a kind of effect', odd, new Set(EFFECT_KINDS), '');
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

export function unknownWord(
  what: string,
  found: string,
  known: ReadonlySet<string>,
  where = ' that holdfast.yaml declares',
) {
  const names = [...known];
  const near = nearest(found, names);
  const list = names.length === 0 ? 'None is declared yet' : `There are ${names.join(', ')}`;
  return usageError(
    `${what}${where}`,
    found,
    near === null || near === undefined ? `${list}.` : `Did you mean ${near}? ${list}.`,
  );
}
