import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EFFECT_KINDS } from '../model/effect.ts';
import { AGENT_DEPTH_MAX } from '../model/limits.ts';
import { agentNamed } from '../testing/agent-records.ts';
import {
  allowanceOf,
  effectiveScope,
  type Narrowing,
  stopAt,
  tokenTargets,
  widerThan,
} from './agent-scope.ts';
import type { AgentRecord, AgentSettings } from './agent-store.ts';
import { workingHoursOf } from './working-hours.ts';

const ENVIRONMENTS = ['production', 'staging', 'development'] as const;
const TARGETS = ['main-db', 'other-db', 'railway/a/b'] as const;
const NOON = new Date('2026-11-27T12:00:00Z');

const settings = fc.record<Omit<Narrowing, 'name'>>({
  environments: fc.subarray([...ENVIRONMENTS]),
  targets: fc.subarray([...TARGETS]),
  effectKinds: fc.option(fc.subarray([...EFFECT_KINDS])),
  workingHours: fc.option(
    fc.constantFrom(
      workingHoursOf('Mon-Fri 08:00-19:00 Europe/Lisbon'),
      workingHoursOf('Fri 22:00-06:00 UTC'),
      workingHoursOf('Mon-Sun 00:00-24:00 UTC'),
    ),
  ),
  expiresAt: fc.option(
    fc.date({ min: new Date('2026-11-20'), max: new Date('2026-12-10'), noInvalidDate: true }),
  ),
  paused: fc.option(fc.constant({ at: NOON, by: 'ana', note: 'a test' }), { freq: 5 }),
});

/** From the root down: each is a sub-agent of the one before. */
const family = fc
  .array(settings, { minLength: 2, maxLength: AGENT_DEPTH_MAX })
  .map((all) =>
    all.map((one, at) =>
      agentNamed(`a${at}`, { ...one, parentId: at === 0 ? null : `agent_a${at - 1}` }),
    ),
  );

const byId = (agents: readonly AgentRecord[]) => new Map(agents.map((one) => [one.id, one]));

/** All that can be asked of an agent at one moment, as one list of yes and no. */
function answers(agent: AgentRecord, agents: readonly AgentRecord[], at: Date): boolean[] {
  const scope = effectiveScope(agent, byId(agents));
  const { effectKinds, environments, stop, targets } = allowanceOf(
    scope,
    stopAt(scope, agent.name, at),
  );
  const may = (set: ReadonlySet<string> | null, name: string): boolean =>
    stop === null && (set === null || set.has(name));
  return [
    ...ENVIRONMENTS.map((name) => may(environments, name)),
    ...TARGETS.map((name) => may(targets, name)),
    ...EFFECT_KINDS.map((kind) => may(effectKinds, kind)),
  ];
}

