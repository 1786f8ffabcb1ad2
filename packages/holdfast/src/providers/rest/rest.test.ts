import { describe, expect, it } from 'vitest';
import { operations } from '../catalogue.ts';
import { tableOf } from './entries.ts';
import { isSaid, readRest } from './reading.ts';
import { RestTable } from './table.ts';

const table = tableOf([
  ...operations('reads', [
    ['GET /projects', 'project', null, 'lists'],
    ['GET /projects/shared', 'project', null, 'lists'],
    ['GET /projects/{id}', 'project', 'id', 'shows'],
  ]),
  ...operations('destroys', [
    ['DELETE /projects/{id}', 'project', 'id', 'deletes'],
    ['DELETE /projects/{id}/disks/{disk}', 'volume', 'disk', 'deletes'],
  ]),
  ...operations('ordinary', [
    ['POST /projects/auth/keys', 'project', null, 'makes'],
    ['POST /projects/{id}/keys', 'project', 'id', 'makes'],
    ['PUT /projects/{id}', 'project', 'id', 'replaces'],
  ]),
]);

const api = { title: 'Example', prefix: '/v1', table };

/** The row and what it names, or why nobody can tell. */
function read(line: string, body = '', mediaType = ''): string {
  const [method = '', target = ''] = line.split(' ');
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const search = mark < 0 ? '' : target.slice(mark);
  const request = { method, path, search, mediaType, body: Buffer.from(body, 'latin1') };
  const reading = readRest(api, request);
  switch (reading.kind) {
    case 'call':
      return [reading.call.verb, ...reading.call.parameters.values()].join(' ');
    case 'other':
      return reading.effect.kind;
    case 'could-not-tell':
      return reading.reason.code;
    default:
      return reading satisfies never;
  }
}

it.each([
  ['a read', 'GET /v1/projects', 'GET /projects'],
  ['a name', 'DELETE /v1/projects/p-1', 'DELETE /projects/{id} p-1'],
  ['two names', 'DELETE /v1/projects/p/disks/d', 'DELETE /projects/{id}/disks/{disk} p d'],
  ['a literal before a name', 'GET /v1/projects/shared', 'GET /projects/shared'],
  [
    'an earlier literal before a later one',
    'POST /v1/projects/auth/keys',
    'POST /projects/auth/keys',
  ],
  [
    'a literal of another method is a name',
    'DELETE /v1/projects/shared',
    'DELETE /projects/{id} shared',
  ],
  ['a name that has to be escaped', 'GET /v1/projects/a%20b', 'GET /projects/{id} a b'],
  ['a name outside ASCII', 'GET /v1/projects/%C3%A9', 'GET /projects/{id} é'],
  ['HEAD', 'HEAD /v1/projects/p', 'HEAD /projects/{id} p'],
  ['OPTIONS', 'OPTIONS /v1/projects/p', 'read'],
  ['the same query twice in a read', 'GET /v1/projects?id=1&id=2', 'GET /projects'],
])('reads %s', (_story, line, expected) => {
  expect(read(line)).toBe(expected);
});

