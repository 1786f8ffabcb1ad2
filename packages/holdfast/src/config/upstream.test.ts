import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { UpstreamConfig } from './config.ts';
import { resolveSecret, resolveUpstream } from './upstream.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-upstream-'));
afterAll(() => rmSync(folder, { recursive: true }));

const upstream = (more: Partial<UpstreamConfig> = {}): UpstreamConfig => ({
  url: { kind: 'literal', text: 'postgres://app@db.internal/app' },
  password: null,
  sslmode: null,
  sslrootcert: null,
  ...more,
});

describe('where a target is', () => {
  const fromEnv = upstream({ url: { kind: 'env', name: 'U' } });
  it.each([
    [
      'a literal URL: verify-full unless said otherwise',
      upstream(),
      {},
      { host: 'db.internal', port: 5432, user: 'app', password: null, sslmode: 'verify-full' },
    ],
    [
      'loopback: prefer',
      upstream({ url: { kind: 'literal', text: 'postgres://[::1]:5433' } }),
      {},
      { host: '::1', port: 5433, user: null, database: null, sslmode: 'prefer' },
    ],
    [
      'the folder of a Unix socket: prefer',
      upstream({ url: { kind: 'literal', text: 'postgres://app@%2Frun%2Fpg/app' } }),
      {},
      { host: '%2Frun%2Fpg', sslmode: 'prefer' },
    ],
    [
      'a password beside it wins',
      upstream({ password: { kind: 'env', name: 'P' }, url: { kind: 'env', name: 'U' } }),
      { P: 's3cret', U: 'postgres://a:other@h/d' },
      { password: 's3cret' },
    ],
    [
      'a whole URL from the environment, encoded and with sslmode',
      fromEnv,
      { U: 'postgresql://a%40b:p%2Fw@h:1/d%20b?sslmode=require' },
      { user: 'a@b', password: 'p/w', database: 'd b', port: 1, sslmode: 'require' },
    ],
    [
      'the key wins over the URL',
      upstream({ url: { kind: 'env', name: 'U' }, sslmode: 'verify-ca' }),
      { U: 'postgres://h/d?sslmode=disable' },
      { sslmode: 'verify-ca' },
    ],
  ])('%s', (_story, config, env, expected) => {
    expect(resolveUpstream(config, env)).toMatchObject(expected);
  });

  it('does not repeat a URL that it cannot read', () => {
    const broken = (): unknown => resolveUpstream(fromEnv, { U: 'postgres//a:hunter2@h' });
    expect(broken).toThrow(/21 characters that are none \(from U\)/);
    expect(broken).not.toThrow(/hunter2/);
  });
});

describe('secrets', () => {
  it('from a file, without its last newline', () => {
    writeFileSync(join(folder, 's'), 'line one\nline two\n');
    const ref = { kind: 'file', path: join(folder, 's') } as const;
    expect(resolveSecret(ref, {})).toBe('line one\nline two');
  });

  it.each([
    ['not set', {}, /environment variable S, found none/],
    ['empty', { S: '' }, /found it empty/],
  ])('%s is an error that names the variable', (_story, env, said) => {
    expect(() => resolveSecret({ kind: 'env', name: 'S' }, env)).toThrow(said);
  });
});