describe('what is left of an agent under its parents', () => {
  it('is never more than any of them may, at any depth (property)', () => {
    const moment = fc.date({
      min: new Date('2026-11-20'),
      max: new Date('2026-12-10'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(family, moment, (agents, at) => {
        const child = agents.at(-1);
        if (child === undefined) throw new Error('nobody');
        const own = answers(child, agents, at);
        for (const ancestor of agents) {
          const theirs = answers(ancestor, agents, at);
          expect(own.filter((yes, index) => yes && theirs[index] !== true)).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is a token that opens nothing the parent may not (property)', () => {
    const wish = fc.record({
      environment: fc.constantFrom(...ENVIRONMENTS),
      targets: fc.subarray([...TARGETS]),
    });
    fc.assert(
      fc.property(family, wish, (agents, { environment, targets }) => {
        const child = agents.at(-1);
        if (child === undefined) throw new Error('nobody');
        const opened = tokenTargets(effectiveScope(child, byId(agents)), environment, targets);
        // Empty would mean all of its environment, so it may stand only where nobody is limited.
        for (const { environments: theirs, targets: names } of opened === null ? [] : agents) {
          if (theirs.length > 0) expect(theirs).toContain(environment);
          if (names.length === 0) continue;
          expect(opened?.length).toBeGreaterThan(0);
          for (const name of opened ?? []) expect(names).toContain(name);
        }
        for (const name of targets.length > 0 ? (opened ?? []) : [])
          expect(targets).toContain(name);
      }),
      { numRuns: 500 },
    );
  });

  it('is nothing where two lists do not meet, and nothing is not everything', () => {
    const parent = agentNamed('parent', { targets: ['main-db'], effectKinds: ['read'] });
    const child = agentNamed('child', {
      parentId: parent.id,
      targets: ['other-db'],
      effectKinds: ['write'],
    });
    const scope = effectiveScope(child, byId([parent, child]));
    expect([scope.targets?.size, scope.effectKinds?.size]).toEqual([0, 0]);
    expect(tokenTargets(scope, 'production', [])).toBeNull();
  });

  it.each([
    ['one that is missing', [agentNamed('child', { parentId: 'agent_gone' })]],
    ['itself', [agentNamed('child', { parentId: 'agent_child' })]],
    [
      'a circle',
      [
        agentNamed('child', { parentId: 'agent_b' }),
        agentNamed('b', { parentId: 'agent_c' }),
        agentNamed('c', { parentId: 'agent_b' }),
      ],
    ],
    [
      'too many',
      Array.from({ length: AGENT_DEPTH_MAX + 1 }, (_, at) =>
        agentNamed(at === 0 ? 'child' : `a${at}`, {
          parentId: at === AGENT_DEPTH_MAX ? null : `agent_a${at + 1}`,
        }),
      ),
    ],
  ])('is nothing at all when its parents are %s', (_story, agents) => {
    const [child] = agents;
    if (child === undefined) throw new Error('nobody');
    expect(answers(child, agents, NOON)).not.toContain(true);
    expect(tokenTargets(effectiveScope(child, byId(agents)), 'production', [])).toBeNull();
  });

  it('names who was paused, by whom and why', () => {
    const parent = agentNamed('parent', { paused: { at: NOON, by: 'ana', note: 'odd deletes' } });
    const child = agentNamed('child', { parentId: parent.id });
    const stop = stopAt(effectiveScope(child, byId([parent, child])), 'child', NOON);
    expect(stop).toMatchObject({
      code: 'HF_AGENT_PAUSED',
      reason: 'agent parent, the parent of child, was paused by ana: odd deletes',
      hint: expect.stringContaining('do not look for another way'),
    });
  });

  it('ends at the moment it expires', () => {
    const agent = agentNamed('a', { expiresAt: NOON });
    const scope = effectiveScope(agent, byId([agent]));
    expect(stopAt(scope, 'a', new Date(NOON.getTime() - 1))).toBeNull();
    expect(stopAt(scope, 'a', NOON)?.code).toBe('HF_AGENT_EXPIRED');
  });
});

describe('what would be wider than the parent', () => {
  const parent = agentNamed('parent', {
    environments: ['staging'],
    targets: ['main-db'],
    effectKinds: ['read', 'write'],
    expiresAt: NOON,
  });
  const scope = effectiveScope(parent, byId([parent]));
  const rows: readonly [string, Partial<AgentSettings>, readonly string[]][] = [
    ['what says nothing takes what there is', {}, []],
    ['an environment', { environments: ['staging', 'production'] }, ['environment production']],
    ['a target', { targets: ['other-db'] }, ['target other-db']],
    ['kinds', { effectKinds: ['read', 'destroy', 'grant'] }, ['effects destroy', 'effects grant']],
    [
      'a day more',
      { expiresAt: new Date('2026-11-28T12:00:00Z') },
      ['expiry 2026-11-28T12:00:00.000Z'],
    ],
    ['less of all', { environments: ['staging'], targets: ['main-db'], effectKinds: ['read'] }, []],
  ];
  it.each(rows)('%s', (_story, more, beyond) => {
    expect(widerThan(scope, agentNamed('child', more))).toEqual(beyond);
  });
});
