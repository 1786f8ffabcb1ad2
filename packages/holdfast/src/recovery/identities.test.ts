/** What `config check` says of private keys: with real pairs, and real files. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../config/load-config.ts';
import { RECOVERY_WARNING_CODES } from '../config/recovery-warnings.ts';
import { identityWarnings } from './identities.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-identities-'));
const file = join(folder, 'key.txt');
afterAll(() => rmSync(folder, { recursive: true }));

describe('the private key of drills', () => {
  let mine: string;
  let other: string;
  let recipients: readonly string[];
  beforeAll(async () => {
    mine = await generateIdentity();
    other = await generateIdentity();
    recipients = [await identityToRecipient(mine)];
  });

  async function warningsOf(lies: string | null, mode = 0o600) {
    if (lies !== null) writeFileSync(file, lies);
    if (lies !== null) chmodSync(file, mode);
    const identity = lies === null ? '{ env: AGE }' : `{ file: ${file} }`;
    const text = `vaults: { here: { kind: local, folder: vault } }
targets:
  shop:
    environment: p
    upstream: { url: "postgres://a@127.0.0.1/a" }
    recovery: { vaults: [here], recipients: [${recipients.join(', ')}], identity: ${identity} }
`;
    const config = parseConfig({ text, name: 'holdfast.yaml', folder }, {});
    return identityWarnings(config, { ...(lies === null ? {} : { AGE: lies }) });
  }

  it('is fine when it opens what is stored, alone or beside others', async () => {
    expect(await warningsOf(mine)).toEqual([]);
    expect(await warningsOf(`# public key: age1...\n${other}\n\n${mine}\n`)).toEqual([]);
  });

  it('that is not there is told with the other secrets', async () => {
    expect(await warningsOf(null)).toEqual([]);
  });

  it('is told of when it is of another pair, and whose it is', async () => {
    const [warning, ...more] = await warningsOf(other);
    expect(more).toEqual([]);
    expect(warning).toMatchObject({
      code: 'identity-opens-nothing',
      path: 'targets.shop.recovery.identity',
    });
    expect(warning?.found).toContain(await identityToRecipient(other));
    expect(JSON.stringify(warning)).not.toContain('AGE-SECRET-KEY-1');
  });

  it.each([
    ['a public key', async () => identityToRecipient(mine)],
    ['a letter missing', async () => mine.slice(0, -1)],
    ['nothing but comments', async () => '# nothing'],
  ])('is told of when it is none: %s', async (story, lies) => {
    const [warning] = await warningsOf(await lies());
    const none = story === 'nothing but comments';
    expect(warning?.code).toBe(none ? 'identity-opens-nothing' : 'identity-no-key');
    expect(JSON.stringify(warning)).not.toContain(mine.slice(0, -1));
  });

  it.each([
    [0o600, false],
    [0o400, false],
    [0o640, true],
    [0o604, true],
    [0o644, true],
  ])('in a file of mode %o is told of: %s', async (mode, isTold) => {
    const warnings = await warningsOf(mine, mode);
    expect(warnings.map(({ code }) => code)).toEqual(isTold ? ['identity-read-by-others'] : []);
    if (isTold) expect(warnings[0]?.found).toContain(`mode 0${mode.toString(8)}`);
  });

  it('has codes that are in the list', () => {
    for (const code of ['identity-no-key', 'identity-opens-nothing', 'identity-read-by-others'])
      expect(RECOVERY_WARNING_CODES).toContain(code);
  });
});
