/**
 * What we read against what lenient routers would: whatever is sent, a request that we call an operation
 * is that operation to them too, or none. Written apart from the table, by patterns, as routers do it.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OPERATIONS } from '../neon/catalogue/operations.ts';
import { tableOf } from './entries.ts';
import { readRest } from './reading.ts';

const api = { title: 'Neon', prefix: '/api/v2', table: tableOf(OPERATIONS) };

const PATTERNS = [...OPERATIONS.keys()].map((key) => {
  const [method = '', template = ''] = key.split(' ');
  const source = `^/api/v2${template.replaceAll(/\{[^}]+\}/g, '([^/]+)')}$`;
  const literals = template.split('/').map((part) => (part.startsWith('{') ? '1' : '0'));
  return { key, method, pattern: new RegExp(source, 'i'), order: literals.join('') };
});

/** The most literal pattern, as routers choose. */
function routed(method: string, path: string): string | null {
  const found = PATTERNS.filter((one) => one.method === method && one.pattern.test(path));
  return found.toSorted((a, b) => a.order.localeCompare(b.order))[0]?.key ?? null;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Ways in which a router may make a path plain before it looks at it. */
const WAYS: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => path.replaceAll(/\/+/g, '/'),
  (path) => path.replace(/\/+$/, ''),
  (path) => path.replaceAll('\\', '/'),
  (path) => path.replaceAll(/;[^/]*/g, ''),
  (path) => path.replace(/:[a-z]+$/, ''),
  decoded,
  (path) => decoded(decoded(path)),
  (path) => new URL(path.replace(/^\/+/, '/'), 'http://x').pathname,
  (path) => new URL(decoded(path).replace(/^\/+/, '/'), 'http://x').pathname,
];

const word = fc.constantFrom(
  ...new Set([...OPERATIONS.keys()].flatMap((key) => key.split('/').slice(1))),
  'p-1',
  'br-main',
);
const disguise = fc.constantFrom<(text: string) => string>(
  (text) => text,
  (text) => text.toUpperCase(),
  (text) => `%${(text.charCodeAt(0) || 97).toString(16)}${text.slice(1)}`,
  (text) => `%25${(text.charCodeAt(0) || 97).toString(16)}${text.slice(1)}`,
  (text) => `${text};x=1`,
  (text) => `${text}:restore`,
  (text) => `${text}%2f${text}`,
  (text) => `${text}%252f${text}`,
  (text) => `${text}/..`,
  (text) => `${text}/%2e%2e`,
  (text) => `./${text}`,
  (text) => `${text}/`,
  (text) => `${text}\\${text}`,
  (text) => `${text}%00`,
);
const plainly = fc.constant<(text: string) => string>((text) => text);
const path = fc
  .array(fc.tuple(word, fc.oneof({ weight: 4, arbitrary: plainly }, disguise)), {
    minLength: 1,
    maxLength: 8,
  })
  .map(
    (parts) => `/api/v2/${parts.map(([text, by]) => by(text.replaceAll(/[{}]/g, ''))).join('/')}`,
  );
const anyMethod = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE');
/** An operation with one part dressed up, or none. */
const known = fc
  .tuple(fc.constantFrom(...OPERATIONS.keys()), fc.oneof(plainly, disguise), fc.nat(8), anyMethod)
  .map(([key, by, at, other]) => {
    const [method = '', template = ''] = key.split(' ');
    const parts = template.split('/').slice(1);
    const dressed = parts.map((part, place) => {
      const text = part.replaceAll(/[{}]/g, '');
      return place === at % (parts.length + 1) ? by(text) : text;
    });
    return [at % 4 === 0 ? other : method, `/api/v2/${dressed.join('/')}`] as const;
  });

it('never takes a path for another operation than a lenient router would', () => {
  let calls = 0;
  fc.assert(
    fc.property(fc.oneof(fc.tuple(anyMethod, path), known), ([method, sent]) => {
      const request = { method, path: sent, search: '', mediaType: '', body: Buffer.alloc(0) };
      const reading = readRest(api, request);
      if (reading.kind !== 'call') return;
      calls += 1;
      for (const way of WAYS) {
        const other = routed(method, way(sent));
        if (other !== null) expect(other, sent).toBe(reading.call.verb);
      }
    }),
    { numRuns: 20_000 },
  );
  expect(calls).toBeGreaterThan(4_000);
});
