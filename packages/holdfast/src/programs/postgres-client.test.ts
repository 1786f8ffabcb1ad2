import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { HoldfastError } from '../model/errors.ts';
import { scratchFolder } from '../testing/scratch-folder.ts';
import { type ClientPlace, clientSession, findPostgresClient } from './postgres-client.ts';

const folders: string[] = [];
const folder = (): string => {
  const made = scratchFolder('client');
  folders.push(made);
  return made;
};
afterEach(() => {
  for (const one of folders.splice(0)) rmSync(one, { recursive: true, force: true });
});

describe('programs of PostgreSQL for dumps', () => {
  const programs = (dump: string, restore: string): string => {
    const made = folder();
    for (const [name, version] of [
      ['pg_dump', dump],
      ['pg_restore', restore],
    ] as const) {
      writeFileSync(join(made, name), `#!/bin/sh\necho "${name} (PostgreSQL) ${version}"\n`, {
        mode: 0o755,
      });
    }
    return made;
  };

  it('are those of the server’s version before newer ones, and never older ones', () => {
    const [old, same, newer] = [
      programs('90.1', '90.1'),
      programs('91.4', '91.4'),
      programs('92', '92'),
    ];
    expect(findPostgresClient(91, [newer, old, same])).toEqual({ folder: same, major: 91 });
    expect(findPostgresClient(92, [newer, old, same])).toEqual({ folder: newer, major: 92 });
    expect(() => findPostgresClient(93, [newer, old, same])).toThrow(
      expect.objectContaining({ code: 'HF_DRILL_NO_SERVER' }),
    );
  });

  it('are both there, of one version', () => {
    const mixed = programs('91.1', '90.1');
    const half = programs('91.1', '91.1');
    rmSync(join(half, 'pg_restore'));
    expect(() => findPostgresClient(91, [mixed, half, '/nowhere'])).toThrow(HoldfastError);
  });
});

describe('what such a program is told', () => {
  const place: ClientPlace = {
    host: 'db.internal',
    port: 5432,
    user: 'reader',
    database: 'shop',
    password: 'a:b\\c d',
    ssl: false,
  };

  it('has the password in a file for us only, that goes away, and nothing of ours', () => {
    process.env['PGOPTIONS'] = '-c search_path=evil';
    const made = join(folder(), 'works');
    const session = clientSession(place, made);
    delete process.env['PGOPTIONS'];
    const passfile = session.env['PGPASSFILE'] ?? '';
    expect(readFileSync(passfile, 'utf8')).toBe('*:*:*:*:a\\:b\\\\c d\n');
    expect(statSync(passfile).mode & 0o777).toBe(0o600);
    expect(statSync(made).mode & 0o777).toBe(0o700);
    expect(JSON.stringify(session.env)).not.toMatch(/evil|a:b/);
    session.forget();
    expect(existsSync(passfile)).toBe(false);
  });

  it('refuses a password that would make a second line', () => {
    expect(() =>
      clientSession({ ...place, password: 'a\n*:*:*:*:b' }, join(folder(), 'w')),
    ).toThrow(/of one line/);
  });

  const tls: readonly [story: string, ssl: ClientPlace['ssl'], mode: string, hasCa: boolean][] = [
    ['none', false, 'disable', false],
    ['encryption only', { rejectUnauthorized: false }, 'require', false],
    ['a host that is checked', {}, 'verify-full', true],
    ['a host and an authority of its own', { ca: 'PEM' }, 'verify-full', true],
    [
      'an authority and any host',
      { ca: 'PEM', checkServerIdentity: () => undefined },
      'verify-ca',
      true,
    ],
    ['the driver’s own strictness', true, 'verify-full', true],
  ];
  it.for(tls)('is as strict as the driver with %s', ([, ssl, mode, hasCa]) => {
    const made = join(folder(), 'works');
    mkdirSync(made);
    const { env } = clientSession({ ...place, ssl }, made);
    expect(env['PGSSLMODE']).toBe(mode);
    expect(env['PGSSLROOTCERT'] !== undefined).toBe(hasCa);
    if (typeof ssl === 'object' && typeof ssl.ca === 'string') {
      expect(readFileSync(env['PGSSLROOTCERT'] ?? '', 'utf8')).toBe('PEM');
    }
  });
});
