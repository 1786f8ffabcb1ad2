import { expect, it } from 'vitest';
import { HEADER_HASHED } from '../../model/http-request.ts';
import { signedHeadersOf } from './signed-headers.ts';

it('signs what a server may act by, in an order of its own', () => {
  const passed = {
    prefer: ['tx=rollback', 'return=minimal'],
    'if-match': '"7"',
    'x-tenant': 'acme',
    'content-profile': 'audit',
  };
  expect(signedHeadersOf(passed)).toEqual([
    ['content-profile', 'audit'],
    ['if-match', '"7"'],
    ['prefer', 'tx=rollback'],
    ['prefer', 'return=minimal'],
    ['x-tenant', 'acme'],
  ]);
});

it('signs nothing that is another one at each try, so that a retry finds its hold', () => {
  const passed = {
    accept: '*/*',
    'content-type': 'application/json; charset=utf-8',
    'idempotency-key': 'c0ffee',
    'sec-fetch-mode': 'cors',
    traceparent: '00-1-2-01',
    'user-agent': 'curl/8',
    'x-request-id': '7',
    'x-stainless-retry-count': '1',
  };
  expect(signedHeadersOf(passed)).toEqual([]);
});

it('keeps no secret, and tells one from another', () => {
  const [[, one = ''] = [], [, other = ''] = []] = signedHeadersOf({
    'x-other-token': 'hunter2',
    'x-some-token': 'hunter3',
  });
  expect(one.startsWith(HEADER_HASHED)).toBe(true);
  expect(one).toMatch(/sha256:[0-9a-f]{64}$/);
  expect(other).not.toBe(one);
});
