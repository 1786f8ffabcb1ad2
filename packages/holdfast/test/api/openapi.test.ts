/** The description of the API: generated from the routes, valid, whole, and the one in docs/. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { ROUTES } from '../../src/api/contract/index.ts';
import type { Route } from '../../src/api/contract/route.ts';
import { openApiOf } from '../../src/api/openapi.ts';

const document = openApiOf(ROUTES);
const routes: readonly (readonly [string, Route])[] = Object.entries(ROUTES);

it('is valid OpenAPI 3.1', async () => {
  const result = await new Validator().validate(JSON.parse(JSON.stringify(document)));
  expect(result).toMatchObject({ valid: true });
});

it('stands in docs/openapi.json as it is served (npx vitest -u writes it anew)', async () => {
  const text = `${JSON.stringify(document, null, 2)}\n`;
  await expect(text).toMatchFileSnapshot('../../../../docs/openapi.json');
});

it.each(routes)('%s has its own method and path', (name, { method, path }) => {
  const same = routes.filter(([, one]) => one.method === method && one.path === path);
  expect(same.map(([other]) => other)).toEqual([name]);
});

it('keeps no answer that looks like a secret', () => {
  const names = /"(token|secret|uri|codes|recoveryCodes|password|link)":/;
  const open = routes.filter(([, { answer, method, showsSecret, stream }]) => {
    if (stream !== null || showsSecret || method !== 'POST') return false;
    return names.test(JSON.stringify(z.toJSONSchema(answer, { unrepresentable: 'any' })));
  });
  expect(open.map(([name]) => name)).toEqual([]);
});
