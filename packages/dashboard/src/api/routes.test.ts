import { expect, it } from 'vitest';
import { ROUTES } from '../../../holdfast/src/api/contract/index.ts';
import { PLACES, STREAMS } from './routes.ts';

it('asks each route where the contract says that it lies', () => {
  const places = Object.keys(PLACES).map((name) => {
    const route = Object.entries(ROUTES).find(([one]) => one === name)?.[1];
    return [name, route === undefined ? 'nowhere' : `${route.method} ${route.path}`];
  });
  expect(Object.fromEntries(places)).toEqual(PLACES);
});

it('opens streams that the contract has', () => {
  const paths = Object.values(ROUTES)
    .filter((route) => route.stream !== null)
    .map((route) => route.path);
  expect(paths.toSorted()).toEqual(Object.values(STREAMS).toSorted());
});
