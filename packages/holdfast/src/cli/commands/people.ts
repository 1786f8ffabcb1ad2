import type { Command } from 'commander';
import type { Context, Run } from '../command.ts';
import { type Answer, coloursWanted, table, when } from '../print.ts';
import { qrLines } from '../qr.ts';
import { readCode } from '../read-code.ts';
import { withRooms } from '../with-rooms.ts';

export function addPeople(program: Command, run: Run): void {
  const people = program.command('people').description('People who decide on holds');

  const add = people
    .command('add')
    .description('Add a person: shows a QR code for their authenticator app, once')
    .argument('<name>', 'what they are called in holds and in the trail')
    .addHelpText(
      'after',
      '\nThe QR code and the otpauth URI hold the secret: whoever has it can sign as this person.\n' +
        'Show it to them and to nobody else. It counts once they confirm with a first code.',
    )
    .action((name: string) => run(add, (context) => addPerson(context, name)));

  const confirm = people
    .command('confirm')
    .description('Confirm a person with a first code from their app')
    .argument('<name>', 'their name')
    .option('--code <digits>', 'six digits; else asked for without showing it, or read from stdin')
    .action((name: string, options: { readonly code?: string }) =>
      run(confirm, (context) => confirmPerson(context, name, options.code)),
    );

  const list = people
    .command('list')
    .description('Who may decide')
    .action(() => run(list, listPeople));

  const remove = people
    .command('remove')
    .description('Remove a person; what they signed and is still open no longer counts')
    .argument('<name>', 'their name')
    .action((name: string) => run(remove, (context) => removePerson(context, name)));
}

async function addPerson(context: Context, name: string): Promise<Answer> {
  const { person, uri } = await withRooms(context, (rooms) => rooms.people.add(name));
  const { out, env } = context.streams;
  return {
    json: { person: { id: person.id, name, confirmed: false }, otpauth: uri },
    lines: () => [
      ...qrLines(uri, coloursWanted(out, env)),
      '',
      `Scan this with an authenticator app, or type it in:`,
      `  ${uri}`,
      '',
      `Then: holdfast people confirm ${name} --code 123456`,
    ],
  };
}

async function confirmPerson(
  context: Context,
  name: string,
  given: string | undefined,
): Promise<Answer> {
  const { streams } = context;
  const code = await readCode(given, streams.in, (text) => streams.err.write(text));
  await withRooms(context, (rooms) => rooms.people.confirm(name, code));
  return {
    json: { person: { name, confirmed: true } },
    lines: () => [`${name} is confirmed and may decide on holds.`],
  };
}

async function listPeople(context: Context): Promise<Answer> {
  const people = await withRooms(context, (rooms) => rooms.people.list());
  const rows = people.map(({ name, addedAt, confirmedAt }) => [
    name,
    confirmedAt === null ? 'waits for a first code' : 'may decide',
    when(addedAt),
  ]);
  return {
    json: { people },
    lines: (paint) =>
      people.length === 0
        ? ['Nobody yet, so nothing that is held can be approved. Add one: holdfast people add NAME']
        : table(['person', 'state', 'added'], rows, paint),
  };
}

async function removePerson(context: Context, name: string): Promise<Answer> {
  await withRooms(context, (rooms) => rooms.people.remove(name));
  return { json: { removed: name }, lines: () => [`Removed ${name}.`] };
}
