import { describe, expect, it } from 'vitest';
import { tableOf } from '../rest/entries.ts';
import { readRest } from '../rest/reading.ts';
import { OPERATIONS } from './catalogue/operations.ts';
import { readNeonCall } from './reading.ts';

const api = { title: 'Neon', prefix: '/api/v2', table: tableOf(OPERATIONS) };

function read(line: string, body?: unknown): ReturnType<typeof readNeonCall> {
  const [method = '', target = ''] = line.split(' ');
  const [path = '', ...rest] = target.split('?');
  const search = rest.length === 0 ? '' : `?${rest.join('?')}`;
  const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body));
  const request = { method, path: `/api/v2${path}`, search, mediaType: '', body: bytes };
  const reading = readRest(api, request);
  if (reading.kind !== 'call') throw new Error(`no call: ${JSON.stringify(reading)}`);
  return readNeonCall(reading.call);
}

it.each([
  ['a branch that goes', 'DELETE /projects/p/branches/b', undefined, ['destroy environment b']],
  ['a project that goes', 'DELETE /projects/p', undefined, ['destroy project p']],
  [
    'a branch that is put back over the present',
    'POST /projects/p/branches/b/restore',
    { source_branch_id: 'b' },
    ['destroy environment b'],
  ],
  [
    'a new name',
    'PATCH /projects/p/branches/b',
    { branch: { name: 'x' } },
    ['write environment b'],
  ],
  [
    'a deletion at a set time, in a change of name',
    'PATCH /projects/p/branches/b',
    { branch: { name: 'x', expires_at: '2026-01-01T00:00:00Z' } },
    ['write environment b', 'destroy environment b'],
  ],
  [
    'a protection that goes',
    'PATCH /projects/p/branches/b',
    { branch: { protected: false } },
    ['write environment b', 'grant environment b'],
  ],
  [
    'a part of a branch that nobody knows',
    'PATCH /projects/p/branches/b',
    { branch: { archived: true } },
    ['write environment b', 'unknown environment b'],
  ],
  [
    'a part called like a field of objects',
    'PATCH /projects/p/branches/b',
    { branch: { constructor: 1 } },
    ['write environment b', 'unknown environment b'],
  ],
  [
    'a part in another case',
    'PATCH /projects/p/branches/b',
    { Branch: { Expires_At: '2026-01-01T00:00:00Z' } },
    ['write environment b', 'unknown environment b'],
  ],
  [
    'a change of a branch without one',
    'PATCH /projects/p/branches/b',
    undefined,
    ['write environment b', 'unknown environment b'],
  ],
  [
    'a history that is cut',
    'PATCH /projects/p',
    { project: { history_retention_seconds: 0 } },
    ['reshape project p', 'destroy backup p'],
  ],
  [
    'a project that is opened to the internet',
    'PATCH /projects/p',
    { project: { settings: { allowed_ips: { ips: [] } } } },
    ['reshape project p', 'grant network p'],
  ],
  [
    'a branch with a way in',
    'POST /projects/p/branches',
    { endpoints: [{ type: 'read_write' }] },
    ['write environment', 'grant credential'],
  ],
  ['a branch', 'POST /projects/p/branches', { branch: { name: 'x' } }, ['write environment x']],
  [
    'an endpoint without a password',
    'PATCH /projects/p/endpoints/e',
    { endpoint: { passwordless_access: true } },
    ['reshape service e', 'grant network e'],
  ],
  [
    'a password that is shown',
    'GET /projects/p/branches/b/roles/r/reveal_password',
    undefined,
    ['grant credential r'],
  ],
  ['a connection string', 'GET /projects/p/connection_uri', undefined, ['grant credential p']],
  ['a key', 'POST /api_keys', { key_name: 'k' }, ['grant credential']],
  [
    'a new password',
    'POST /projects/p/branches/b/roles/r/reset_password',
    undefined,
    ['destroy role r', 'grant credential r'],
  ],
  ['a list', 'GET /projects/p/branches?search=x', undefined, ['read']],
])('%s', (_story, line, body, expected) => {
  const shown = read(line, body).effects.map(({ kind, object }) =>
    [kind, object?.type ?? '', object?.name ?? ''].join(' ').trim(),
  );
  expect(shown).toEqual(expected);
});

function places(line: string, body?: unknown): readonly string[] {
  return read(line, body).places.map((call) =>
    call.map(({ type, id }) => `${type} ${id}`).join(' > '),
  );
}

describe('places', () => {
  it.each([
    ['of a path', 'DELETE /projects/p/branches/b', undefined, ['project p > environment b']],
    [
      'of an endpoint',
      'POST /projects/p/endpoints/e/suspend',
      undefined,
      ['project p > endpoint e'],
    ],
    [
      'a branch that is made of another one',
      'POST /projects/p/branches',
      { branch: { parent_id: 'b' } },
      ['project p > environment b'],
    ],
    ['a branch that is made of the default one', 'POST /projects/p/branches', {}, ['project p']],
    [
      'a snapshot that is put over another branch',
      'POST /projects/p/snapshots/s/restore',
      { target_branch_id: 'b' },
      ['project p > snapshot s', 'project p > environment b'],
    ],
    [
      'projects that change hands',
      'POST /users/me/projects/transfer',
      { destination_org_id: 'o', project_ids: ['p', 'q'] },
      ['organization o', 'project p', 'project q'],
    ],
    [
      'a branch under a key in another case, as Neon reads it too',
      'POST /projects/p/snapshots/s/restore',
      { Target_Branch_ID: 'b' },
      ['project p > snapshot s', 'project p > environment b'],
    ],
    ['what is of the account', 'POST /api_keys', {}, []],
  ])('%s', (_story, line, body, expected) => {
    expect(places(line, body)).toEqual(expected);
  });

  it.each([
    ['a body', 'DELETE /projects/p', { branch_id: 'dev' }],
    ['a query', 'DELETE /projects/p?branch_id=dev', undefined],
    ['a body of a change', 'PATCH /projects/p', { branch: { parent_id: 'dev' }, project: {} }],
  ])('are not narrowed by %s that the operation does not look at', (_story, line, body) => {
    expect(places(line, body)).toContain('project p');
  });
});
