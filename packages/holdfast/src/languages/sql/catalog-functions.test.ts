import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { startScratchPostgres } from '../../testing/scratch-postgres.ts';
import { CALM_NAMES, INTERNAL_NAMES, VOLATILE_NAMES } from './catalog-functions.ts';
import { meaningOfCall } from './functions.ts';

describe('the table of functions', () => {
  it('knows every function of the newest server, and none of them too well', async () => {
    const server = await startScratchPostgres();
    const client = new pg.Client({ connectionString: server.url() });
    try {
      await client.connect();
      const { rows } = await client.query<{ proname: string; volatile: boolean }>(
        `select proname, bool_or(provolatile = 'v') as volatile from pg_proc
          where pronamespace = 'pg_catalog'::regnamespace group by proname`,
      );
      const known = new Set(`${CALM_NAMES} ${VOLATILE_NAMES} ${INTERNAL_NAMES}`.split(' '));
      expect(rows.map((row) => row.proname).filter((name) => !known.has(name))).toEqual([]);
      const volatile = new Set(`${VOLATILE_NAMES} ${INTERNAL_NAMES}`.split(' '));
      const missed = rows.filter((row) => row.volatile && !volatile.has(row.proname));
      expect(missed).toEqual([]);
    } finally {
      await client.end();
      await server.stop();
    }
  }, 60_000);

  it.each([
    [null, 'lower', 'harmless'],
    ['pg_catalog', 'lower', 'harmless'],
    ['public', 'lower', 'execute'],
    [null, 'LOWER', 'execute'],
    [null, 'uuid_generate_v4', 'execute'],
    [null, 'binary_upgrade_set_next_pg_type_oid', 'execute'],
    [null, 'RI_FKey_cascade_del', 'execute'],
    [null, 'nextval', 'write'],
    [null, 'pg_advisory_lock', 'read'],
    [null, 'set_config', 'set-config'],
    ['information_schema', '_pg_expandarray', 'harmless'],
    ['information_schema', 'purge', 'execute'],
  ])('%s.%s is %s', (schema, name, kind) => {
    expect(meaningOfCall(schema, name).kind).toBe(kind);
  });
});
