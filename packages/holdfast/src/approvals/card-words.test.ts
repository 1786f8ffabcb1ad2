/** A card in words: golden, and nothing of a stranger's text acts. */
import { describe, expect, it } from 'vitest';
import type { Effect } from '../model/effect.ts';
import type { CardFacts } from './card-facts.ts';
import { byteWords, factWords, pastWords, similarWords } from './card-words.ts';

const NOTHING: CardFacts = {
  lookedUpAt: '2026-11-27T20:00:00.000Z',
  rows: null,
  objects: [],
  objectsTotal: 0,
  dependents: [],
  dependentsTotal: 0,
  recoveryLost: [],
  notTold: [],
};
const MB = 1_024 * 1_024;

function effect(verb: string): Effect {
  const kind = verb === 'INSERT' ? 'write' : 'destroy';
  return { kind, verb, object: null, reach: 'whole', additive: false, why: null };
}
const payments = {
  name: 'public.payments',
  type: 'table',
  rows: { value: 68_748, how: 'estimate' },
  bytes: { value: 14 * MB, how: 'exact' },
} as const;

describe('facts', () => {
  it('are one sentence and its grounds', () => {
    const words = factWords(
      { effects: [effect('DELETE')] },
      {
        ...NOTHING,
        rows: { value: 68_748, how: 'estimate' },
        objects: [payments],
        objectsTotal: 1,
        dependents: [
          { name: 'public.refunds', type: 'foreign key r, ON DELETE CASCADE', what: 'rows' },
          { name: 'public.notes', type: 'foreign key n, ON DELETE RESTRICT', what: 'stops' },
        ],
        dependentsTotal: 7,
        recoveryLost: ['3 backup(s) lie in pg-data and die with it'],
        notTold: ['exact size: another session holds it'],
      },
    );
    expect(words).toEqual({
      sum: ['DELETE would take about 68,748 rows of public.payments (estimate), 14 MB'],
      touches: ['public.payments (table): about 68,748 rows, 14 MB'],
      dependents: [
        'public.refunds (foreign key r, ON DELETE CASCADE): rows of it change or go',
        'public.notes (foreign key n, ON DELETE RESTRICT): refuses the act as it is written',
        'and 5 more',
      ],
      recoveryLost: ['3 backup(s) lie in pg-data and die with it'],
      notTold: ['exact size: another session holds it'],
    });
  });

  it.each<readonly [verb: string, over: Partial<CardFacts>, sum: string]>([
    // The size is the table's; of some rows it says nothing.
    [
      'DELETE',
      { rows: { value: 1, how: 'exact' } },
      'DELETE would take 1 row of public.payments (counted)',
    ],
    [
      'UPDATE',
      { rows: { value: 12, how: 'estimate' } },
      'UPDATE would change about 12 rows of public.payments (estimate)',
    ],
    [
      'DROP SCHEMA',
      { rows: null, objectsTotal: 2_001 },
      'DROP SCHEMA would take public.payments and 2,000 more',
    ],
  ])('say %s in short', (verb, over, sum) => {
    const facts = { ...NOTHING, objects: [payments], objectsTotal: 1, ...over };
    expect(factWords({ effects: [effect(verb)] }, facts).sum).toEqual([sum]);
  });

  it('say when nothing was looked up, or nothing was found', () => {
    expect(factWords({ effects: [] }, null).notTold).toEqual([
      'rows, size, dependents: nothing was looked up for this',
    ]);
    expect(factWords({ effects: [effect('DROP TABLE')] }, NOTHING).sum).toEqual([]);
  });

  it.each([
    [0, '0 bytes'],
    [1_023, '1,023 bytes'],
    [1_536, '1.5 kB'],
    [84 * MB, '84 MB'],
    [5.25 * 1_024 ** 5, '5,376 TB'],
  ])('%d is %s', (bytes, words) => {
    expect(byteWords(bytes)).toBe(words);
  });
});

const HOSTILE = '\u202edrop\u001b[2J\n"table"\u0000<script>';

describe('texts of strangers', () => {
  it('stay on one line and act on nothing', () => {
    const lines = [
      ...Object.values(
        factWords(
          { effects: [effect(HOSTILE)] },
          {
            ...NOTHING,
            rows: { value: 2, how: 'exact' },
            objects: [{ ...payments, name: HOSTILE, type: HOSTILE }],
            objectsTotal: 1,
            dependents: [{ name: HOSTILE, type: HOSTILE, what: 'goes' }],
            dependentsTotal: 1,
            recoveryLost: [HOSTILE],
            notTold: [HOSTILE],
          },
        ),
      ).flat(),
      ...pastWords(
        {
          acts: [
            {
              index: 1,
              at: '2026-11-27T19:55:00.000Z',
              target: HOSTILE,
              verdict: 'hold',
              effects: [HOSTILE],
              firstLine: HOSTILE.repeat(1_000),
              outcome: null,
            },
          ],
          isCut: false,
        },
        new Date('2026-11-27T20:00:00Z'),
      ),
      ...similarWords([
        {
          id: 'hold_1',
          openedAt: new Date('2026-11-27T20:00:00Z'),
          agentName: HOSTILE,
          target: HOSTILE,
          state: 'denied',
          likeness: 'same acts',
          people: [HOSTILE],
          note: HOSTILE,
        },
      ]),
    ];
    expect(lines.length).toBe(7);
    for (const line of lines) {
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(line).toContain('\\u{202e}');
      expect(line.length).toBeLessThan(2_000);
    }
  });
});

describe('the past', () => {
  const now = new Date('2026-11-27T20:00:00Z');

  it('is told with the agent’s words marked as such', () => {
    const act = {
      index: 1,
      at: '2026-11-27T19:48:00.000Z',
      target: 'main-db',
      verdict: 'forward',
      effects: ['write: UPDATE payments'],
      firstLine: 'update payments set sum = 0',
      outcome: 'done',
    };
    expect(pastWords({ acts: [act], isCut: true }, now)).toEqual([
      '12 min ago on main-db: forward, done: write: UPDATE payments “update payments set sum = 0”',
      'and more: these are the last 20',
    ]);
    expect(pastWords({ acts: [], isCut: false }, now)).toEqual([
      'nothing in the last 15 min, harmless reads aside',
    ]);
  });

  it('says how like holds ended, and by whom', () => {
    const hold = {
      id: 'hold_1',
      openedAt: new Date('2026-11-26T10:05:00Z'),
      agentName: 'cursor',
      target: 'main-db',
      likeness: 'same statement',
    } as const;
    expect(
      similarWords([
        { ...hold, state: 'denied', people: ['ada'], note: 'not on a Friday' },
        { ...hold, state: 'consumed', people: ['ada', 'ben'], note: null },
      ]),
    ).toEqual([
      'hold_1, same statement, 2026-11-26 10:05 UTC, cursor on main-db: denied by ada: “not on a Friday”',
      'hold_1, same statement, 2026-11-26 10:05 UTC, cursor on main-db: approved and used by ada, ben',
    ]);
    expect(similarWords([])).toEqual(['none']);
  });
});
