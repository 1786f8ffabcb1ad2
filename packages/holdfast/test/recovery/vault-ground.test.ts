/**
 * What a local vault stands on, as an operator meets it: its disk is away, or read-only, or all there is
 * left is the folder and a private key. The built command line, and a real server.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clearFlags } from '../../src/testing/clear-flags.ts';
import { mountedReadOnly, triedToMount, withoutWriting } from '../../src/testing/closed-folder.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { Operator } from './operator.ts';
import { type Ground, pullGround, until } from './pull-ground.ts';
import { shopConfig } from './shop-config.ts';

const DOCS = resolve(import.meta.dirname, '../../../../docs/recovery.md');
const folder = scratchFolder('vault-ground');
const config = join(folder, 'holdfast.yaml');
const keyFile = join(folder, 'recovery-key.txt');
/** On another device than the data, where the system has one. */
const apart = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'holdfast-apart-'));
const vault = join(apart, 'vault');
const operator = new Operator(config);
let ground: Ground;

/** A mode holds nobody off who is root; where root may not mount either, unit tests have to do. */
const isRoot = process.getuid?.() === 0;
interface Closing {
  readonly by: string;
  readonly close: (folder: string) => () => void;
}
const byMount: Closing = { by: 'a mount', close: mountedReadOnly };
const byMode: Closing = { by: 'its mode', close: withoutWriting };
const closings: readonly Closing[] = triedToMount() ? [byMount] : isRoot ? [] : [byMode];

beforeAll(async () => {
  ground = await pullGround(null);
  await ground.server.query(
    'create table bookings as select n as id, md5(n::text) as words from generate_series(1, 20000) n',
  );
  const { said } = await operator.json(['recovery', 'keys', '--out', keyFile]);
  writeFileSync(
    config,
    await shopConfig({ ground, vault, recipient: said.recipient, keyFile: 'recovery-key.txt' }),
  );
  expect((await operator.holdfast(['recovery', 'backup', 'shop'])).exit).toBe(0);
}, 300_000);

afterAll(async () => {
  await operator.down('SIGINT');
  await ground?.close();
  clearFlags(vault);
  for (const one of [apart, folder]) rmSync(one, { recursive: true, force: true });
}, 60_000);

const SAME_HOST = [expect.stringContaining('on the same host')];

async function vaultNow() {
  const { exit, said } = await operator.json(['recovery', 'status', 'shop']);
  return { exit, vault: said.targets[0].vaults[0] };
}

/** Null while the gateway has told nothing yet. */
async function reported() {
  return (await operator.json(['recovery', 'status', 'shop'])).said?.targets?.[0] ?? null;
}

