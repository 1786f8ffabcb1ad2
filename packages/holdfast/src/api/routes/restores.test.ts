import { expect, it } from 'vitest';
import { HoldfastError } from '../../model/errors.ts';
import type { Restores } from '../../recovery/restore/restores.ts';
import { TARGET } from '../../testing/trail-fixtures.ts';
import { restoreRoutes } from './restores.ts';

it('spends no code while another look at that copy is under way', async () => {
  const spent: string[] = [];
  const not = () => Promise.reject(new Error('not asked for here'));
  let isFree = false;
  const report = { id: 'restore_1', tables: [], wouldFail: [], notes: [] };
  const restores: Restores = {
    ...{ view: not, begin: not, list: not, show: not, diff: not, preview: not, promotion: not },
    ...{ promote: not, keep: not, discard: not },
    mustBeFree: async () => {
      if (isFree) return;
      throw new HoldfastError('HF_LIMIT', { expected: 'one', found: 'another', hint: 'Wait.' });
    },
    writeBack: async () => report,
  };
  const routes = restoreRoutes({
    restores: () => restores,
    proposals: { open: not },
    people: { list: async () => [] },
    prove: async (signed) => {
      spent.push(signed.person);
      return { name: signed.person, facts: {} };
    },
    targetOf: () => TARGET,
  });
  const asked = () =>
    routes['restores.write-back']({
      ...{ params: { target: 'shop', id: 'restore_1' }, query: {} },
      body: { person: 'ada', code: '123456', tables: [], changed: 'keep', extra: 'keep' },
      ...{ knownAs: [], principal: null, source: '127.0.0.1', userAgent: 'test' },
      ...{ cookies: { session: null, device: null }, lastEventId: null },
      gone: new AbortController().signal,
      keepSession: () => {},
      keepDevice: () => {},
    });
  await expect(asked()).rejects.toMatchObject({ code: 'HF_LIMIT' });
  expect(spent).toEqual([]);
  isFree = true;
  expect(await asked()).toEqual(report);
  expect(spent).toEqual(['ada']);
});
