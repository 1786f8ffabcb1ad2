/** The command line as a whole: the list of commands, what every one of them has, and its help. */
import { Command, CommanderError } from 'commander';
import { type Run, runner, type Surroundings } from './command.ts';
import { EXIT, EXIT_WORDS } from './exit-codes.ts';
import { printError, type Streams } from './print.ts';
import { usageError } from './usage.ts';

type Add = (program: Command, run: Run) => void;

/**
 * In the order of the help. What a command needs is loaded when its name is typed: all of it together takes most of
 * a second, which nobody should wait for to see what is held.
 */
const FILES: readonly { readonly names: string; readonly load: () => Promise<Add> }[] = [
  { names: 'up', load: async () => (await import('./commands/up.ts')).addUp },
  {
    names: 'login logout prove whoami',
    load: async () => (await import('./commands/login.ts')).addLogin,
  },
  { names: 'agents', load: async () => (await import('./commands/agents.ts')).addAgents },
  {
    names: 'credentials',
    load: async () => (await import('./commands/credentials.ts')).addCredentials,
  },
  { names: 'people', load: async () => (await import('./commands/people.ts')).addPeople },
  { names: 'holds', load: async () => (await import('./commands/holds.ts')).addHolds },
  { names: 'deferrals', load: async () => (await import('./commands/deferrals.ts')).addDeferrals },
  { names: 'proposals', load: async () => (await import('./commands/proposals.ts')).addProposals },
  { names: 'undo', load: async () => (await import('./commands/undo.ts')).addUndo },
  { names: 'policy', load: async () => (await import('./commands/policy.ts')).addPolicy },
  {
    names: 'protect unprotect',
    load: async () => (await import('./commands/protect.ts')).addProtect,
  },
  { names: 'recovery', load: async () => (await import('./commands/recovery.ts')).addRecovery },
  { names: 'recovery', load: async () => (await import('./commands/rebuild.ts')).addRebuild },
  { names: 'restore', load: async () => (await import('./commands/restore.ts')).addRestore },
  { names: 'notify', load: async () => (await import('./commands/notify.ts')).addNotify },
  { names: 'doctor', load: async () => (await import('./commands/doctor.ts')).addDoctor },
  { names: 'trail', load: async () => (await import('./commands/trail.ts')).addTrail },
  { names: 'report', load: async () => (await import('./commands/report.ts')).addReport },
  { names: 'config', load: async () => (await import('./commands/config.ts')).addConfig },
  {
    names: 'completion',
    load: async () => (await import('./commands/completion.ts')).addCompletion,
  },
];
/** Before a command, these are followed by their value. */
const VALUED: readonly string[] = ['-c', '--config', '--url'];
const VERSION: readonly string[] = ['-V', '--version'];

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
  for (const { load } of filesFor(words)) (await load())(program, run);
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

/** Those of the command that is typed; all of them for what is about all: help, completion, a word that is none. */
function filesFor(words: readonly string[]): typeof FILES {
  const at = words.findIndex(
    (word, i) => !word.startsWith('-') && !VALUED.includes(words[i - 1] ?? ''),
  );
  if (at < 0 && words.some((word) => VERSION.includes(word))) return [];
  const typed = words[at] ?? '';
  const mine = FILES.filter(({ names }) => names.split(' ').includes(typed));
  return mine.length === 0 || typed === 'completion' ? FILES : mine;
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
