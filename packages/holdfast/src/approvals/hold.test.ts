import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PERMISSIONS } from '../identity/roles.ts';
import { HOLD_STATES, type HoldMove, isOpen, nextState, ownerAloneWords, stateAt } from './hold.ts';

const MOVES: readonly HoldMove['kind'][] = ['sign', 'recount', 'deny', 'expire', 'void', 'consume'];

describe('a hold', () => {
  it.each([
    ['waits on after the first of two signatures', 'waiting', 'sign', 1, 2, 'waiting'],
    ['is signed by the last one needed', 'waiting', 'sign', 2, 2, 'signed'],
    ['stays signed when one more signs', 'signed', 'sign', 3, 2, 'signed'],
    ['waits again when a signature stopped counting', 'signed', 'recount', 1, 2, 'waiting'],
    ['is void when what was signed is not so any more', 'signed', 'void', 2, 2, 'void'],
    ['once void, takes no signature', 'void', 'sign', 2, 2, null],
    ['once denied, is not made void', 'denied', 'void', 0, 1, null],
    ['can be denied while it waits', 'waiting', 'deny', 0, 1, 'denied'],
    ['can be denied after signing, before use', 'signed', 'deny', 1, 1, 'denied'],
    ['expires unanswered', 'waiting', 'expire', 0, 1, 'expired'],
    ['expires unused', 'signed', 'expire', 1, 1, 'expired'],
    ['is used when signed', 'signed', 'consume', 1, 1, 'consumed'],
    ['is not used while it waits', 'waiting', 'consume', 1, 1, null],
    ['is not used when a signature stopped counting', 'signed', 'consume', 1, 2, null],
    ['is used once', 'consumed', 'consume', 1, 1, null],
    ['once denied, takes no signature', 'denied', 'sign', 5, 1, null],
    ['once denied, does not even expire', 'denied', 'expire', 0, 1, null],
    ['once expired, takes no signature', 'expired', 'sign', 1, 1, null],
  ] as const)('%s', (_, state, kind, peopleSigned, peopleNeeded, then) => {
    const count = { state, peopleSigned, peopleNeeded, isOwnerAlone: false };
    expect(nextState(count, { kind })).toBe(then);
  });

  it('never leaves denied, consumed, expired or void, and never is used unsigned', () => {
    const move = fc.record({ kind: fc.constantFrom(...MOVES), people: fc.nat({ max: 4 }) });
    fc.assert(
      fc.property(fc.constantFrom(...HOLD_STATES), fc.array(move), (start, moves) => {
        let state = start;
        for (const { kind, people } of moves) {
          const count = { state, peopleSigned: people, peopleNeeded: 2, isOwnerAlone: false };
          const next = nextState(count, { kind });
          if (!isOpen(state)) expect(next).toBeNull();
          if (next === 'consumed') expect([state, people >= 2]).toEqual(['signed', true]);
          state = next ?? state;
        }
      }),
    );
  });

  it('is not signed by the agent’s owner alone', () => {
    const count = {
      state: 'waiting',
      peopleSigned: 1,
      peopleNeeded: 1,
      isOwnerAlone: true,
    } as const;
    expect(nextState(count, { kind: 'sign' })).toBe('waiting');
    expect(nextState({ ...count, state: 'signed' }, { kind: 'consume' })).toBeNull();
  });

  it('has expired at its moment, whoever writes it down; a denial has no such moment', () => {
    const expiresAt = new Date('2026-01-01T00:00:00.000Z');
    const before = new Date(expiresAt.getTime() - 1);
    expect(stateAt({ state: 'signed', expiresAt }, before)).toBe('signed');
    expect(stateAt({ state: 'signed', expiresAt }, expiresAt)).toBe('expired');
    expect(stateAt({ state: 'denied', expiresAt }, expiresAt)).toBe('denied');
  });
});

describe('an agent without an owner', () => {
  it('is told who may say one: an owner, and nobody else may', () => {
    const words = ownerAloneWords({ agentName: 'cursor', ownerId: null });
    expect(words).toContain('an owner sets one with holdfast agents set cursor --owner PERSON');
    expect(PERMISSIONS['agents.owner'].roles).toEqual(['owner']);
  });
});
