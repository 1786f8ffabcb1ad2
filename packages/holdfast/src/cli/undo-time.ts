/** How long undo data stays: kept longer by one person, purged sooner by several, and that called off. */
import { durationMs } from '../config/duration.ts';
import { purgeAct } from '../protection/undo/purge.ts';
import { targetsOf } from '../wiring.ts';
import { type Context, NO } from './command.ts';
import { codeOf, type PersonOptions } from './person-word.ts';
import type { Answer } from './print.ts';
import { chosenBy, type FilterWords, withUndos } from './undo-choice.ts';
import { usageError } from './usage.ts';

export interface PurgeWords extends FilterWords {
  readonly cancel?: boolean;
  readonly as?: string;
  readonly code?: string;
}

export async function extendItems(
  context: Context,
  ids: readonly string[],
  words: PersonOptions & { readonly by: string },
): Promise<Answer> {
  const byMs = durationMs(words.by);
  if (byMs === null || byMs === 0) throw usageError('--by as 24h or 7d', words.by, '--by 24h');
  const signed = { person: words.as, code: await codeOf(context, words) };
  const extended = await withUndos(context, (undos) => undos.extend(ids, byMs, signed));
  return {
    json: { extended },
    lines: () => [`${extended} of ${ids.length} item(s) kept ${words.by} longer.`],
    ...(extended === ids.length ? {} : { exit: NO }),
  };
}

export async function cancelPurge(
  context: Context,
  ids: readonly string[],
  words: PurgeWords,
): Promise<Answer> {
  const { as: person, code } = words;
  if (ids.length === 0 || person === undefined) {
    throw usageError(
      'ids of items and --as NAME',
      ids.length === 0 ? 'no id' : 'nobody named',
      'holdfast undo purge ITEM --cancel --as NAME',
    );
  }
  const signed = {
    person,
    code: await codeOf(context, { as: person, ...(code === undefined ? {} : { code }) }),
  };
  const cancelled = await withUndos(context, (undos) => undos.cancelPurge(ids, signed));
  return {
    json: { cancelled },
    lines: () => [`${cancelled} of ${ids.length} item(s) stay.`],
    ...(cancelled === ids.length ? {} : { exit: NO }),
  };
}

export async function proposePurge(
  context: Context,
  ids: readonly string[],
  words: PurgeWords,
): Promise<Answer> {
  const selection = chosenBy(context, ids, words);
  return withUndos(context, async (undos, rooms) => {
    const items = await undos.ofOneTarget(selection);
    const [first] = items;
    const target = targetsOf(rooms.config).resolve({ asked: first?.target ?? '', searchPath: [] });
    const proposal = await rooms.proposals.open(purgeAct(items, target));
    return {
      json: { proposal },
      lines: () => [
        `Proposed as ${proposal.id}: ${proposal.peopleNeeded} people must sign.`,
        `  holdfast proposals approve ${proposal.id} --as NAME`,
      ],
    };
  });
}
