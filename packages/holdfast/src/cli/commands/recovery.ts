/**
 * `holdfast recovery`: how each target stands, and the work on it by hand. It works beside the store, on
 * the machine whose vaults it is: while a gateway runs there the order is left for it (`Counter`), since a
 * vault belongs to one process; else it is done here.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import { loadConfig } from '../../config/load-config.ts';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import { nearest } from '../../model/nearest.ts';
import type { WorkKind } from '../../recovery/due-work.ts';
import type { Progress } from '../../recovery/engines/engine.ts';
import { loadAge } from '../../recovery/packing/age.ts';
import type { TargetReport } from '../../recovery/target-report.ts';
import { isWell, runWork, type WorkOrder, type WorkResult } from '../../recovery/work.ts';
import { recoveryCounter } from '../../recovery-folder.ts';
import type { Rooms } from '../../rooms.ts';
import { byGateway, keptElsewhere } from '../by-gateway.ts';
import { type Context, NO, onThisMachine, type Run } from '../command.ts';
import type { Answer } from '../print.ts';
import { progressWords, reportLines, resultLines, withoutLine } from '../recovery-words.ts';
import { usageError } from '../usage.ts';
import { withRecovery } from '../with-recovery.ts';
import { addUndelete } from './undelete.ts';

interface WorkWords {
  readonly vault?: string;
  readonly point?: string;
  readonly random?: boolean;
}

const ID_BYTES = 8;
const BESIDE =
  '\nIt works on the machine whose vaults it is, not over the API. While a gateway runs there, the\n' +
  'gateway does the work and this command waits for it.';

export function addRecovery(program: Command, run: Run): void {
  const recovery = program
    .command('recovery')
    .description('Recovery points: how each target stands, and take, drill and prove by hand');

  const status = recovery
    .command('status')
    .description('How well each target could be brought back, and why it is no better')
    .argument('[target]', 'only this one')
    .addHelpText(
      'after',
      `\nExit code 1 when one of them is red, or none has \`recovery\`.\n${BESIDE}`,
    )
    .action((target?: string) => run(status, (context) => showStatus(context, target ?? null)));
  onThisMachine(status);

  const work = (
    kind: WorkKind,
    does: string,
    after: string,
    more: (command: Command) => Command = (command) => command,
  ): void => {
    const command = recovery
      .command(kind)
      .description(does)
      .argument('<target>', 'a target with `recovery` in holdfast.yaml')
      .option('--vault <name>', 'only this vault; without it each of them');
    more(command)
      .addHelpText('after', `\n${after}\n${BESIDE}`)
      .action((target: string, words: WorkWords) =>
        run(command, (context) => doWork(context, kind, target, words)),
      );
    onThisMachine(command);
  };
  work(
    'backup',
    'Take a recovery point now; a small database is drilled at once',
    'Exit code 1 when it could not be taken, or did not come back in the drill.',
  );
  work(
    'drill',
    'Restore a recovery point into a scratch server, and look whether all of it came back',
    'Exit code 1 unless the drill passed. The target is not touched.',
    (command) =>
      command
        .option('--point <id>', 'this point; without it the newest')
        .option('--random', 'at a random moment since; without it where the point was witnessed'),
  );
  work(
    'prove',
    'Try to destroy what lies in the vault, with every credential that Holdfast has',
    'Exit code 0 only when it is PROVEN. It is tried on a canary, never on a recovery point.',
  );

  addUndelete(recovery, run);

  const keys = recovery
    .command('keys')
    .description('Make an age key pair: points are encrypted to the public key')
    .option('--out <path>', 'where the private key goes; never over a file', './recovery-key.txt')
    .addHelpText('after', '\nIt needs no holdfast.yaml. What is lost with the private key is lost.')
    .action((words: { readonly out: string }) => run(keys, () => makeKeys(words.out)));
  onThisMachine(keys);
}

async function makeKeys(out: string): Promise<Answer> {
  const path = resolve(out);
  const { generateIdentity, identityToRecipient } = await loadAge();
  const identity = await generateIdentity();
  const recipient = await identityToRecipient(identity);
  if (existsSync(path)) throw fileThere(path);
  try {
    const text = `# public key: ${recipient}\n${identity}\n`;
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new HoldfastError('HF_USAGE', {
      expected: `a place for the private key at ${path}`,
      found: messageOf(cause),
      hint: 'Say another with --out.',
      cause,
    });
  }
  return {
    json: { recipient, identityFile: path },
    lines: (paint) => [
      `Public key:  ${paint.bold(recipient)}`,
      `Private key: ${path}`,
      '',
      'Put the public key under recovery.recipients of a target. Keep a copy of the private key where',
      'neither this machine nor its provider can take it with them: without it no recovery point opens,',
      'and whoever has it can read them all. Leave it here, under recovery.identity, for drills.',
    ],
  };
}

async function showStatus(context: Context, only: string | null): Promise<Answer> {
  const config = loadConfig(context.configPath, context.env);
  const names = only === null ? recoverable(config) : [named(config, only)];
  const reports = names.length === 0 ? [] : await reportsOf(context, names);
  const now = context.clock.now();
  const isRed = reports.some(({ colour }) => colour === 'red');
  const without = only === null ? unrecoverable(config) : [];
  const hasNone = names.length === 0;
  return {
    json: { targets: reports, without },
    lines: (paint) => [
      ...(hasNone
        ? [
            'No target has `recovery` in holdfast.yaml: nothing of them could be brought back.',
            'Set it up as docs/recovery.md says.',
          ]
        : []),
      ...reports.flatMap((report, at) => [
        ...(at === 0 ? [] : ['']),
        ...reportLines(report, now, paint),
      ]),
      ...(without.length === 0 ? [] : ['', ...without.map((name) => withoutLine(name, paint))]),
    ],
    ...(isRed || (hasNone && without.length > 0) ? { exit: NO } : {}),
  };
}

/** For `doctor`, too. Whoever keeps recovery says it; nobody does: it is looked at here. */
export function reportsOf(
  context: Context,
  names: readonly string[],
): Promise<readonly TargetReport[]> {
  return withRecovery(context, {
    elsewhere: async ({ rooms }) => reportsLeft(context, rooms, names),
    here: async ({ keepers }) => {
      const reports: TargetReport[] = [];
      for (const name of names) {
        const report = await keepers.get(name)?.report();
        if (report !== undefined) reports.push(report);
      }
      return reports;
    },
  });
}

