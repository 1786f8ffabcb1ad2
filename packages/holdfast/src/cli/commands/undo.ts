import type { Command } from 'commander';
import { durationMs } from '../../config/duration.ts';
import { HoldfastError } from '../../model/errors.ts';
import { purgeAct } from '../../protection/undo/purge.ts';
import { decisionOf, keyOf, momentOf, type Selection } from '../../protection/undo/selection.ts';
import type { UndoReport } from '../../protection/undo/undo-report.ts';
import type { Listed, Undos, UndoWish } from '../../protection/undo/undos.ts';
import type { UndoItem, UndoState } from '../../protection/undo-item.ts';
import type { Rooms } from '../../rooms.ts';
import { openUndoRoom } from '../../undo-room.ts';
import { targetsOf } from '../../wiring.ts';
import { type Context, NO, type Run } from '../command.ts';
import { codeOf, type PersonOptions, withPerson } from '../person-word.ts';
import { type Answer, cut, facts, fromNow, oneLine, type Paint, table, when } from '../print.ts';
import { progressLine, reportLines } from '../undo-words.ts';
import { usageError } from '../usage.ts';
import { vaultLines } from '../vault-words.ts';
import { withRooms } from '../with-rooms.ts';

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

interface FilterWords {
  readonly target?: string;
  readonly agent?: string;
  readonly role?: string;
  readonly since?: string;
  readonly until?: string;
}

interface PurgeWords extends FilterWords {
  readonly cancel?: boolean;
  readonly as?: string;
  readonly code?: string;
}

interface WishWords extends FilterWords {
  readonly table?: readonly string[];
  readonly key?: string;
  readonly conflict?: readonly string[];
}

function withFilters(command: Command): Command {
  return command
    .option('--target <name>', 'of this target')
    .option('--agent <name>', 'by this agent')
    .option('--role <name>', 'by this login role')
    .option('--since <time>', '14:00 (UTC, today or yesterday) or 2026-11-21T14:00Z')
    .option('--until <time>', 'before then');
}

function withWish(command: Command): Command {
  return withFilters(command)
    .option('--table <name...>', 'only these tables (public.bookings)')
    .option('--key <column=value>', 'only this row; with --table')
    .option('--conflict <decision...>', 'ours, theirs or skip; see below');
}

