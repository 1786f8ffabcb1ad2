/** The restic vault at a real append-only server; and at the same server without that word, as a control. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { hostileSuite } from '../../src/recovery/vaults/hostile.suite.ts';
import { ResticGround } from '../../src/recovery/vaults/restic/ground.ts';
import { ResticVault } from '../../src/recovery/vaults/restic/restic-vault.ts';
import { allOf, bytesOf, vaultSuite, wholeOf } from '../../src/recovery/vaults/vault.suite.ts';
import { type RestServer, rcloneMissing, startRestServer } from '../support/rest-server.ts';

const KEPT = { retainUntil: new Date(Date.now() + 8 * 24 * 60 * 60 * 1000) };
const missing = rcloneMissing();

function vaultAt({ url, keys }: RestServer): ResticVault {
  const place = { url };
  return new ResticVault({
    name: 'appending',
    place,
    keys,
    clock: systemClock,
    proven: () => null,
  });
}

async function worldAt(appendOnly: boolean) {
  const server = await startRestServer(appendOnly);
  const { url, keys, stop } = server;
  const ground = new ResticGround({ vault: 'it', place: { url }, keys, clock: systemClock });
  const stranger = { user: 'stranger', password: 'guessed' };
  const suspects = [
    { name: 'writer', kind: 'restic', trial: ground.trialOf(keys) },
    { name: 'stranger', kind: 'restic', trial: ground.trialOf(stranger) },
  ];
  return { ground, suspects, end: stop };
}

if (missing !== null) {
  it('runs against a real append-only server', (ctx) => {
    ctx.skip(missing);
  });
} else {
  vaultSuite(
    'the restic vault',
    async () => {
      const server = await startRestServer(true);
      return { vault: vaultAt(server), end: server.stop };
    },
    { dates: false },
  );
  hostileSuite('rclone serve restic --append-only', 'PROVEN', () => worldAt(true));
  hostileSuite('rclone serve restic, which appends and deletes,', 'REFUTED', () => worldAt(false));

  describe('a restic vault that its operator wrote to', () => {
    let server: RestServer | null = null;
    afterEach(async () => {
      await server?.stop();
    });

    it('tells of no version that was pruned, though it was read before', async () => {
      server = await startRestServer(false);
      const { keys, url } = server;
      const vault = vaultAt(server);
      const stored = await vault.put('a/b', bytesOf('the bytes'), KEPT);
      const after = await vault.put('a/b', bytesOf('other bytes'), KEPT);
      expect(await vault.stat(stored)).toEqual(stored);
      const login = Buffer.from(`${keys.user}:${keys.password}`).toString('base64');
      const pruned = await fetch(`${url}snapshots/${stored.version}`, {
        method: 'DELETE',
        headers: { authorization: `Basic ${login}` },
      });
      expect(pruned.status).toBe(200);
      expect(await vault.stat(stored)).toBeNull();
      expect(await vault.stat(after)).toEqual(after);
    });

    it('gives no bytes that are not those, and lists nothing that is no record', async () => {
      server = await startRestServer(true);
      const vault = vaultAt(server);
      const stored = await vault.put('a/b', bytesOf('the bytes'), KEPT);
      const records = join(server.folder, 'repository/snapshots');
      writeFileSync(join(records, 'f'.repeat(64)), '{"format":"holdfast/restic/1"}');
      writeFileSync(join(records, 'no-name'), 'x');
      const fresh = vaultAt(server);
      expect((await allOf(fresh.list('', null))).map(({ key }) => key)).toEqual(['a/b']);
      const data = join(server.folder, 'repository/data');
      const [group] = readdirSync(data);
      const [file] = readdirSync(join(data, group ?? ''));
      const path = join(data, group ?? '', file ?? '');
      writeFileSync(path, 'XXX bytes');
      await expect(wholeOf(fresh.get(stored))).rejects.toMatchObject({ code: 'HF_VAULT_CHANGED' });
      rmSync(path);
      // This server remembers it, and cuts the answer off.
      const code = expect.stringMatching(/^HF_VAULT_(CHANGED|UNREACHABLE)$/);
      await expect(wholeOf(fresh.get(stored))).rejects.toMatchObject({ code });
      await server.stop();
      const look = await fresh.look();
      expect(look.colour).toBe('red');
      await expect(fresh.put('a/c', bytesOf('x'), KEPT)).rejects.toMatchObject({
        code: 'HF_VAULT_UNREACHABLE',
      });
    });
  });
}
