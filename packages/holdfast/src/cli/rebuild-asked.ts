/** Looking at rebuilds, choosing in them and proposing their promotion: asked of the API. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf } from '../model/errors.ts';
import { jsonOf } from '../model/json.ts';
import { REBUILD_CHOICES_AT_ONCE_MAX } from '../model/limits.ts';
import {
  type Choice,
  REASON_CODES,
  ROW_STATES,
  type RowState,
} from '../recovery/rebuild/proposal.ts';
import { CHOICE } from '../recovery/rebuild/proposal-shape.ts';
import { outOfView } from '../recovery/rebuild/rebuild-journal.ts';
import { type AnswerOf, type ApiClient, allOf } from './api/api-client.ts';
import type { Context } from './command.ts';
import { proposedAnswer } from './commands/proposals.ts';
import { codeOf, type PersonOptions } from './person-word.ts';
import { type Answer, cut, facts, fromNow, indented, oneLine, type Paint, table } from './print.ts';
import { usageError } from './usage.ts';
import { withApi } from './with-api.ts';

type Shown = AnswerOf<'rebuilds.show'>;
type Row = AnswerOf<'rebuilds.rows'>['items'][number];
type RowShown = AnswerOf<'rebuilds.row'>;
type UnreadRecord = AnswerOf<'rebuilds.records'>['items'][number];

export interface ShowWords {
  readonly state?: string;
  readonly row?: string;
}

export interface DecideWords extends PersonOptions {
  readonly row?: string;
  readonly cell?: string;
  readonly source?: string;
  readonly option?: string;
  readonly value?: string;
  readonly nothing?: boolean;
  readonly accept?: string;
  readonly leaveOut?: boolean;
  readonly keep?: boolean;
  readonly because?: string;
  readonly from?: string;
}

const DECISIONS = z
  .array(z.strictObject({ row: z.string(), choice: CHOICE }))
  .min(1)
  .max(REBUILD_CHOICES_AT_ONCE_MAX);
const LIST_MAX = 1_000;
const ROWS_MAX = 100_000;
const VALUE_CHARS = 40;
const UNREADABLE = 'UNREADABLE';

export async function listRebuilds(context: Context): Promise<Answer> {
  const rebuilds = await withApi(context, (api) =>
    allOf((page) => api.call('rebuilds.list', { query: page }), LIST_MAX),
  );
  const now = context.clock.now();
  return {
    json: { rebuilds },
    lines: (paint) =>
      rebuilds.length === 0
        ? ['No rebuild was proposed yet.']
        : table(
            ['rebuild', 'when', 'target', 'table', 'ready', 'conflicts', 'incomplete'],
            rebuilds.map(({ at, counts, id, table: name, target }) => [
              oneLine(id),
              fromNow(new Date(at), now),
              oneLine(target),
              oneLine(name),
              String(counts.READY),
              String(counts.CONFLICT),
              String(counts.INCOMPLETE),
            ]),
            paint,
          ),
  };
}

export async function showRebuild(context: Context, id: string, words: ShowWords): Promise<Answer> {
  const state = stateOf(words.state);
  const params = { id };
  return await withApi(context, async (api): Promise<Answer> => {
    if (words.row !== undefined) {
      const row = await api.call('rebuilds.row', { params, query: { key: words.row } });
      return { json: { row }, lines: (paint) => rowLines(row, paint) };
    }
    const rebuild = await api.call('rebuilds.show', { params });
    const rows = state === null || state === UNREADABLE ? [] : await rowsOf(api, id, state);
    const unreadable = state === UNREADABLE ? await recordsOf(api, id) : [];
    return {
      json: { rebuild, ...(state === null ? {} : { rows, unreadable }) },
      lines: (paint) => [
        ...rebuildLines(rebuild, context.clock.now(), paint),
        ...(rows.length === 0 ? [] : ['', ...rowsTable(rows, paint)]),
        ...unreadable.flatMap(recordLines),
      ],
    };
  });
}

function rowsOf(api: ApiClient, id: string, state: RowState): Promise<readonly Row[]> {
  return allOf(
    (page) => api.call('rebuilds.rows', { params: { id }, query: { ...page, state } }),
    ROWS_MAX,
  );
}

function recordsOf(api: ApiClient, id: string): Promise<readonly UnreadRecord[]> {
  const which = 'unreadable';
  return allOf(
    (page) => api.call('rebuilds.records', { params: { id }, query: { ...page, which } }),
    ROWS_MAX,
  );
}

function stateOf(said: string | undefined): RowState | typeof UNREADABLE | null {
  if (said === undefined) return null;
  const wanted = said.toUpperCase();
  const found = [...ROW_STATES, UNREADABLE].find((one) => one === wanted);
  const state = ROW_STATES.find((one) => one === wanted);
  if (state !== undefined) return state;
  if (found === UNREADABLE) return UNREADABLE;
  throw usageError(
    `--state as ${ROW_STATES.join(', ')} or ${UNREADABLE}`,
    said,
    'Or leave it out.',
  );
}

export function rebuildLines(rebuild: Shown, now: Date, paint: Paint): string[] {
  const { batches, conflicts, countsNow: counts, incomplete, overrides } = rebuild;
  return [
    `${paint.bold(oneLine(rebuild.id))}  ${oneLine(rebuild.table)} of ${oneLine(rebuild.target)}`,
    '',
    ...facts(
      [
        ['proposed', `${fromNow(new Date(rebuild.at), now)} by ${oneLine(rebuild.by)}`],
        ['copy of', `${rebuild.copyAt}${outOfView(rebuild.copyAsOf)}`],
        ['rows', countWords(counts)],
        ['conflicts', `${conflicts.decided} of ${conflicts.total} decided`],
        ['incomplete', `${incomplete.decided} of ${incomplete.total} decided`],
        ['choices', String(rebuild.choices)],
        ['of no row', `${rebuild.loose} records that were read; look at them`],
        [
          'sources',
          rebuild.sources.map(({ file, source }) => oneLine(`${source}: ${file}`)).join('\n'),
        ],
        ['batches', batches.map(batchWords).join('\n') || 'none yet'],
        ['digest', `${rebuild.digest.slice(0, 16)}  (first 16 of 64; with every choice)`],
      ],
      paint,
    ),
    ...rebuild.cutOff.map((place) =>
      paint.yellow(
        `Putting in was begun (${place}), and nobody saw its end: it is in whole, or not at all. The next try, or taking it back, finds out.`,
      ),
    ),
    ...(overrides.length === 0
      ? []
      : [
          '',
          paint.bold('Money otherwise than a payment says, or that none backs'),
          ...overrides.map(({ against, name, row, took, why }) =>
            oneLine(`  ${row}: ${took}, although ${against}. ${name}: “${why}”`),
          ),
        ]),
  ];
}

export function countWords(counts: Shown['counts']): string {
  return [...ROW_STATES, UNREADABLE]
    .flatMap((state) => (isCounted(counts, state) ? [`${counts[state]} ${state}`] : []))
    .join(', ');
}

function isCounted(counts: Shown['counts'], state: string): state is keyof Shown['counts'] {
  return Object.hasOwn(counts, state);
}

function batchWords(one: Shown['batches'][number]): string {
  const back = one.takenBackBy === null ? '' : `, taken back by ${oneLine(one.takenBackBy)}`;
  return `${oneLine(one.batch)} in the ${one.place === 'copy' ? 'copy' : 'live target'}: ${one.inserted} rows${back}`;
}

function rowsTable(rows: readonly Row[], paint: Paint): string[] {
  const names = rows[0]?.cells.map(({ column }) => oneLine(column)) ?? [];
  return table(
    ['row', 'state', ...names, 'why'],
    rows.map(({ cells, key, reasons, state }) => [
      oneLine(key),
      state,
      ...cells.map((cell) => cut(cellWords(cell), VALUE_CHARS)),
      oneLine(reasons.join('; ')),
    ]),
    paint,
  );
}

/** What is not decided says so, in place of a value that would be taken for one. */
function cellWords({ options, sources, state, value }: Row['cells'][number]): string {
  if (state === 'conflict') return `? (${options})`;
  if (state === 'missing') return '—';
  const mark = state === 'unbacked' || state === 'suggested' ? ` (${state})` : '';
  const from = sources.length === 0 ? '' : ` [${sources.join(', ')}]`;
  return oneLine(`${value ?? ''}${from}${mark}`);
}

