import type { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import { durationMs } from '../../config/duration.ts';
import { nearest } from '../../model/nearest.ts';
import type { Context, Run } from '../command.ts';
import { type Answer, facts, fromNow, table, when } from '../print.ts';
import { usageError } from '../usage.ts';
import { withRooms } from '../with-rooms.ts';

export function addAgents(program: Command, run: Run): void {
  const agents = program.command('agents').description('Agents and their tokens');

  const add = agents
    .command('add')
    .description('Add an agent: one piece of software, never shared')
    .argument('<name>', 'what it is called in holds and in the trail, for example cursor-backend')
    .action((name: string) => run(add, (context) => addAgent(context, name)));

  const list = agents
    .command('list')
    .description('Agents, and the tokens of theirs that are live')
    .action(() => run(list, listAgents));

  const token = agents
    .command('token')
    .description('Issue a token: one agent, one environment, hours. It is shown once')
    .argument('<agent>', 'its name')
    .requiredOption('--env <environment>', 'the environment it is for')
    .option('--target <name...>', 'only these targets (default: all of the environment)')
    .option('--expires <duration>', 'its life, such as 30m, 8h or 7d; at most 30d', '8h')
    .action((agent: string, options: TokenOptions) =>
      run(token, (context) => issueToken(context, agent, options)),
    );

  const revoke = agents
    .command('revoke')
    .description('Revoke a token, or all tokens of an agent. Live connections end at once')
    .argument('[token]', 'its id (token_…), as `holdfast agents list` shows it')
    .option('--agent <name>', 'all tokens of this agent')
    .action((id: string | undefined, options: { readonly agent?: string }) =>
      run(revoke, (context) => revokeTokens(context, id, options.agent)),
    );
}

interface TokenOptions {
  readonly env: string;
  readonly target?: readonly string[];
  readonly expires: string;
}

async function addAgent(context: Context, name: string): Promise<Answer> {
  const { id, addedAt } = await withRooms(context, (rooms) => rooms.agents.add(name));
  return {
    json: { agent: { id, name, addedAt } },
    lines: () => [
      `Added agent ${name} (${id}).`,
      `Next: holdfast agents token ${name} --env ENVIRONMENT`,
    ],
  };
}

async function listAgents(context: Context): Promise<Answer> {
  const agents = await withRooms(context, (rooms) => rooms.agents.list());
  const now = context.clock.now();
  const rows = agents.flatMap(({ name, tokens }) =>
    tokens.length === 0
      ? [[name, 'no live token', '', '', '']]
      : tokens.map((token) => [
          name,
          token.id,
          token.environment,
          token.targets.join(', ') || 'all',
          fromNow(token.expiresAt, now),
        ]),
  );
  return {
    json: { agents },
    lines: (paint) =>
      agents.length === 0
        ? ['No agents yet. Add one: holdfast agents add NAME']
        : table(['agent', 'token', 'environment', 'targets', 'expires'], rows, paint),
  };
}

async function issueToken(context: Context, agent: string, options: TokenOptions): Promise<Answer> {
  const lifeMs = durationMs(options.expires);
  if (lifeMs === null) {
    throw usageError('--expires as 30m, 8h or 7d', options.expires, 'Say a number and a unit.');
  }
  return withRooms(context, async (rooms) => {
    const { environment, targets } = declared(rooms.config, options);
    const request = { agent, environment, targets: options.target ?? [], lifeMs };
    const { id, token, expiresAt } = await rooms.agents.issueToken(request);
    const { http, providers } = rooms.config;
    const urls = targets
      .filter((target) => rooms.config.targets.some(({ name }) => name === target))
      .map((target) => connectionUrl(rooms.config, agent, token, target));
    const hosted = providers.filter(({ places }) =>
      places.some((place) => targets.includes(place.target)),
    );
    const bases = hosted.map(({ name }) => `http://${http.host}:${http.port}/${name}`);
    return {
      json: {
        token: { id, agent, environment, targets: request.targets, expiresAt },
        text: token,
        urls,
        bases,
      },
      lines: (paint) => [
        ...facts(
          [
            ['token', paint.bold(token)],
            ['id', id],
            ['agent', agent],
            ['for', `${environment}: ${targets.join(', ') || 'no target yet'}`],
            ['expires', `${when(expiresAt)} (${fromNow(expiresAt, context.clock.now())})`],
          ],
          paint,
        ),
        '',
        'It is shown this once. The agent connects with:',
        ...urls.map((url) => `  ${url}`),
        ...bases.map((base) => `  ${base}, with the token where the provider's own would stand`),
      ],
    };
  });
}

/** The environment and the targets a token will open, held against what is declared. */
function declared(
  config: Config,
  options: TokenOptions,
): { readonly environment: string; readonly targets: readonly string[] } {
  const environments = new Set([
    ...config.environments.map(({ name }) => name),
    ...config.targets.map(({ environment }) => environment),
  ]);
  const places = config.providers.flatMap((one) => one.places);
  const { env: environment } = options;
  if (!environments.has(environment))
    throw unknownWord('an environment', environment, environments);
  const inside = [
    ...config.targets.map(({ environment: of, name }) => ({ of, name })),
    ...places.map(({ environment: of, target }) => ({ of, name: target })),
  ].filter(({ of }) => of === environment);
  const names = new Set(inside.map(({ name }) => name));
  for (const target of options.target ?? []) {
    if (!names.has(target)) throw unknownWord(`a target in ${environment}`, target, names);
  }
  return { environment, targets: options.target ?? [...names] };
}

function unknownWord(what: string, found: string, known: ReadonlySet<string>) {
  const names = [...known];
  const near = nearest(found, names);
  const list = names.length === 0 ? 'None is declared yet' : `There are ${names.join(', ')}`;
  return usageError(
    `${what} that holdfast.yaml declares`,
    found,
    near === null || near === undefined ? `${list}.` : `Did you mean ${near}? ${list}.`,
  );
}

export function connectionUrl(
  { listen }: Config,
  agent: string,
  token: string,
  target: string,
): string {
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  return `postgres://${agent}:${token}@${host}:${listen.port}/${target}`;
}

async function revokeTokens(
  context: Context,
  id: string | undefined,
  agent: string | undefined,
): Promise<Answer> {
  if ((id === undefined) === (agent === undefined)) {
    throw usageError(
      'either the id of a token or --agent NAME',
      id === undefined ? 'neither' : 'both',
      'See `holdfast agents list` for ids.',
    );
  }
  const scope =
    agent === undefined
      ? ({ kind: 'token', id: id ?? '' } as const)
      : ({ kind: 'agent', name: agent } as const);
  const revoked = await withRooms(context, (rooms) => rooms.agents.revoke(scope));
  return {
    json: { revoked },
    lines: () =>
      revoked.length === 0
        ? ['No token was live; nothing to revoke.']
        : revoked.map((token) => `Revoked ${token}. Its connections end at once.`),
  };
}
