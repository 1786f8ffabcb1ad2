import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { HoldfastError } from '../model/errors.ts';
import { holdLifeMsOf } from './by-environment.ts';
import { checkConfig, missingSecrets, secretNamesIn } from './check-config.ts';
import type { Config, Env } from './config.ts';
import { loadConfig, parseConfig } from './load-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const parse = (text: string, env: Env = {}): Config =>
  parseConfig({ text, name: 'holdfast.yaml', folder }, env);

/** The sentences of the error, one a line; empty when there was none. */
function complaints(text: string): string[] {
  try {
    parse(text);
    return [];
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    expect(error.code).toBe('HF_CONFIG_INVALID');
    return error.found
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
      .filter(Boolean);
  }
}

const TARGET = 'targets:\n  main-db:\n    environment: production\n    upstream: ';

const OIDC = 'signIn: { oidc: { clientId: h, clientSecret: { env: S }';

describe('what is wrong is said with place, expected, found and what to do', () => {
  const rows: readonly [story: string, text: string, said: string][] = [
    [
      'an unknown key',
      'listen:\n  prot: 1',
      'holdfast.yaml:2:3: listen: expected one of the keys host, port, tls, auth, found unknown key `prot`. Did you mean `port`?',
    ],
    [
      'an unknown key at the top',
      'taregts: {}',
      'holdfast.yaml:1:1: expected one of the keys listen, dashboard, signIn, metrics, store, seal, environments, targets, vaults, http, credentials, providers, approvals, notify, trail, limits, policy, found unknown key `taregts`. Did you mean `targets`?',
    ],
    [
      'a dashboard over http that is not this machine',
      'dashboard: { url: "http://holdfast.lan" }',
      'dashboard.url: expected https, where it is not this machine, found http, over which codes and sessions could be read on the way, and no passkey works',
    ],
    [
      'an identity provider over http that is not this machine',
      `${OIDC}, issuer: "http://id.example.com" } }`,
      'signIn.oidc.issuer: expected https, where it is not this machine, found http, over which anybody on the way could be anybody',
    ],
    [
      'a secret of it in the file itself',
      'signIn: { oidc: { issuer: "https://id.example.com", clientId: h, clientSecret: hunter2 } }',
      'signIn.oidc.clientSecret: expected {env: NAME} or {file: PATH}',
    ],
    [
      'an identity provider that makes owners',
      `${OIDC}, issuer: "https://id.example.com", roles: [owner] } }`,
      'signIn.oidc.roles[0]: expected one of approver, operator, auditor',
    ],
    [
      'a domain that would never be equal',
      `${OIDC}, issuer: "https://id.example.com", allow: { domains: ["@Example.com"] } } }`,
      'signIn.oidc.allow.domains[0]: expected a domain in lower case, without @',
    ],
    [
      'a seal key from an empty command',
      'seal: { key: { command: [] } }',
      'holdfast.yaml:1:25: seal.key.command: expected a program and its arguments, as a list of texts: no shell reads them, found a list of 0. See holdfast.example.yaml',
    ],
    [
      'a seal key from a command of one text',
      'seal: { key: { command: "vault read -token=x" } }',
      'holdfast.yaml:1:25: seal.key.command: expected a program and its arguments, as a list of texts: no shell reads them, found a string of 19 characters. See holdfast.example.yaml',
    ],
    [
      'a seal key from a program without a name',
      'seal: { key: { command: ["", a] } }',
      'holdfast.yaml:1:25: seal.key.command: expected a program and its arguments, as a list of texts: no shell reads them, found a list of 2. See holdfast.example.yaml',
    ],
    [
      'a seal key from a command with a number in it',
      'seal: { key: { command: [a, 1] } }',
      'holdfast.yaml:1:29: seal.key.command[1]: expected an argument, as text, found a number of 1 characters. See holdfast.example.yaml',
    ],
    [
      'a seal key from two places',
      'seal: { key: { command: [a], file: b } }',
      'holdfast.yaml:1:14: seal.key: expected one of command and file, found both. Remove one: the key has one place',
    ],
    [
      'a level that is none',
      'environments:\n  prod: { level: seald }',
      'holdfast.yaml:2:18: environments.prod.level: expected one of open, guarded, sealed, found "seald". Did you mean `sealed`?',
    ],
    [
      'a missing key',
      'environments:\n  prod: {}',
      'holdfast.yaml:2:9: environments.prod.level: expected one of open, guarded, sealed, found nothing. Add `level` here',
    ],
    [
      'an empty value',
      'environments:\n  prod:\n',
      'environments.prod: expected a mapping with the keys level, people, holdExpires, grace, found an empty value.',
    ],
    [
      'a name that would not fit a URL',
      'environments:\n  Prod: { level: open }',
      'holdfast.yaml:2:3: environments.Prod: expected a name of lower-case letters, digits, - and _, found "Prod".',
    ],
    [
      'projects beside the description of an API',
      'providers:\n  a: { openapi: a.yaml, projects: { p: { e: prod } } }',
      'providers.a.projects: expected environment beside openapi, found projects.',
    ],
    [
      'an environment for a provider that has many',
      'providers:\n  neon: { environment: prod }',
      'providers.neon.environment: expected projects, or openapi beside environment, found environment.',
    ],
    [
      'rules for a provider that has a catalogue',
      'providers:\n  neon: { rules: [{ call: "DELETE /projects/{project_id}", is: read }] }',
      'providers.neon.rules: expected rules only beside openapi, found rules.',
    ],
    [
      'a service whose database is no target',
      'environments: { prod: { level: open } }\ntargets: { shop: { environment: prod, upstream: { url: postgres://a@h/d } } }\n' +
        'providers:\n  neon: { projects: { p: { e: { environment: prod, databases: { pg: shpo } } } } }',
      'holdfast.yaml:4:69: providers.neon.projects.p.e.databases.pg: expected a target of this file, found shpo. Did you mean shop?',
    ],
    [
      'a rule with a kind that is none',
      'providers:\n  a: { openapi: a.yaml, rules: [{ call: "POST /a", is: harmless }] }',
      'rules[0].is: expected one of read, write, destroy, reshape, grant, execute, unknown, found "harmless"',
    ],
    [
      'a port that is none',
      'listen: { port: 70000 }',
      'holdfast.yaml:1:17: listen.port: expected a port, a whole number from 0 to 65535, found 70000.',
    ],
    [
      'a duration without a unit',
      'approvals: { holdExpires: 30 }',
      'expected a duration such as 30s, 15m or 8h, at most 7d, found 30.',
    ],
    [
      'a wait longer than a connection should hang',
      'approvals: { holdWait: 11m }',
      'approvals.holdWait: expected a duration such as 30s, 15m or 8h, at most 10m, found "11m".',
    ],
    [
      'a password in the file, not repeated',
      `${TARGET}{ url: "postgres://app:hunter2@db/app" }`,
      'holdfast.yaml:4:22: targets.main-db.upstream.url: expected a URL without a password: the file is meant to be committed, found a URL with a password in it. Write password: {env: NAME} beside it, or url: {env: NAME}, or {file: PATH}',
    ],
    [
      'a password among the parameters',
      `${TARGET}{ url: "postgres://app@db/app?password=hunter2" }`,
      'expected a URL without ?parameters, found the parameters password.',
    ],
    [
      'a URL of another kind, which may hold a password',
      `${TARGET}{ url: "mysql://app:hunter2@db/app" }`,
      'expected postgres://user@host:5432/database, found another text.',
    ],
    [
      'the password itself where its place belongs',
      `${TARGET}{ url: "postgres://db/app", password: hunter2 }`,
      'upstream.password: expected {env: NAME} or {file: PATH}, found a string of 7 characters.',
    ],
    [
      'the password itself where a name belongs',
      `${TARGET}{ url: "postgres://db/app", password: { env: "hunter2!" } }`,
      'upstream.password.env: expected the name of an environment variable, found a string of 8 characters.',
    ],
    [
      'a store URL in the file',
      'store: { url: "postgres://app:hunter2@db/app" }',
      'store.url: expected where the URL lies, found a URL in the file itself',
    ],
    [
      'two stores',
      'store: { dataFolder: x, url: { env: A } }',
      'store: expected one of the keys dataFolder, found unknown key `url`.',
    ],
    ['half a certificate', 'listen: { tls: { cert: a.pem } }', 'listen.tls.key: expected a path'],
    [
      'a token in clear over a network',
      'listen: { host: 0.0.0.0, tls: off, auth: token }',
      'listen.auth: expected scram, where the wire is neither TLS nor loopback, found token',
    ],
    [
      '$user in a search path, which only the server knows',
      `${TARGET}{ url: "postgres://db/app" }\n    searchPath: [$user, public]`,
      'holdfast.yaml:5:18: targets.main-db.searchPath[0]: expected the name of a schema, found "$user".',
    ],
    [
      'a key twice',
      'listen: {}\nlisten: {}',
      'holdfast.yaml:2:1: expected YAML 1.2 with each key once and no tags, found Map keys must be unique',
    ],
    ['a tag', 'listen: !!js/function x', 'found Unresolved tag'],
    ['two documents', 'listen: {}\n---\nlisten: {}', 'found Source contains multiple documents'],
    [
      'aliases that expand without end',
      `a: &a [x]\nb: &b [${'*a,'.repeat(20)}]\nc: &c [${'*b,'.repeat(20)}]\nd: [${'*c,'.repeat(20)}]`,
      'expected at most 50 uses of aliases',
    ],
    ['a file that is too large', `# ${'x'.repeat(1024 * 1024)}`, 'expected at most 1048576 bytes'],
    [
      'a policy file that is not there',
      'policy:\n  files:\n    - nowhere.cedar',
      'holdfast.yaml:3:7: policy.files[0]: expected readable files, found ENOENT',
    ],
    [
      'credentials that are refused before they are a finding',
      'credentials: { refuseAfterDays: 20 }',
      'credentials.refuseAfterDays: expected rotationDays (30) or more, found 20',
    ],
    [
      'a rotation slower than promised',
      'credentials: { rotationDays: 31 }',
      'credentials.rotationDays: expected days, a whole number from 1 to 30, found 31',
    ],
    [
      'a pattern that matches nothing',
      'policy: { tests: ["*.nothing"] }',
      'expected at least one file, found nothing at *.nothing.',
    ],
  ];
  it.each(rows)('%s', (_story, text, said) => {
    const found = complaints(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(said);
    expect(found[0]).not.toContain('hunter2');
  });

  it('all at once, in the order of the file', () => {
    const text =
      'listen: { prot: 1 }\nenvironments: { prod: { level: x } }\n' +
      `${TARGET}{ url: "postgres://a:hunter2@h/d", sslmod: require }\n    taget: x`;
    expect(complaints(text).map((line) => line.split(': ').slice(0, 2).join(' '))).toEqual([
      'holdfast.yaml:1:11 listen',
      'holdfast.yaml:2:32 environments.prod.level',
      'holdfast.yaml:6:22 targets.main-db.upstream.url',
      'holdfast.yaml:6:50 targets.main-db.upstream',
      'holdfast.yaml:7:5 targets.main-db',
    ]);
  });
});

describe('what is right', () => {
  it('an empty file has safe defaults', () => {
    expect(parse('')).toMatchObject({
      listen: { host: '127.0.0.1', port: 6432, tls: { kind: 'generated' }, auth: 'scram' },
      environments: [],
      targets: [],
      approvals: { holdWaitMs: 0, holdLifeMs: 3_600_000 },
      trail: { readsWhenUnavailable: 'refuse', origin: 'holdfast' },
      policy: { files: [], replaces: [], tests: [] },
    });
  });

  it('the example in the repository has neither errors nor warnings, but for a public key of yours', () => {
    const path = fileURLToPath(new URL('../../../../holdfast.example.yaml', import.meta.url));
    expect(() => loadConfig(path, {})).toThrow(
      /found 1 error\(s\):\n.*main-db\.recovery\.recipients\[0\]: .* found a placeholder/,
    );
    const placeholder = `age1${'q'.repeat(58)}`;
    const key = 'age1avurkamhxzg7v49yj9m6vktrydxw365h2cywxhc6ltfkp0h5yufqfddg35';
    const text = readFileSync(path, 'utf8').replace(placeholder, key);
    const config = parseConfig({ text, name: path, folder: dirname(path) }, {});
    expect(config.targets.map((one) => one.name)).toEqual(['main-db', 'staging-db']);
    expect(checkConfig(config)).toEqual([]);
  });

  it('an identity provider lets nobody in of itself, and makes auditors', () => {
    const config = parse(`${OIDC}, issuer: "http://127.0.0.1:9000", scopes: [email] } }`);
    expect(config.signIn.oidc).toMatchObject({
      scopes: ['openid', 'email'],
      allow: { emails: [], domains: [], groups: [] },
      roles: ['auditor'],
    });
    expect(missingSecrets(config, {}).map(({ path }) => path)).toEqual([
      'signIn.oidc.clientSecret',
    ]);
    // No other program is handed it.
    expect([...secretNamesIn(config)]).toContain('S');
    expect(parse('').signIn.oidc).toBeNull();
  });

  it('the stricter of two numbers of people counts', () => {
    const text =
      'approvals: { people: 2 }\nenvironments: { a: { level: open }, b: { level: sealed, people: 3 } }';
    expect(parse(text).environments.map((one) => [one.name, one.people])).toEqual([
      ['a', 2],
      ['b', 3],
    ]);
  });

  it('a hold lives as its environment says, else as all do', () => {
    const lifeMsOf = holdLifeMsOf(
      parse(
        'approvals: { holdExpires: 30m }\n' +
          'environments: { a: { level: guarded, holdExpires: 8h }, b: { level: open } }',
      ),
    );
    expect(['a', 'b', 'undeclared'].map(lifeMsOf)).toEqual([28_800_000, 1_800_000, 1_800_000]);
  });

  const stores: readonly [string, string, Env, Config['store']][] = [
    ['said', 'store: { dataFolder: d }', {}, { kind: 'embedded', dataFolder: join(folder, 'd') }],
    [
      'said over the environment',
      'store: { dataFolder: d }',
      { HOLDFAST_DATABASE_URL: 'x' },
      { kind: 'embedded', dataFolder: join(folder, 'd') },
    ],
    [
      'named by the environment',
      '',
      { HOLDFAST_DATABASE_URL: 'x' },
      { kind: 'url', url: { kind: 'env', name: 'HOLDFAST_DATABASE_URL' } },
    ],
    [
      'named by a file',
      'store: { url: { file: u } }',
      {},
      { kind: 'url', url: { kind: 'file', path: join(folder, 'u') } },
    ],
  ];
  it.each(stores)('the store is %s', (_story, text, env, store) => {
    expect(parse(text, env).store).toEqual(store);
  });

  it('DATABASE_URL alone names no store: it is often the database to be guarded', () => {
    expect(parse('', { DATABASE_URL: 'postgres://x' }).store.kind).toBe('embedded');
  });

  it('the seal key is kept by us unless the file says where it comes from', () => {
    expect(parse('').seal.key).toEqual({ kind: 'kept' });
    const { key } = parse('seal: { key: { file: k } }').seal;
    expect(key).toEqual({ kind: 'file', path: join(folder, 'k') });
    expect(parse('seal: { key: { command: [./kms, "", $HOME] } }').seal.key).toEqual({
      kind: 'command',
      command: ['./kms', '', '$HOME'],
      folder,
    });
  });

  it('policy files are read, in order, once', () => {
    for (const name of ['b', 'a']) writeFileSync(join(folder, `${name}.cedar`), `// ${name}`);
    expect(parse('policy: { files: [b.cedar, "*.cedar"] }').policy.files).toEqual([
      { path: 'b.cedar', text: '// b' },
      { path: 'a.cedar', text: '// a' },
    ]);
  });

  it('it cannot be changed afterwards', () => {
    const config = parse(`${TARGET}{ url: "postgres://db/app" }`);
    const upstream: object = config.targets[0]?.upstream ?? {};
    expect(() => Object.assign(config.listen, { port: 1 })).toThrow();
    expect(() => Object.assign(upstream, { url: 'x' })).toThrow();
  });

  it('what works but is worth saying is a warning', () => {
    const text = `listen: { host: 0.0.0.0, tls: off }\n${TARGET}{ url: "postgres://db/app", sslmode: require }`;
    expect(checkConfig(parse(text)).map((one) => `${one.path}: ${one.found}`)).toEqual([
      'targets.main-db.environment: production is not declared, so main-db counts as sealed',
      'targets.main-db.upstream.sslmode: require does not check who the server is',
      'listen.tls: SQL and rows cross the network in clear to 0.0.0.0',
      expect.stringMatching(/^targets.main-db.recovery: none, though main-db is sealed/),
    ]);
  });

  it('a file that is not there says where to start', () => {
    expect(() => loadConfig(join(folder, 'none.yaml'), {})).toThrow(/ENOENT/);
  });
});