function rowLines({ cells, key, leftOut, reasons, state }: RowShown, paint: Paint): string[] {
  return [
    `${paint.bold(oneLine(key))}  ${state}${leftOut === null ? '' : `, ${oneLine(leftOut)}`}`,
    ...reasons.flatMap(({ accepted, code, records, says }) => [
      `  ${code}: ${oneLine(says)}${accepted === null ? '' : ' (looked at)'}`,
      ...records.flatMap(recordLines),
    ]),
    ...cells.flatMap((cell) => [
      '',
      `${paint.bold(oneLine(cell.column))}  ${cell.state}: ${oneLine(cell.value ?? '—')}`,
      ...(cell.chosen === null
        ? []
        : [
            oneLine(
              `  ${cell.chosen.by} ${cell.chosen.how}${cell.chosen.why === null ? '' : `: ${cell.chosen.why}`}`,
            ),
          ]),
      ...cell.options.flatMap((option) => [
        oneLine(
          `  ${option.option}  ${option.value ?? `not read: ${option.unread ?? 'NULL'}`}  ${option.kind}${option.isSuggested ? ', suggested only' : ''}`,
        ),
        ...option.records.flatMap(recordLines),
      ]),
    ]),
  ];
}

function recordLines(record: Omit<UnreadRecord, 'why'> & { readonly why?: string }): string[] {
  const { file, offset, record: number, snippet, source, why } = record;
  const place = `${source}: ${file}, record ${number}, byte ${offset}`;
  return [
    oneLine(`     ${place}${why === undefined ? '' : `: ${why}`}`),
    ...indented(snippet).map((line) => `     ${line}`),
  ];
}

