import type { Command } from 'commander';
import { onThisMachine, type Run } from '../command.ts';
import { completionScript, SHELLS } from '../completion.ts';
import { usageError } from '../usage.ts';

export function addCompletion(program: Command, run: Run): void {
  const command = program
    .command('completion')
    .description('Print a completion script for your shell')
    .argument('<shell>', SHELLS.join(', '))
    .addHelpText(
      'after',
      '\nFor example, in ~/.bashrc:  source <(holdfast completion bash)\n' +
        'and for fish:  holdfast completion fish > ~/.config/fish/completions/holdfast.fish',
    )
    .action((shell: string) => run(command, () => print(program, shell)));
  onThisMachine(command);
}

async function print(program: Command, word: string) {
  const shell = SHELLS.find((one) => one === word);
  if (shell === undefined) {
    throw usageError(`one of ${SHELLS.join(', ')}`, word, 'For example: holdfast completion bash');
  }
  const script = completionScript(shell, program);
  return { json: { shell, script }, lines: () => [script.trimEnd()] };
}
