import { createWriteStream, rmSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { HoldfastError, hasCode } from '../../model/errors.ts';
import { type EntrySource, type ShownEntry, tailEntries } from '../../trail/browse.ts';
import type { ApiClient } from '../api/api-client.ts';
import { type Context, NO, type Run } from '../command.ts';
import { entryLine } from '../entry-line.ts';
import { type Answer, facts, oneLine, paintFor, visible } from '../print.ts';
import { usageError } from '../usage.ts';
import { withApi } from '../with-api.ts';

const TAIL_DEFAULT = '20';

export function addTrail(program: Command, run: Run): void {
  const trail = program
    .command('trail')
    .description('What was asked, decided, and what came of it');

  const tail = trail
    .command('tail')
    .description('The newest entries')
    .option('-n, --lines <count>', 'how many', TAIL_DEFAULT)
    .option('-f, --follow', 'go on with what comes, until Ctrl-C; with --json one entry a line')
    .action((options: { readonly lines: string; readonly follow?: boolean }) =>
      run(tail, (context) => tailTrail(context, options.lines, options.follow === true)),
    );

  const show = trail
    .command('show')
    .description('One entry, whole')
    .argument('<index>', 'its number')
    .action((index: string) => run(show, (context) => showOne(context, index)));

  const write = trail
    .command('export')
    .description('Write the trail to a file that holdfast-verify checks offline')
    .requiredOption('--out <file>', 'where to; an existing file is not overwritten')
    .option('--from <index>', 'begin at the last checkpoint at or before this entry', '0')
    .action((options: { readonly out: string; readonly from: string }) =>
      run(write, (context) => exportToFile(context, options.out, options.from)),
    );

  const verify = trail
    .command('verify')
    .description(
      'Hold every entry against the signed checkpoints; exit code 1 when it does not fit',
    )
    .action(() => run(verify, verifyTrail));
}

async function tailTrail(context: Context, count: string, follow: boolean): Promise<Answer> {
  const last = Number(indexOf(count, 'a number of lines'));
  const entries: ShownEntry[] = [];
  const stop = new AbortController();
  const { json, streams, interrupt } = context;
  const paint = paintFor(streams.out, streams.env);
  void interrupt.happened.then(() => stop.abort());
  await withApi(context, async (api) => {
    for await (const entry of tailEntries(entriesOf(api), {
      last,
      follow,
      signal: stop.signal,
    })) {
      if (!follow) entries.push(entry);
      else streams.out.write(`${json ? entryJson(entry) : entryLine(entry, paint)}\n`);
    }
  });
  if (follow) return { json: null, lines: () => [], silent: true };
  return {
    json: { entries: entries.map(({ index, json: text }) => ({ index, entry: parsed(text) })) },
    lines: () => entries.map((entry) => entryLine(entry, paint)),
  };
}

function entryJson({ index, json }: ShownEntry): string {
  return `{"index":${index},"entry":${json}}`;
}

async function showOne(context: Context, text: string): Promise<Answer> {
  const index = String(indexOf(text, 'the number of an entry'));
  const { entry, ...shown } = await withApi(context, (api) =>
    api.call('trail.show', { params: { index } }),
  );
  return {
    json: { index: shown.index, entry },
    lines: () => JSON.stringify(entry, null, 2).split('\n').map(visible),
  };
}

async function exportToFile(context: Context, out: string, text: string): Promise<Answer> {
  const from = Number(indexOf(text, 'the number of an entry'));
  const { key, origin } = await withApi(context, async (api) => {
    const status = await api.call('trail.status', {});
    const entries = await api.stream('trail.export', { query: { from } });
    await written(out, entries);
    return status;
  });
  return {
    json: { file: out, origin, key },
    lines: () => [
      `Wrote ${out}.`,
      `Check it anywhere: holdfast-verify ${out} --key '${oneLine(key)}'`,
    ],
  };
}

/** A file that was begun and has no end goes again: half an export is none. */
async function written(out: string, chunks: AsyncIterable<Buffer>): Promise<void> {
  const file = createWriteStream(out, { flags: 'wx', mode: 0o600 });
  try {
    await pipeline(chunks, file);
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) {
      throw usageError(`a new file ${out}`, 'one that exists', 'Choose another name.');
    }
    if (file.bytesWritten > 0) rmSync(out, { force: true });
    throw cause;
  }
}

async function verifyTrail(context: Context): Promise<Answer> {
  const report = await withApi(context, async (api) => {
    for await (const event of api.events('trail.verify', {})) {
      if (event.kind === 'report') return event.report;
    }
    throw brokenOff();
  });
  return {
    json: report,
    exit: report.ok ? 0 : NO,
    lines: (paint) => [
      report.ok
        ? `${paint.green('✓')} The trail holds.`
        : `${paint.red('✗')} The trail does not hold.`,
      ...facts(
        [
          ['origin', oneLine(report.origin)],
          ['entries', `${report.to - report.from}, up to the newest checkpoint`],
          [
            'decisions',
            `${report.decisions}, with ${report.outcomes} outcomes, ${report.open} open`,
          ],
          ['checkpoints', `${report.checkpoints}`],
          ['root', oneLine(report.root)],
        ],
        paint,
      ),
      ...report.findings.map(
        ({ code, message }) => `${paint.red(oneLine(code))}: ${oneLine(message)}`,
      ),
    ],
  };
}

function indexOf(text: string, what: string): bigint {
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  throw usageError(`${what}, 0 or above`, text, 'For example: holdfast trail show 12');
}

function parsed(json: string): unknown {
  return JSON.parse(json);
}

/** The trail as the API tells it, for whoever reads it entry by entry. */
function entriesOf(api: ApiClient): EntrySource {
  return {
    head: async () => {
      const { size } = await api.call('trail.entries', { query: { limit: 1 } });
      return { size: BigInt(size) };
    },
    read: async (from, limit) => {
      const query = { from: Number(from), limit };
      const { items } = await api.call('trail.entries', { query });
      return items.map(({ index, json }) => ({ index: BigInt(index), bytes: Buffer.from(json) }));
    },
  };
}

function brokenOff(): HoldfastError {
  return new HoldfastError('HF_API_UNREACHABLE', {
    expected: 'the report at the end of a verification',
    found: 'that it ended before',
    hint: 'Try again; nothing is known of the trail from this.',
  });
}
