/** The binding as docs/approvals.md says it: somebody else's program must come to the same bytes. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Effect, Reading } from '../model/effect.ts';
import { APPROVAL_DOMAIN, type Bound, bindingOf, challengeOf, effectsHash } from './binding.ts';
import type { Card } from './hold.ts';

const DROP: Effect = {
  kind: 'destroy',
  verb: 'DROP TABLE',
  object: { type: 'table', schema: 'public', name: 'bookings' },
  reach: 'whole',
  additive: false,
  why: 'it goes',
};
const READ: Effect = { ...DROP, kind: 'read', verb: 'SELECT', why: null };

const CARD: Card = {
  digest: 'd'.repeat(64),
  statement: 'drop table bookings',
  effects: [DROP],
  effectsTotal: 1,
  couldNotTell: null,
  target: 'main-db',
  environment: 'production',
  environmentLevel: 'sealed',
  resolvedBy: 'declared in holdfast.yaml',
  rule: 'sealed.destroy',
  reason: 'It destroys.',
  takingBack: { level: 'full', reversal: 'defer', reason: 'nothing takes it back' },
  policyVersion: '0123456789ab',
  effectsHash: effectsHash(understood([DROP])),
  facts: null,
  rowsAtMost: 110,
  typedName: 'bookings',
  ownerId: 'person_1',
};
const BOUND: Bound = {
  id: 'hold_1',
  card: CARD,
  peopleNeeded: 2,
  approvalUntil: new Date('2026-11-27T11:00:00Z'),
};

function understood(effects: readonly Effect[]): Reading {
  return { kind: 'understood', effects };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

describe('the binding', () => {
  it('is this text, to the letter', () => {
    const object = '"name":"bookings","reach":"whole","schema":"public","type":"table"';
    const effect = `{"additive":false,"kind":"destroy",${object},"verb":"DROP TABLE"}`;
    const shownEffect = `{"additive":false,"kind":"destroy",${object},"verb":"DROP TABLE","why":"it goes"}`;
    const effects = sha256(
      `holdfast/effects/1\n{"couldNotTell":null,"effects":[${JSON.stringify(effect)}]}`,
    );
    const shown = sha256(
      `holdfast/shown/1\n{"couldNotTell":null,"effects":[${shownEffect}],"effectsTotal":1,` +
        '"facts":null,"reason":"It destroys.","rule":"sealed.destroy",' +
        '"statement":"drop table bookings","takingBack":"nothing takes it back"}',
    );
    const expected =
      `{"digest":"${'d'.repeat(64)}","domain":"holdfast/approval/1","effects":"${effects}",` +
      '"environment":"production","hold":"hold_1","level":"sealed","owner":"person_1","people":2,' +
      `"policy":"0123456789ab","resolvedBy":"${sha256('declared in holdfast.yaml')}",` +
      `"rowsAtMost":110,"shown":"${shown}","takingBack":"full/defer","target":"main-db",` +
      '"typedName":"bookings","until":"2026-11-27T11:00:00.000Z"}';
    const binding = bindingOf(BOUND, APPROVAL_DOMAIN);
    expect(binding).toBe(expected);
    expect(challengeOf(binding).toString('hex')).toBe(sha256(expected));
  });

  it.each([
    ['long', '\\'.repeat(10_000)],
    ['full of control characters', '\u0001'.repeat(100)],
    ['like the hash of another', `sha256:${'0'.repeat(64)}`],
  ])('is short enough for one fact of an entry, and no other’s, with names %s', (_, name) => {
    const card = { ...CARD, target: name, environment: name, resolvedBy: name, typedName: name };
    const binding = bindingOf({ ...BOUND, card }, APPROVAL_DOMAIN);
    expect(binding.length).toBeLessThan(1_024);
    const hashed = { ...card, target: `sha256:${sha256(name)}` };
    for (const other of [{ ...card, target: `${name}.` }, hashed]) {
      expect(bindingOf({ ...BOUND, card: other }, APPROVAL_DOMAIN)).not.toBe(binding);
    }
  });
});

describe('the hash over effects', () => {
  it('does not hang on their order, nor on words for people', () => {
    expect(effectsHash(understood([READ, DROP]))).toBe(effectsHash(understood([DROP, READ])));
    const counted = { ...DROP, why: 'about 200,001 rows' };
    expect(effectsHash(understood([counted]))).toBe(effectsHash(understood([DROP])));
  });

  it.each([
    ['one more of the same', [DROP, DROP]],
    ['another kind', [{ ...DROP, kind: 'reshape' }]],
    ['another reach', [{ ...DROP, reach: 'cascade' }]],
    ['another schema', [{ ...DROP, object: { type: 'table', schema: 'b', name: 'bookings' } }]],
    ['no schema', [{ ...DROP, object: { type: 'table', schema: null, name: 'bookings' } }]],
    ['no object', [{ ...DROP, object: null }]],
  ] as const)('hangs on %s', (_, effects) => {
    expect(effectsHash(understood(effects))).not.toBe(effectsHash(understood([DROP])));
  });

  it('hangs on what could not be told', () => {
    const reason = { code: 'timeout', message: 'm', position: null } as const;
    const untold: Reading = { kind: 'could-not-tell', effects: [DROP], reason };
    expect(effectsHash(untold)).not.toBe(effectsHash(understood([DROP])));
  });
});
