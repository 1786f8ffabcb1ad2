/** Policy, targets and now, for people: read, tried, tried backwards, and drawn as a map. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { NOT_CONFIGURED } from '../../src/model/recovery-facts.ts';
import type { Protection } from '../../src/model/reversal.ts';
import { decide, openHolds } from './ground.ts';
import { ApiWorld, type Browser } from './support.ts';

const YAML = `
environments:
  production: { level: guarded }
  staging: { level: open }
targets:
  main-db:
    environment: production
    upstream: { url: { env: MAIN_URL } }
  play-db: { environment: staging, upstream: { url: 'postgres://me@127.0.0.1:1/play' } }
providers:
  railway:
    projects:
      acme: { production: { environment: production, databases: { postgres: main-db } } }
`;
const PASSWORD = 'correct-horse';

let world: ApiWorld;
let ana: Browser;

beforeAll(async () => {
  const env = { MAIN_URL: `postgres://me:${PASSWORD}@db.internal:5433/main` };
  world = await ApiWorld.start(YAML, { env });
  ana = await world.person('ana', ['auditor']);
});
afterAll(async () => {
  await world?.stop();
});

it('shows every rule with its Cedar, where it stands and what it says', async () => {
  const { json } = await ana.ask('/v1/policy');
  expect(json).toMatchObject({ version: expect.stringMatching(/^[0-9a-f]{12}$/), warnings: [] });
  expect(JSON.stringify(json)).toContain('permit');
});

it('tries a statement as the gateway would read it', async () => {
  const tryOut = async (body: object) =>
    (await ana.ask('/v1/policy/explain', { method: 'POST', body })).json;
  const drop = { target: 'main-db', sql: 'DROP TABLE bookings' };
  expect(await tryOut(drop)).toMatchObject({
    verdict: { kind: 'hold' },
    target: { environment: 'production', level: 'guarded' },
    protection: { level: 'none', source: 'assumed' },
    rule: { text: expect.stringContaining('forbid') },
  });
  expect(await tryOut({ ...drop, target: 'play-db' })).toMatchObject({
    verdict: { kind: 'forward' },
  });
  expect(await tryOut({ ...drop, target: 'nobody-declared-it' })).toMatchObject({
    target: { level: 'sealed' },
  });
  expect(await tryOut({ ...drop, level: 'full' })).toMatchObject({
    protection: { level: 'full', source: 'given' },
  });
  expect(await tryOut({ target: 'main-db', sql: 'DROP TABEL x' })).toMatchObject({
    couldNotTell: expect.any(String),
  });
  for (const body of [{ target: 'main-db' }, { ...drop, request: { provider: 'x' } }]) {
    const { status } = await ana.ask('/v1/policy/explain', { method: 'POST', body });
    expect(status).toBe(422);
  }
});

it('says which recorded verdicts other rules would have changed', async () => {
  await decide(
    world,
    { text: 'DELETE FROM bookings WHERE id = 1' },
    { text: 'DELETE FROM bookings WHERE id = 2', agent: 'codex' },
  );
  const text = `@id("try.codex") @verdict("refuse") @reason("codex only reads")
forbid (principal == Agent::"codex", action in Action::"change", resource);`;
  const files = [{ path: 'try.cedar', text }];
  const ask = async (body: object) =>
    (await ana.ask('/v1/policy/backtest', { method: 'POST', body })).json;
  const none = await ask({ files: [] });
  expect(none).toMatchObject({ decisions: 2, judged: 2, unchanged: 2, changedTotal: 0 });
  const broken = await ask({ files: [{ path: 'x.cedar', text: 'forbid everything;' }] });
  expect(broken).toMatchObject({ version: null, judged: 0, findings: [{ severity: 'error' }] });
  const changed = await ask({ files });
  expect(changed).toMatchObject({
    findings: [],
    judged: 2,
    changedTotal: 1,
    changed: [
      {
        agent: 'codex',
        recorded: 'forward',
        inForce: { kind: 'forward' },
        tried: { kind: 'refuse', rule: 'try.codex' },
      },
    ],
  });
  expect(await ask({ files, newest: 1 })).toMatchObject({ decisions: 1, judged: 1 });
});

it('draws the map: environments, targets, what depends on them, and no credential', async () => {
  const { json } = await ana.ask('/v1/targets');
  expect(json).toMatchObject({
    environments: [
      {
        name: 'production',
        targets: [
          {
            name: 'main-db',
            upstream: 'db.internal:5433',
            protection: { seen: false, level: 'none' },
            dependents: [
              { provider: 'railway', target: 'railway/acme/production', service: 'postgres' },
            ],
          },
          { name: 'railway/acme/production', place: { project: 'acme', at: 'production' } },
        ],
      },
      { name: 'staging', targets: [{ name: 'play-db' }] },
    ],
  });
  expect(JSON.stringify(json)).not.toContain(PASSWORD);
});

it('says what is now', async () => {
  await openHolds(world, 2);
  const trail = await world.rooms.trail();
  for (const session of ['session_1', 'session_2']) {
    trail.note({
      kind: 'session-opened',
      facts: { session, agent: 'cursor', target: 'main-db' },
      message: 'cursor opened a session',
    });
  }
  trail.note({ kind: 'session-closed', facts: { session: 'session_1' }, message: 'it ended' });
  trail.note({ kind: 'session-refused', facts: { agent: 'eve' }, message: 'wrong token' });
  await trail.flush();
  const { json } = await ana.ask('/v1/now');
  expect(json).toMatchObject({
    holds: { waiting: 2, signed: 0 },
    proposals: { open: 0 },
    sessions: [{ id: 'session_2', agent: 'cursor', target: 'main-db' }],
    signals: [{ kind: 'session-refused', words: 'wrong token' }],
    targets: [{ name: 'main-db', level: 'none' }, { name: 'play-db' }],
  });
});

it('takes protection from the gateway’s own look where there is one', async () => {
  const seen: Protection = { level: 'full', trouble: 'the vault is away' };
  const { createSqlReader } = await import('../../src/languages/sql/reader.ts');
  const { loadPolicy } = await import('../../src/policy/policy.ts');
  const reader = await createSqlReader();
  const live = {
    policy: loadPolicy({ files: [], replaces: [], environments: [], targets: [] }),
    reader,
    providers: new Map(),
    protectionOf: () => seen,
    recoveryOf: () => NOT_CONFIGURED,
    restores: () => null,
    recoveryOrders: () => null,
    onHold: () => () => {},
    directoryAgeMs: () => 60_000,
  };
  const other = await ApiWorld.start(YAML, { live, env: { MAIN_URL: 'postgres://a@b/c' } });
  try {
    const ben = await other.person('ben', ['operator']);
    expect((await ben.ask('/v1/now')).json).toMatchObject({
      targets: [{ level: 'full', trouble: 'the vault is away' }, {}],
    });
    // And what it knows of agents is a minute old: no agent should be sent here.
    const ready = await other.ask('/readyz');
    expect([ready.status, ready.json]).toMatchObject([
      503,
      { ok: false, parts: { store: { ok: true }, directory: { ok: false } } },
    ]);
  } finally {
    await other.stop();
    await reader.close();
  }
});
