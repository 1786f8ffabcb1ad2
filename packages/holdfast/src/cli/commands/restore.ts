/**
 * `holdfast restore`: a target brought back beside the live one; compared with it, rows of it written back,
 * whole tables proposed to people, left as an ordinary data folder, or removed. While a gateway runs on this
 * machine the gateway does the work, since a vault belongs to one process; else it is done here. The order:
 *
 *   a person's word (for --apply) -> restored -> compared -> previewed, written back or proposed -> kept, or removed
 */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { proposalView } from '../../api/routes/proposals.ts';
import { loadConfig } from '../../config/load-config.ts';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import type { Spoken } from '../../model/signed.ts';
import { pause } from '../../programs/pause.ts';
import type { CopyWords, WishWords } from '../../recovery/restore/copy-shape.ts';
import type { Restores } from '../../recovery/restore/restores.ts';
import { errorOf } from '../../recovery/trouble.ts';
import type { Rooms } from '../../rooms.ts';
import { targetsOf } from '../../wiring.ts';
import { NOTHING_BEGUN } from '../by-gateway.ts';
import { proposalJson } from '../card-json.ts';
import { type Context, NO, onThisMachine, type Run } from '../command.ts';
import { codeOf } from '../person-word.ts';
import { type Answer, oneLine } from '../print.ts';
import {
  asOfWish,
  type MomentWords,
  momentWish,
  type RowWish,
  type RowWords,
  rowWishOf,
} from '../restore-choice.ts';
import { pointLines, writeBackLines } from '../restore-words.ts';
import { untilLetIn } from '../until-let-in.ts';
import { usageError } from '../usage.ts';
import { withRestores } from '../with-restores.ts';
import { withRooms } from '../with-rooms.ts';
import { named, type Teller, teller } from './recovery.ts';

interface RestoreWords extends MomentWords, RowWords {
  readonly into?: string;
  readonly vault?: string;
  readonly diff?: boolean;
  readonly asOf?: string;
  readonly as?: string;
  readonly code?: string;
}

const POLL_MS = 250;
const HELP = `
The live target is changed by --apply only, as one item of \`holdfast undo list\`. --apply puts rows of a whole
table in again; to set rows back or delete rows, name their keys, or propose it with --promote: the tables
become what they were when enough people have signed. Keys with several columns are JSON: [["x","1"]].
--as-of is for a vault that somebody wrote into: all that was stored, written over or hidden after that time is
passed over. While a gateway runs on this machine, it does the work. Exit code 1 when a preview says no.`;

export function addRestore(program: Command, run: Run): void {
  const restore = program
    .command('restore')
    .description('Bring a target back beside the live one, to compare, keep or write rows back')
    .argument('<target>', 'a target with `recovery` in holdfast.yaml')
    .option('--at <time>', '14:00 or 2026-11-21T14:00:00Z (UTC); without it all there is')
    .option('--point <id>', 'as it was when this recovery point became whole')
    .option('--as-of <time>', 'the vault as it was then, whatever came into it or was hidden since')
    .option('--into <folder>', 'keep it there, as a data folder; without it all of it is removed')
    .option('--diff', 'say what differs from the live target')
    .option('--table <name...>', 'rows of these tables: public.bookings')
    .option('--keys <list>', 'only rows with these keys: 1,2,3')
    .option('--keys-from <file>', 'only rows with the keys in this file, one a line')
    .option('--set-back', 'also rows that are there with other values')
    .option('--delete-extra', 'delete rows that came since')
    .option('--preview', 'say what --apply would do')
    .option('--apply', 'write the rows back; with --as and a code')
    .option('--promote', 'propose that these tables become what they were')
    .option('--as <name>', 'who writes back: a person of `holdfast people list`')
    .option('--code <digits>', 'six digits; else asked for without showing it, or read from stdin')
    .option('--vault <name>', 'from this vault; without it the first')
    .addHelpText('after', HELP)
    .action((target: string, words: RestoreWords) =>
      run(restore, (context) => restoreOne(context, target, words)),
    );
  onThisMachine(restore);
}

interface RestoreWork {
  readonly target: string;
  readonly vault: string;
  readonly wish: WishWords;
  readonly asOf: string | null;
  readonly rows: RowWish | null;
  readonly into: string | null;
  readonly isDiff: boolean;
  readonly by: Spoken;
  readonly tell: Teller;
  readonly isByGateway: boolean;
}

