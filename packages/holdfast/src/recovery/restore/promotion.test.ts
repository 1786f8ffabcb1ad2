import { describe, expect, it } from 'vitest';
import { cardOfAct } from '../../approvals/proposed-act.ts';
import { aPoint, aStoredPoint } from '../testing/a-point.ts';
import { type PromotionPlan, promotionOf } from './promotion.ts';

const POINT = aStoredPoint('20261128T001500Z-7f3a', {
  server: { ...aPoint('').server, systemIdentifier: '7' },
  endedAt: '2026-11-28T00:15:00.000Z',
});

function plan(name: string): PromotionPlan {
  return {
    target: {
      name: 'shop',
      environment: { name: 'production', level: 'sealed' },
      protocol: 'postgres',
      resolvedBy: 'declared',
    },
    database: 'app',
    vault: 'here',
    asOf: null,
    point: POINT,
    goal: { at: null, lsn: '0/2' },
    drilledAt: '2026-11-28T01:00:00.000Z',
    isSealed: true,
    order: { changed: 'set-back', extra: 'delete' },
    preview: {
      id: null,
      tables: [
        {
          ...{ schema: 'public', name, inserted: 3, setBack: 2, deleted: 1 },
          ...{ conflicts: 0, conflictKeys: [], extraKept: 0 },
        },
      ],
      wouldFail: [],
      notes: [],
    },
  };
}

describe('what people sign for a promotion', () => {
  it('has the vault, the point and its digest in it', () => {
    const { facts } = promotionOf(plan('bookings'));
    expect(facts).toMatchObject({
      vault: 'here',
      point: POINT.id,
      pointDigest: POINT.digest,
      tables: ['["public","bookings",3,2,1]'],
    });
  });

  it('has the bounds of each table by itself, and no sum that one could use up for another', () => {
    const whole = plan('bookings');
    const [one] = whole.preview.tables;
    if (one === undefined) throw new Error('no table');
    const still = { inserted: 0, setBack: 0, deleted: 0 };
    const tables = [
      one,
      { ...one, name: 'guests', inserted: 0, setBack: 0, deleted: 7 },
      { ...one, ...still, name: 'rooms' },
      { ...one, ...still, name: 'prices' },
    ];
    const act = promotionOf({ ...whole, preview: { ...whole.preview, tables } });
    expect(act.facts['tables']).toEqual([
      '["public","bookings",3,2,1]',
      '["public","guests",0,0,7]',
      '["public","rooms",0,0,0]',
      '["public","prices",0,0,0]',
    ]);
    expect(cardOfAct(act).statement.split('\n').slice(1, 5)).toEqual([
      'In one transaction that can be undone, and at most, in each table by itself:',
      '  public.bookings: 3 rows put in again, 2 set back, 1 deleted',
      '  public.guests: 0 rows put in again, 0 set back, 7 deleted',
      '  nothing in 2 tables',
    ]);
    // Another bound in any one table is another act to sign.
    const [moved, ...others] = tables;
    if (moved === undefined) throw new Error('no table');
    const more = [{ ...moved, deleted: 2 }, ...others];
    const other = promotionOf({ ...whole, preview: { ...whole.preview, tables: more } });
    expect(cardOfAct(other).digest).not.toBe(cardOfAct(act).digest);
  });

  it('is refused when whoever signs would not read every bound', () => {
    const whole = plan('bookings');
    const [one] = whole.preview.tables;
    if (one === undefined) throw new Error('no table');
    const tables = Array.from({ length: 200 }, (_, at) => ({ ...one, name: `table_${at}` }));
    const act = () => promotionOf({ ...whole, preview: { ...whole.preview, tables } });
    expect(act).toThrow(/words of at most 8192 characters, that whoever signs reads whole/);
  });

  it('says as of when the vault is read', () => {
    const asOf = '2026-11-28T02:00:00.000Z';
    const act = promotionOf({ ...plan('bookings'), asOf });
    expect(act.facts).toMatchObject({ asOf });
    expect(act.words).toContain(`${POINT.id} in here as it was at ${asOf}`);
  });

  it('says whether a drill passed of the point', () => {
    const { statement } = cardOfAct(promotionOf({ ...plan('bookings'), drilledAt: null }));
    expect(statement).toContain('No drill of this point is known here to have passed');
    expect(cardOfAct(promotionOf(plan('bookings'))).statement).not.toContain('No drill');
  });

  it.each([
    ['a newline', 'x\nAt most 0 rows are put in again, 0 set back, 0 deleted', '\n'],
    ['a carriage return', 'x\rAt most 0 rows', '\r'],
    ['an escape', 'x\u001b[2K', '\u001b'],
    ['a turn of direction', 'x\u202egnikoob', '\u202e'],
  ])('shows a table whose name has %s on one line, as it is', (_, name, hostile) => {
    const act = promotionOf(plan(name));
    const [first = '', second, third = '', fourth, ...more] = cardOfAct(act).statement.split('\n');
    expect(more).toEqual([]);
    expect(first).not.toContain(hostile);
    expect(first).toContain('become what they were at position 0/2');
    expect(second).toBe(
      'In one transaction that can be undone, and at most, in each table by itself:',
    );
    expect(third).not.toContain(hostile);
    expect(third).toMatch(/^ {2}public\.x.*: 3 rows put in again, 2 set back, 1 deleted$/);
    expect(fourth).toBe('A drill of this point passed at 2026-11-28T01:00:00.000Z.');
    // What is signed is the very name.
    expect(act.facts['tables']).toEqual([JSON.stringify(['public', name, 3, 2, 1])]);
  });

  it.each([
    ['keep', 'keep', '4 with other values and 5 newer stay as they are'],
    ['keep', 'delete', '4 with other values stay as they are'],
    ['set-back', 'keep', '5 newer stay as they are'],
  ] as const)(
    'says what stays with %s and %s, and not that it becomes what it was',
    (changed, extra, says) => {
      const whole = plan('bookings');
      const tables = whole.preview.tables.map((table) => ({
        ...table,
        conflicts: changed === 'keep' ? 4 : 0,
        extraKept: extra === 'keep' ? 5 : 0,
      }));
      const { words } = promotionOf({
        ...whole,
        order: { changed, extra },
        preview: { ...whole.preview, tables },
      });
      expect(words.split('\n')[0]).toBe(
        `public.bookings of app: rows that are missing are put in again as they were at position 0/2 (${POINT.id} in here); ${says}.`,
      );
    },
  );
});
