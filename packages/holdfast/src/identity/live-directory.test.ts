import { beforeEach, describe, expect, it } from 'vitest';
import { agentNamed } from '../testing/agent-records.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import type { AgentRecord, AgentSnapshot, AgentStore, TokenRecord } from './agent-store.ts';
import { type EndedToken, LiveDirectory } from './live-directory.ts';

/** What the store holds, as the test says; reading can be made to fail. */
class Shelf implements Pick<AgentStore, 'snapshot' | 'sharedSecret'> {
  agents: AgentRecord[] = [];
  tokens: TokenRecord[] = [];
  isAway = false;
  reads = 0;

  async snapshot(): Promise<AgentSnapshot> {
    this.reads += 1;
    if (this.isAway) throw new Error('away');
    return { agents: [...this.agents], tokens: [...this.tokens] };
  }
  async sharedSecret(): Promise<Buffer> {
    return Buffer.alloc(32, 9);
  }
}

let clock: ManualClock;
let shelf: Shelf;
let ended: EndedToken[];

beforeEach(() => {
  clock = new ManualClock();
  shelf = new Shelf();
  ended = [];
  const salt = Buffer.alloc(16, 4);
  shelf.agents = [agentNamed('cursor', { id: 'agent_1', salt, addedAt: clock.now() })];
});

function token(id: string, lifeMs: number): TokenRecord {
  const key = Buffer.alloc(32, 5);
  return {
    id,
    agentId: 'agent_1',
    tokenHash: key,
    storedKey: key,
    serverKey: key,
    environment: 'staging',
    targets: [],
    issuedAt: clock.now(),
    expiresAt: new Date(clock.now().getTime() + lifeMs),
    revokedAt: null,
    lastUse: null,
  };
}

async function open(): Promise<LiveDirectory> {
  const directory = await LiveDirectory.start({ store: shelf, clock });
  directory.onEnded((one) => ended.push(one));
  return directory;
}

describe('the live directory', () => {
  it('knows its agents and their tokens', async () => {
    shelf.tokens = [token('token_1', 1_000), token('token_2', 1_000)];
    const directory = await open();
    const { salt, tokens } = directory.credentialsOf('cursor');
    expect(salt).toEqual(Buffer.alloc(16, 4));
    expect(tokens.map(({ tokenId, agentName }) => [tokenId, agentName])).toEqual([
      ['token_1', 'cursor'],
      ['token_2', 'cursor'],
    ]);
    expect(directory.isLive('token_1')).toBe(true);
    expect(directory.isLive('token_9')).toBe(false);
  });

  it('answers for nobody as for somebody, the same each time', async () => {
    const directory = await open();
    const first = directory.credentialsOf('ghost');
    expect(first).toEqual(directory.credentialsOf('ghost'));
    expect(first.tokens).toEqual([]);
    expect(first.salt).toHaveLength(directory.credentialsOf('cursor').salt.length);
    expect(first.iterations).toBe(directory.credentialsOf('cursor').iterations);
  });

  it('says once that a token was revoked', async () => {
    shelf.tokens = [token('token_1', 1_000), token('token_2', 1_000)];
    const directory = await open();
    shelf.tokens = shelf.tokens.filter(({ id }) => id !== 'token_1');
    await directory.look();
    await directory.look();
    expect(ended).toEqual([{ tokenId: 'token_1', agentId: 'agent_1', reason: 'HF_TOKEN_REVOKED' }]);
    expect(directory.credentialsOf('cursor').tokens).toHaveLength(1);
  });

  it('lets a token run out at its moment, even while the store is away', async () => {
    shelf.tokens = [token('token_1', 1_000)];
    const directory = await open();
    shelf.isAway = true;
    clock.pass(999);
    expect(directory.isLive('token_1')).toBe(true);
    clock.pass(1);
    expect(directory.isLive('token_1')).toBe(false);
    expect(directory.credentialsOf('cursor').tokens).toEqual([]);
    await directory.look();
    expect(ended.map(({ reason }) => reason)).toEqual(['HF_TOKEN_EXPIRED']);
    expect(directory.ageMs()).toBe(1_000);
  });

  it('looks once more for a notice that comes during a look', async () => {
    const directory = await open();
    shelf.reads = 0;
    const looking = directory.look();
    shelf.tokens = [token('token_1', 1_000)];
    await Promise.all([looking, directory.look(), directory.look()]);
    expect(shelf.reads).toBe(2);
    expect(directory.isLive('token_1')).toBe(true);
  });

  it('does not open on a store that cannot be read', async () => {
    shelf.isAway = true;
    await expect(open()).rejects.toThrow('away');
  });
});
