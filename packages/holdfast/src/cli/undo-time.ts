/** How long undo data stays: kept longer by one person, purged sooner by several, and that called off. */
import { durationMs } from '../config/duration.ts';
import { proposalJson } from './card-json.ts';
import { type Context, NO } from './command.ts';
import { codeOf, type PersonOptions } from './person-word.ts';
import { type Answer, oneLine } from './print.ts';
import { chosenBy, type FilterWords } from './undo-choice.ts';
import { usageError } from './usage.ts';
import { withApi } from './with-api.ts';

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
  const body = { person: words.as, code: await codeOf(context, words), ids: [...ids], byMs };
  const { extended } = await withApi(context, (api) => api.call('undo.extend', { body }));
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
  const body = {
    person,
    code: await codeOf(context, { as: person, ...(code === undefined ? {} : { code }) }),
    ids: [...ids],
  };
  const { cancelled } = await withApi(context, (api) => api.call('undo.cancel-purge', { body }));
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
  const body = chosenBy(context, ids, words);
  const proposal = await withApi(context, (api) => api.call('undo.purge', { body }));
  const id = oneLine(proposal.id);
  return {
    json: { proposal: proposalJson(proposal) },
    lines: () => [
      `Proposed as ${id}: ${proposal.peopleNeeded} people must sign.`,
      `  holdfast proposals approve ${id} --as NAME`,
    ],
  };
}