describe('a local vault', { timeout: 300_000 }, () => {
  it.each(['no folder', 'an empty mount point'])(
    'whose disk is away is red, and nothing is put in its place: %s',
    async (left) => {
      renameSync(vault, `${vault}.disk`);
      if (left === 'an empty mount point') mkdirSync(vault);
      try {
        const { exit, vault: seen } = await vaultNow();
        expect(exit).toBe(1);
        expect(seen.colour).toBe('red');
        expect(seen.troubles).toEqual([
          expect.stringContaining('is its disk mounted?'),
          ...SAME_HOST,
        ]);
        const backup = await operator.holdfast(['recovery', 'backup', 'shop']);
        expect(backup.exit).toBe(1);
        expect(backup.err).toContain('HF_VAULT_REFUSED');
        expect(backup.err).toContain(join('recovery', 'heads', 'here.json'));
        expect(existsSync(vault) ? readdirSync(vault) : null).toEqual(
          left === 'an empty mount point' ? [] : null,
        );
      } finally {
        rmSync(vault, { recursive: true, force: true });
        renameSync(`${vault}.disk`, vault);
      }
      const { vault: back } = await vaultNow();
      expect(back.troubles).toEqual(SAME_HOST);
      expect(back.points).toHaveLength(1);
    },
  );

  it.each(closings)('is drilled and restored where it is read-only: by $by', async ({ close }) => {
    const opened = close(vault);
    try {
      const { vault: seen } = await vaultNow();
      expect(seen.colour).toBe('amber');
      expect(seen.troubles.join()).toContain('is read-only (E');
      expect(seen.points).toMatchObject([{ drill: 'passed', isSealed: true }]);
      const drill = await operator.holdfast(['recovery', 'drill', 'shop']);
      expect(drill.exit).toBe(0);
      expect(drill.out).toContain('✓ drill');
      expect(drill.out).toMatch(/in the trail and not in here: .* is read-only \(E/);
      const { said: trail } = await operator.json(['trail', 'tail', '-n', '5']);
      expect(JSON.stringify(trail)).toContain('"drill-passed"');
      const into = join(folder, 'back');
      expect((await operator.holdfast(['restore', 'shop', '--into', into])).exit).toBe(0);
      expect(existsSync(join(into, 'root', 'data', 'PG_VERSION'))).toBe(true);
      const backup = await operator.holdfast(['recovery', 'backup', 'shop']);
      expect(backup.exit).toBe(1);
      expect(backup.err).toContain('HF_VAULT_REFUSED');
      expect(backup.err).toContain('Mount it writable');
    } finally {
      opened();
    }
    expect((await vaultNow()).vault.troubles).toEqual(SAME_HOST);
  });

  it('whose disk is away while the gateway runs loses no WAL by it', async () => {
    await operator.up();
    const durable = async () => (await reported())?.vaults[0].newestWalAt;
    await until(async () => (await durable()) !== undefined);
    await operator.down('SIGKILL');
    renameSync(vault, `${vault}.disk`);
    mkdirSync(vault);
    try {
      await operator.up();
      await ground.server.query(
        "insert into bookings select n, 'away' from generate_series(1, 500) n",
      );
      await ground.server.query('select pg_switch_wal(); checkpoint');
      await until(async () =>
        /is its disk mounted/.test((await reported())?.vaults[0].troubles.join()),
      );
      expect((await reported()).colour).toBe('red');
      expect(readdirSync(vault)).toEqual([]);
    } finally {
      rmSync(vault, { recursive: true });
      renameSync(`${vault}.disk`, vault);
    }
    const mountedAt = Date.now();
    await until(async () => Date.parse((await durable()) ?? '') > mountedAt);
    expect((await reported()).vaults[0].troubles).toEqual(SAME_HOST);
    await operator.down('SIGINT');
    const into = join(folder, 'after');
    expect((await operator.holdfast(['restore', 'shop', '--into', into])).exit).toBe(0);
    const restored = await ground.startRestored(join(into, 'root', 'data'));
    expect(await restored.hashOf('bookings')).toBe(await ground.server.hashOf('bookings'));
  });

  it('is brought back by hand as the documentation says, with nothing of Holdfast', async () => {
    const to = join(folder, 'by-hand');
    mkdirSync(to);
    const recipe = /### A local vault, by hand[\s\S]*?```sh\n([\s\S]*?)```/.exec(
      readFileSync(DOCS, 'utf8'),
    )?.[1];
    const filled = `${recipe}`.replace(
      /^vault=.*$/m,
      () => `vault='${vault}' key='${keyFile}' to='${to}'`,
    );
    const sh = (script: string) =>
      execFileSync('sh', ['-eu', '-c', script], { encoding: 'utf8', stdio: 'pipe' });
    const [find = '', rest = ''] = filled.split(/^(?=server=)/m);
    const [, server, point] = /^(shop\/\d+)\/points\/([^/]+)\/point\.json$/m.exec(sh(find)) ?? [];
    sh(find + rest.replace(/^server=.*$/m, () => `server='${server}' point='${point}'`));
    const pieces = sh(`${find}\nkeys`)
      .split('\n')
      .filter((key) => /\.d\/[0-9A-F-]+\./.test(key));
    expect(pieces.length).toBeGreaterThan(0);
    const restored = await ground.startRestored(join(to, 'data'));
    expect(await restored.hashOf('bookings')).toBe(await ground.server.hashOf('bookings'));
  });
});
