import type { Command } from 'commander';
import { conflicting } from '../../protection/undo/undo-report.ts';
import { type ApiClient, allOf } from '../api/api-client.ts';
import { type Context, NO, type Run } from '../command.ts';
import { codeOf, type PersonOptions, withPerson } from '../person-word.ts';
import { type Answer, cut, fromNow, oneLine, table } from '../print.ts';
import {
  type FilterWords,
  selectionOf,
  type WishWords,
  wishOf,
  withFilters,
  withWish,
} from '../undo-choice.ts';
import { cancelPurge, extendItems, type PurgeWords, proposePurge } from '../undo-time.ts';
import {
  itemJson,
  itemLines,
  progressLine,
  reportLines,
  stateWord,
  whatOf,
  whoOf,
} from '../undo-words.ts';
import { usageError } from '../usage.ts';
import { vaultLines } from '../vault-words.ts';
import { withApi } from '../with-api.ts';

const LIST_DEFAULT = 50;
const PARTS_CHARS_IN_LIST = 60;

export function addUndo(program: Command, run: Run): void {
  const undo = program.command('undo').description('What passed and can still be taken back');

  const list = withFilters(
    undo
      .command('list', { isDefault: true })
      .description('What can be taken back; newest first')
      .option('--all', 'also what is undone or gone')
      .option('--limit <number>', 'at most so many', String(LIST_DEFAULT)),
  );
  list.action((words: FilterWords & { readonly all?: boolean; readonly limit: string }) =>
    run(list, (context) => listItems(context, words)),
  );

  const show = undo
    .command('show')
    .description('One item: who, when, and what of which table')
    .argument('<item>', 'its id (undo_…)')
    .action((id: string) => run(show, (context) => showItem(context, id)));

  const preview = withWish(
    undo
      .command('preview')
      .description('What apply would do: rows by table, conflicts, the SQL. Nothing is changed')
      .argument('[item...]', 'ids; or choose with --agent, --since ...'),
  );
  preview.action((ids: readonly string[], words: WishWords) =>
    run(preview, (context) => previewItems(context, ids, words)),
  );

  addApply(undo, run);
  addTime(undo, run);
}

function addApply(undo: Command, run: Run): void {
  const apply = withPerson(
    withWish(
      undo
        .command('apply')
        .description('Take it back, in one transaction')
        .argument('[item...]', 'ids; or choose with --agent, --since ...'),
    ),
  ).addHelpText(
    'after',
    '\nThe code is the confirmation: there is no question to answer with yes. With a conflict that is not\n' +
      'decided nothing is changed (exit code 1). --conflict ours|theirs|skip decides all of them,\n' +
      'TABLE=… those of a table, TABLE:KEY=… one row (public.bookings:id=42=theirs).',
  );
  apply.action((ids: readonly string[], words: WishWords & PersonOptions) =>
    run(apply, (context) => applyItems(context, ids, words)),
  );
}

function addTime(undo: Command, run: Run): void {
  const extend = withPerson(
    undo
      .command('extend')
      .description('Keep items longer')
      .argument('<item...>', 'ids')
      .requiredOption('--by <duration>', 'how much longer: 24h, 7d'),
  );
  extend.action((ids: readonly string[], words: PersonOptions & { readonly by: string }) =>
    run(extend, (context) => extendItems(context, ids, words)),
  );

  const purge = withFilters(
    undo
      .command('purge')
      .description('Propose that undo data goes before its time; several people must sign')
      .argument('[item...]', 'ids; or choose with --agent, --since ...')
      .option('--cancel', 'take back a purge that is pending; with --as and a code')
      .option('--as <name>', 'who cancels: a person of `holdfast people list`')
      .option(
        '--code <digits>',
        'six digits; else asked for without showing it, or read from stdin',
      ),
  );
  purge.action((ids: readonly string[], words: PurgeWords) =>
    run(purge, (context) =>
      words.cancel === true ? cancelPurge(context, ids, words) : proposePurge(context, ids, words),
    ),
  );
}

