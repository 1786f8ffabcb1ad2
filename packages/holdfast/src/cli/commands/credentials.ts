import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { messageOf } from '../../model/errors.ts';
import type { Context, Run } from '../command.ts';
import { type Answer, oneLine, table, when } from '../print.ts';
import { usageError } from '../usage.ts';
import { withApi } from '../with-api.ts';

interface Source {
  readonly fromEnv?: string;
  readonly fromFile?: string;
}

export function addCredentials(program: Command, run: Run): void {
  const credentials = program
    .command('credentials')
    .description('Real credentials of providers, sealed in Holdfast');

  const add = credentials
    .command('add')
    .description('Seal a credential; one of that name is replaced. It is never shown again')
    .argument('<name>', 'what holdfast.yaml calls it, as a rule the provider: railway')
    .option('--from-env <name>', 'the environment variable that holds it')
    .option('--from-file <path>', 'the file that holds it, in one line')
    .action((name: string, source: Source) =>
      run(add, (context) => addCredential(context, name, source)),
    );

  const list = credentials
    .command('list')
    .description('What is sealed: names, fingerprints and ages')
    .action(() => run(list, listCredentials));

  const remove = credentials
    .command('remove')
    .description('Remove a sealed credential; what needs it is then refused')
    .argument('<name>', 'its name')
    .action((name: string) => run(remove, (context) => removeCredential(context, name)));
}

/** Not as an argument: those are in the shell's history and in the list of processes. */
async function addCredential(context: Context, name: string, source: Source): Promise<Answer> {
  const secret = secretFrom(context, source);
  const added = await withApi(context, (api) =>
    api.call('credentials.put', { params: { name }, body: { secret } }),
  );
  return {
    json: { credential: added },
    lines: () => [
      `Sealed ${name} (${oneLine(added.fingerprint)}).`,
      'Take it away from where agents run, and make it void there: holdfast doctor looks for it.',
    ],
  };
}

function secretFrom({ env }: Context, { fromEnv, fromFile }: Source): string {
  if ((fromEnv === undefined) === (fromFile === undefined)) {
    const found = fromEnv === undefined ? 'neither' : 'both';
    throw usageError('either --from-env NAME or --from-file PATH', found, 'Say where it lies.');
  }
  if (fromEnv !== undefined) {
    const value = env[fromEnv];
    if (value !== undefined) return value.trim();
    throw usageError(`an environment variable ${fromEnv}`, 'none', 'Set it for this one command.');
  }
  try {
    return readFileSync(fromFile ?? '', 'utf8').trim();
  } catch (error) {
    const found = messageOf(error);
    throw usageError(`a file ${fromFile}`, found, 'See that it is there and can be read.');
  }
}

async function listCredentials(context: Context): Promise<Answer> {
  const { items: credentials } = await withApi(context, (api) => api.call('credentials.list', {}));
  const rows = credentials.map(({ name, fingerprint, addedAt, isOld }) => [
    oneLine(name),
    oneLine(fingerprint),
    when(new Date(addedAt)),
    isOld ? 'too old: rotate it' : '',
  ]);
  return {
    json: { credentials },
    lines: (paint) =>
      rows.length === 0
        ? ['None is sealed. Seal one: holdfast credentials add NAME --from-env VARIABLE']
        : table(['credential', 'fingerprint', 'sealed', ''], rows, paint),
  };
}

async function removeCredential(context: Context, name: string): Promise<Answer> {
  await withApi(context, (api) => api.call('credentials.remove', { params: { name } }));
  return { json: { removed: name }, lines: () => [`Removed ${name}.`] };
}
