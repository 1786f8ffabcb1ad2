import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { verifyStore } from '../../trail/audit.ts';
import { type ShownEntry, showEntry, tailEntries } from '../../trail/browse.ts';
import { exportTrail } from '../../trail/export.ts';
import { type Context, NO, type Run } from '../command.ts';
import { entryLine } from '../entry-line.ts';
import { type Answer, facts, paintFor } from '../print.ts';
import { usageError } from '../usage.ts';
import { withRooms } from '../with-rooms.ts';

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
  await withRooms(context, async (rooms) => {
    for await (const entry of tailEntries(rooms.trailStore, {
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

async function showOne(context: Context, index: string): Promise<Answer> {
  const wanted = indexOf(index, 'the number of an entry');
  const entry = await withRooms(context, (rooms) => showEntry(rooms.trailStore, wanted));
  const value = parsed(entry.json);
  return {
    json: { index: entry.index, entry: value },
    lines: () => JSON.stringify(value, null, 2).split('\n'),
  };
}

async function exportToFile(context: Context, out: string, from: string): Promise<Answer> {
  const start = indexOf(from, 'the number of an entry');
  return withRooms(context, async ({ signer, trailStore }) => {
    const { origin, verifierKey } = signer;
    const question = { origin, key: verifierKey, from: start, to: null };
    try {
      const file = createWriteStream(out, { flags: 'wx', mode: 0o600 });
      await pipeline(Readable.from(exportTrail(trailStore, question)), file);
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause;
      throw usageError(`a new file ${out}`, 'one that exists', 'Choose another name.');
    }
    return {
      json: { file: out, origin, key: verifierKey.text },
      lines: () => [
        `Wrote ${out}.`,
        `Check it anywhere: holdfast-verify ${out} --key '${verifierKey.text}'`,
      ],
    };
  });
}

async function verifyTrail(context: Context): Promise<Answer> {
  const report = await withRooms(context, (rooms) =>
    verifyStore(rooms.trailStore, rooms.signer.verifierKey.text),
  );
  return {
    json: report,
    exit: report.ok ? 0 : NO,
    lines: (paint) => [
      report.ok
        ? `${paint.green('✓')} The trail holds.`
        : `${paint.red('✗')} The trail does not hold.`,
      ...facts(
        [
          ['origin', report.origin],
          ['entries', `${report.to - report.from}, up to the newest checkpoint`],
          [
            'decisions',
            `${report.decisions}, with ${report.outcomes} outcomes, ${report.open} open`,
          ],
          ['checkpoints', `${report.checkpoints}`],
          ['root', report.root],
        ],
        paint,
      ),
      ...report.findings.map(({ code, message }) => `${paint.red(code)}: ${message}`),
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
