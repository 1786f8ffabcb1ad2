/**
 * What people do about agents: add one, say what it is for and what it may, pause it, give it a token,
 * take tokens back. Each act is in the trail, whatever
 * happens between it and its entry (`intents.ts`). A token is shown once, at issue,
 * and is nowhere afterwards.
 *
 * A sub-agent is refused what its parent may not when it is said; what its parent loses later it loses
 * too (`agent-scope.ts`), and so do the tokens it has.
 */
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent, Note } from '../model/event.ts';
import { newId } from '../model/ids.ts';
import { AGENT_DEPTH_MAX, TOKEN_LIFE_MS_DEFAULT } from '../model/limits.ts';
import { type AgentListing, listingsOf } from './agent-listing.ts';
import {
  checkLife,
  refuseWider,
  scopedTargets,
  stopped,
  unknownAgent,
  unknownToken,
} from './agent-refusals.ts';
import { effectiveScope, stopAt } from './agent-scope.ts';
import { checkNote, checkSettings, settingsFacts } from './agent-settings.ts';
import {
  type AgentOwner,
  type AgentRecord,
  type AgentSettings,
  type AgentStore,
  NO_SETTINGS,
  type Pause,
  type RevokeScope,
  type TokenRecord,
  type VoidedHold,
} from './agent-store.ts';
import { noting, type Recorded } from './intents.ts';
import { checkName } from './names.ts';
import { SCRAM_SALT_BYTES, scramKeysOf } from './scram.ts';
import { hashToken, newToken } from './token.ts';

export interface AgentsParts {
  readonly store: AgentStore;
  readonly clock: Clock;
  readonly note: Note;
  /** Left out: entries alone, after the change. */
  readonly recorded?: Recorded;
}

/** What is left out stays as it is, or as for an agent that nobody said anything of. */
export interface AgentChange extends Partial<Omit<AgentSettings, 'owner'>> {
  /** The name of a person; null: nobody. */
  readonly owner?: string | null;
}

export interface NewAgent extends AgentChange {
  /** The name of an agent that it is a sub-agent of. */
  readonly parent?: string;
}

export interface TokenRequest {
  readonly agent: string;
  readonly environment: string;
  /** Empty: every target of the environment, that the agent may. */
  readonly targets: readonly string[];
  /** TOKEN_LIFE_MS_DEFAULT when left out; cut where the agent ends before. */
  readonly lifeMs?: number;
}

export interface IssuedToken {
  readonly id: string;
  /** The only time it is seen. */
  readonly token: string;
  readonly targets: readonly string[];
  readonly expiresAt: Date;
}

export interface PauseWord {
  /** Who: a person's name, or `the command line`. */
  readonly by: string;
  /** Why; the agent is told. */
  readonly note: string;
}

export class Agents {
  readonly #parts: AgentsParts;
  readonly #recorded: Recorded;

  constructor(parts: AgentsParts) {
    this.#parts = parts;
    this.#recorded = parts.recorded ?? noting(parts.note);
  }

