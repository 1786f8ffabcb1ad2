/**
 * How far a target is protected, for a command that judges without sending anything: what was given, what
 * a look at the target says (the gateway's own look), or "none" because it could not be looked at. Which
 * of the three it was is always said: a verdict is worth what it rests on.
 */
import type { Config } from '../config/config.ts';
import { messageOf } from '../model/errors.ts';
import { PROTECTION_LEVELS, type Protection, type ProtectionLevel } from '../model/reversal.ts';
import { checkTarget, openTarget } from '../wiring.ts';
import type { Context } from './command.ts';
import { withTarget } from './commands/protect.ts';
import { usageError } from './usage.ts';

export interface KnownProtection extends Protection {
  readonly source: 'seen' | 'given' | 'assumed';
  readonly why: string;
}

export const LEVEL_OPTION = [
  '--level <level>',
  `judge as if the target were protected so far: ${PROTECTION_LEVELS.join(', ')}. ` +
    'Without it the target is looked at',
] as const;

/** Throws HF_USAGE for a word that is no level. */
export function levelOf(word: string | undefined): ProtectionLevel | null {
  if (word === undefined) return null;
  const level = PROTECTION_LEVELS.find((one) => one === word);
  if (level !== undefined) return level;
  throw usageError(`--level as ${PROTECTION_LEVELS.join(', ')}`, word, '--level full');
}

export async function knownProtection(
  { clock, env }: Context,
  config: Config,
  name: string,
  given: ProtectionLevel | null,
): Promise<KnownProtection> {
  if (given !== null) return known(given, 'given', 'by --level, or by the case itself');
  const target = config.targets.find((one) => one.name === name);
  if (target === undefined) return known('none', 'assumed', `holdfast.yaml declares no ${name}`);
  try {
    const { level, levelReason, lost, uncaptured } = await withTarget(
      openTarget(target, env),
      (db) => checkTarget(db, target, clock),
    );
    const seen = known(level, 'seen', levelReason);
    return uncaptured.length === 0
      ? seen
      : { ...seen, uncaptured: new Set(uncaptured), lost: new Set(lost) };
  } catch (error) {
    return known('none', 'assumed', messageOf(error));
  }
}

function known(
  level: ProtectionLevel,
  source: KnownProtection['source'],
  why: string,
): KnownProtection {
  return { level, trouble: null, source, why };
}

export function protectionWords({
  level,
  source,
  why,
}: Pick<KnownProtection, 'level' | 'source' | 'why'>): string {
  switch (source) {
    case 'seen':
      return `${level} (seen now: ${why})`;
    case 'given':
      return `${level} (given, not looked at)`;
    case 'assumed':
      return `${level} (assumed, for it could not be looked at: ${why}). Say --level LEVEL otherwise.`;
    default:
      return source satisfies never;
  }
}
