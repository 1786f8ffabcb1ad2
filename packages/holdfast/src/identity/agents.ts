/**
 * What people do about agents: add one, give it a token, take tokens back. Each act is noted for the
 * trail after it is durable. A token is shown once, at issue, and is nowhere afterwards.
 */
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import type { Note } from '../model/event.ts';
import { newId } from '../model/ids.ts';
import { TOKEN_LIFE_MS_DEFAULT, TOKEN_LIFE_MS_MAX } from '../model/limits.ts';
import type { AgentRecord, AgentStore, RevokeScope, TokenRecord } from './agent-store.ts';
import { checkName } from './names.ts';
import { SCRAM_SALT_BYTES, scramKeysOf } from './scram.ts';
import { hashToken, newToken } from './token.ts';

export interface AgentsParts {
  readonly store: AgentStore;
  readonly clock: Clock;
  readonly note: Note;
}

export interface TokenRequest {
  readonly agent: string;
  readonly environment: string;
  /** Empty: every target of the environment. */
  readonly targets: readonly string[];
  /** TOKEN_LIFE_MS_DEFAULT when left out. */
  readonly lifeMs?: number;
}

export interface IssuedToken {
  readonly id: string;
  /** The only time it is seen. */
  readonly token: string;
  readonly expiresAt: Date;
}

export interface AgentListing {
  readonly id: string;
  readonly name: string;
  readonly addedAt: Date;
  /** Live ones. */
  readonly tokens: readonly Pick<
    TokenRecord,
    'id' | 'environment' | 'targets' | 'issuedAt' | 'expiresAt'
  >[];
}

export class Agents {
  readonly #parts: AgentsParts;

  constructor(parts: AgentsParts) {
    this.#parts = parts;
  }

  /** HF_USAGE for a name that is none, HF_EXISTS for one that is taken. */
  async add(name: string): Promise<AgentRecord> {
    checkName('agent', name);
    const { clock, store, note } = this.#parts;
    const agent: AgentRecord = {
      id: newId('agent', clock),
      name,
      salt: clock.random(SCRAM_SALT_BYTES),
      addedAt: clock.now(),
    };
    if (!(await store.addAgent(agent))) {
      throw new HoldfastError('HF_EXISTS', {
        expected: 'an agent name that is free',
        found: `an agent named ${name}`,
        hint: 'Choose another name: an agent is never shared.',
      });
    }
    await note({
      kind: 'agent-added',
      facts: { agent: name, agentId: agent.id },
      message: `Agent ${name} was added.`,
    });
    return agent;
  }

  async list(): Promise<readonly AgentListing[]> {
    const { agents, tokens } = await this.#parts.store.snapshot(this.#parts.clock.now());
    return agents.map(({ id, name, addedAt }) => ({
      id,
      name,
      addedAt,
      tokens: tokens.filter(({ agentId }) => agentId === id),
    }));
  }

  /** HF_NOT_FOUND for an unknown agent, HF_LIMIT for a life that is too long or none. */
  async issueToken(request: TokenRequest): Promise<IssuedToken> {
    const { clock, store, note } = this.#parts;
    const lifeMs = checkLife(request.lifeMs ?? TOKEN_LIFE_MS_DEFAULT);
    const agent = await store.agentByName(request.agent);
    if (agent === null) throw unknownAgent(request.agent);
    const token = newToken(clock);
    const issuedAt = clock.now();
    const record: TokenRecord = {
      id: newId('token', clock),
      agentId: agent.id,
      tokenHash: hashToken(token),
      ...scramKeysOf(token, agent.salt),
      environment: request.environment,
      targets: [...new Set(request.targets)],
      issuedAt,
      expiresAt: new Date(issuedAt.getTime() + lifeMs),
      revokedAt: null,
    };
    await store.addToken(record);
    await note({
      kind: 'token-issued',
      facts: {
        agent: agent.name,
        token: record.id,
        environment: record.environment,
        targets: record.targets.join(','),
        expires: record.expiresAt.toISOString(),
      },
      message: `Agent ${agent.name} got a token for ${record.environment}.`,
    });
    return { id: record.id, token, expiresAt: record.expiresAt };
  }

  /** Ids of the tokens that ended; empty when none was live. HF_NOT_FOUND for what does not exist. */
  async revoke(scope: RevokeScope): Promise<readonly string[]> {
    const { clock, store, note } = this.#parts;
    const ended = await store.revoke(scope, clock.now());
    if (ended === null) {
      throw scope.kind === 'agent' ? unknownAgent(scope.name) : unknownToken(scope.id);
    }
    for (const token of ended) {
      await note({
        kind: 'token-revoked',
        facts: { token },
        message: `Token ${token} was revoked.`,
      });
    }
    return ended;
  }
}

function checkLife(lifeMs: number): number {
  if (Number.isFinite(lifeMs) && lifeMs > 0 && lifeMs <= TOKEN_LIFE_MS_MAX) return lifeMs;
  throw new HoldfastError('HF_LIMIT', {
    expected: `a token life above 0 and up to ${TOKEN_LIFE_MS_MAX / 86_400_000} days`,
    found: `${lifeMs / 86_400_000} days`,
    hint: 'Issue a shorter one; a new token is one command away.',
  });
}

function unknownAgent(name: string): HoldfastError {
  return new HoldfastError('HF_NOT_FOUND', {
    expected: 'the name of an agent',
    found: `no agent named ${name}`,
    hint: 'See `holdfast agents list`, or add it with `holdfast agents add`.',
  });
}

function unknownToken(id: string): HoldfastError {
  return new HoldfastError('HF_NOT_FOUND', {
    expected: 'the id of a token (token_…, not the token itself)',
    found: `no token ${id.startsWith('hf_') ? 'by that text' : id}`,
    hint: 'See `holdfast agents list`.',
  });
}