  /**
   * HF_USAGE for a name or words that are none, HF_EXISTS for a name that is taken, HF_NOT_FOUND for a
   * parent or an owner, HF_AGENT_SCOPE for more than its parent may. `by`: who did it, for the trail.
   */
  async add(name: string, { parent, ...said }: NewAgent = {}, by?: string): Promise<AgentRecord> {
    checkName('agent', name);
    const { clock, store } = this.#parts;
    const settings = { ...NO_SETTINGS, ...(await this.#settingsOf(said)) };
    const above = parent === undefined ? null : await this.#parent(parent);
    if (above !== null) refuseWider(above.record.name, above.scope, settings);
    const agent: AgentRecord = {
      ...settings,
      id: newId('agent', clock),
      name,
      salt: clock.random(SCRAM_SALT_BYTES),
      addedAt: clock.now(),
      parentId: above?.record.id ?? null,
      paused: null,
    };
    const event: HoldfastEvent = {
      kind: 'agent-added',
      facts: {
        agent: name,
        agentId: agent.id,
        ...settingsFacts(said),
        ...(parent === undefined ? {} : { parent }),
        ...byFact(by),
      },
      message: `Agent ${name} was added.`,
    };
    await this.#recorded.around(
      event,
      async () => {
        if (!(await store.addAgent(agent))) throw taken(name);
      },
      () => [event],
    );
    return agent;
  }

  /**
   * HF_USAGE, HF_NOT_FOUND, HF_AGENT_SCOPE as for `add`. Another owner is said aloud, and what waits for a yes
   * counts no more where it hung on who the owner is.
   */
  async change(name: string, said: AgentChange, by?: string): Promise<AgentRecord> {
    const { clock, store } = this.#parts;
    const change = await this.#settingsOf(said);
    const { agents, record } = await this.#find(name);
    if (record.parentId !== null) {
      const above = agents.get(record.parentId);
      const scope = above === undefined ? null : effectiveScope(above, agents);
      if (above !== undefined && scope !== null) {
        // What is not said now was said before, and is cut by the parent anyway.
        refuseWider(above.name, scope, { ...NO_SETTINGS, ...change });
      }
    }
    const facts = { agent: name, agentId: record.id, ...settingsFacts(said), ...byFact(by) };
    const event: HoldfastEvent = {
      kind: 'agent-changed',
      facts,
      message: `Agent ${name} was changed: ${Object.keys(settingsFacts(said)).join(', ')}.`,
    };
    const { changed } = await this.#recorded.around(
      event,
      async () => {
        const end = await store.changeAgent(name, change, clock.now());
        if (end === null) throw unknownAgent(name);
        return end;
      },
      ({ ownerBefore, voided }) => {
        if (change.owner === undefined || change.owner?.id === ownerBefore?.id) return [event];
        return [event, ownerEvent(name, change.owner, ownerBefore, by), ...voided.map(voidedEvent)];
      },
    );
    return changed;
  }

