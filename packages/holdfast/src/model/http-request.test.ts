import { expect, it } from 'vitest';
import { type HttpAct, httpActIn, httpActs, httpText } from './http-request.ts';

const ACT: HttpAct = {
  method: 'POST',
  provider: 'railway',
  path: '/graphql/v2',
  search: '?a=b',
  mediaType: 'application/json',
  body: Buffer.from('{}'),
};
const bytes = (act: HttpAct, evidence: readonly Uint8Array[] = []): Buffer[] =>
  httpActs(act, evidence).map((one) => Buffer.from(one));

it('is read back out of its acts to the letter, whatever was looked up for it', () => {
  expect(httpActIn(bytes(ACT))).toEqual(ACT);
  expect(httpActIn(bytes(ACT, [Buffer.from('staged')]))).toEqual(ACT);
  const bare = { ...ACT, search: '', mediaType: '', body: Buffer.alloc(0) };
  expect(httpActIn(bytes(bare))).toEqual(bare);
});

it.each([
  ['method', { method: 'GET' }],
  ['provider', { provider: 'fly' }],
  ['path', { path: '/graphql' }],
  ['search', { search: '' }],
  ['media type', { mediaType: '' }],
  ['body', { body: Buffer.from('{ }') }],
])('has other acts with another %s', (_what, change) => {
  expect(bytes({ ...ACT, ...change })).not.toEqual(bytes(ACT));
});

it.each([
  ['a simple query', [Buffer.from('public'), Buffer.alloc(0), Buffer.from('select 1')]],
  ['a query under an unknown path', [Buffer.from('\0session_x\0' + '1'), Buffer.from('select 1')]],
  ['schemas with such names', [Buffer.from('HTTP/1\0POST\0a\0b\0c\0d'), Buffer.from('x')]],
  ['one act', [Buffer.from('\0HTTP/1\0a\0b\0c\0d\0e')]],
  ['too few fields', [Buffer.from('\0HTTP/1\0a\0b\0c\0d'), Buffer.from('x')]],
  ['too many fields', [Buffer.from('\0HTTP/1\0a\0b\0c\0d\0e\0f'), Buffer.from('x')]],
  ['nothing', []],
])('is not %s', (_what, acts) => {
  expect(httpActIn(acts)).toBeNull();
});

it('is shown by its first line and its body', () => {
  expect(httpText(ACT).toString()).toBe('POST /graphql/v2?a=b\n{}');
  expect(httpText({ ...ACT, method: 'DELETE', body: Buffer.alloc(0) }).toString()).toBe(
    'DELETE /graphql/v2?a=b',
  );
});
