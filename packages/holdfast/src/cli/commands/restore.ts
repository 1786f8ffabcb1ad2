/**
 * `holdfast restore`: a target brought back beside the live one, compared with it when asked, and left as
 * an ordinary data folder, or removed. A vault belongs to one process, so no gateway may run on this machine
 * meanwhile; it changes nothing of the live target.
 */
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../../config/load-config.ts';
import { HoldfastError } from '../../model/errors.ts';
import { momentOf } from '../../protection/undo/selection.ts';
import type { RestoreWish } from '../../recovery/restore/choose-point.ts';
import { diffTargets } from '../../recovery/restore/diff.ts';
import { sentencesOfDiff } from '../../recovery/restore/diff-words.ts';
import type { RestoredTarget } from '../../recovery/restore/restore-target.ts';
import { drillFolder, type RecoveryRoom } from '../../recovery-room.ts';
import type { Rooms } from '../../rooms.ts';
import { openTarget, recoveryConnectionOf } from '../../wiring.ts';
import { type Context, onThisMachine, type Run } from '../command.ts';
import type { Answer } from '../print.ts';
import { usageError } from '../usage.ts';
import { type Around, withRecovery } from '../with-recovery.ts';
import { named, type Teller, teller } from './recovery.ts';

interface RestoreWords {
  readonly at?: string;
  readonly point?: string;
  readonly into?: string;
  readonly vault?: string;
  readonly diff?: boolean;
}

const KEYS_NAMED_MAX = 5;
const STATEMENT_MS_MAX = 60 * 60 * 1000;

export function addRestore(program: Command, run: Run): void {
  const restore = program
    .command('restore')
    .description('Bring a target back beside the live one, to compare, keep or look at')
    .argument('<target>', 'a target with `recovery` in holdfast.yaml')
    .option('--at <time>', '14:00 or 2026-11-21T14:00:00Z (UTC); without it all there is')
    .option('--point <id>', 'as it was when this recovery point became whole')
    .option('--into <folder>', 'keep it there, as a data folder; without it all of it is removed')
    .option('--diff', 'say what differs from the live target')
    .option('--vault <name>', 'from this vault; without it the first')
    .addHelpText(
      'after',
      '\nThe live target is not changed. Stop `holdfast up` on this machine first.',
    )
    .action((target: string, words: RestoreWords) =>
      run(restore, (context) => restoreOne(context, target, words)),
    );
  onThisMachine(restore);
}

async function restoreOne(context: Context, name: string, words: RestoreWords): Promise<Answer> {
  const config = loadConfig(context.configPath, context.env);
  const target = named(config, name);
  const wish = wishOf(words, context.clock.now());
  const vaults = config.targets.find((one) => one.name === target)?.recovery?.vaults ?? [];
  const vault = words.vault ?? vaults[0] ?? '';
  if (!vaults.includes(vault)) {
    throw usageError(`a vault of ${target}: ${vaults.join(', ')}`, vault, 'Leave --vault out.');
  }
  if (words.into === undefined && words.diff !== true) {
    throw usageError('--into FOLDER, --diff, or both', 'neither', 'Nothing would be left of it.');
  }
  const tell = teller(context);
  const work = { target, vault, wish, words, tell };
  const found = await withRecovery(context, {
    here: (room, around) => carryOut(context, room, around, work),
    elsewhere: async () => {
      throw inUse(target);
    },
  }).finally(() => tell.end());
  const { kept, diff, rtoMs, point, window } = found;
  return {
    json: { target, vault, point, rtoMs, window, diff, kept },
    lines: (paint) => [
      `${paint.green('✓')} ${paint.bold(target)} came back from ${point} in ${(rtoMs / 1000).toFixed(1)} s.`,
      ...(diff ?? []),
      ...(kept?.next ?? ['It was removed again.']),
    ],
  };
}

function wishOf({ at, point }: RestoreWords, now: Date): RestoreWish {
  if (at !== undefined && point !== undefined) {
    throw usageError('--at or --point', 'both', 'Say one of them.');
  }
  if (point !== undefined) return { kind: 'point', id: point };
  if (at === undefined) return { kind: 'newest' };
  const moment = momentOf(at, now);
  if (moment !== null) return { kind: 'at', at: moment };
  throw usageError('--at as 14:00 or 2026-11-21T14:00Z', at, 'Times are UTC.');
}

interface RestoreWork {
  readonly target: string;
  readonly vault: string;
  readonly wish: RestoreWish;
  readonly words: RestoreWords;
  readonly tell: Teller;
}

async function carryOut(
  context: Context,
  { keepers }: RecoveryRoom,
  { rooms, signal }: Around,
  { target, tell, vault, wish, words }: RestoreWork,
) {
  const { clock, env } = context;
  const keeper = keepers.get(target);
  if (keeper === undefined) throw inUse(target);
  const { into } = words;
  const unique = clock.random(6).toString('hex');
  const folder =
    into === undefined ? join(drillFolder(rooms.config, env), `restore-${unique}`) : resolve(into);
  const order = { wish, asOf: null, folder, isKept: into !== undefined };
  const copy = await keeper.restore(vault, order, tell.say, signal);
  try {
    const diff = words.diff === true ? await compared(context, rooms, copy, tell, signal) : null;
    const kept = into === undefined ? null : await copy.keep();
    if (kept === null) await copy.discard();
    return { kept, diff, rtoMs: copy.rtoMs, point: copy.point.id, window: copy.window };
  } catch (error) {
    await copy.discard();
    throw error;
  }
}

async function compared(
  { env }: Context,
  { config }: Rooms,
  copy: RestoredTarget,
  tell: Teller,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const target = config.targets.find(({ name }) => name === copy.target);
  if (target === undefined) return [];
  const restored = copy.database(recoveryConnectionOf(target, env).database, STATEMENT_MS_MAX);
  const live = openTarget(target, env);
  try {
    const onProgress = ({ phase, table }: { phase: string; table: string | null }): void =>
      tell.words(`${phase}${table === null ? '' : ` ${table}`}`);
    const diff = await diffTargets({
      ...{ restored, live, onProgress, signal },
      keysMax: KEYS_NAMED_MAX,
    });
    return sentencesOfDiff(diff);
  } finally {
    await Promise.all([restored.close(), live.close()]);
  }
}

function inUse(target: string): HoldfastError {
  return new HoldfastError('HF_RESTORE_STATE', {
    expected: `the vaults of ${target} to be free`,
    found: 'that a running Holdfast has them',
    hint: 'Stop `holdfast up` on this machine, and try again: a vault belongs to one process.',
  });
}