  /**
   * Ends what it and the agents below it do, at once, until `resume`. False: it was paused already, and
   * the former word stands. HF_NOT_FOUND.
   */
  async pause(name: string, { by, note }: PauseWord): Promise<boolean> {
    const pause = { at: this.#parts.clock.now(), by, note: checkNote(note) };
    return await this.#setPause(name, pause, {
      kind: 'agent-paused',
      facts: { agent: name, by, note },
      message: `Agent ${name} was paused by ${by}.`,
    });
  }

  /** False: it was not paused. HF_NOT_FOUND. */
  async resume(name: string, { by, note }: PauseWord): Promise<boolean> {
    return await this.#setPause(name, null, {
      kind: 'agent-resumed',
      facts: { agent: name, by, note: checkNote(note) },
      message: `Agent ${name} may go on: ${by}.`,
    });
  }

  async #setPause(name: string, pause: Pause | null, event: HoldfastEvent): Promise<boolean> {
    return await this.#recorded.around(
      event,
      async () => {
        const isChanged = await this.#parts.store.setPause(name, pause);
        if (isChanged === null) throw unknownAgent(name);
        return isChanged;
      },
      (isChanged) => (isChanged ? [event] : []),
    );
  }

  async list(): Promise<readonly AgentListing[]> {
    const now = this.#parts.clock.now();
    return listingsOf(await this.#parts.store.snapshot(now), now);
  }

  /** Names, by id. */
  async names(): Promise<ReadonlyMap<string, string>> {
    const { agents } = await this.#parts.store.snapshot(this.#parts.clock.now());
    return new Map(agents.map(({ id, name }) => [id, name]));
  }

  /** HF_NOT_FOUND. */
  async show(name: string): Promise<AgentListing> {
    const found = (await this.list()).find((one) => one.name === name);
    if (found === undefined) throw unknownAgent(name);
    return found;
  }

  /**
   * HF_NOT_FOUND for an unknown agent, HF_LIMIT for a life that is too long or none, HF_AGENT_SCOPE for
   * what the agent may not, HF_AGENT_PAUSED and HF_AGENT_EXPIRED for one that may nothing.
   */
  async issueToken(request: TokenRequest, by?: string): Promise<IssuedToken> {
    const { clock, store } = this.#parts;
    const lifeMs = checkLife(request.lifeMs ?? TOKEN_LIFE_MS_DEFAULT);
    const { agents, record: agent } = await this.#find(request.agent);
    const issuedAt = clock.now();
    const scope = effectiveScope(agent, agents);
    // Outside its hours a token may be made ready; it opens nothing until they begin.
    const stop = stopAt({ ...scope, hours: [] }, agent.name, issuedAt);
    if (stop !== null) throw stopped(stop);
    const targets = scopedTargets(agent.name, scope, request);
    const token = newToken(clock);
    const endMs = scope.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
    const record: TokenRecord = {
      id: newId('token', clock),
      agentId: agent.id,
      tokenHash: hashToken(token),
      ...scramKeysOf(token, agent.salt),
      environment: request.environment,
      targets,
      issuedAt,
      expiresAt: new Date(Math.min(issuedAt.getTime() + lifeMs, endMs)),
      revokedAt: null,
      lastUse: null,
    };
    const event: HoldfastEvent = {
      kind: 'token-issued',
      facts: {
        agent: agent.name,
        token: record.id,
        environment: record.environment,
        targets: record.targets.join(','),
        expires: record.expiresAt.toISOString(),
        ...byFact(by),
      },
      message: `Agent ${agent.name} got a token for ${record.environment}.`,
    };
    await this.#recorded.around(
      event,
      () => store.addToken(record),
      () => [event],
    );
    return { id: record.id, token, targets, expiresAt: record.expiresAt };
  }

  /** Ids of the tokens that ended; empty when none was live. HF_NOT_FOUND for what does not exist. */
  async revoke(scope: RevokeScope, by?: string): Promise<readonly string[]> {
    const { clock, store } = this.#parts;
    const revoked = (token: string): HoldfastEvent => ({
      kind: 'token-revoked',
      facts: { token, ...byFact(by) },
      message: `Token ${token} was revoked.`,
    });
    const which = scope.kind === 'agent' ? `all of agent ${scope.name}` : scope.id;
    return await this.#recorded.around(
      revoked(which),
      async () => {
        const ended = await store.revoke(scope, clock.now());
        if (ended !== null) return ended;
        throw scope.kind === 'agent' ? unknownAgent(scope.name) : unknownToken(scope.id);
      },
      (ended) => ended.map(revoked),
    );
  }

  async #settingsOf({ owner, ...said }: AgentChange): Promise<Partial<AgentSettings>> {
    checkSettings(said);
    if (owner === undefined) return said;
    if (owner === null) return { ...said, owner: null };
    const person = await this.#parts.store.personNamed(owner);
    if (person !== null) return { ...said, owner: person };
    throw new HoldfastError('HF_NOT_FOUND', {
      expected: 'the name of a person, who answers for the agent',
      found: `nobody named ${owner}`,
      hint: 'See `holdfast people list`.',
    });
  }

  async #find(name: string) {
    const snapshot = await this.#parts.store.snapshot(this.#parts.clock.now());
    const record = snapshot.agents.find((one) => one.name === name);
    if (record === undefined) throw unknownAgent(name);
    return { record, agents: new Map(snapshot.agents.map((one) => [one.id, one])) };
  }

  async #parent(name: string) {
    const { agents, record } = await this.#find(name);
    let depth = 1;
    for (let at: AgentRecord | undefined = record; at !== undefined; depth += 1) {
      at = at.parentId === null || depth > AGENT_DEPTH_MAX ? undefined : agents.get(at.parentId);
    }
    if (depth > AGENT_DEPTH_MAX) {
      throw new HoldfastError('HF_LIMIT', {
        expected: `at most ${AGENT_DEPTH_MAX} agents, one above the other`,
        found: `one more, under ${name}`,
        hint: 'Put it under an agent that is further up.',
      });
    }
    return { record, scope: effectiveScope(record, agents) };
  }
}

function taken(name: string): HoldfastError {
  return new HoldfastError('HF_EXISTS', {
    expected: 'an agent name that is free',
    found: `an agent named ${name}`,
    hint: 'Choose another name: an agent is never shared.',
  });
}

function ownerEvent(
  agent: string,
  owner: AgentOwner | null,
  before: AgentOwner | null,
  by: string | undefined,
): HoldfastEvent {
  const [is, was] = [owner?.name ?? 'nobody', before?.name ?? 'nobody'];
  return {
    kind: 'agent-owner',
    facts: { agent, owner: is, before: was, ...byFact(by) },
    message: `${is} answers for agent ${agent} now, in place of ${was}.`,
  };
}

function voidedEvent({ agent, digest, hold, target }: VoidedHold): HoldfastEvent {
  const changed = 'who answers for the agent';
  return {
    kind: 'hold-voided',
    facts: { hold, digest, agent, target, changed },
    message: `${hold} of ${agent} counts no more: ${changed} changed.`,
  };
}

function byFact(by: string | undefined): { readonly by?: string } {
  return by === undefined ? {} : { by };
}
