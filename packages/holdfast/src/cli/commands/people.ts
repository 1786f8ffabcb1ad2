import type { Command } from 'commander';
import { nobody } from '../../identity/people.ts';
import { isRole, ROLES, type Role } from '../../identity/roles.ts';
import { type ApiClient, allOf } from '../api/api-client.ts';
import type { Context, Run } from '../command.ts';
import { type Answer, coloursWanted, oneLine, table, when } from '../print.ts';
import { qrLines } from '../qr.ts';
import { readCode } from '../read-code.ts';
import { usageError } from '../usage.ts';
import { withApi } from '../with-api.ts';

export function addPeople(program: Command, run: Run): void {
  const people = program.command('people').description('People who decide on holds');

  const add = people
    .command('add')
    .description('Add a person: shows a QR code for their authenticator app, once')
    .argument('<name>', 'what they are called in holds and in the trail')
    .option(
      '--role <role...>',
      `what they may do: ${ROLES.join(', ')} (default: owner for the first person, else approver)`,
    )
    .addHelpText(
      'after',
      '\nThe QR code and the otpauth URI hold the secret: whoever has it can sign as this person.\n' +
        'Show it to them and to nobody else. It counts once they confirm with a first code.',
    )
    .action((name: string, options: { readonly role?: readonly string[] }) =>
      run(add, (context) => addPerson(context, name, options.role)),
    );

  const invite = people
    .command('invite')
    .description('Invite a person by a one-time link: they join with a passkey of their own')
    .argument('<name>', 'what they are called in holds and in the trail')
    .requiredOption('--role <role...>', `what they may do: ${ROLES.join(', ')}`)
    .addHelpText(
      'after',
      '\nThe link is shown once, lives a day and works once. Send it over a way that is theirs.',
    )
    .action((name: string, options: { readonly role: readonly string[] }) =>
      run(invite, (context) => invitePerson(context, name, options.role)),
    );

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

  const roles = people
    .command('roles')
    .description('Say what a person may do, in place of what they might do before')
    .argument('<name>', 'their name')
    .argument('<role...>', ROLES.join(', '))
    .action((name: string, given: readonly string[]) =>
      run(roles, (context) => giveRoles(context, name, given)),
    );

  const remove = people
    .command('remove')
    .description('Remove a person; what they signed and is still open no longer counts')
    .argument('<name>', 'their name')
    .action((name: string) => run(remove, (context) => removePerson(context, name)));

  const removeCodes = people
    .command('remove-codes')
    .description('Take the one-time codes of a person away, who has a passkey left')
    .argument('<name>', 'their name')
    .action((name: string) => run(removeCodes, (context) => removeCodesOf(context, name)));
}

async function addPerson(
  context: Context,
  name: string,
  given: readonly string[] | undefined,
): Promise<Answer> {
  const wanted = given === undefined ? undefined : rolesOf(given);
  const roles = wanted === undefined ? {} : { roles: [...wanted] };
  const { otpauth, person } = await withApi(context, (api) =>
    api.call('people.add', { body: { name, ...roles } }),
  );
  const { out, env } = context.streams;
  return {
    json: { person: { id: person.id, name, roles: person.roles, confirmed: false }, otpauth },
    lines: () => [
      ...qrLines(otpauth, coloursWanted(out, env)),
      '',
      `Scan this with an authenticator app, or type it in:`,
      `  ${oneLine(otpauth)}`,
      '',
      `Then: holdfast people confirm ${name} --code 123456`,
    ],
  };
}

async function invitePerson(
  context: Context,
  name: string,
  given: readonly string[],
): Promise<Answer> {
  const body = { name, roles: [...rolesOf(given)] };
  const { invite, link } = await withApi(context, (api) =>
    api.call('people.invites.make', { body }),
  );
  return {
    json: { invite, link },
    lines: () => [
      `${oneLine(invite.person)} joins as ${invite.roles.join(', ')} with this link, until ${when(new Date(invite.expiresAt))}:`,
      `  ${oneLine(link)}`,
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
  await withApi(context, (api) => api.call('people.confirm', { params: { name }, body: { code } }));
  return {
    json: { person: { name, confirmed: true } },
    lines: () => [`${name} is confirmed.`],
  };
}

async function listPeople(context: Context): Promise<Answer> {
  const items = await withApi(context, (api) =>
    allOf((page) => api.call('people.list', { query: page })),
  );
  // What scripts know: `confirmedAt` is since when they can prove to be there.
  const people = items.map(({ addedAt, id, joinedAt, name, roles }) => ({
    id,
    name,
    roles,
    addedAt,
    confirmedAt: joinedAt,
  }));
  const rows = people.map(({ name, roles, addedAt, confirmedAt }) => [
    oneLine(name),
    roles.join(', '),
    confirmedAt === null ? 'waits for a first code' : 'confirmed',
    when(new Date(addedAt)),
  ]);
  return {
    json: { people },
    lines: (paint) =>
      people.length === 0
        ? ['Nobody yet, so nothing that is held can be approved. Add one: holdfast people add NAME']
        : table(['person', 'roles', 'state', 'added'], rows, paint),
  };
}

async function giveRoles(
  context: Context,
  name: string,
  given: readonly string[],
): Promise<Answer> {
  const wanted = rolesOf(given);
  await withApi(context, async (api) => {
    const id = await idOf(api, name);
    await api.call('people.roles', { params: { id }, body: { roles: [...wanted] } });
  });
  return {
    json: { person: { name, roles: wanted } },
    lines: () => [`${name} is ${wanted.join(', ')} now.`],
  };
}

function rolesOf(given: readonly string[]): readonly Role[] {
  const unknown = given.find((word) => !isRole(word));
  if (unknown === undefined) return given.filter(isRole);
  throw usageError(
    `roles of ${ROLES.join(', ')}`,
    unknown,
    'See docs/roles.md for what each may do.',
  );
}

async function removePerson(context: Context, name: string): Promise<Answer> {
  await withApi(context, async (api) => {
    await api.call('people.remove', { params: { id: await idOf(api, name) } });
  });
  return { json: { removed: name }, lines: () => [`Removed ${name}.`] };
}

async function removeCodesOf(context: Context, name: string): Promise<Answer> {
  const { removed } = await withApi(context, async (api) =>
    api.call('people.codes.remove', { params: { id: await idOf(api, name) } }),
  );
  return {
    json: { removed: removed ? name : null },
    lines: () => [removed ? `${name} has no one-time codes any more.` : `${name} had none.`],
  };
}

/** HF_NOT_FOUND for a name that is nobody's. */
async function idOf(api: ApiClient, name: string): Promise<string> {
  const items = await allOf((page) => api.call('people.list', { query: page }));
  const person = items.find((one) => one.name === name);
  if (person !== undefined) return person.id;
  throw nobody(name);
}