async function restoreOne(context: Context, name: string, words: RestoreWords): Promise<Answer> {
  const config = loadConfig(context.configPath, context.env);
  const target = named(config, name);
  const wish = momentWish(words, context.clock.now());
  const asOf = asOfWish(words, context.clock.now());
  const rows = rowWishOf(words, wish);
  const vaults = config.targets.find((one) => one.name === target)?.recovery?.vaults ?? [];
  const vault = words.vault ?? vaults[0] ?? '';
  if (!vaults.includes(vault)) {
    throw usageError(`a vault of ${target}: ${vaults.join(', ')}`, vault, 'Leave --vault out.');
  }
  if (words.into === undefined && words.diff !== true && rows === null) {
    throw usageError('--into, --diff or --table', 'none', 'Nothing would be left of it.');
  }
  const into = words.into === undefined ? null : resolve(words.into);
  const word = rows?.kind === 'apply' ? await wordOf(context, words) : null;
  const tell = teller(context);
  const found = await withRooms(context, async (rooms) => {
    const by = word === null ? MACHINE : await spoken(rooms, word);
    const isDiff = words.diff === true;
    const work = { target, vault, wish, asOf, rows, into, isDiff, by, tell };
    return withRestores(context, rooms, (restores, { isByGateway, signal }) =>
      carryOut(restores, rooms, { ...work, isByGateway }, signal),
    );
  }).finally(() => tell.end());
  return answerOf(target, vault, found, context.clock.now());
}

const MACHINE: Spoken = { name: 'this machine', facts: {} };

interface Word {
  readonly person: string;
  readonly code: string;
}

async function wordOf(context: Context, words: RestoreWords): Promise<Word> {
  if (words.as === undefined) {
    throw usageError('--as NAME beside --apply', 'nobody', 'A person writes rows back.');
  }
  const code = await codeOf(context, {
    as: words.as,
    ...(words.code === undefined ? {} : { code: words.code }),
  });
  return { person: words.as, code };
}

/** Before anything is restored, since a code dies in half a minute. */
function spoken(rooms: Rooms, word: Word): Promise<Spoken> {
  return rooms.prove({ kind: 'code', ...word }, 'undo.apply');
}

type Found = Awaited<ReturnType<typeof carryOut>>;

async function carryOut(restores: Restores, rooms: Rooms, work: RestoreWork, signal: AbortSignal) {
  const { asOf, by, into, isDiff, target, tell, vault, wish } = work;
  const order = { target, vault, wish, asOf, by: by.name, into };
  const begun = await restores.begin(order).catch((error: unknown) => {
    if (signal.aborted && error === signal.reason) tell.line(NOTHING_BEGUN);
    throw error;
  });
  const { id } = begun;
  let isKept = false;
  try {
    const ready = await untilReady(restores, begun, tell, signal);
    const diff = isDiff ? await compared(restores, work, id, signal) : null;
    const done = await withRows(restores, rooms, work, id, signal);
    const kept = into === null ? null : await restores.keep(target, id);
    isKept = kept !== null;
    const { goal, point, rtoMs, view, window } = ready;
    const { drilledAt, id: of, isSealed } = point;
    return { kept, diff, ...done, asOf, view, rtoMs, point: of, drilledAt, isSealed, goal, window };
  } finally {
    const isRemoved = !isKept && (await removed(restores, work, id));
    if (signal.aborted && work.isByGateway && !isKept) tell.line(stoppedWords(work, id, isRemoved));
  }
}

/** By Ctrl-C: what goes on at the gateway all the same. */
function stoppedWords({ into, rows }: RestoreWork, id: string, isRemoved: boolean): string {
  if (rows?.kind === 'apply')
    return `If the rows of ${id} were being written back, the gateway goes on with it: holdfast undo list`;
  if (isRemoved) return `Taken back: the gateway has removed ${id} again.`;
  return into === null
    ? `The gateway goes on with ${id}, and removes it.`
    : `The gateway goes on with ${id}: see ${into}, and holdfast recovery status.`;
}

/** What went wrong before counts; that it was not removed as well is said, and mended by the gateway. */
async function removed(
  restores: Restores,
  { by, target, tell }: RestoreWork,
  id: string,
): Promise<boolean> {
  try {
    await restores.discard(target, id, by.name);
    return true;
  } catch (error) {
    tell.words(`${id} is not removed yet: ${messageOf(error)}`);
    return false;
  }
}

