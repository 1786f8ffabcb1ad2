/** Tokens of agents: issued once, seen once, taken back at once. */
import type { Command } from 'commander';
import { durationMs } from '../../config/duration.ts';
import type { Context, Run } from '../command.ts';
import { type Answer, facts, fromNow, oneLine, when } from '../print.ts';
import { usageError } from '../usage.ts';
import { withApi } from '../with-api.ts';

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
  const { env: environment, target: targets = [] } = options;
  const { bases, opens, text, token, urls } = await withApi(context, (api) =>
    api.call('agents.issue', {
      params: { name: agent },
      body: { environment, targets: [...targets], lifeMs },
    }),
  );
  const expiresAt = new Date(token.expiresAt);
  return {
    json: { token, text, urls, bases },
    lines: (paint) => [
      ...facts(
        [
          ['token', paint.bold(oneLine(text))],
          ['id', oneLine(token.id)],
          ['agent', agent],
          ['for', oneLine(`${environment}: ${opens.join(', ') || 'no target yet'}`)],
          ['expires', `${when(expiresAt)} (${fromNow(expiresAt, context.clock.now())})`],
        ],
        paint,
      ),
      '',
      'It is shown this once. The agent connects with:',
      ...urls.map((url) => `  ${oneLine(url)}`),
      ...bases.map(
        (base) => `  ${oneLine(base)}, with the token where the provider's own would stand`,
      ),
    ],
  };
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
  const { revoked } = await withApi(context, (api) =>
    agent === undefined
      ? api.call('tokens.revoke', { params: { id: id ?? '' } })
      : api.call('agents.revoke', { params: { name: agent } }),
  );
  return {
    json: { revoked },
    lines: () =>
      revoked.length === 0
        ? ['No token was live; nothing to revoke.']
        : revoked.map((token) => `Revoked ${oneLine(token)}. Its connections end at once.`),
  };
}
