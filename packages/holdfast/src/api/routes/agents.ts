/**
 * Agents and tokens. What names an environment or a target is held against holdfast.yaml: nobody would
 * notice a misspelling. Who did it is noted by name; this machine's own command line proves nobody's.
 */
import type { Config } from '../../config/config.ts';
import { findingsOf } from '../../identity/agent-findings.ts';
import type { AgentListing } from '../../identity/agent-listing.ts';
import type { AgentChange, Agents } from '../../identity/agents.ts';
import type { Credentials } from '../../identity/credentials.ts';
import type { People } from '../../identity/people.ts';
import { mayDo, type Principal } from '../../identity/principal.ts';
import { workingHoursOf } from '../../identity/working-hours.ts';
import type { Clock } from '../../model/clock.ts';
import { EFFECT_KINDS, type EffectKind } from '../../model/effect.ts';
import { HoldfastError } from '../../model/errors.ts';
import { nearest } from '../../model/nearest.ts';
import type { ForeignRow } from '../../model/row-macs.ts';
import type { AGENT_ROUTES } from '../contract/agents.ts';
import { pageByName } from '../cursor.ts';
import type { Handlers } from '../handler.ts';
import { forbidden, notSignedIn } from '../refusals.ts';
import { requireStanding } from './people.ts';

export interface AgentRouteParts {
  readonly agents: Agents;
  readonly people: Pick<People, 'list'>;
  readonly credentials: Pick<Credentials, 'list'>;
  /** Rows that somebody else wrote, as far as they were met. */
  readonly foreign: () => readonly ForeignRow[];
  readonly config: Config;
  readonly clock: Clock;
}

export function agentRoutes(parts: AgentRouteParts): Handlers<typeof AGENT_ROUTES> {
  const { agents, clock, config, credentials, people } = parts;
  const shown = async (name: string) => agentView(await agents.show(name));
  return {
    'agents.list': async ({ query }) => pageByName(await agents.list(), query, agentView),
    'agents.findings': async ({ principal }) => {
      const maySeeSealed = principal !== null && mayDo(principal, 'credentials.read');
      const items = await findingsOf({
        agents,
        people,
        credentials: maySeeSealed ? credentials : { list: async () => [] },
        foreign: parts.foreign,
        rotation: config.credentials,
        now: clock.now(),
      });
      return { items };
    },
    'agents.show': async ({ params }) => await shown(params.name),
    'agents.add': async ({ body, principal }) => {
      const { name, parent, ...said } = body;
      const settings = settingsOf(config, said, clock.now());
      const above = parent === undefined ? {} : { parent };
      if (parent !== undefined) await requireAnswers(parts, principal, parent);
      const owner = await ownerOf(parts, principal, said.owner, parent);
      await agents.add(name, { ...settings, ...above, ...owner }, byOf(principal));
      return await shown(name);
    },
    'agents.change': async ({ body, params, principal }) => {
      const settings = settingsOf(config, body, clock.now());
      if (body.owner !== undefined) {
        await checkOwner(principal, body.owner, await agents.show(params.name));
      }
      if (Object.keys(settings).length === 0) throw nothingSaid();
      await agents.change(params.name, settings, byOf(principal));
      return await shown(params.name);
    },
    'agents.pause': async ({ body, params, principal }) => {
      const changed = await agents.pause(params.name, { by: byOf(principal), note: body.note });
      return { agent: await shown(params.name), changed };
    },
    'agents.resume': async ({ body, params, principal }) => {
      const changed = await agents.resume(params.name, { by: byOf(principal), note: body.note });
      return { agent: await shown(params.name), changed };
    },
    'agents.issue': async ({ body, params, principal }) => {
      const { environment, lifeMs, targets: wanted } = body;
      const agent = params.name;
      const inside = declared(config, environment, wanted);
      await requireAnswers(parts, principal, agent);
      const life = lifeMs === undefined ? {} : { lifeMs };
      const request = { agent, environment, targets: wanted, ...life };
      const { expiresAt, id, targets, token } = await agents.issueToken(request, byOf(principal));
      const opens = inside.filter((one) => targets.length === 0 || targets.includes(one));
      return {
        token: {
          id,
          agent,
          environment,
          targets: [...targets],
          expiresAt: expiresAt.toISOString(),
        },
        text: token,
        opens,
        ...waysIn(config, agent, token, opens),
      };
    },
    'agents.revoke': async ({ params, principal }) => {
      const ended = await agents.revoke({ kind: 'agent', name: params.name }, byOf(principal));
      return { revoked: [...ended] };
    },
    'tokens.revoke': async ({ params, principal }) => {
      const ended = await agents.revoke({ kind: 'token', id: params.id }, byOf(principal));
      return { revoked: [...ended] };
    },
  };
}

