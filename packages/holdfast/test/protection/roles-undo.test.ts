/** Changes of roles on a protected target: one undo list with everything else, also by an admin that is no superuser. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { Drain } from '../../src/protection/postgres/drain.ts';
import { changeRoles } from '../../src/protection/postgres/roles/change.ts';
import { runUndo } from '../../src/protection/postgres/undo/engine.ts';
import { applyProtection } from '../../src/protection/postgres/wall/apply.ts';
import type { TargetDatabase } from '../../src/protection/target-database.ts';
import type { Decision, UndoReport } from '../../src/protection/undo/undo-report.ts';
import { MemoryUndoStore } from '../../src/testing/memory-undo-store.ts';
import { databaseAs, OPTIONS, type Shop, startShop, VERSIONS } from './wall-fixture.ts';

const PICTURE = `
  select rolname || ' ' || (to_jsonb(a) - 'oid')::text as line from pg_authid a
  union all select pg_get_userbyid(roleid) || ' of ' || pg_get_userbyid(member) || ' ' ||
    (to_jsonb(m) - 'oid' - 'roleid' - 'member' - 'grantor')::text from pg_auth_members m
  union all select pg_get_userbyid(setrole) || setconfig::text from pg_db_role_setting
  order by 1`;

class Undoer {
  readonly #store = new MemoryUndoStore();
  readonly #db: TargetDatabase;
  readonly #drain: Drain;
  #seen = new Set<string>();
  #before = new Set<string>();

  constructor(db: TargetDatabase) {
    this.#db = db;
    this.#drain = new Drain({
      target: db,
      store: this.#store,
      lock: { tryHold: async () => true, release: async () => {} },
      clock: systemClock,
      graceMs: 60_000,
      agentOf: () => null,
    });
  }

  /** What is new since the last time, newest first. */
  async undo(
    mode: 'preview' | 'apply',
    decisions: readonly Decision[] = [],
    isAgain = false,
  ): Promise<UndoReport> {
    if (isAgain) this.#seen = new Set(this.#before);
    this.#before = new Set(this.#seen);
    await this.#drain.drainOnce();
    const items = (await this.#store.list({ limit: 1_000 })).filter(
      ({ id }) => !this.#seen.has(id),
    );
    const chosen = [];
    for (const item of items) {
      if (mode === 'apply') this.#seen.add(item.id);
      chosen.push({ item, entries: await this.#store.entries(item.id) });
    }
    const order = { chosen, tables: null, key: [], decisions, mode } as const;
    const report = await runUndo(this.#db, this.#store, order);
    if (mode === 'apply') {
      await this.#drain.drainOnce();
      for (const { id } of await this.#store.list({ limit: 1_000 })) this.#seen.add(id);
    }
    return report;
  }
}

describe.each(VERSIONS)('$name', (version) => {
  describe.skipIf(version.skip !== null)(version.skip ?? 'roles in the undo list', () => {
    let shop: Shop;
    const picture = async (): Promise<unknown[]> =>
      (await shop.db.query(PICTURE)).map((row) => row['line']);

    beforeAll(async () => {
      shop = await startShop(version);
      await shop.db.query(`create role clerk login password 'first'; grant reports to clerk;
        alter role clerk set work_mem = '8MB'; create role aside`);
    });
    afterAll(() => shop?.stop());

    it('whatever was done to roles comes back in one undo, and shows no verifier', async () => {
      await applyProtection(shop.db, OPTIONS);
      const undoer = new Undoer(shop.db);
      await undoer.undo('apply');
      const before = await picture();
      await changeRoles(shop.db, "alter role clerk password 'second'", 'hf_shopper');
      const look = await undoer.undo('preview');
      expect(look.conflicts).toEqual([]);
      expect(look.sql).toEqual([`alter role "clerk" with password '***'`]);
      for (const statement of [
        'alter role clerk nologin connection limit 3',
        'alter role clerk rename to former',
        'revoke reports from former',
        'grant former to aside',
        'drop role aside',
        "create role aside login password 'x' in role reports",
        'drop role former',
      ]) {
        await changeRoles(shop.db, statement, 'hf_shopper');
      }
      const done = await undoer.undo('apply');
      expect(done.conflicts).toEqual([]);
      expect(await picture()).toEqual(before);
    });

    it('a name that was taken again stands in the way, and nothing is changed', async () => {
      const undoer = new Undoer(shop.db);
      await undoer.undo('apply');
      await changeRoles(shop.db, 'drop role aside', 'hf_shopper');
      await shop.db.query('create role aside createdb');
      const before = await picture();
      const report = await undoer.undo('apply');
      expect(report.conflicts).toEqual([
        expect.objectContaining({ kind: 'object-exists', table: 'aside' }),
      ]);
      expect(await picture()).toEqual(before);
    });

    it('what somebody changed since is not overwritten, until it is decided', async () => {
      const undoer = new Undoer(shop.db);
      await undoer.undo('apply');
      const before = await picture();
      await changeRoles(shop.db, "alter role clerk password 'agents'", 'hf_shopper');
      await changeRoles(shop.db, "alter role clerk set work_mem = '33MB'", 'hf_shopper');
      await changeRoles(shop.db, 'grant clerk to aside', 'hf_shopper');
      await shop.db.query(
        `alter role clerk password 'a person''s'; alter role clerk set statement_timeout = '3s'`,
      );
      const changed = await picture();
      const report = await undoer.undo('apply');
      expect(report.conflicts.map(({ about, choices, kind }) => [kind, about, choices])).toEqual([
        ['changed', expect.stringMatching(/^Somebody changed role clerk since/), ['ours', 'skip']],
      ]);
      expect(await picture()).toEqual(changed);
      const done = await undoer.undo('apply', [{ table: null, key: null, choice: 'ours' }], true);
      expect(done.conflicts).toEqual([]);
      await shop.db.query('alter role clerk reset statement_timeout');
      expect(await picture()).toEqual(before);
    });

    it('an admin that is no superuser: what it can see is taken back, the rest is refused', async () => {
      const weak = databaseAs(shop.server, 'weak');
      try {
        // Its own rights over them, as who makes roles has on a hosted server.
        await shop.db.query(`grant holdfast_owner to weak; grant clerk, reports to weak with admin option;
          grant create on database shop to weak`);
        const undoer = new Undoer(weak);
        await undoer.undo('apply').catch(() => {});
        const before = await picture();
        await changeRoles(weak, "alter role clerk set work_mem = '16MB'", 'hf_shopper');
        await changeRoles(weak, 'grant clerk to aside', 'hf_shopper');
        for (const statement of [
          "alter role clerk password 'third'",
          'alter role clerk nologin',
          'alter role clerk rename to x',
          'create role y',
        ]) {
          await expect(changeRoles(weak, statement, 'hf_shopper')).rejects.toMatchObject({
            found: expect.stringMatching(/cannot read the verifiers|weak may make roles/),
          });
        }
        const done = await undoer.undo('apply');
        expect(done.conflicts).toEqual([]);
        expect(await picture()).toEqual(before);
      } finally {
        await weak.close();
      }
    });
  });
});
