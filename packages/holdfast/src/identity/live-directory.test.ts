import { beforeEach, describe, expect, it } from 'vitest';
import { agentNamed } from '../testing/agent-records.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import type { AgentRecord, AgentSnapshot, AgentStore, TokenRecord } from './agent-store.ts';
import { type EndedToken, LiveDirectory } from './live-directory.ts';
import { workingHoursOf } from './working-hours.ts';

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

describe('an agent that is stopped', () => {
  const MINUTE_MS = 60_000;
  const DAY_MS = 24 * 60 * MINUTE_MS;
  const set = (more: Partial<AgentRecord>): void => {
    shelf.agents = shelf.agents.map((one) => ({ ...one, ...more }));
  };
  const paused = { at: new Date(0), by: 'ana', note: 'odd deletes' };

  it('has no live token from the look on, says why once, and goes on when it is resumed', async () => {
    shelf.tokens = [token('token_1', DAY_MS)];
    const directory = await open();
    set({ paused });
    await directory.look();
    await directory.look();
    expect(directory.isLive('token_1')).toBe(false);
    expect(ended.map(({ reason }) => reason)).toEqual(['HF_AGENT_PAUSED']);
    const [mine] = directory.credentialsOf('cursor').tokens;
    if (mine === undefined) throw new Error('whoever holds it has to be told why');
    expect(directory.whyEnded(mine)).toEqual({
      code: 'HF_AGENT_PAUSED',
      message: 'Holdfast stops here: agent cursor was paused by ana: odd deletes.',
      hint: expect.stringContaining('do not look for another way'),
    });
    set({ paused: null });
    await directory.look();
    expect([directory.isLive('token_1'), directory.whyEnded(mine)]).toEqual([true, null]);
    set({ paused });
    await directory.look();
    expect(ended).toHaveLength(2);
  });

  it('takes those below it along, at any depth', async () => {
    const child = agentNamed('child', { id: 'agent_2', parentId: 'agent_1' });
    const grandchild = agentNamed('grandchild', { id: 'agent_3', parentId: 'agent_2' });
    shelf.agents = [...shelf.agents, child, grandchild];
    shelf.tokens = [
      { ...token('token_3', DAY_MS), agentId: 'agent_3', tokenHash: Buffer.alloc(32, 6) },
    ];
    const directory = await open();
    expect(directory.isLive('token_3')).toBe(true);
    shelf.agents = shelf.agents.map((one) => (one.id === 'agent_1' ? { ...one, paused } : one));
    await directory.look();
    expect(directory.isLive('token_3')).toBe(false);
    expect(directory.allowanceOf('agent_3').stop?.reason).toContain('agent cursor, the parent of');
    expect(ended).toMatchObject([{ tokenId: 'token_3', reason: 'HF_AGENT_PAUSED' }]);
  });

  it('stops at the minute its hours end and works again when they begin, without a look', async () => {
    // The clock starts at 09:00 on a Saturday.
    set({ workingHours: workingHoursOf('Sat 08:00-10:00 UTC') });
    shelf.tokens = [token('token_1', 30 * DAY_MS)];
    const directory = await open();
    const first = directory.allowanceOf('agent_1');
    clock.pass(60 * MINUTE_MS - 1);
    expect(directory.isLive('token_1')).toBe(true);
    expect(directory.allowanceOf('agent_1')).toBe(first);
    clock.pass(1);
    expect(directory.isLive('token_1')).toBe(false);
    expect(directory.allowanceOf('agent_1').stop?.code).toBe('HF_AGENT_HOURS');
    const shut = directory.allowanceOf('agent_1');
    clock.pass(MINUTE_MS);
    expect(directory.allowanceOf('agent_1')).toBe(shut);
    clock.pass(7 * DAY_MS - 2 * 60 * MINUTE_MS);
    expect(directory.isLive('token_1')).toBe(true);
    expect(directory.allowanceOf('agent_1')).toBe(first);
  });

  it('is stopped, too, when the clock is set back to before its hours', async () => {
    set({ workingHours: workingHoursOf('Sat 08:00-10:00 UTC') });
    const directory = await open();
    expect(directory.allowanceOf('agent_1').stop).toBeNull();
    clock.jump(-2 * 60 * MINUTE_MS);
    expect(directory.allowanceOf('agent_1').stop?.code).toBe('HF_AGENT_HOURS');
  });

  it('ends within a minute, at the moment it expires', async () => {
    set({ expiresAt: new Date(clock.now().getTime() + 1_500) });
    shelf.tokens = [token('token_1', DAY_MS)];
    const directory = await open();
    clock.pass(1_499);
    expect(directory.isLive('token_1')).toBe(true);
    clock.pass(1);
    expect(directory.isLive('token_1')).toBe(false);
    expect(directory.allowanceOf('agent_1').stop?.code).toBe('HF_AGENT_EXPIRED');
  });
});