describe('ways round', () => {
  it.each([
    ['a path that nobody knows', 'POST /v1/projects/p/erase', 'unknown'],
    ['a method that nobody knows', 'PURGE /v1/projects/p', 'unknown'],
    ['a method in lower case', 'delete /v1/projects/p', 'unknown'],
    ['another version of the API', 'DELETE /v2/projects/p', 'unknown'],
    ['without the version', 'DELETE /projects/p', 'unknown'],
    ['the version once more', 'GET /v1/v1/projects', 'unknown'],
    ['a slash at the end', 'GET /v1/projects/', 'ambiguous'],
    ['two slashes', 'GET /v1//projects', 'ambiguous'],
    ['dots', 'GET /v1/projects/../x', 'ambiguous'],
    ['escaped dots', 'GET /v1/projects/%2e%2e/x', 'ambiguous'],
    ['an escaped slash', 'DELETE /v1/projects/a%2fdisks%2fd', 'ambiguous'],
    ['a slash escaped twice', 'DELETE /v1/projects/a%252fb', 'ambiguous'],
    ['a letter escaped without need', 'GET /v1/projects/%73hared', 'ambiguous'],
    ['another case', 'POST /v1/projects/AUTH/keys', 'ambiguous'],
    ['another case of the first word', 'DELETE /v1/Projects/p', 'ambiguous'],
    ['another case of the version', 'DELETE /V1/projects/p', 'unknown'],
    ['an escape that is none', 'GET /v1/projects/%zz', 'ambiguous'],
    ['bytes that are no UTF-8', 'GET /v1/projects/%ff', 'ambiguous'],
    ['an escaped NUL', 'GET /v1/projects/a%00', 'ambiguous'],
    ['a verb behind a colon', 'PUT /v1/projects/p:purge', 'ambiguous'],
    ['parameters of a segment', 'PUT /v1/projects/p;x=1', 'ambiguous'],
    ['a backslash', 'GET /v1/projects\\p', 'ambiguous'],
    ['another method in the query', 'POST /v1/projects/p/keys?_method=DELETE', 'ambiguous'],
    ['another method in the query of a read', 'GET /v1/projects/p?_METHOD=DELETE', 'ambiguous'],
    [
      'another method in a list in the query',
      'POST /v1/projects/p/keys?_method[]=DELETE',
      'ambiguous',
    ],
    ['another method behind OPTIONS', 'OPTIONS /v1/projects/p?_method=DELETE', 'ambiguous'],
    ['a query twice in what changes', 'DELETE /v1/projects/p?force=0&force=1', 'ambiguous'],
    ['a query that is no UTF-8', 'DELETE /v1/projects/p?force=%ff', 'invalid-utf8'],
  ])('%s', (_story, line, expected) => {
    expect(read(line)).toBe(expected);
  });

  it.each([
    ['another method in the body', 'POST /v1/projects/p/keys', '{"_method":"DELETE"}', 'ambiguous'],
    ['a key twice', 'PUT /v1/projects/p', '{"a":1,"a":2}', 'ambiguous'],
    ['a body of OPTIONS', 'OPTIONS /v1/projects/p', '{"_method":"DELETE"}', 'ambiguous'],
    ['a form', 'PUT /v1/projects/p', '_method=DELETE', 'syntax-error'],
    ['bytes that are no UTF-8', 'PUT /v1/projects/p', '"\xff"', 'invalid-utf8'],
    ['a body of a read', 'GET /v1/projects/p', '{}', 'ambiguous'],
    ['too deep', 'PUT /v1/projects/p', `${'['.repeat(99)}${']'.repeat(99)}`, 'too-complex'],
  ])('%s', (_story, line, body, expected) => {
    expect(read(line, body)).toBe(expected);
  });
});

it.each([
  ['a key twice but for its case', '{"project":{},"Project":{}}', '', 'ambiguous'],
  ['a key twice inside but for its case', '{"a":[{"id":1,"ID":2}]}', '', 'ambiguous'],
  ['a key twice by the long s', '{"s":1,"\\u017f":2}', '', 'ambiguous'],
  ['a key twice by the Kelvin sign', '{"k":1,"\\u212a":2}', '', 'ambiguous'],
  [
    'JSON that is called a form',
    '{"a":"&_method=DELETE&"}',
    'application/x-www-form-urlencoded',
    'ambiguous',
  ],
  ['JSON that is called a text', '{"a":1}', 'text/plain', 'ambiguous'],
  ['JSON of a kind of its own', '{"a":1}', 'application/merge-patch+json', 'PUT /projects/{id} p'],
])('another reader might read: %s', (_story, body, mediaType, expected) => {
  expect(read('PUT /v1/projects/p', body, mediaType)).toBe(expected);
});

it('takes a flag for set unless it says false', () => {
  expect([undefined, ['false'], ['true'], [''], ['0'], ['false', 'true']].map(isSaid)).toEqual([
    false,
    false,
    true,
    true,
    true,
    true,
  ]);
});

it('does not take a template that it cannot compare', () => {
  const make = (template: string) => () =>
    new RestTable([{ method: 'GET', template, operation: null }]);
  expect(make('/a/{b}:purge')).toThrow('whole segment');
  expect(make('/a/{b}/{b}')).toThrow('each name once');
  expect(make('/a//b')).toThrow('found none');
});

it('costs what the table costs, whatever is sent', () => {
  const path = `/v1${'/a'.repeat(5_000)}`;
  const started = process.cpuUsage();
  for (let at = 0; at < 20; at += 1) expect(read(`DELETE ${path}`)).toBe('unknown');
  const { user } = process.cpuUsage(started);
  expect(user / 20).toBeLessThan(50_000);
});
