import { describe, expect, it } from 'vitest';
import type { HoldfastEvent } from '../../model/event.ts';
import { reversalOf } from '../../model/reversal.ts';
import { effect, table } from '../../testing/policy-words.ts';
import { PostgresGuard } from './guard.ts';
import type { Check } from './wall/check.ts';

const CHECK: Check = {
  target: 'shop',
  level: 'full',
  levelReason: 'a superuser',
  findings: [],
  uncaptured: [],
  lost: [],
  open: [],
};
const DRIFT = { code: 'drift.fence', about: 'the fence is off', fix: 'protect' };

function guardOf(looks: (Check | Error)[], known = false) {
  const notes: HoldfastEvent[] = [];
  let trouble: string | null = null;
  let isFull = false;
  const never = () => Promise.reject(new Error('not asked'));
  const guard = new PostgresGuard({
    target: 'shop',
    roles: { ensure: async ({ name }) => ({ user: `hf_${name}`, password: 'p' }) },
    receipts: { permit: never, void: never, runOutside: never, changeRoles: never },
    look: async () => {
      const next = looks.shift() ?? CHECK;
      if (next instanceof Error) throw next;
      return next;
    },
    wasProtected: async () => known,
    trouble: () => trouble,
    isFull: () => isFull,
    note: (event) => void notes.push(event),
  });
  const setTrouble = (text: string | null, full = false) => {
    trouble = text;
    isFull = full;
  };
  return { guard, notes, setTrouble };
}

describe('the guard of a target', () => {
  it('of a target that was never protected lets agents in as before, once it has looked', async () => {
    const { guard } = guardOf([{ ...CHECK, level: 'none' }]);
    expect(await guard.roleFor({ id: 'a', name: 'x' })).toBeNull();
    expect(guard.protection.level).toBe('none');
  });

  it('lets nobody in as long as it could not look', async () => {
    const { guard } = guardOf([new Error('no route'), new Error('no route'), CHECK]);
    await guard.refresh();
    await expect(guard.roleFor({ id: 'a', name: 'x' })).rejects.toMatchObject({
      code: 'HF_PROTECTION_LOST',
      found: 'no route',
    });
    expect(await guard.roleFor({ id: 'a', name: 'x' })).toMatchObject({ user: 'hf_x' });
  });

  it('lets nobody in where a wall stood and is gone without unprotect', async () => {
    const gone = { ...CHECK, level: 'none' } as const;
    const { guard } = guardOf([gone, gone], true);
    await expect(guard.roleFor({ id: 'a', name: 'x' })).rejects.toMatchObject({
      code: 'HF_PROTECTION_LOST',
    });
  });

  it('gives agents their role once it is protected, and says so once', async () => {
    const { guard, notes } = guardOf([CHECK, CHECK]);
    await guard.refresh();
    await guard.refresh();
    expect(await guard.roleFor({ id: 'a', name: 'x' })).toMatchObject({ user: 'hf_x' });
    expect(notes.map(({ kind, facts }) => [kind, facts['level']])).toEqual([
      ['protection-changed', 'full'],
    ]);
  });

  it('raises drift, and that it is gone', async () => {
    const weak: Check = { ...CHECK, level: 'no-fence', findings: [DRIFT] };
    const { guard, notes } = guardOf([CHECK, weak, CHECK]);
    for (let look = 0; look < 3; look += 1) await guard.refresh();
    expect(notes.map(({ facts }) => facts['findings'])).toEqual([0, 1, 0]);
    expect(guard.protection).toEqual({ level: 'full', trouble: null });
  });

  it('knows which tables are not captured, and is another object only when that changes', async () => {
    const bare: Check = { ...CHECK, uncaptured: ['public.cars', 'odd."a ""b"".c"'] };
    const { guard } = guardOf([CHECK, bare, bare, CHECK]);
    await guard.refresh();
    expect(guard.protection).toEqual({ level: 'full', trouble: null });
    await guard.refresh();
    const seen = guard.protection;
    const row = (schema: string | null, name: string) => ({
      kind: 'understood' as const,
      effects: [effect('destroy', { verb: 'DELETE', object: { ...table(name), schema } })],
    });
    expect(reversalOf(row('public', 'cars'), seen).kind).toBe('none');
    expect(reversalOf(row(null, 'cars'), seen).kind).toBe('none');
    expect(reversalOf(row('odd', 'a "b".c'), seen).kind).toBe('none');
    expect(reversalOf(row('other', 'cars'), seen).kind).toBe('capture');
    await guard.refresh();
    expect(guard.protection).toBe(seen);
    await guard.refresh();
    expect(guard.protection).toEqual({ level: 'full', trouble: null });
  });

  it('keeps its level and has trouble when the target cannot be looked at', async () => {
    const { guard } = guardOf([CHECK, new Error('away')]);
    await guard.refresh();
    await guard.refresh();
    expect(guard.protection).toEqual({ level: 'full', trouble: 'away' });
  });

  it('is the same object for as long as nothing changes, and has the trouble of the drain', async () => {
    const { guard, setTrouble } = guardOf([CHECK]);
    await guard.refresh();
    const first = guard.protection;
    expect(guard.protection).toBe(first);
    setTrouble('the vault store is full');
    expect(guard.protection.trouble).toBe('the vault store is full');
    setTrouble('the vault store is full', true);
    expect(guard.protection.isFull).toBe(true);
    expect(guard.protection).toBe(guard.protection);
    setTrouble(null, true);
    expect(guard.protection).toEqual({ level: 'full', trouble: null });
  });
});