describe('what an agent may', () => {
  it('is one object for as long as it stays so, whatever else the store has', async () => {
    const directory = await open();
    const before = directory.allowanceOf('agent_1');
    shelf.tokens = [token('token_1', 1_000)];
    shelf.agents = [...shelf.agents, agentNamed('other')];
    await directory.look();
    expect(directory.allowanceOf('agent_1')).toBe(before);
    shelf.agents = shelf.agents.map((one) => ({ ...one, effectKinds: ['read'] }));
    await directory.look();
    expect(directory.allowanceOf('agent_1')).not.toBe(before);
    expect([...(directory.allowanceOf('agent_1').effectKinds ?? [])]).toEqual(['read']);
  });

  it('is nothing for an agent that nobody knows', async () => {
    const { effectKinds, environments, stop } = (await open()).allowanceOf('agent_9');
    expect([stop === null, effectKinds?.size, environments?.size]).toEqual([false, 0, 0]);
  });

  it('narrows tokens that were issued before: some targets, or all, and then it is over', async () => {
    shelf.tokens = [
      { ...token('token_1', 60_000), targets: ['main-db', 'other-db'] },
      { ...token('token_2', 60_000), targets: ['other-db'], tokenHash: Buffer.alloc(32, 6) },
      { ...token('token_3', 60_000), targets: [], tokenHash: Buffer.alloc(32, 7) },
    ];
    const directory = await open();
    shelf.agents = shelf.agents.map((one) => ({ ...one, targets: ['main-db'] }));
    await directory.look();
    const of = (id: string) =>
      directory.credentialsOf('cursor').tokens.find(({ tokenId }) => tokenId === id);
    expect(of('token_1')?.targets).toEqual(['main-db']);
    expect(directory.isLive('token_1')).toBe(true);
    expect(directory.isLive('token_2')).toBe(false);
    expect(of('token_3')?.targets).toEqual(['main-db']);
    expect(ended).toMatchObject([{ tokenId: 'token_2', reason: 'HF_AGENT_SCOPE' }]);
    shelf.agents = shelf.agents.map((one) => ({ ...one, environments: ['production'] }));
    await directory.look();
    expect(['token_1', 'token_3'].map((id) => directory.isLive(id))).toEqual([false, false]);
  });
});

describe('who answers for an agent', () => {
  const here = (name: string) => ({ id: `person_${name}`, name, isRemoved: false });
  const gone = (name: string) => ({ ...here(name), isRemoved: true });

  it.each([
    ['whoever it has', here('ana'), here('ben'), 'person_ana'],
    ['its parent’s, where it has none', null, here('ben'), 'person_ben'],
    ['its parent’s, where its own was removed', gone('ana'), here('ben'), 'person_ben'],
    ['nobody, where both were removed', gone('ana'), gone('ben'), null],
    ['nobody, where nobody was said', null, null, null],
  ])('is %s', async (_story, own, ofParent, expected) => {
    shelf.agents = [
      agentNamed('parent', { owner: ofParent }),
      agentNamed('child', { owner: own, parentId: 'agent_parent' }),
    ];
    expect((await open()).ownerOf('agent_child')).toBe(expected);
  });
});
