/** Undo items and a report of an undo for people, and the line that says how far a long one is. */
import type { Clock } from '../model/clock.ts';
import type { RowText, UndoConflict, UndoReport } from '../protection/undo/undo-report.ts';
import type { UndoProgress } from '../protection/undo/undos.ts';
import type { AnswerOf } from './api/api-client.ts';
import { cut, facts, fromNow, oneLine, type Paint, type Streams, table, when } from './print.ts';

const CONFLICTS_IN_LINES = 20;
const ROW_CHARS = 160;
const SQL_CHARS = 200;

export function reportLines(
  report: UndoReport,
  what: 'preview' | 'apply' | 'refused',
  paint: Paint,
): string[] {
  const lines: string[] = [];
  for (const act of report.acts) lines.push(`${paint.bold(oneLine(act.about))}  taken back`);
  if (report.tables.length > 0) {
    const header = [
      'table',
      'inserted back',
      'changed back',
      'removed again',
      'already',
      'left out',
    ];
    const rows = report.tables.map((one) => [
      one.table,
      ...[one.insertedBack, one.changedBack, one.removedAgain, one.already, one.leftOut].map(
        String,
      ),
    ]);
    lines.push(...table(header, rows, paint));
  }
  if (report.acts.length === 0 && report.tables.length === 0) lines.push('Nothing to take back.');
  if (report.conflictsTotal > 0) lines.push('', ...conflictLines(report, paint));
  if (report.notes.length > 0)
    lines.push('', ...report.notes.map((note) => `Note: ${oneLine(note)}`));
  if (what === 'preview') {
    lines.push('', paint.dim('It would run:'));
    lines.push(...report.sql.map((sql) => `  ${cut(oneLine(sql), SQL_CHARS)}`));
  }
  if (what === 'apply')
    lines.push('', report.isWhole ? paint.green('Undone.') : paint.yellow('Undone in part.'));
  return lines;
}

