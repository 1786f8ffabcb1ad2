/** What `config check` says of recovery that will not do what somebody hopes; each row is a file. */
import { describe, expect, it } from 'vitest';
import { checkConfig } from './check-config.ts';
import { parseConfig } from './load-config.ts';
import { RECOVERY_WARNING_CODES } from './recovery-warnings.ts';

const KEY = 'age1avurkamhxzg7v49yj9m6vktrydxw365h2cywxhc6ltfkp0h5yufqfddg35';
const s3 = (name: string, endpoint: string): string => `  ${name}:
    kind: s3
    endpoint: ${endpoint}
    region: eu-central-1
    bucket: points
    writer: { accessKeyId: { env: W_ID }, secretAccessKey: { env: W_KEY } }
    prober: { accessKeyId: { env: P_ID }, secretAccessKey: { env: P_KEY } }
`;
const VAULTS = `  here: { kind: local, folder: vault }
${s3('far', 'https://s3.example.com')}${s3('loop', 'http://127.0.0.1:9000')}${s3('beside', 'https://DB.internal:9000')}  rest: { kind: restic, url: "https://db.internal/shop/", user: shop, password: { env: REST } }
`;

interface FileWords {
  readonly level?: string;
  readonly upstream?: string;
  readonly recovery?: string | null;
}

const FINE = 'vaults: [far, here], identity: { file: key.txt }';

function warningsOf({ level = 'sealed', upstream = 'db.internal', recovery }: FileWords) {
  const said = recovery === undefined ? FINE : recovery;
  const text = `environments: { p: { level: ${level} } }
vaults:
${VAULTS}targets:
  shop:
    environment: p
    upstream: { url: "postgres://a@${upstream}/a" }
${said === null ? '' : `    recovery: { recipients: [${KEY}], ${said} }\n`}`;
  const config = parseConfig({ text, name: 'holdfast.yaml', folder: '/srv' }, {});
  return checkConfig(config).filter(({ path }) => path.startsWith('targets.shop'));
}

const codesOf = (words: FileWords) => warningsOf(words).map(({ code }) => code);

describe('recovery that is said', () => {
  const rows: readonly [story: string, words: FileWords, codes: readonly string[]][] = [
    ['far and here, with a key: nothing to say', {}, []],
    ['a sealed target without', { recovery: null }, ['sealed-without-recovery']],
    ['a guarded target without', { recovery: null, level: 'guarded' }, []],
    ['an open target without', { recovery: null, level: 'open' }, []],
    [
      'a local vault only',
      { recovery: 'vaults: [here], identity: { file: k }' },
      ['vaults-all-near'],
    ],
    [
      'an object store on this machine',
      { recovery: 'vaults: [here, loop], identity: { file: k }' },
      ['vaults-all-near'],
    ],
    [
      'stores on the host of the target, however that is written',
      { recovery: 'vaults: [beside, rest, here], identity: { file: k }' },
      ['vaults-all-near'],
    ],
    [
      'the same stores, when the target is elsewhere',
      { recovery: 'vaults: [beside, rest], identity: { file: k }', upstream: 'other.internal' },
      [],
    ],
    [
      'a target on this machine, and a store that is not',
      { upstream: '127.0.0.1:5432', recovery: 'vaults: [beside], identity: { file: k }' },
      [],
    ],
    [
      'the host that backups come from, when it is another than agents go to',
      {
        upstream: 'pooler.internal',
        recovery:
          'vaults: [beside], identity: { file: k }, connection: { url: "postgres://r@db.internal/a" }',
      },
      ['vaults-all-near'],
    ],
    ['no private key', { recovery: 'vaults: [far]' }, ['recovery-without-identity']],
    ['an rpo of four seconds', { recovery: `${FINE}, promise: { rpo: 4s }` }, ['rpo-below-engine']],
    ['an rpo of five seconds', { recovery: `${FINE}, promise: { rpo: 5s }` }, []],
    [
      'proven within a day, with a point every two',
      { recovery: `${FINE}, backupEvery: 48h, promise: { provenAge: 26h }` },
      ['proven-age-below-schedule'],
    ],
    [
      'points that leave before they are to be there no more',
      { recovery: `${FINE}, keep: 7d, promise: { provenAge: 10d }` },
      ['keep-below-promise'],
    ],
  ];
  it.each(rows)('%s', (_story, words, codes) => {
    expect(codesOf(words)).toEqual(codes);
  });

  it('an environment that is not declared is sealed, and its target as well', () => {
    const text = 'targets: { shop: { environment: q, upstream: { url: "postgres://a@h/a" } } }';
    const config = parseConfig({ text, name: 'holdfast.yaml', folder: '/srv' }, {});
    expect(checkConfig(config).map(({ code }) => code)).toContain('sealed-without-recovery');
  });

  it('says of each what was found and what to do, with a code that is in the list', () => {
    const all = [
      ...warningsOf({ recovery: null }),
      ...warningsOf({ recovery: 'vaults: [here], promise: { rpo: 1s, provenAge: 8h }' }),
      ...warningsOf({ recovery: `${FINE}, keep: 7d, promise: { provenAge: 10d }` }),
    ];
    for (const { code, found, hint } of all) {
      expect(RECOVERY_WARNING_CODES).toContain(code);
      expect([found.length > 20, /[.)]$/.test(hint)]).toEqual([true, true]);
    }
    expect(new Set(all.map(({ code }) => code)).size).toBe(6);
    expect(all.map(({ found }) => found).join()).toContain('8h, and a point is taken every 1d');
  });
});
