/**
 * Shell completion, made from the list of commands itself, so that it cannot drift from it. Each
 * script completes command words and options; values (hold ids, names) are left to the person.
 */
import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Words {
  /** The command words so far: `holds`, or nothing. */
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly about: string }[];
}

export function completionScript(shell: Shell, program: Command): string {
  const all = wordsOf(program, '');
  switch (shell) {
    case 'bash':
      return bash(all);
    case 'zsh':
      return zsh(all);
    case 'fish':
      return fish(all);
    default:
      return shell satisfies never;
  }
}

function wordsOf(command: Command, path: string): Words[] {
  const words = [
    ...command.commands.map((child) => ({ word: child.name(), about: child.description() })),
    ...command.options.map((option) => ({ word: option.long ?? '', about: option.description })),
  ].filter(({ word }) => word !== '');
  const below = command.commands.flatMap((child) =>
    wordsOf(child, `${path} ${child.name()}`.trim()),
  );
  return [{ path, words }, ...below];
}

function cases(all: readonly Words[]): string {
  return all
    .map(
      ({ path, words }) => `    '${path}') words='${words.map(({ word }) => word).join(' ')}' ;;`,
    )
    .join('\n');
}

function bash(all: readonly Words[]): string {
  return `# holdfast completion bash: put this line into ~/.bashrc:
#   source <(holdfast completion bash)
_holdfast() {
  local path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] || path="\${path:+$path }$word"
  done
  case "$path" in
${cases(all)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _holdfast holdfast
`;
}

function zsh(all: readonly Words[]): string {
  return `#compdef holdfast
# holdfast completion zsh: put this line into ~/.zshrc, after compinit:
#   source <(holdfast completion zsh)
_holdfast() {
  local path_so_far='' word words=''
  for word in "\${(@)words_typed}"; do
    [[ $word == -* ]] || path_so_far="\${path_so_far:+$path_so_far }$word"
  done
  case "$path_so_far" in
${cases(all)}
  esac
  compadd -- \${=words}
}
_holdfast_typed() {
  local -a words_typed=("\${(@)words[2,CURRENT-1]}")
  _holdfast
}
compdef _holdfast_typed holdfast
`;
}

function fish(all: readonly Words[]): string {
  const quote = (text: string): string => `'${text.replaceAll("'", '')}'`;
  const lines = all.flatMap(({ path, words }) =>
    words.map(({ word, about }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c holdfast -n ${quote(`__holdfast_at "${path}"`)} -f ${what} -d ${quote(about)}`;
    }),
  );
  return `# holdfast completion fish: holdfast completion fish > ~/.config/fish/completions/holdfast.fish
function __holdfast_at
  set -l typed (commandline -opc)
  set -l words
  for word in $typed[2..-1]
    string match -q -- '-*' $word; or set -a words $word
  end
  test "$words" = "$argv[1]"
end
${lines.join('\n')}
`;
}