interface Decision {
  readonly row: string;
  readonly choice: Choice;
}

/** What is to be taken of a row is looked up before the code is spent. */
export async function decideRow(context: Context, id: string, words: DecideWords): Promise<Answer> {
  const many = words.from === undefined ? null : manyFrom(words.from);
  const rebuild = await withApi(context, async (api) => {
    const decisions = many ?? [await oneDecision(api, id, words)];
    const code = await codeOf(context, words);
    const body = { person: words.as, code, decisions: [...decisions] };
    return await api.call('rebuilds.decide', { params: { id }, body });
  });
  return {
    json: { rebuild },
    lines: (paint) => [
      `${paint.green('✓')} ${rebuild.choices} choices in ${oneLine(rebuild.id)}: ${countWords(rebuild.countsNow)}.`,
    ],
  };
}

const WAYS = ['source', 'option', 'value', 'nothing', 'accept', 'leaveOut', 'keep'] as const;

async function oneDecision(api: ApiClient, id: string, words: DecideWords): Promise<Decision> {
  const { because, cell, row } = words;
  if (row === undefined)
    throw usageError('--row KEY, or --from FILE', 'neither', 'See rebuild show.');
  const said = WAYS.filter((way) => words[way] !== undefined);
  if (said.length !== 1) {
    throw usageError(
      'one of --source, --option, --value, --nothing, --accept, --leave-out and --keep',
      said.length === 0 ? 'none' : said.join(' and '),
      'Say what the row or the cell is to be.',
    );
  }
  const why = because === undefined ? {} : { why: because };
  if (words.keep === true) return { row, choice: { kind: 'keep' } };
  if (words.leaveOut === true) return { row, choice: { kind: 'leave-out' } };
  if (words.accept !== undefined) {
    const reason = REASON_CODES.find((code) => code === words.accept);
    if (reason === undefined) {
      throw usageError(`a reason: ${REASON_CODES.join(', ')}`, words.accept, 'See show --row.');
    }
    return { row, choice: { kind: 'accept', reason, ...why } };
  }
  if (cell === undefined) throw usageError('--cell COLUMN', 'none', 'See rebuild show --row.');
  if (words.nothing === true) return { row, choice: { kind: 'nothing', column: cell, ...why } };
  if (words.value !== undefined) {
    return { row, choice: { kind: 'typed', column: cell, text: words.value } };
  }
  const option = await optionOf(api, id, row, cell, words);
  return { row, choice: { kind: 'option', column: cell, option, ...why } };
}

async function optionOf(
  api: ApiClient,
  id: string,
  key: string,
  column: string,
  { option, source }: DecideWords,
): Promise<number> {
  if (source === undefined) {
    const number = Number(option);
    if (Number.isSafeInteger(number) && number >= 0) return number;
    throw usageError('--option as a number', option ?? 'none', 'See rebuild show --row.');
  }
  const row = await api.call('rebuilds.row', { params: { id }, query: { key } });
  const cell = row.cells.find((one) => one.column === column);
  const saying = (cell?.options ?? []).filter(
    ({ records, value }) => value !== null && records.some((one) => one.source === source),
  );
  const [only, ...others] = saying;
  if (only !== undefined && others.length === 0) return only.option;
  throw usageError(
    `one candidate for ${oneLine(column)} of ${oneLine(key)} that ${oneLine(source)} says`,
    only === undefined ? 'none' : `${saying.length}`,
    `See holdfast recovery rebuild show ${oneLine(id)} --row '${oneLine(key)}', and say --option.`,
  );
}

function manyFrom(path: string): readonly Decision[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw usageError(`a file ${path} that can be read`, messageOf(cause), 'Check the path.');
  }
  const read = DECISIONS.safeParse(jsonOf(text));
  if (read.success) return read.data;
  throw usageError(
    `a JSON list of at most ${REBUILD_CHOICES_AT_ONCE_MAX} {"row": …, "choice": {"kind": …}}`,
    'something else',
    'docs/recovery-rebuild.md has the kinds of choices.',
  );
}

export async function promoteRebuild(context: Context, id: string): Promise<Answer> {
  const proposal = await withApi(context, (api) =>
    api.call('rebuilds.promote', { params: { id } }),
  );
  return proposedAnswer(proposal);
}
