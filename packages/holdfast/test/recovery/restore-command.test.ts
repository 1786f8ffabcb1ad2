/** `holdfast restore` as an operator uses it: the built command line, a real server and a local vault. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clearFlags } from '../../src/testing/clear-flags.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { Operator } from './operator.ts';
import { type Ground, pullGround } from './pull-ground.ts';

const folder = scratchFolder('restore-command');
const config = join(folder, 'holdfast.yaml');
let ground: Ground;

const operator = new Operator(config);
const json = (words: readonly string[]) => operator.json(words);

beforeAll(async () => {
  ground = await pullGround(null);
  await ground.server.query(
    'create table bookings as select n as id from generate_series(1, 900) n; alter table bookings add primary key (id)',
  );
  writeFileSync(
    config,
    `listen: { host: 127.0.0.1, port: ${await freePort()}, tls: off }
dashboard: off
store: { dataFolder: state }
environments:
  production: { level: sealed }
vaults:
  here: { kind: local, folder: vault }
targets:
  shop:
    environment: production
    upstream: { url: "postgres://postgres@127.0.0.1:${ground.server.port}/postgres" }
    recovery:
      vaults: [here]
      recipients: [${ground.recipient}]
      identity: { file: key.txt }
      promise: { rpo: 5m }
`,
  );
  writeFileSync(join(folder, 'key.txt'), `${ground.identity}\n`, { mode: 0o600 });
}, 120_000);
afterAll(async () => {
  await ground?.close();
  clearFlags(folder);
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

it('compares what came back with the live target, and keeps it', { timeout: 400_000 }, async () => {
  expect((await json(['recovery', 'backup', 'shop'])).exit).toBe(0);
  await ground.server.query(
    'delete from bookings where id <= 5; insert into bookings values (1000)',
  );
  const looked = await json(['restore', 'shop', '--diff']);
  expect(looked.said).toMatchObject({ vault: 'here', kept: null });
  expect(looked.said.diff.join(' ')).toContain(
    'public.bookings: 5 missing (1, 2, 3, 4, 5); 1 only in the live one (1000)',
  );
  expect(looked.exit).toBe(0);
  expect(readdirSync(join(folder, 'state', 'recovery', 'drills'))).toEqual([]);

  const into = join(folder, 'kept');
  const kept = await json(['restore', 'shop', '--point', looked.said.point, '--into', into]);
  expect(kept.said.kept).toMatchObject({ folder: join(into, 'root', 'data'), major: 18 });
  const back = await ground.startRestored(kept.said.kept.folder);
  expect(await back.query('select count(*)::int as n from bookings')).toEqual([{ n: 900 }]);

  const early = await json(['restore', 'shop', '--diff', '--at', '2020-01-01']);
  expect(early.exit).not.toBe(0);
  expect(JSON.stringify(early.said)).toContain('the oldest point');
  expect((await json(['restore', 'shop'])).exit).toBe(2);
  expect((await json(['restore', 'shop', '--diff', '--at', 'noon'])).exit).toBe(2);
});
