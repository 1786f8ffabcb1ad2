/** `holdfast restore` as an operator uses it: the built command line, a real server and a local vault. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clearFlags } from '../../src/testing/clear-flags.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { Operator } from './operator.ts';
import { poison } from './poison.ts';
import { type Ground, pullGround } from './pull-ground.ts';
import { shopConfig } from './shop-config.ts';

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
    await shopConfig({
      ...{ ground, vault: 'vault', recipient: ground.recipient, keyFile: 'key.txt' },
      more: ['promise: { rpo: 5m }'],
    }),
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

it('brings back what lay in the vault before somebody wrote into it', {
  timeout: 600_000,
}, async () => {
  expect((await json(['recovery', 'backup', 'shop'])).exit).toBe(0);
  await new Promise((done) => setTimeout(done, 1_000));
  const before = new Date().toISOString();
  await new Promise((done) => setTimeout(done, 1_000));
  const point = await poison(join(folder, 'vault'), 'shop');

  const status = await json(['recovery', 'status', 'shop']);
  const [vault] = status.said.targets[0].vaults;
  expect(vault.troubles.join(' ')).toContain('does not read as a recovery point');
  const [hint] = vault.hints;
  expect(hint).toMatch(/holdfast restore shop --vault here --as-of 2\S+Z --diff$/);
  const shown = await operator.holdfast(['recovery', 'status', 'shop']);
  expect(shown.out).toContain(hint);

  // As the vault is now, neither the point nor its WAL is what was stored.
  const now = await json(['restore', 'shop', '--point', point, '--diff']);
  expect(now.exit).not.toBe(0);
  expect(JSON.stringify(now.said)).toContain('HF_RECOVERY_DAMAGED');
  const sound = /--as-of (\S+)/.exec(hint)?.[1] ?? '';
  for (const asOf of [before, sound]) {
    const then = await json(['restore', 'shop', '--point', point, '--as-of', asOf, '--diff']);
    expect(then.err).toBe('');
    expect(then.said).toMatchObject({ point, asOf });
    expect(then.said.view).toContain('nothing there is ever written over');
    expect(then.said.diff.join(' ')).toContain('the same on both sides');
  }
  const words = ['restore', 'shop', '--as-of', before, '--diff'];
  expect((await operator.holdfast(words)).out).toContain(`here as it was at ${before}`);
  // What is asked of then reaches no further than then.
  const late = await json([...words, '--at', new Date().toISOString()]);
  expect(late.exit).not.toBe(0);
  const none = await json(['restore', 'shop', '--as-of', '2020-01-01', '--diff']);
  expect(JSON.stringify(none.said)).toContain('HF_RESTORE_WINDOW');
  expect((await json(['restore', 'shop', '--as-of', 'noon', '--diff'])).exit).toBe(2);
  expect((await json(['restore', 'shop', '--as-of', '2999-01-01', '--diff'])).exit).toBe(2);

  // While a gateway has the vault it is asked, and does the same.
  await operator.up();
  try {
    const asked = await json([...words, '--point', point]);
    expect(asked.said).toMatchObject({ point, asOf: before });
    expect(asked.said.diff.join(' ')).toContain('the same on both sides');
  } finally {
    await operator.down('SIGTERM');
  }
});