function conflictLines(report: UndoReport, paint: Paint): string[] {
  const shown = report.conflicts.slice(0, CONFLICTS_IN_LINES);
  const more = report.conflictsTotal - shown.length;
  return [
    paint.yellow(`${report.conflictsTotal} conflict(s), ${report.undecided} not decided:`),
    ...shown.flatMap(lineOf),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

function lineOf({
  kind,
  table: name,
  key,
  about,
  choice,
  choices,
  kept,
  now,
}: UndoConflict): string[] {
  const decided = choice === null ? `decide ${choices.join('|')}` : choice;
  return [
    `  ${oneLine(name)}${key === null ? '' : `:${oneLine(key)}`}  ${kind}  (${decided})  ${oneLine(about)}`,
    ...(key === null ? [] : [`    kept  ${rowWords(kept)}`, `    now   ${rowWords(now)}`]),
  ];
}

function rowWords(row: RowText | null): string {
  if (row === null) return '(no row)';
  const fields = Object.entries(row).map(([name, value]) => `${name}=${value ?? 'NULL'}`);
  return cut(oneLine(fields.join(' ')), ROW_CHARS);
}

/** Progress comes thousands of times; a person reads a few a second. */
const PROGRESS_MS = 200;

export interface ProgressLine {
  readonly on: (progress: UndoProgress) => void;
  readonly end: () => void;
}

/** On a terminal only: phase, rows, rate, time left. */
export function progressLine(stream: Streams['err'], clock: Clock): ProgressLine {
  if (stream.isTTY !== true) return { on: () => {}, end: () => {} };
  let saidAtMs = Number.NEGATIVE_INFINITY;
  let begunAtMs = clock.monotonicMs();
  let phase: UndoProgress['phase'] | null = null;
  return {
    on: (progress) => {
      const nowMs = clock.monotonicMs();
      if (progress.phase !== phase) begunAtMs = nowMs;
      else if (nowMs - saidAtMs < PROGRESS_MS) return;
      phase = progress.phase;
      saidAtMs = nowMs;
      stream.write(`\r\x1b[K${progressWords(progress, nowMs - begunAtMs)}`);
    },
    end: () => {
      if (phase !== null) stream.write('\r\x1b[K');
    },
  };
}

export function progressWords({ phase, rows, rowsTotal }: UndoProgress, tookMs: number): string {
  if (rows === 0 || tookMs <= 0) return `${phase} ...`;
  const rate = (rows * 1000) / tookMs;
  const left = Math.max(0, Math.ceil((rowsTotal - rows) / rate));
  return `${phase}  ${rows}/${rowsTotal} rows  ${Math.round(rate)}/s  ${left} s left`;
}

export type UndoItem = AnswerOf<'undo.list'>['items'][number];
type UndoPart = UndoItem['parts'][number];

/** What Holdfast calls the transactions that it writes into a target itself. */
const OWN_WORK = /^holdfast (?:restore|rebuild|rebuild rollback|undo) [a-z]+_[0-9a-z]{16}\b/;

/**
 * The agent; else the role, with the work of Holdfast where the session says that it is one: errors send
 * people to it by that name. Any client may call itself so, which is why the role stays beside it.
 */
export function whoOf({
  agent,
  application,
  role,
}: Pick<UndoItem, 'agent' | 'application' | 'role'>): string {
  if (agent !== null) return oneLine(agent);
  return oneLine(OWN_WORK.test(application) ? `${application} (as ${role})` : role);
}

export function stateWord({ leftMs, state }: UndoItem): string {
  if (state === 'purged' || leftMs === null) return 'gone';
  const left = `${Math.floor(leftMs / 3_600_000)} h ${Math.floor((leftMs % 3_600_000) / 60_000)} min`;
  return state === 'kept' ? left : `${state}, ${left}`;
}

const OP_WORDS = { D: 'deleted', U: 'changed', I: 'added', T: 'truncated', X: '' } as const;

function partWords({ op, name, rows }: UndoPart): string {
  return op === 'X' ? oneLine(name) : `${rows} ${OP_WORDS[op]} in ${oneLine(name)}`;
}

export function whatOf({ parts, provider, undoOf }: UndoItem): string {
  const words = parts.map(partWords);
  const doubt =
    provider === null || provider.happened === 'done' ? '' : 'not known to have happened: ';
  return `${undoOf === null ? '' : `undo of ${oneLine(undoOf)}: `}${doubt}${words.join('; ')}`;
}

/** What is known of an act at a provider; null: it is a transaction, which has happened. */
function happenedWords({ provider }: UndoItem): string | null {
  if (provider === null) return null;
  switch (provider.happened) {
    case 'done':
      return `yes, ${oneLine(provider.name)} said so`;
    case 'failed':
      return 'not known: the provider answered with an error; some of it may have happened';
    case 'unknown':
      return 'not known: no answer was recorded; an undo compares with what is there now';
    default:
      return provider.happened satisfies never;
  }
}

/** What scripts get of one. */
export function itemJson({ agent, provider, ...item }: UndoItem) {
  const inverse =
    provider === null ? {} : { inverse: { provider: provider.name, happened: provider.happened } };
  return { ...item, agentName: agent, ...inverse };
}

export function itemLines(item: UndoItem, now: Date, paint: Paint): string[] {
  const happened = happenedWords(item);
  const at = new Date(item.at);
  const by = item.agent === null ? item.role : `${item.agent} (as ${item.role})`;
  return [
    `${paint.bold(oneLine(item.id))}  ${item.state}`,
    '',
    ...facts(
      [
        ['target', oneLine(item.target)],
        ['at', `${when(at)} (${fromNow(at, now)})`],
        ['by', oneLine(by)],
        ['client', oneLine(item.application)],
        ['left', stateWord(item)],
        ['what', item.parts.map((part) => partWords(part)).join('\n')],
        ...(happened === null ? [] : ([['happened', happened]] as const)),
        ...(item.undoOf === null ? [] : ([['undo of', oneLine(item.undoOf)]] as const)),
      ],
      paint,
    ),
  ];
}
