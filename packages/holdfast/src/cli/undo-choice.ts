/** Which items a command of `holdfast undo` means, and how conflicts are decided: options, read and checked. */
import type { Command } from 'commander';
import { decisionOf, keyOf, momentOf } from '../protection/undo/selection.ts';
import type { Context } from './command.ts';
import { usageError } from './usage.ts';

export interface FilterWords {
  readonly target?: string;
  readonly agent?: string;
  readonly role?: string;
  readonly since?: string;
  readonly until?: string;
}

export interface WishWords extends FilterWords {
  readonly table?: readonly string[];
  readonly key?: string;
  readonly conflict?: readonly string[];
}

export function withFilters(command: Command): Command {
  return command
    .option('--target <name>', 'of this target')
    .option('--agent <name>', 'by this agent')
    .option('--role <name>', 'by this login role')
    .option('--since <time>', '14:00 (UTC, today or yesterday) or 2026-11-21T14:00Z')
    .option('--until <time>', 'before then');
}

export function withWish(command: Command): Command {
  return withFilters(command)
    .option('--table <name...>', 'only these tables (public.bookings)')
    .option('--key <column=value>', 'only this row; with --table')
    .option('--conflict <decision...>', 'ours, theirs or skip; see below');
}

/** As the API takes it; instants as ISO 8601. */
export interface Selection {
  readonly ids: string[];
  readonly target?: string;
  readonly agent?: string;
  readonly role?: string;
  readonly since?: string;
  readonly until?: string;
}

export function selectionOf(
  context: Context,
  ids: readonly string[],
  words: FilterWords,
): Selection {
  const now = context.clock.now();
  const moment = (option: string, text: string | undefined): string | undefined => {
    if (text === undefined) return undefined;
    const at = momentOf(text, now);
    if (at === null) {
      throw usageError(`${option} as 14:00 or 2026-11-21T14:00Z`, text, 'Times are UTC.');
    }
    return at.toISOString();
  };
  const since = moment('--since', words.since);
  const until = moment('--until', words.until);
  return {
    ids: [...ids],
    ...(words.target === undefined ? {} : { target: words.target }),
    ...(words.agent === undefined ? {} : { agent: words.agent }),
    ...(words.role === undefined ? {} : { role: words.role }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

/** "Everything there is" must be said, not left out. */
export function chosenBy(context: Context, ids: readonly string[], words: FilterWords): Selection {
  const { agent, role, since, until, target } = words;
  if (ids.length === 0 && agent === undefined && role === undefined && since === undefined) {
    const found = target ?? until;
    throw usageError(
      'ids of items, or --agent, --role or --since',
      found === undefined ? 'none of them' : `only ${found}`,
      'See `holdfast undo list`.',
    );
  }
  return selectionOf(context, ids, words);
}

export function wishOf(context: Context, ids: readonly string[], words: WishWords) {
  const decisions = (words.conflict ?? []).map((text) => {
    const decision = decisionOf(text);
    if (decision === null) {
      throw usageError('--conflict [TABLE[:KEY]=]ours|theirs|skip', text, 'public.t:id=42=skip');
    }
    return decision;
  });
  const key = words.key === undefined ? [] : keyOf(words.key);
  if (key === null || (key.length > 0 && words.table === undefined)) {
    throw usageError('--table NAME --key COLUMN=VALUE', words.key ?? '', '--key id=42');
  }
  return {
    ...chosenBy(context, ids, words),
    tables: words.table === undefined ? null : [...words.table],
    key: [...key],
    decisions,
  };
}
