import { beforeEach, describe, expect, it } from 'vitest';
import { PROVIDER_ESTATE_MS, PROVIDER_LOOK_AGAIN_MS } from '../model/limits.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import {
  type Estate,
  Inventory,
  narrowedByEnvironment,
  narrowedByPath,
  Placed,
  type PlaceRef,
} from './inventory.ts';

let clock: ManualClock;
let taken = 0;
let isAway = false;
let ids: readonly string[] = [];
let inventory: Inventory<Estate>;

beforeEach(() => {
  clock = new ManualClock();
  taken = 0;
  isAway = false;
  ids = ['dev'];
  inventory = new Inventory({ clock, take, reachOf: narrowedByPath });
});

async function take(): Promise<Estate> {
  taken += 1;
  await Promise.resolve();
  if (isAway) throw new Error('it is away');
  const placed = new Placed();
  for (const id of ids) placed.add('environment', id, id);
  const environments = ids.map((id) => ({ id, name: id, projectId: 'p', projectName: 'p' }));
  return { environments, placed: placed.sets, takenAt: clock.now() };
}

const find = async (id: string, isRead = false) => {
  const where = await inventory.find([[{ type: 'environment', id }]], isRead);
  return { at: where.environments.map((one) => one.id), lost: where.unresolved.length, ...where };
};

it('is taken once for all who ask at the same time', async () => {
  await Promise.all([find('dev'), find('dev'), find('dev')]);
  expect(taken).toBe(1);
});

it('is taken again when it is old, for what changes something', async () => {
  await find('dev');
  clock.pass(PROVIDER_ESTATE_MS + 1);
  await find('dev', true);
  expect(taken).toBe(1);
  await find('dev');
  expect(taken).toBe(2);
});

it('is taken again at once for what is not in it, within bounds', async () => {
  await find('dev');
  ids = ['dev', 'new'];
  expect((await find('new')).lost).toBe(1);
  expect(taken).toBe(1);
  clock.pass(PROVIDER_LOOK_AGAIN_MS + 1);
  expect((await find('new')).at).toEqual(['new']);
  expect(taken).toBe(2);
});

it('is old once something was changed', async () => {
  await find('dev');
  ids = ['new'];
  inventory.forget();
  expect((await find('dev')).lost).toBe(1);
});

it('says that it could not be taken, and finds only what it knew', async () => {
  isAway = true;
  const before = await find('dev');
  expect(before).toMatchObject({ at: [], lost: 1, estate: null, trouble: 'it is away' });
  isAway = false;
  expect((await find('dev')).trouble).toBeNull();
  isAway = true;
  clock.pass(PROVIDER_ESTATE_MS + 1);
  const after = await find('dev');
  expect(after).toMatchObject({ at: ['dev'], lost: 0, trouble: 'it is away' });
  expect([before.isOld, after.isOld]).toEqual([true, true]);
  isAway = false;
  expect((await find('dev')).isOld).toBe(false);
});

describe('what several ids reach together', () => {
  const places: readonly PlaceRef[] = [
    { type: 'project', id: 'p' },
    { type: 'environment', id: 'dev' },
  ];
  const set = (...list: string[]) => new Set(list);

  it.each([
    ['inside of each other', [set('dev', 'main'), set('dev')], ['dev']],
    ['not inside of each other', [set('main', 'test'), set('dev')], ['dev', 'main', 'test']],
    ['the inner one not found', [set('dev', 'main'), undefined], ['dev', 'main']],
    ['the outer one not found', [undefined, set('dev')], ['dev']],
    ['the outer one alone', [set('dev', 'main')], ['dev', 'main']],
    ['nothing found', [undefined, undefined], []],
  ])('by a path: %s', (_story, sets, expected) => {
    expect([...narrowedByPath(places, sets)].sort()).toEqual(expected);
  });

  it.each([
    ['inside of each other', [set('dev', 'main'), set('dev')], ['dev']],
    ['not inside of each other', [set('main'), set('dev')], ['dev', 'main']],
  ])('by an environment that is named: %s', (_story, sets, expected) => {
    expect([...narrowedByEnvironment(places, sets)].sort()).toEqual(expected);
  });
});

it('a list that was being taken while something changed is not the list of after it', async () => {
  const before = find('dev');
  // The list is asked for; meanwhile a change comes about, and somebody asks again.
  inventory.forget();
  const after = find('dev');
  expect([(await before).isOld, (await after).isOld]).toEqual([false, false]);
  expect(taken).toBe(2);
});