/**
 * Who answers for a new agent: who is said; else its parent's, else whoever adds it. Somebody else is put there
 * by an owner only, or whoever adds agents could hand one to another and sign alone for it; and so is one below an
 * agent of somebody else (`requireAnswers`). Where nobody has
 * joined yet there is nobody to say. HF_FORBIDDEN, HF_USAGE.
 */
async function ownerOf(
  { agents, people }: AgentRouteParts,
  principal: Principal | null,
  said: string | null | undefined,
  parent: string | undefined,
): Promise<{ readonly owner?: string }> {
  if (said === null) throw noOwner('nobody');
  const above = parent === undefined ? null : (await agents.show(parent)).owner;
  const ofParent = above === null || above.isRemoved ? null : above.name;
  if (said !== undefined) {
    const own = principal?.kind === 'person' ? [principal.name, ofParent] : [said];
    if (!own.includes(said)) requireOwnersWord(principal);
    return { owner: said };
  }
  if (ofParent !== null) return { owner: ofParent };
  if (principal?.kind === 'person') return { owner: principal.name };
  const joined = (await people.list()).filter(({ confirmedAt }) => confirmedAt !== null);
  const [only, another] = joined;
  if (only === undefined) return {};
  if (another === undefined) return { owner: only.name };
  throw noOwner('nobody was said');
}

/** Another owner is an owner's word; the same one is no change. */
function checkOwner(
  principal: Principal | null,
  said: string | null,
  { owner }: AgentListing,
): void {
  if (said === null) throw noOwner('nobody');
  if (owner?.isRemoved === false && owner.name === said) return;
  requireOwnersWord(principal);
}

/**
 * Whoever has a token of an agent, or an agent below it, asks as that agent; and on `sealed` only who answers for it
 * does not sign alone. So where that is somebody else it takes an owner. Where it is nobody two people sign anyway.
 * HF_FORBIDDEN.
 */
async function requireAnswers(
  { agents }: AgentRouteParts,
  principal: Principal | null,
  name: string,
): Promise<void> {
  if (principal?.kind !== 'person') return;
  const seen = new Set<string>();
  for (let at: string | null = name; at !== null && !seen.has(at); ) {
    seen.add(at);
    const { owner, parent }: AgentListing = await agents.show(at);
    if (owner?.isRemoved === false) {
      if (owner.id !== principal.id) requireOwnersWord(principal);
      return;
    }
    at = parent;
  }
}

/** HF_FORBIDDEN; also for who is an owner for an hour. */
function requireOwnersWord(principal: Principal | null): void {
  if (principal === null || !mayDo(principal, 'agents.owner')) {
    throw principal === null ? notSignedIn() : forbidden(principal, 'agents.owner');
  }
  requireStanding(principal, ['owner']);
}

function noOwner(found: string): HoldfastError {
  return new HoldfastError('HF_USAGE', {
    expected: 'a person who answers for the agent',
    found,
    hint: 'Say who: --owner PERSON, of `holdfast people list`.',
  });
}

/** A short command proves nobody's name. */
function byOf(principal: Principal | null): string {
  return principal?.kind === 'person' ? principal.name : 'the command line';
}

interface Said {
  readonly purpose?: string | undefined;
  readonly owner?: string | null | undefined;
  readonly environments?: readonly string[] | undefined;
  readonly targets?: readonly string[] | undefined;
  readonly effectKinds?: readonly EffectKind[] | null | undefined;
  readonly workingHours?: string | null | undefined;
  readonly expiresAt?: string | null | undefined;
}