async function untilReady(restores: Restores, begun: CopyWords, tell: Teller, signal: AbortSignal) {
  let copy = begun;
  for (;;) {
    signal.throwIfAborted();
    const { standing } = copy;
    switch (standing.state) {
      case 'ready':
        return standing;
      case 'failed':
        throw errorOf(standing);
      case 'discarded':
        throw gone(standing.why);
      case 'running':
        if (standing.progress === null) tell.words('waiting for other work on recovery');
        else tell.say(standing.progress);
        break;
      default:
        return standing satisfies never;
    }
    await pause(POLL_MS);
    copy = await restores.show(copy.target, copy.id);
  }
}

async function compared(
  restores: Restores,
  { by, target, tell }: RestoreWork,
  id: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  await restores.diff(target, id, by.name);
  for (;;) {
    signal.throwIfAborted();
    const { standing } = await restores.show(target, id);
    const diff = standing.state === 'ready' ? standing.diff : null;
    if (diff === null) throw gone(standing.state);
    if (diff.state === 'failed') throw errorOf(diff);
    if (diff.state === 'done') return diff.result.sentences;
    const { phase = 'waiting', table = null } = diff.progress ?? {};
    tell.words(`${phase}${table === null ? '' : ` ${oneLine(table)}`}`);
    await pause(POLL_MS);
  }
}

/** What came back is not thrown away because others are at work: it waits for them, until Ctrl-C. */
async function withRows(
  restores: Restores,
  rooms: Rooms,
  work: RestoreWork,
  id: string,
  signal: AbortSignal,
) {
  const { by, rows, target, tell } = work;
  const waits = <T>(ask: () => Promise<T>): Promise<T> =>
    untilLetIn(ask, () => tell.words('waiting for other work on recovery'), signal);
  switch (rows?.kind) {
    case undefined:
      return { report: null, proposal: null };
    case 'preview':
      return {
        report: await waits(() => restores.preview(target, id, rows.words)),
        proposal: null,
      };
    case 'apply':
      return {
        report: await waits(() => restores.writeBack(target, id, rows.words, by)),
        proposal: null,
      };
    case 'promote': {
      const act = await waits(() => restores.promotion(target, id, rows.words));
      const of = targetsOf(rooms.config).resolve({ asked: target, searchPath: [] });
      const opened = await rooms.proposals.open({ ...act, kind: 'promote-restore', target: of });
      return { report: null, proposal: proposalView(opened) };
    }
    default:
      return rows satisfies never;
  }
}

function gone(found: string): HoldfastError {
  return new HoldfastError('HF_RESTORE_STATE', {
    expected: 'the copy to be there until this is done',
    found: `that it is ${found}`,
    hint: 'Restore once more.',
  });
}

function answerOf(target: string, vault: string, found: Found, now: Date): Answer {
  const { asOf, diff, drilledAt, goal, isSealed, kept, point, proposal, report, rtoMs } = found;
  const { view, window } = found;
  const isRefused = (report?.wouldFail.length ?? 0) > 0;
  return {
    json: {
      ...{
        target,
        vault,
        asOf,
        view,
        point,
        drilledAt,
        isSealed,
        goal,
        rtoMs,
        window,
        diff,
        kept,
        report,
      },
      proposal: proposal === null ? null : proposalJson(proposal),
    },
    lines: (paint) => [
      `${paint.green('✓')} ${paint.bold(target)} came back${goalText(goal)} from ${oneLine(point)} in ${(rtoMs / 1000).toFixed(1)} s.`,
      ...pointLines({ drilledAt, isSealed }, now, paint),
      ...(asOf === null
        ? []
        : [`  ${oneLine(vault)} as it was at ${asOf}. ${view ?? ''}`.trimEnd()]),
      ...(diff ?? []),
      ...(report === null ? [] : writeBackLines(report, paint)),
      ...(proposal === null ? [] : proposalLines(proposal)),
      ...(kept?.next ?? ['The copy was removed again.']),
    ],
    ...(isRefused ? { exit: NO } : {}),
  };
}

/** What was asked for may have been yesterday, or of another zone: so the moment is said as it was understood. */
function goalText({ at, lsn }: Found['goal']): string {
  if (at !== null) return ` as of ${at.slice(0, 19).replace('T', ' ')} UTC`;
  return lsn === null ? ', with all that the vault has,' : ` as of ${oneLine(lsn)}`;
}

function proposalLines({ id, peopleNeeded, words }: NonNullable<Found['proposal']>): string[] {
  const shown = oneLine(id);
  return [
    `Proposed as ${shown}: ${peopleNeeded} people must sign that`,
    ...words.split('\n').map((line) => `  ${oneLine(line)}`),
    `  holdfast proposals approve ${shown} --as NAME`,
  ];
}
