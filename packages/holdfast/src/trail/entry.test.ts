import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../model/canonical.ts';
import { systemClock } from '../model/clock.ts';
import { ENTRY_EFFECTS_MAX, ENTRY_TEXT_CHARS_MAX } from '../model/limits.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Verdict } from '../model/verdict.ts';
import {
  DELETE_READING,
  decisionOf,
  intentOf,
  SESSION,
  TARGET,
} from '../testing/trail-fixtures.ts';
import { type Draft, EntryMaker } from './entry.ts';
import { ReadBatch } from './read-batch.ts';
import { leafHash } from './verify/tree.ts';

const entries = new EntryMaker('instance_x', systemClock);

/** The value, after the bytes were held against the canonicaliser that sorts and checks. */
function checkedValue(draft: Draft): unknown {
  const { bytes } = draft;
  const value: unknown = JSON.parse(bytes.toString('utf8'));
  expect(canonicalJson(value)).toBe(bytes.toString('utf8'));
  expect(leafHash(bytes)).toEqual(draft.leaf());
  return value;
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  // Halves of surrogate pairs, as a client may send them by an escape.
  fc
    .array(fc.constantFrom('\ud83d', '\ude00', 'a', '\u0000', '"', '\\ud800'), { maxLength: 8 })
    .map((parts) => parts.join('')),
);

describe('an entry is canonical', () => {
  it('whatever a decision says', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, fc.option(anyText), (text, client, reason, hold) => {
        const intent = { ...intentOf(text), session: { ...SESSION, client } };
        const verdict: Verdict = { kind: 'refuse', rule: 'r', reason, hint: client };
        const draft = entries.decision(decisionOf('', { intent, verdict, holdId: hold }));
        expect(checkedValue(draft)).toMatchObject({
          kind: 'decision',
          v: 1,
          text: { chars: text.length },
        });
      }),
    );
  });

  const verdicts: readonly Verdict[] = [
    { kind: 'forward', rule: 'a', reason: 'b' },
    { kind: 'protect', rule: 'a', reason: 'b' },
    { kind: 'hold', rule: 'a', reason: 'b', people: 2 },
    { kind: 'refuse', rule: 'a', reason: 'b', hint: 'c' },
  ];
  it.each(verdicts)('with the verdict $kind', (verdict) => {
    expect(checkedValue(entries.decision(decisionOf('x', { verdict })))).toMatchObject({ verdict });
  });

  const outcomes: readonly Outcome[] = [
    { kind: 'done', tag: 'DELETE 12', transaction: 'open' },
    { kind: 'failed', code: '23505', message: 'duplicate key' },
    { kind: 'not-forwarded', reason: 'held' },
    { kind: 'unknown', reason: 'connection lost' },
  ];
  it.each(outcomes)('with the outcome $kind', (outcome) => {
    const draft = entries.outcome(7n, outcome);
    expect(draft.decisionIndex).toBe(7n);
    expect(checkedValue(draft)).toMatchObject({ decision: 7, outcome });
  });

  it('with a reading that could not tell', () => {
    const reason = { code: 'syntax-error', message: 'at "x"', position: 4 } as const;
    const intent = intentOf('x', { kind: 'could-not-tell', effects: [], reason });
    expect(checkedValue(entries.decision(decisionOf('', { intent })))).toMatchObject({
      fault: reason,
    });
  });

  it('with facts no integer can hold', () => {
    const event = { kind: 'session-closed', facts: { b: 0.5, a: true }, message: 'm' } as const;
    expect(checkedValue(entries.event(event))).toMatchObject({ facts: { a: true, b: '0.5' } });
  });
});

describe('an entry is bounded', () => {
  it('cuts a long text, never inside a character, and keeps its length and hash', () => {
    const text = `${'a'.repeat(ENTRY_TEXT_CHARS_MAX - 1)}😀${'b'.repeat(1_000_000)}`;
    const draft = entries.decision(decisionOf(text));
    expect(draft.bytes.length).toBeLessThan(ENTRY_TEXT_CHARS_MAX + 2_000);
    expect(checkedValue(draft)).toMatchObject({
      text: { chars: text.length, start: 'a'.repeat(ENTRY_TEXT_CHARS_MAX - 1) },
    });
  });

  it('lists the first effects and counts all', () => {
    const [effect] = DELETE_READING.effects;
    const effects = effect === undefined ? [] : new Array<typeof effect>(5_000).fill(effect);
    const intent = intentOf('x', { kind: 'understood', effects });
    const value = checkedValue(entries.decision(decisionOf('', { intent })));
    expect(value).toMatchObject({ effectCount: 5_000, effects: { length: ENTRY_EFFECTS_MAX } });
  });
});

describe('a batch of reads', () => {
  it('tells session, target and shape apart, and asks for each text once', () => {
    const batch = new ReadBatch();
    let asked = 0;
    const intent = { ...intentOf('select 1'), text: () => Buffer.from(`select ${++asked}`) };
    const other = { ...intent, session: { ...SESSION, id: 'session_other' } };
    const elsewhere = { ...TARGET, name: 'staging-db' };
    for (let at = 0; at < 100; at++) {
      batch.count(intent, TARGET, 1_000 + at);
      batch.count(intent, elsewhere, 1_000);
      batch.count(other, TARGET, 1_000);
    }
    expect(asked).toBe(3);
    const draft = batch.take(entries);
    expect(draft && checkedValue(draft)).toMatchObject({
      total: 300,
      groups: [
        {
          units: [
            { count: 100, first: '1970-01-01T00:00:01.000Z', last: '1970-01-01T00:00:01.099Z' },
          ],
        },
        { target: { name: 'staging-db' } },
        { session: { id: 'session_other' } },
      ],
    });
    expect(batch.take(entries)).toBeNull();
  });

  it('counts what is one shape too many as other, and asks no text for it', () => {
    const batch = new ReadBatch();
    let asked = 0;
    for (let at = 0; at < 5_000; at++) {
      const reading = { kind: 'understood', effects: [] } as const;
      batch.count(
        { ...intentOf('', reading), text: () => Buffer.from(`select ${++asked}`) },
        TARGET,
        0,
      );
    }
    const draft = batch.take(entries);
    expect(draft && checkedValue(draft)).toMatchObject({
      total: 5_000,
      groups: [{ other: 5_000 - asked }],
    });
    expect(asked).toBeLessThan(1_000);
  });
});
