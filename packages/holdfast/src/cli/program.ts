/** The command line as a whole: the list of commands, what every one of them has, and its help. */
import { Command, CommanderError } from 'commander';
import { runner, type Surroundings } from './command.ts';
import { addAgents } from './commands/agents.ts';
import { addCompletion } from './commands/completion.ts';
import { addConfig } from './commands/config.ts';
import { addCredentials } from './commands/credentials.ts';
import { addDeferrals } from './commands/deferrals.ts';
import { addDoctor } from './commands/doctor.ts';
import { addHolds } from './commands/holds.ts';
import { addLogin } from './commands/login.ts';
import { addNotify } from './commands/notify.ts';
import { addPeople } from './commands/people.ts';
import { addPolicy } from './commands/policy.ts';
import { addProposals } from './commands/proposals.ts';
import { addProtect } from './commands/protect.ts';
import { addRebuild } from './commands/rebuild.ts';
import { addRecovery } from './commands/recovery.ts';
import { addReport } from './commands/report.ts';
import { addRestore } from './commands/restore.ts';
import { addTrail } from './commands/trail.ts';
import { addUndo } from './commands/undo.ts';
import { addUp } from './commands/up.ts';
import { EXIT, EXIT_WORDS } from './exit-codes.ts';
import { printError, type Streams } from './print.ts';
import { usageError } from './usage.ts';

const COMMANDS = [
  addUp,
  addLogin,
  addAgents,
  addCredentials,
  addPeople,
  addHolds,
  addDeferrals,
  addProposals,
  addUndo,
  addPolicy,
  addProtect,
  addRecovery,
  addRebuild,
  addRestore,
  addNotify,
  addDoctor,
  addTrail,
  addReport,
  addConfig,
  addCompletion,
] as const;

/** Runs one command line (without `node` and the script) and resolves with its exit code. */
export async function runCommandLine(
  words: readonly string[],
  around: Surroundings,
  version: string,
): Promise<number> {
  const { streams } = around;
  let exit: number = EXIT.ok;
  const run = runner(around, (code) => {
    exit = code;
  });
  const program = new Command('holdfast')
    .description('Hard controls between AI agents and production data.')
    .version(version)
    .option(
      '-c, --config <path>',
      'holdfast.yaml (default: $HOLDFAST_CONFIG, else ./holdfast.yaml)',
    )
    .option(
      '--url <origin>',
      'the Holdfast to ask (default: $HOLDFAST_URL, else the store of this machine)',
    )
    .option('--json', 'answer with one JSON value on stdout')
    .addHelpText('after', exitWords());
  for (const add of COMMANDS) add(program, run);
  tame(program, streams);
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and --version were printed already; what is left is a command that was not understood.
    if (error.exitCode === 0) return EXIT.ok;
    if (error.code !== 'commander.help') printUsage(error, program, words, streams);
    return EXIT.usage;
  }
  return exit;
}

function exitWords(): string {
  const lines = EXIT_WORDS.map(([code, words]) => `  ${String(code).padEnd(4)}${words}`);
  return `\nExit codes:\n${lines.join('\n')}\n\nFirst steps: holdfast config check; holdfast up`;
}

/** Settings go down to every command: errors come to us, help shows --config, --url and --json too. */
function tame(command: Command, streams: Streams): void {
  command
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => streams.out.write(text),
      writeErr: (text) => streams.err.write(text),
      outputError: () => {},
    });
  for (const child of command.commands) tame(child, streams);
}

function printUsage(
  error: CommanderError,
  program: Command,
  words: readonly string[],
  streams: Streams,
): void {
  const found = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  printError(
    usageError(
      'a command as `holdfast --help` lists them',
      found,
      ['holdfast', ...commandIn(program, words), '--help'].join(' '),
    ),
    words.includes('--json'),
    streams,
  );
}

/** The words that name a command, as far as they do: the help to read is that of the last one. */
function commandIn(program: Command, words: readonly string[]): string[] {
  const named: string[] = [];
  let at = program;
  for (const word of words) {
    const next = at.commands.find((command) => command.name() === word);
    if (next === undefined) continue;
    named.push(word);
    at = next;
  }
  return named;
}