async function listItems(
  context: Context,
  words: FilterWords & { readonly all?: boolean; readonly limit: string },
): Promise<Answer> {
  const limit = Number(words.limit);
  if (!Number.isInteger(limit) || limit < 1) {
    throw usageError('--limit as a whole number', words.limit, '--limit 100');
  }
  const { ids: _, ...filters } = selectionOf(context, [], words);
  const query = { ...filters, state: words.all === true ? 'all' : 'open' } as const;
  const { items, away, vault } = await withApi(context, async (api) => {
    const away = new Set<string>();
    const ask = async (page: { readonly limit: number; readonly cursor?: string }) => {
      const answer = await api.call('undo.list', { query: { ...query, ...page } });
      for (const name of answer.away) away.add(name);
      return answer;
    };
    const items = await allOf(ask, limit);
    return { items, away: [...away], vault: await api.call('undo.vault', {}) };
  });
  const now = context.clock.now();
  const note = away.map(
    (name) => `Not drained now, so what is newest there may be missing: ${oneLine(name)}.`,
  );
  const { freeBytesMin, ...room } = vault;
  return {
    json: { items: items.map(itemJson), away, vault: room },
    lines: (paint) => {
      const lines = vaultLines(vault, now).map(paint.dim);
      if (items.length === 0) return ['Nothing can be taken back.', ...note, '', ...lines];
      const rows = items.map((item) => [
        oneLine(item.id),
        fromNow(new Date(item.at), now),
        stateWord(item),
        whoOf(item),
        oneLine(item.target),
        String(item.rows),
        cut(whatOf(item), PARTS_CHARS_IN_LIST),
      ]);
      return [
        ...table(['item', 'when', 'left', 'who', 'target', 'rows', 'what'], rows, paint),
        ...note,
        '',
        ...lines,
      ];
    },
  };
}

async function showItem(context: Context, id: string): Promise<Answer> {
  const { acts, ...item } = await withApi(context, (api) =>
    api.call('undo.show', { params: { id } }),
  );
  const entries = acts.map(({ statement, undo }) => ({
    act: { statement, undo: undo.map((about) => ({ about })) },
  }));
  return {
    json: { item: itemJson(item), entries },
    lines: (paint) => [
      ...itemLines(item, context.clock.now(), paint),
      ...acts.flatMap(({ statement, undo }) => [
        '',
        paint.bold(oneLine(statement)),
        ...undo.map((about) => `  ${oneLine(about)}`),
      ]),
    ],
  };
}

async function previewItems(
  context: Context,
  ids: readonly string[],
  words: WishWords,
): Promise<Answer> {
  const body = wishOf(context, ids, words);
  const report = await withApi(context, (api) => api.call('undo.preview', { body }));
  return {
    json: { report },
    lines: (paint) => reportLines(report, 'preview', paint),
    ...(report.undecided > 0 ? { exit: NO } : {}),
  };
}

async function applyItems(
  context: Context,
  ids: readonly string[],
  words: WishWords & PersonOptions,
): Promise<Answer> {
  const wish = wishOf(context, ids, words);
  const body = { ...wish, person: words.as, code: await codeOf(context, words) };
  const { applied, report } = await withApi(context, (api) =>
    watching(context, api, (watch) => api.call('undo.apply', { body: { ...body, ...watch } })),
  );
  if (applied) return { json: { report }, lines: (paint) => reportLines(report, 'apply', paint) };
  // The list of conflicts is the answer a person needs, on stdout in JSON as in lines.
  const { code, expected, found, hint } = conflicting(report.undecided);
  return {
    json: { error: { code, expected, found, hint }, report },
    lines: (paint) => [
      `${paint.red('Nothing was changed')}: ${found}.`,
      ...reportLines(report, 'refused', paint),
      hint,
    ],
    exit: NO,
  };
}

const WATCH_MS = 250;
const WATCH_BYTES = 16;

/** On a terminal: asks how far it is while the answer is on its way. */
async function watching<T>(
  { clock, streams }: Context,
  api: ApiClient,
  work: (watch: { readonly watch?: string }) => Promise<T>,
): Promise<T> {
  if (streams.err.isTTY !== true) return await work({});
  const watch = clock.random(WATCH_BYTES).toString('hex');
  const line = progressLine(streams.err, clock);
  let isOver = false;
  const look = async (): Promise<void> => {
    const { progress } = await api.call('undo.progress', { params: { watch } });
    if (progress !== null && !isOver) line.on(progress);
  };
  // That it cannot be told is no reason to stop: the answer to the undo itself is what counts.
  const timer = setInterval(() => void look().catch(() => {}), WATCH_MS);
  try {
    return await work({ watch });
  } finally {
    isOver = true;
    clearInterval(timer);
    line.end();
  }
}
