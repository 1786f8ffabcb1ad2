/** Agents and tokens. A token is issued only for what holdfast.yaml declares. */
import type { Config } from '../../config/config.ts';
import type { AgentListing } from '../../identity/agent-listing.ts';
import type { Agents } from '../../identity/agents.ts';
import { HoldfastError } from '../../model/errors.ts';
import { nearest } from '../../model/nearest.ts';
import type { AGENT_ROUTES } from '../contract/agents.ts';
import type { Handlers } from '../handler.ts';

export interface AgentRouteParts {
  readonly agents: Agents;
  readonly config: Config;
}

export function agentRoutes({ agents, config }: AgentRouteParts): Handlers<typeof AGENT_ROUTES> {
  return {
    'agents.list': async ({ query }) => {
      const { cursor, limit } = query;
      const all = [...(await agents.list())].sort((a, b) => (a.name < b.name ? -1 : 1));
      const rest = cursor === undefined ? all : all.filter(({ name }) => name > cursor);
      const page = rest.slice(0, limit);
      const next = rest.length > page.length ? (page.at(-1)?.name ?? null) : null;
      return { items: page.map(agentView), next };
    },
    'agents.add': async ({ body }) => {
      await agents.add(body.name);
      return agentView(await agents.show(body.name));
    },
    'agents.issue': async ({ body, params }) => {
      const { environment, lifeMs, targets } = body;
      const agent = params.name;
      const opens = declared(config, environment, targets);
      const life = lifeMs === undefined ? {} : { lifeMs };
      const issued = await agents.issueToken({ agent, environment, targets, ...life });
      const { expiresAt, id, token } = issued;
      return {
        token: { id, agent, environment, targets, expiresAt: expiresAt.toISOString() },
        text: token,
        opens: [...opens],
        ...waysIn(config, agent, token, opens),
      };
    },
    'agents.revoke': async ({ params }) => ({
      revoked: [...(await agents.revoke({ kind: 'agent', name: params.name }))],
    }),
    'tokens.revoke': async ({ params }) => ({
      revoked: [...(await agents.revoke({ kind: 'token', id: params.id }))],
    }),
  };
}

function agentView({ addedAt, id, name, tokens }: AgentListing) {
  return {
    id,
    name,
    addedAt: addedAt.toISOString(),
    tokens: tokens.map((token) => ({
      id: token.id,
      environment: token.environment,
      targets: [...token.targets],
      issuedAt: token.issuedAt.toISOString(),
      expiresAt: token.expiresAt.toISOString(),
    })),
  };
}

/** What a token for these opens. HF_USAGE for what is not declared: nobody would notice a misspelling. */
function declared(
  config: Config,
  environment: string,
  targets: readonly string[],
): readonly string[] {
  const environments = new Set([
    ...config.environments.map(({ name }) => name),
    ...config.targets.map((target) => target.environment),
  ]);
  if (!environments.has(environment))
    throw unknownWord('an environment', environment, environments);
  const inside = [
    ...config.targets.map(({ environment: of, name }) => ({ of, name })),
    ...config.providers
      .flatMap(({ places }) => places)
      .map(({ environment: of, target }) => ({ of, name: target })),
  ].filter(({ of }) => of === environment);
  const names = new Set(inside.map(({ name }) => name));
  for (const target of targets) {
    if (!names.has(target)) throw unknownWord(`a target in ${environment}`, target, names);
  }
  return targets.length > 0 ? targets : [...names];
}

function unknownWord(what: string, found: string, known: ReadonlySet<string>): HoldfastError {
  const names = [...known];
  const near = nearest(found, names);
  const list = names.length === 0 ? 'None is declared yet' : `There are ${names.join(', ')}`;
  return new HoldfastError('HF_USAGE', {
    expected: `${what} that holdfast.yaml declares`,
    found,
    hint: near === null ? `${list}.` : `Did you mean ${near}? ${list}.`,
  });
}

/** Connection URLs of databases, and bases of providers, among what the token opens. */
function waysIn(config: Config, agent: string, token: string, opens: readonly string[]) {
  const { http, listen, providers, targets } = config;
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  const urls = opens
    .filter((target) => targets.some(({ name }) => name === target))
    .map((target) => `postgres://${agent}:${token}@${host}:${listen.port}/${target}`);
  const bases = providers
    .filter(({ places }) => places.some(({ target }) => opens.includes(target)))
    .map(({ name }) => `http://${http.host}:${http.port}/${name}`);
  return { urls, bases };
}
