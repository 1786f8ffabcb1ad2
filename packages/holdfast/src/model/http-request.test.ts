import { expect, it } from 'vitest';
import { HEADER_HASHED, type HttpAct, httpActIn, httpActs, httpText } from './http-request.ts';

const ACT: HttpAct = {
  method: 'POST',
  provider: 'railway',
  path: '/graphql/v2',
  search: '?a=b',
  mediaType: 'application/json',
  headers: [
    ['if-match', '"7"'],
    ['prefer', 'a: b'],
    ['prefer', ''],
  ],
  body: Buffer.from('{}'),
};
const bytes = (act: HttpAct, evidence: readonly Uint8Array[] = []): Buffer[] =>
  httpActs(act, evidence).map((one) => Buffer.from(one));

it('is read back out of its acts to the letter, whatever was looked up for it', () => {
  expect(httpActIn(bytes(ACT))).toEqual(ACT);
  expect(httpActIn(bytes(ACT, [Buffer.from('staged')]))).toEqual(ACT);
  const bare = { ...ACT, search: '', mediaType: '', headers: [], body: Buffer.alloc(0) };
  expect(httpActIn(bytes(bare))).toEqual(bare);
});

it.each([
  ['method', { method: 'GET' }],
  ['provider', { provider: 'fly' }],
  ['path', { path: '/graphql' }],
  ['search', { search: '' }],
  ['media type', { mediaType: '' }],
  ['body', { body: Buffer.from('{ }') }],
  ['header', { headers: [] }],
  ['value of a header', { headers: [['if-match', '"8"']] }],
  ['name of a header', { headers: [['if-none-match', '"7"']] }],
] as const)('has other acts with another %s', (_what, change) => {
  expect(bytes({ ...ACT, ...change })).not.toEqual(bytes(ACT));
});

it.each([
  ['a simple query', [Buffer.from('public'), Buffer.alloc(0), Buffer.from('select 1')]],
  ['a query under an unknown path', [Buffer.from('\0session_x\0' + '1'), Buffer.from('select 1')]],
  ['schemas with such names', [Buffer.from('HTTP/1\0POST\0a\0b\0c\0d'), Buffer.from('x')]],
  ['one act', [Buffer.from('\0HTTP/1\0a\0b\0c\0d\0e')]],
  ['too few fields', [Buffer.from('\0HTTP/1\0a\0b\0c\0d'), Buffer.from('x')]],
  ['a header without a name', [Buffer.from('\0HTTP/1\0a\0b\0c\0d\0e\0f'), Buffer.from('x')]],
  ['a header with none', [Buffer.from('\0HTTP/1\0a\0b\0c\0d\0e\0:f'), Buffer.from('x')]],
  ['nothing', []],
])('is not %s', (_what, acts) => {
  expect(httpActIn(acts)).toBeNull();
});

it('is shown by its first line, its headers and its body, which cannot be taken for each other', () => {
  const bare = { ...ACT, headers: [] };
  expect(httpText(ACT).toString()).toBe(
    'POST /graphql/v2?a=b\nif-match: "7"\nprefer: a: b\nprefer: \n\n{}',
  );
  expect(httpText(bare).toString()).toBe('POST /graphql/v2?a=b\n{}');
  expect(httpText({ ...bare, method: 'DELETE', body: Buffer.alloc(0) }).toString()).toBe(
    'DELETE /graphql/v2?a=b',
  );
});

it('shows the hash of what is not kept', () => {
  const kept = { ...ACT, headers: [['x-token', `${HEADER_HASHED}00ff`] as const] };
  expect(httpText(kept).toString()).toContain('\nx-token: (sha256:00ff)\n');
});