function reportsLeft(
  { clock, env }: Context,
  rooms: Rooms,
  names: readonly string[],
): readonly TargetReport[] {
  const counter = recoveryCounter(rooms.config, env);
  return names.map((name) => {
    const report = counter.freshReport(name, clock.now());
    if (report === null) throw keptElsewhere(name);
    return report;
  });
}

async function doWork(
  context: Context,
  kind: WorkKind,
  name: string,
  words: WorkWords,
): Promise<Answer> {
  const config = loadConfig(context.configPath, context.env);
  const target = named(config, name);
  const vaults = config.targets.find((one) => one.name === target)?.recovery?.vaults ?? [];
  const vault = words.vault ?? null;
  if (vault !== null && !vaults.includes(vault)) {
    throw usageError(`a vault of ${target}: ${vaults.join(', ')}`, vault, 'Leave --vault out.');
  }
  const order: WorkOrder = {
    id: context.clock.random(ID_BYTES).toString('hex'),
    ...{ kind, target, vault },
    point: words.point ?? null,
    goal: words.random === true ? 'random' : 'witness',
  };
  const tell = teller(context);
  const { isHere, results } = await carryOut(context, order, tell).finally(() => tell.end());
  const isSlotLeft = isHere && kind === 'backup';
  return {
    json: { target, results },
    lines: (paint) => [
      ...results.flatMap((result) => resultLines(result, paint)),
      ...(isSlotLeft
        ? [
            paint.yellow('No gateway runs, so no WAL follows this point: start `holdfast up`.'),
            'Until then the server keeps the WAL for its slot (max_slot_wal_keep_size bounds it).',
          ]
        : []),
    ],
    ...(isWell(kind, results) ? {} : { exit: NO }),
  };
}

function carryOut(
  context: Context,
  order: WorkOrder,
  tell: Teller,
): Promise<{ readonly isHere: boolean; readonly results: readonly WorkResult[] }> {
  const { clock, env } = context;
  return withRecovery<{ isHere: boolean; results: readonly WorkResult[] }>(context, {
    here: async ({ keepers }, { signal }) => {
      const keeper = keepers.get(order.target);
      if (keeper === undefined) throw keptElsewhere(order.target);
      return { isHere: true, results: await runWork(keeper, order, tell.say, signal) };
    },
    elsewhere: async ({ isGone, rooms, signal }) => {
      const counter = recoveryCounter(rooms.config, env);
      const results = await byGateway(order, { counter, clock, signal, tell, isGone });
      return { isHere: false, results };
    },
  });
}

export interface Teller {
  readonly say: (progress: Progress) => void;
  readonly words: (text: string) => void;
  /** That stays, for scripts as well. */
  readonly line: (text: string) => void;
  readonly end: () => void;
}

/** One line that is written over, on a terminal only, and lines that stay; all on stderr. */
export function teller({ json, streams }: Context): Teller {
  const { err } = streams;
  const isShown = err.isTTY === true && !json;
  let isDirty = false;
  const words = (text: string): void => {
    if (!isShown) return;
    isDirty = true;
    err.write(`\r\x1b[K${text}`);
  };
  const end = (): void => {
    if (isDirty) err.write('\r\x1b[K');
    isDirty = false;
  };
  return {
    words,
    say: (progress) => words(progressWords(progress)),
    line: (text) => {
      end();
      err.write(`${text}\n`);
    },
    end,
  };
}

/** Targets that Holdfast takes recovery points of. */
export function recoverable({ targets }: Config): readonly string[] {
  return targets.flatMap(({ name, recovery }) => (recovery === null ? [] : [name]));
}

export function unrecoverable({ targets }: Config): readonly string[] {
  return targets.filter(({ recovery }) => recovery === null).map(({ name }) => name);
}

/** Usage, when it is none of them. */
export function named(config: Config, name: string): string {
  const names = recoverable(config);
  if (names.includes(name)) return name;
  const near = nearest(name, names);
  throw usageError(
    'a target with `recovery` in holdfast.yaml',
    name,
    `${near ? `Did you mean ${near}? ` : ''}There are ${names.join(', ') || 'none yet'}.`,
  );
}

function fileThere(path: string): HoldfastError {
  return usageError(
    `no file at ${path}`,
    'one',
    'Say another place with --out: a key is not written over.',
  );
}
