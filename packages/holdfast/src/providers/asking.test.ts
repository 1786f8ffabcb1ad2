import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { ManualClock } from '../testing/manual-clock.ts';
import { Asking } from './asking.ts';

interface Said {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

let server: Server;
let url: string;
let said: Said = { status: 200, body: '{}' };
let count = 0;
let clock: ManualClock;
let asking: Asking;
const shape = z.object({ name: z.string() });

beforeAll(async () => {
  server = createServer((_request, response) => {
    count += 1;
    response.writeHead(said.status, said.headers);
    response.end(said.body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise<void>((done) => server.close(() => done()));
});
beforeEach(() => {
  count = 0;
  clock = new ManualClock();
  const called = { title: 'Example', name: 'example' };
  asking = new Asking({
    called,
    clock,
    credential: async () => ({ authorization: 'Bearer s3cret' }),
  });
});

it.each<readonly [story: string, said: Said, words: string]>([
  ['an error', { status: 500, body: '{}' }, 'status 500'],
  ['no JSON', { status: 200, body: '<html>' }, 'another shape'],
  ['another shape', { status: 200, body: '{"name":1}' }, 'another shape'],
  ['a limit', { status: 429, body: '' }, '429'],
])('takes %s for no answer, and says so without the credential', async (_story, next, words) => {
  said = next;
  const error: unknown = await asking.get(url, shape).catch((one: unknown) => one);
  expect(String(error)).toContain(words);
  expect(String(error)).toContain('Example');
  expect(JSON.stringify(error) + String(error)).not.toContain('s3cret');
});

it('asks no more while it is told to wait', async () => {
  said = { status: 429, body: '', headers: { 'retry-after': '30' } };
  await expect(asking.get(url, shape)).rejects.toThrow('429');
  said = { status: 200, body: '{"name":"x"}' };
  await expect(asking.get(url, shape)).rejects.toThrow('a pause of 30 s more');
  expect(count).toBe(1);
  clock.pass(30_000);
  expect(await asking.get(url, shape)).toEqual({ name: 'x' });
});

it('keeps the last requests for what a decision hangs on', async () => {
  said = { status: 200, body: '{"name":"x"}', headers: { 'x-ratelimit-remaining': '3' } };
  await asking.get(url, shape, 'fresh');
  await expect(asking.get(url, shape, 'fresh')).rejects.toThrow('3 left');
  expect(await asking.get(url, shape)).toEqual({ name: 'x' });
});

it('tells what is not to be had from what could not be asked', async () => {
  for (const status of [400, 403, 404, 422]) {
    said = { status, body: '{}' };
    expect(await asking.getIfAny(url, shape)).toBeNull();
  }
  for (const status of [401, 429, 500]) {
    said = { status, body: '{}' };
    await expect(asking.getIfAny(url, shape)).rejects.toThrow(String(status));
  }
});

it('takes a GraphQL answer with errors for no answer, whatever its status', async () => {
  said = { status: 200, body: '{"data":{"name":"x"},"errors":[{"message":"in part"}]}' };
  await expect(asking.query(url, '{ name }', {}, shape)).rejects.toThrow('in part');
  said = { status: 200, body: '{"data":{"name":"x"}}' };
  expect(await asking.query(url, '{ name }', {}, shape)).toEqual({ name: 'x' });
});
