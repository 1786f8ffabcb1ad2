import { describe, expect, it } from 'vitest';
import { EFFECT_KINDS as KINDS } from '../../../holdfast/src/model/effect.ts';
import type { AgentShown } from '../api/agents.ts';
import { changesOf, EFFECT_KINDS, EMPTY_FORM, formOf, toggled } from './agent-form.ts';

const AGENT: AgentShown = {
  id: 'agent_1',
  name: 'cursor',
  addedAt: '2026-11-01T00:00:00.000Z',
  purpose: 'a test',
  owner: { id: 'person_1', name: 'ana', isRemoved: false },
  environments: ['production'],
  targets: [],
  effectKinds: ['read', 'write'],
  workingHours: 'Mon-Fri 08:00-19:00 UTC',
  expiresAt: '2027-03-31T12:30:00.000Z',
  parent: null,
  children: [],
  paused: null,
  state: 'active',
  stop: null,
  effective: {
    environments: ['production'],
    targets: null,
    effectKinds: ['read', 'write'],
    workingHours: ['Mon-Fri 08:00-19:00 UTC'],
    expiresAt: '2027-03-31T12:30:00.000Z',
  },
  tokens: [],
};

describe('what is sent of a form about an agent', () => {
  const before = formOf(AGENT);

  it('is nothing when nothing was touched, an hour of its expiry included', () => {
    expect(changesOf(before, before)).toEqual({});
    expect(changesOf(EMPTY_FORM, EMPTY_FORM)).toEqual({});
  });

  it.each([
    [{ purpose: ' another ' }, { purpose: 'another' }],
    [{ owner: '' }, { owner: null }],
    [{ environments: [] }, { environments: [] }],
    [{ targets: ['main-db'] }, { targets: ['main-db'] }],
    [{ effectKinds: [] }, { effectKinds: null }],
    [
      { effectKinds: ['write', 'destroy', 'read'] as const },
      { effectKinds: ['read', 'write', 'destroy'] },
    ],
    [{ workingHours: '  ' }, { workingHours: null }],
    [{ expiresOn: '' }, { expiresAt: null }],
    [{ expiresOn: '2027-04-01' }, { expiresAt: '2027-04-01T00:00:00Z' }],
  ])('of %j is %j, and nothing else', (touched, sent) => {
    expect(changesOf(before, { ...before, ...touched })).toEqual(sent);
  });

  it('tells two names from one with a comma in it', () => {
    const two = { ...before, targets: ['a', 'b'] };
    expect(changesOf(two, { ...two, targets: ['a,b'] })).toEqual({ targets: ['a,b'] });
  });

  it('does not name an owner who was removed', () => {
    const owner = { id: 'person_1', name: 'ana', isRemoved: true };
    const form = formOf({ ...AGENT, owner });
    expect(form.owner).toBe('');
    expect(changesOf(form, { ...form, purpose: 'x' })).toEqual({ purpose: 'x' });
  });
});

it('knows each kind of effect that the contract knows, in its order', () => {
  expect(EFFECT_KINDS).toEqual(KINDS);
});

it('chooses and unchooses in one order', () => {
  expect(toggled(['a', 'b', 'c'], ['c'], 'a', true)).toEqual(['a', 'c']);
  expect(toggled(['a', 'b', 'c'], ['a', 'c'], 'a', false)).toEqual(['c']);
  expect(toggled(['a'], ['gone'], 'a', true)).toEqual(['a', 'gone']);
});
