/**
 * `holdfast report`: how well what was promised was kept over a period, counted from the trail. The figures
 * come over the API, and say how far they are meanwhile; the page is made here.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { HoldfastError, hasCode, messageOf } from '../../model/errors.ts';
import { pageOf, periodWords } from '../../trail/report/html/page.ts';
import type { ReliabilityReport } from '../../trail/report/report-shape.ts';
import { type Sentence, summaryOf } from '../../trail/report/summary.ts';
import { countWords, spanWords } from '../../trail/report/words.ts';
import type { AnswerOf } from '../api/api-client.ts';
import { type Context, NO, type Run } from '../command.ts';
import { type Answer, oneLine, type Paint } from '../print.ts';
import { usageError } from '../usage.ts';
import { withApi } from '../with-api.ts';
import { teller } from './recovery.ts';

interface ReportWords {
  readonly from: string;
  readonly to: string;
  readonly target?: string;
  readonly out?: string;
}

const DAY = /^\d{4}-\d\d-\d\d$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/;

export function addReport(program: Command, run: Run): void {
  const report = program
    .command('report')
    .description('How well what was promised was kept over a period, counted from the trail')
    .requiredOption('--from <day>', 'its first day, as 2026-11-01 (UTC), or a moment with a Z')
    .requiredOption('--to <day>', 'the day after its last one')
    .option('--target <name>', 'only this target, and what is of none')
    .option('--out <file>', 'write it as a page of HTML; an existing file is not written over')
    .addHelpText('after', '\nExit code 1 when the trail does not verify for the period.')
    .action((words: ReportWords) => run(report, (context) => makeReport(context, words)));
}

async function makeReport(context: Context, words: ReportWords): Promise<Answer> {
  const { target } = words;
  const period = { from: momentOf(words.from, '--from'), to: momentOf(words.to, '--to') };
  const report = await withApi(context, async (api) => {
    const query = { ...period, ...(target === undefined ? {} : { target }) };
    const line = teller(context);
    try {
      for await (const said of api.events('report.make', { query })) {
        if (said.kind === 'report') return said.report;
        line.words(progressWords(said));
      }
    } finally {
      line.end();
    }
    throw brokenOff();
  });
  const file = words.out === undefined ? null : writeOut(words.out, report);
  return {
    json: report,
    exit: report.trail.ok ? 0 : NO,
    lines: (paint) => [
      oneLine(periodWords(report)),
      '',
      ...summaryOf(report).map((one) => sentenceLine(one, paint)),
      ...(file === null ? [] : ['', `Wrote ${oneLine(file)}: open it in a browser, or print it.`]),
    ],
  };
}

function sentenceLine({ is, text }: Sentence, paint: Paint): string {
  const marks = { good: paint.green('✓'), bad: paint.red('✗'), plain: paint.dim('○') };
  return `${marks[is]} ${oneLine(text)}`;
}

function momentOf(text: string, option: string): string {
  const at = DAY.test(text) || MOMENT.test(text) ? new Date(text) : null;
  // February has no 30th, whatever a Date makes of it.
  if (at !== null && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text.slice(0, 10)))
    return at.toISOString();
  throw usageError(
    `${option} as a day, or as a moment in UTC`,
    text,
    'For example: holdfast report --from 2026-11-01 --to 2026-12-01',
  );
}

function writeOut(out: string, report: ReliabilityReport): string {
  const path = resolve(out);
  try {
    writeFileSync(path, pageOf(report), { flag: 'wx', mode: 0o600 });
    return path;
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) {
      throw usageError(`a new file ${out}`, 'one that exists', 'Choose another name.');
    }
    throw usageError(`a file that can be written: ${out}`, messageOf(cause), 'Choose another.');
  }
}

type Progress = Extract<AnswerOf<'report.make'>, { readonly kind: 'progress' }>;

function progressWords({ done, leftSeconds, perSecond, total }: Progress): string {
  const left = leftSeconds === null ? '' : `, ${spanWords(leftSeconds * 1000)} left`;
  return `${countWords(done)} of ${countWords(total)} entries, ${countWords(perSecond)} a second${left}`;
}

function brokenOff(): HoldfastError {
  return new HoldfastError('HF_API_UNREACHABLE', {
    expected: 'the report at the end',
    found: 'that it ended before',
    hint: 'Try again; nothing is known of the period from this.',
  });
}