/** HF_USAGE. */
function settingsOf(config: Config, said: Said, now: Date): AgentChange {
  const { effectKinds, environments, expiresAt, owner, purpose, targets, workingHours } = said;
  return {
    ...(purpose === undefined ? {} : { purpose }),
    ...(owner === undefined ? {} : { owner }),
    ...(environments === undefined
      ? {}
      : { environments: namesOf('an environment', environments, environmentNames(config)) }),
    ...(targets === undefined
      ? {}
      : { targets: namesOf('a target', targets, new Set(allPlaces(config).map(nameOf))) }),
    ...(effectKinds === undefined ? {} : { effectKinds: inOrder(effectKinds) }),
    ...(workingHours === undefined
      ? {}
      : { workingHours: workingHours === null ? null : workingHoursOf(workingHours) }),
    ...(expiresAt === undefined ? {} : { expiresAt: futureOf(expiresAt, now) }),
  };
}

function namesOf(
  what: string,
  words: readonly string[],
  known: ReadonlySet<string>,
): readonly string[] {
  for (const word of words) if (!known.has(word)) throw unknownWord(what, word, known);
  return [...new Set(words)];
}

function inOrder(kinds: readonly EffectKind[] | null): readonly EffectKind[] | null {
  return kinds === null ? null : EFFECT_KINDS.filter((kind) => kinds.includes(kind));
}

function futureOf(text: string | null, now: Date): Date | null {
  if (text === null) return null;
  const at = new Date(text);
  if (at.getTime() > now.getTime()) return at;
  throw new HoldfastError('HF_USAGE', {
    expected: 'an expiry in the future',
    found: text,
    hint: 'To stop it now, pause it.',
  });
}

interface Place {
  readonly environment: string;
  readonly name: string;
}

function allPlaces({ providers, targets }: Config): readonly Place[] {
  const hosted = providers.flatMap(({ places }) => places);
  return [...targets, ...hosted.map(({ environment, target: name }) => ({ environment, name }))];
}

function nameOf({ name }: Place): string {
  return name;
}

function environmentNames(config: Config): ReadonlySet<string> {
  return new Set([
    ...config.environments.map(({ name }) => name),
    ...allPlaces(config).map(({ environment }) => environment),
  ]);
}

/** What a token for these would open. HF_USAGE for what is not declared. */
function declared(
  config: Config,
  environment: string,
  targets: readonly string[],
): readonly string[] {
  const environments = environmentNames(config);
  if (!environments.has(environment))
    throw unknownWord('an environment', environment, environments);
  const inside = allPlaces(config).filter((place) => place.environment === environment);
  const names = new Set(inside.map(nameOf));
  const wanted = namesOf(`a target in ${environment}`, targets, names);
  return wanted.length > 0 ? wanted : [...names];
}

function nothingSaid(): HoldfastError {
  return new HoldfastError('HF_USAGE', {
    expected: 'something to change',
    found: 'nothing',
    hint: 'See `holdfast agents set --help`.',
  });
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

function agentView(agent: AgentListing) {
  const { effective, paused } = agent;
  return {
    id: agent.id,
    name: agent.name,
    addedAt: agent.addedAt.toISOString(),
    purpose: agent.purpose,
    owner: agent.owner,
    environments: [...agent.environments],
    targets: [...agent.targets],
    effectKinds: copied(agent.effectKinds),
    workingHours: agent.workingHours,
    expiresAt: agent.expiresAt?.toISOString() ?? null,
    parent: agent.parent,
    children: [...agent.children],
    paused: paused === null ? null : { ...paused, at: paused.at.toISOString() },
    state: agent.state,
    stop: agent.stop,
    effective: {
      environments: copied(effective.environments),
      targets: copied(effective.targets),
      effectKinds: copied(effective.effectKinds),
      workingHours: [...effective.workingHours],
      expiresAt: effective.expiresAt?.toISOString() ?? null,
    },
    tokens: agent.tokens.map(({ environment, expiresAt, id, issuedAt, lastUse, targets }) => ({
      id,
      environment,
      targets: [...targets],
      issuedAt: issuedAt.toISOString(),
      expiresAt: expiresAt.toISOString(),
      lastUse: lastUse === null ? null : { ...lastUse, at: lastUse.at.toISOString() },
    })),
  };
}

function copied<T>(list: readonly T[] | null): T[] | null {
  return list === null ? null : [...list];
}
