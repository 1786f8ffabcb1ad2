/** Tokens of agents: issued once, seen once, taken back at once. */
import type { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import { durationMs } from '../../config/duration.ts';
import { places, unknownWord } from '../agent-options.ts';
import type { Context, Run } from '../command.ts';
import { type Answer, facts, fromNow, when } from '../print.ts';
import { usageError } from '../usage.ts';
import { withRooms } from '../with-rooms.ts';

export function addAgentTokens(agents: Command, run: Run): void {
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
    .description('Revoke a token, or all of an agent and those below it. Connections end at once')
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

async function issueToken(context: Context, agent: string, options: TokenOptions): Promise<Answer> {
  const lifeMs = durationMs(options.expires);
  if (lifeMs === null) {
    throw usageError('--expires as 30m, 8h or 7d', options.expires, 'Say a number and a unit.');
  }
  return withRooms(context, async (rooms) => {
    const { environment, targets: declaredTargets } = declared(rooms.config, options);
    const request = { agent, environment, targets: options.target ?? [], lifeMs };
    const issued = await rooms.agents.issueToken(request);
    const { id, token, expiresAt } = issued;
    const opened = issued.targets.length === 0 ? declaredTargets : issued.targets;
    const targets = declaredTargets.filter((one) => opened.includes(one));
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
        token: { id, agent, environment, targets: issued.targets, expiresAt },
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
  const environments = places(config);
  const hosted = config.providers.flatMap((one) => one.places);
  const { env: environment } = options;
  if (!environments.has(environment))
    throw unknownWord('an environment', environment, environments);
  const inside = [
    ...config.targets.map(({ environment: of, name }) => ({ of, name })),
    ...hosted.map(({ environment: of, target }) => ({ of, name: target })),
  ].filter(({ of }) => of === environment);
  const names = new Set(inside.map(({ name }) => name));
  for (const target of options.target ?? []) {
    if (!names.has(target)) throw unknownWord(`a target in ${environment}`, target, names);
  }
  return { environment, targets: options.target ?? [...names] };
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
