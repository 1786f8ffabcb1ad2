import { describe, expect, it } from 'vitest';
import { KEPT_REQUEST_BYTES_MAX, KEPT_REQUESTS_BYTES_MAX } from '../model/limits.ts';
import { KeptByRequest } from './kept-by-request.ts';
import type { ProviderRequest } from './provider.ts';

const REQUEST: ProviderRequest = {
  method: 'POST',
  path: '/graphql/v2',
  search: '',
  mediaType: 'application/json',
  body: Buffer.from('{"query":"{ me { id } }"}'),
};

describe('what is kept by request', () => {
  const once = (kept: KeptByRequest<object>, request: ProviderRequest): object =>
    kept.of(request, () => ({ value: { request }, keep: true }));
  const asked = (kept: KeptByRequest<object>, request: ProviderRequest): object => {
    once(kept, request);
    return once(kept, request);
  };

  it('is kept from the second time on', () => {
    const kept = new KeptByRequest<object>();
    const [first, second, third] = [1, 2, 3].map(() => once(kept, REQUEST));
    expect(second).not.toBe(first);
    expect(third).toBe(second);
  });

  it('is right where two bodies have the same mark', () => {
    // `costarring` and `liquid` have the same FNV-1a of 32 bits.
    const kept = new KeptByRequest<object>();
    const first = asked(kept, { ...REQUEST, body: Buffer.from('costarring') });
    const second = once(kept, { ...REQUEST, body: Buffer.from('liquid') });
    expect(second).not.toBe(first);
    expect(once(kept, { ...REQUEST, body: Buffer.from('liquid') })).toBe(second);
    expect(once(kept, { ...REQUEST, body: Buffer.from('costarring') })).toBe(first);
  });

  it('is the same object for equal bytes', () => {
    const kept = new KeptByRequest<object>();
    const first = asked(kept, REQUEST);
    expect(asked(kept, { ...REQUEST, body: Buffer.from(REQUEST.body) })).toBe(first);
  });

  it.each<[string, Partial<ProviderRequest>]>([
    ['method', { method: 'GET' }],
    ['path', { path: '/graphql/v1' }],
    ['query string', { search: '?a=1' }],
    ['media type', { mediaType: 'application/graphql' }],
    ['last byte', { body: Buffer.from('{"query":"{ me { id } }"]') }],
    ['length', { body: Buffer.from('{"query":"{ me { id } }"}\n') }],
    ['byte that is no UTF-8', { body: Buffer.from([0xff]) }],
    ['place where one part ends', { path: '/graphql/v', search: '2' }],
    [
      'part that begins with the body',
      { mediaType: 'application/json{', body: REQUEST.body.subarray(1) },
    ],
  ])('is another for another %s', (_what, other) => {
    const kept = new KeptByRequest<object>();
    const first = asked(kept, REQUEST);
    const second = asked(kept, { ...REQUEST, ...other });
    expect(second).not.toBe(first);
    expect(asked(kept, REQUEST)).toBe(first);
    expect(asked(kept, { ...REQUEST, ...other })).toBe(second);
  });

  it('tells bytes apart that a decoder would replace by the same sign', () => {
    const kept = new KeptByRequest<object>();
    const of = (byte: number): object => asked(kept, { ...REQUEST, body: Buffer.from([byte]) });
    const all = Array.from({ length: 256 }, (_one, byte) => of(byte));
    expect(new Set(all).size).toBe(256);
  });

  it('does not hang on the bytes after they were asked for', () => {
    const kept = new KeptByRequest<object>();
    const body = Buffer.from(REQUEST.body);
    const first = asked(kept, { ...REQUEST, body });
    body.write('X');
    expect(asked(kept, { ...REQUEST, body })).not.toBe(first);
    expect(asked(kept, REQUEST)).toBe(first);
  });

  it('is not there when it may not be kept, nor when it is too long', () => {
    const kept = new KeptByRequest<object>();
    const make = () => ({ value: {}, keep: false });
    expect(kept.of(REQUEST, make)).not.toBe(kept.of(REQUEST, make));
    const long = { ...REQUEST, body: Buffer.alloc(KEPT_REQUEST_BYTES_MAX + 1, 'a') };
    expect(asked(kept, long)).not.toBe(asked(kept, long));
  });

  it('is bounded, and what is used stays', () => {
    const kept = new KeptByRequest<object>();
    const first = asked(kept, REQUEST);
    const often = (2 * KEPT_REQUESTS_BYTES_MAX) / KEPT_REQUEST_BYTES_MAX;
    const unused = asked(kept, { ...REQUEST, body: Buffer.from('once') });
    for (let at = 0; at < often; at += 1) {
      asked(kept, { ...REQUEST, body: Buffer.alloc(KEPT_REQUEST_BYTES_MAX, `${at} `) });
      expect(asked(kept, REQUEST)).toBe(first);
    }
    expect(asked(kept, { ...REQUEST, body: Buffer.from('once') })).not.toBe(unused);
  });
});