function selectionOf(context: Context, ids: readonly string[], words: FilterWords): Selection {
  const now = context.clock.now();
  const moment = (option: string, text: string | undefined): Date | undefined => {
    if (text === undefined) return undefined;
    const at = momentOf(text, now);
    if (at === null) {
      throw usageError(`${option} as 14:00 or 2026-11-21T14:00Z`, text, 'Times are UTC.');
    }
    return at;
  };
  const since = moment('--since', words.since);
  const until = moment('--until', words.until);
  return {
    ids,
    ...(words.target === undefined ? {} : { target: words.target }),
    ...(words.agent === undefined ? {} : { agentName: words.agent }),
    ...(words.role === undefined ? {} : { role: words.role }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

/** "Everything there is" must be said, not left out. */
function chosenBy(context: Context, ids: readonly string[], words: FilterWords): Selection {
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

function wishOf(context: Context, ids: readonly string[], words: WishWords): UndoWish {
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
    selection: chosenBy(context, ids, words),
    tables: words.table ?? null,
    key,
    decisions,
  };
}

function withUndos<T>(
  context: Context,
  work: (undos: Undos, rooms: Rooms) => Promise<T>,
): Promise<T> {
  return withRooms(context, async (rooms) => {
    const room = openUndoRoom(rooms, context.env, context.clock);
    try {
      return await work(room.undos, rooms);
    } finally {
      await room.close();
    }
  });
}

async function listItems(
  context: Context,
  words: FilterWords & { readonly all?: boolean; readonly limit: string },
): Promise<Answer> {
  const limit = Number(words.limit);
  if (!Number.isInteger(limit) || limit < 1) {
    throw usageError('--limit as a whole number', words.limit, '--limit 100');
  }
  const states: readonly UndoState[] =
    words.all === true ? ['kept', 'undone', 'purging', 'purged'] : ['kept', 'purging'];
  const selection = selectionOf(context, [], words);
  const { items, away, vault, freeBytesMin } = await withUndos(context, async (undos, rooms) => ({
    ...(await undos.list(selection, states, limit)),
    vault: await rooms.vault.state(),
    freeBytesMin: rooms.config.limits.vaultFreeBytesMin,
  }));
  const now = context.clock.now();
  const note = away.map(
    (name) => `Not drained now, so what is newest there may be missing: ${name}.`,
  );
  return {
    json: { items: items.map(({ item, leftMs }) => ({ ...item, leftMs })), away, vault },
    lines: (paint) => {
      const room = vaultLines(vault, freeBytesMin, now).map(paint.dim);
      if (items.length === 0) return ['Nothing can be taken back.', ...note, '', ...room];
      const rows = items.map(({ item, leftMs }) => [
        item.id,
        fromNow(item.at, now),
        stateWord(item, leftMs),
        item.agentName ?? item.role,
        item.target,
        String(item.parts.reduce((sum, part) => sum + part.rows, 0)),
        cut(whatOf(item), PARTS_CHARS_IN_LIST),
      ]);
      return [
        ...table(['item', 'when', 'left', 'who', 'target', 'rows', 'what'], rows, paint),
        ...note,
        '',
        ...room,
      ];
    },
  };
}

async function showItem(context: Context, id: string): Promise<Answer> {
  const { item, leftMs, entries } = await withUndos(context, (undos) => undos.show(id));
  return {
    json: { item: { ...item, leftMs }, entries },
    lines: (paint) => [
      ...itemLines({ item, leftMs }, context.clock.now(), paint),
      ...entries.flatMap(({ act }) =>
        act === null
          ? []
          : [
              '',
              paint.bold(oneLine(act.statement)),
              ...act.undo.map(({ about }) => `  ${oneLine(about)}`),
            ],
      ),
    ],
  };
}

async function previewItems(
  context: Context,
  ids: readonly string[],
  words: WishWords,
): Promise<Answer> {
  const wish = wishOf(context, ids, words);
  const report = await withUndos(context, (undos) => undos.preview(wish));
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
  const signed = { person: words.as, code: await codeOf(context, words) };
  const { streams, clock } = context;
  const tell = progressLine(streams.err, clock);
  try {
    const report = await withUndos(context, (undos) => undos.apply(wish, signed, tell.on));
    tell.end();
    return { json: { report }, lines: (paint) => reportLines(report, 'apply', paint) };
  } catch (error) {
    tell.end();
    const report = undecidedOf(error);
    // The list of conflicts is the answer a person needs, on stdout in JSON as in lines.
    if (report === null || !(error instanceof HoldfastError)) throw error;
    const { code, expected, found, hint } = error;
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
}

function undecidedOf(error: unknown): UndoReport | null {
  if (!(error instanceof HoldfastError) || error.code !== 'HF_UNDO_CONFLICT') return null;
  const { cause } = error;
  return isReport(cause) ? cause : null;
}

function isReport(value: unknown): value is UndoReport {
  return typeof value === 'object' && value !== null && 'conflicts' in value && 'tables' in value;
}

async function extendItems(
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

async function cancelPurge(
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

async function proposePurge(
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

function stateWord({ state }: UndoItem, leftMs: number | null): string {
  if (state === 'purged' || leftMs === null) return 'gone';
  const left = `${Math.floor(leftMs / 3_600_000)} h ${Math.floor((leftMs % 3_600_000) / 60_000)} min`;
  return state === 'kept' ? left : `${state}, ${left}`;
}

const OP_WORDS = { D: 'deleted', U: 'changed', I: 'added', T: 'truncated', X: '' } as const;

function whatOf({ parts, undoOf }: UndoItem): string {
  const words = parts.map(({ op, name, rows }) =>
    op === 'X' ? oneLine(name) : `${rows} ${OP_WORDS[op]} in ${oneLine(name)}`,
  );
  return `${undoOf === null ? '' : `undo of ${undoOf}: `}${words.join('; ')}`;
}

function itemLines({ item, leftMs }: Listed, now: Date, paint: Paint): string[] {
  return [
    `${paint.bold(item.id)}  ${item.state}`,
    '',
    ...facts(
      [
        ['target', item.target],
        ['at', `${when(item.at)} (${fromNow(item.at, now)})`],
        ['by', item.agentName === null ? item.role : `${item.agentName} (as ${item.role})`],
        ['client', oneLine(item.application)],
        ['left', stateWord(item, leftMs)],
        [
          'what',
          item.parts.map((part) => whatOf({ ...item, undoOf: null, parts: [part] })).join('\n'),
        ],
        ...(item.undoOf === null ? [] : ([['undo of', item.undoOf]] as const)),
      ],
      paint,
    ),
  ];
}
