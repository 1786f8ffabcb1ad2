import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../model/errors.ts';
import { checkConfig, missingSecrets, secretNamesIn } from './check-config.ts';
import { parseConfig } from './load-config.ts';

const KEY = 'age1avurkamhxzg7v49yj9m6vktrydxw365h2cywxhc6ltfkp0h5yufqfddg35';
const parse = (text: string) => parseConfig({ text, name: 'holdfast.yaml', folder: '/srv' }, {});

function complaint(text: string): string {
  try {
    parse(text);
    return '';
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return error.found;
  }
}

const VAULTS = `vaults:
  here: { kind: local, folder: vault }
  far:
    kind: s3
    endpoint: https://s3.example.com
    region: eu-central-1
    bucket: points
    writer: { accessKeyId: { env: W_ID }, secretAccessKey: { env: W_KEY } }
    prober: { accessKeyId: { env: P_ID }, secretAccessKey: { env: P_KEY } }
  rest: { kind: restic, url: "https://rest.example.com/shop/", user: shop, password: { env: REST } }
`;
const shop = (recovery: string): string =>
  `targets:\n  shop:\n    environment: p\n    upstream: { url: "postgres://a@127.0.0.1/a" }\n    recovery: ${recovery}\n`;
const whole = (recovery: string): string => `${VAULTS}${shop(recovery)}`;

describe('vaults and recovery in holdfast.yaml', () => {
  it('are read, with what is promised when nothing is said', () => {
    const { targets, vaults } = parse(
      whole(`{ vaults: [here, far, here], recipients: [${KEY}], identity: { file: key.txt } }`),
    );
    expect(vaults[0]?.way).toEqual({ kind: 'local', folder: '/srv/vault', user: null });
    expect(targets[0]?.recovery).toMatchObject({
      engine: 'pull',
      vaults: ['here', 'far'],
      connection: null,
      identity: { kind: 'file', path: '/srv/key.txt' },
      keepMs: 35 * 86_400_000,
      promise: { rpoMs: 60_000, rtoMs: 900_000, provenAgeMsMax: 26 * 3_600_000 },
    });
    expect(
      parse(shop(`{ vaults: [x], recipients: [${KEY}] }`).split('    recovery')[0] ?? '').targets[0]
        ?.recovery,
    ).toBeNull();
  });

  const rows: readonly [story: string, text: string, said: string][] = [
    [
      'a vault that is not declared',
      whole(`{ vaults: [her], recipients: [${KEY}] }`),
      'targets.shop.recovery.vaults[0]: expected a vault of this file, found her. Did you mean here?',
    ],
    [
      'no public key',
      whole('{ vaults: [here] }'),
      'targets.shop.recovery.recipients: expected a list of public keys age1...: `holdfast recovery keys` makes a pair',
    ],
    [
      'a public key with a letter mistyped',
      whole(`{ vaults: [here], recipients: [${KEY}, ${KEY.replace('avur', 'avvr')}] }`),
      'targets.shop.recovery.recipients[1]: expected a public key that points can be encrypted to, found one whose checksum is wrong',
    ],
    [
      'the placeholder of the example',
      whole(`{ vaults: [here], recipients: [age1${'q'.repeat(58)}] }`),
      'found a placeholder. Copy it whole from where the pair was made',
    ],
    [
      'what is kept for less than a vault keeps',
      whole(`{ vaults: [here], recipients: [${KEY}], keep: 1d }`),
      'targets.shop.recovery.keep: expected a duration from 7d to 3650d',
    ],
    [
      'a password in the connection',
      whole(`{ vaults: [here], recipients: [${KEY}], connection: { url: "postgres://r:x@h/d" } }`),
      'targets.shop.recovery.connection.url: expected a URL without a password',
    ],
    [
      'a secret of a vault in the file itself',
      VAULTS.replace('{ env: W_KEY }', 'hunter2'),
      'vaults.far.writer.secretAccessKey: expected {env: NAME} or {file: PATH}',
    ],
    [
      'a vault over http that is not this machine',
      VAULTS.replace('https://s3', 'http://s3'),
      'vaults.far.endpoint: expected https, where it is not this machine',
    ],
    [
      'a kind of vault that is none',
      'vaults: { a: { kind: tape } }',
      'a vault with kind: local, s3 or restic',
    ],
    ['a misspelt key', 'vaults: { a: { kind: local, foldr: x } }', 'Did you mean `folder`?'],
  ];
  it.each(rows)('says what is wrong with %s', (_story, text, said) => {
    expect(complaint(text)).toContain(said);
  });

  it('never repeats a private key that stands where a public one should', () => {
    const key = `AGE-SECRET-KEY-1${'Q'.repeat(58)}`;
    const said = complaint(whole(`{ vaults: [here], recipients: [${key}] }`));
    expect(said).toContain('a private key, in a file that is meant to be committed');
    expect(said).not.toContain('QQQQ');
  });

  it('names the secrets that are not there, and hides them from programs', () => {
    const config = parse(
      whole(`{ vaults: [far, rest], recipients: [${KEY}], identity: { env: AGE } }`),
    );
    const names = ['W_ID', 'W_KEY', 'P_ID', 'P_KEY', 'REST', 'AGE'];
    expect([...secretNamesIn(config)].toSorted()).toEqual(names.toSorted());
    expect(missingSecrets(config, {}).map(({ path }) => path)).toContain(
      'targets.shop.recovery.identity',
    );
  });

  it('warns of a vault that nothing goes to, and of points that nobody drills', () => {
    const warnings = checkConfig(parse(whole(`{ vaults: [here], recipients: [${KEY}] }`)));
    expect(warnings.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['vaults.far', 'vaults.rest', 'targets.shop.recovery.identity']),
    );
  });
});
