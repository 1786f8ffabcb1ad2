import { describe, expect, it } from 'vitest';
import { agentNamed } from '../testing/agent-records.ts';
import { agentFindings, type FindingsInput } from './agent-findings.ts';
import { listingsOf } from './agent-listing.ts';
import type { AgentRecord, TokenRecord } from './agent-store.ts';
import { ROTATION_DEFAULT } from './credentials.ts';

const NOW = new Date('2026-11-27T12:00:00Z');
const DAY_MS = 86_400_000;
const days = (count: number): Date => new Date(NOW.getTime() + count * DAY_MS);
const OWNER = { id: 'person_ana', name: 'ana', isRemoved: false };
const WELL = { purpose: 'does a test', owner: OWNER };

function token(issued: number, expires: number, more: Partial<TokenRecord> = {}): TokenRecord {
  const key = Buffer.alloc(32);
  return {
    id: 'token_1',
    agentId: 'agent_cursor',
    tokenHash: key,
    storedKey: key,
    serverKey: key,
    environment: 'staging',
    targets: [],
    issuedAt: days(issued),
    expiresAt: days(expires),
    revokedAt: null,
    lastUse: { at: days(-1), source: '10.0.0.4', protocol: 'postgres' },
    ...more,
  };
}

function codes(
  agents: readonly AgentRecord[],
  tokens: readonly TokenRecord[] = [],
  more: Partial<FindingsInput> = {},
): string[] {
  return agentFindings({
    agents: listingsOf({ agents, tokens }, NOW),
    credentials: [],
    people: [{ id: OWNER.id }],
    foreign: [],
    rotation: ROTATION_DEFAULT,
    now: NOW,
    ...more,
  }).map(({ code, severity }) => `${severity} ${code}`);
}

const well = (more: Partial<AgentRecord> = {}): AgentRecord =>
  agentNamed('cursor', { ...WELL, ...more });

describe('findings about agents', () => {
  const roles = (...given: readonly ('owner' | 'approver' | 'operator' | 'auditor')[]) => ({
    people: [{ id: OWNER.id, roles: given }],
  });
  const rows: readonly [string, string[], string[]][] = [
    ['nothing where all is said', codes([well()]), []],
    [
      'one of before there were purposes and owners',
      codes([agentNamed('cursor')]),
      ['warn agent.no-purpose', 'warn agent.no-owner'],
    ],
    [
      'an owner who was removed',
      codes([well({ owner: { ...OWNER, isRemoved: true } })]),
      ['warn agent.owner-removed'],
    ],
    ['an owner without any role', codes([well()], [], roles()), ['warn agent.owner-role']],
    [
      'an owner who may only look',
      codes([well()], [], roles('auditor')),
      ['warn agent.owner-role'],
    ],
    ['an owner who may stop it', codes([well()], [], roles('approver')), []],
    [
      'nothing left of it',
      codes([
        well({ parentId: 'agent_p', targets: ['a'] }),
        agentNamed('p', { ...WELL, targets: ['b'] }),
      ]),
      ['warn agent.nothing-left'],
    ],
    [
      'expired, with a token',
      codes([well({ expiresAt: days(-1) })], [token(-2, 5)]),
      ['warn agent.expired'],
    ],
    [
      'a token nobody used for 14 days',
      codes([well()], [token(-14, 10, { lastUse: null })]),
      ['act token.unused'],
    ],
    ['a token not used yet', codes([well()], [token(-13, 10, { lastUse: null })]), []],
    ['a long token near its end', codes([well()], [token(-28, 2)]), ['warn token.near-end']],
    ['a long token not near it', codes([well()], [token(-27, 3)]), []],
    ['a short one, meant to run out', codes([well()], [token(-0.1, 0.1)]), []],
  ];
  it.each(rows)('%s', (_story, found, expected) => {
    expect(found).toEqual(expected);
  });

  const aged = (age: number, rotation = ROTATION_DEFAULT): string[] =>
    codes([], [], { credentials: [{ name: 'railway', addedAt: days(-age) }], rotation });
  it.each([
    [23, []],
    [23.1, ['warn credential.aging']],
    [30, ['warn credential.aging']],
    [30.1, ['act credential.old']],
    [400, ['act credential.old']],
  ])('a sealed credential %s days old', (age, expected) => {
    expect(aged(age)).toEqual(expected);
  });

  it('a credential that is not used any more is said to be so', () => {
    const rotation = { rotationMs: 10 * DAY_MS, refuseAfterMs: 20 * DAY_MS };
    expect([3, 4, 11, 21].map((age) => aged(age, rotation))).toEqual([
      [],
      ['warn credential.aging'],
      ['act credential.old'],
      ['act credential.refused'],
    ]);
  });

  it('tell of rows that somebody else wrote, first', () => {
    const foreign = [{ kind: 'person', id: 'person_mallory' }] as const;
    expect(codes([], [], { foreign })).toEqual(['act row.foreign']);
  });

  it('each says whom it is about and what to do', () => {
    const agents = listingsOf({ agents: [agentNamed('cursor')], tokens: [] }, NOW);
    const none = { credentials: [], people: [], foreign: [] };
    const input = { agents, ...none, rotation: ROTATION_DEFAULT, now: NOW };
    for (const { about, fix, subject } of agentFindings(input)) {
      expect(subject).toBe('cursor');
      expect(about).toContain('cursor');
      expect(fix).toContain('holdfast agents set cursor --');
    }
  });
});
