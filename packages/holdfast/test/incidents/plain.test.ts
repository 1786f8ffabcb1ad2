/**
 * The incidents as they happened: no Holdfast, the app's own credential, the tables' owner. Each program
 * must really destroy, or its replay behind Holdfast proves nothing; and the harness must see it. Each
 * ordinary migration must really work and take nothing away.
 */
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { fillCompany } from '../support/company.ts';
import { differenceOf, type Snapshot, takeSnapshot } from '../support/snapshot.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { DESTRUCTIVE, MADE, missing, ORDINARY, programOf, runProgram } from './programs.ts';

const DEBIAN = '/usr/lib/postgresql/15/bin';

describe.each([
  { server: 'PostgreSQL 18', binFolder: undefined },
  { server: 'PostgreSQL 15', binFolder: DEBIAN },
])('$server, unguarded', ({ binFolder }) => {
  const absent = binFolder !== undefined && !existsSync(binFolder);
  let upstream: Upstream | undefined;
  afterEach(async () => {
    await upstream?.stop();
    upstream = undefined;
  });

  it.for(DESTRUCTIVE)('rows $rows, $id: $story', async (program, ctx) => {
    ctx.skip(absent, 'postgresql-15 is not installed');
    const reason = missing(program);
    ctx.skip(reason !== null, reason ?? '');
    upstream = await startUpstream(binFolder);
    await fillCompany(upstream, { otherDatabase: program.otherDatabase === true });
    for (const id of program.after ?? []) {
      expect(await runProgram(programOf(id), upstream.direct)).toMatchObject({ code: 0 });
    }
    const url = upstream.server.url(upstream.direct.database);
    const before = await takeSnapshot(url);
    const { code, said } = await runProgram(program, upstream.direct);
    expect({ code, said }).toEqual({ code: 0, said });
    const after = await takeSnapshot(url);
    expect(linesGone(before, after), differenceOf(before, after)).toBeGreaterThan(0);
  });

  it('ordinary migrations lose nothing', { timeout: 180_000 }, async (ctx) => {
    ctx.skip(absent, 'postgresql-15 is not installed');
    upstream = await startUpstream(binFolder);
    await fillCompany(upstream);
    const url = upstream.server.url(upstream.direct.database);
    const before = await takeSnapshot(url);
    for (const program of ORDINARY) {
      const { code, said } = await runProgram(program, upstream.direct);
      expect({ program: program.id, code, said }).toEqual({ program: program.id, code: 0, said });
    }
    const after = await takeSnapshot(url);
    const gone = differenceOf(before, after)
      .split('\n')
      .filter((line) => line.startsWith('  - '));
    expect(gone).toEqual([]);
    for (const table of MADE) expect([...after.keys()]).toContain(`rows ${table}`);
  });
});

function linesGone(before: Snapshot, after: Snapshot): number {
  return differenceOf(before, after)
    .split('\n')
    .filter((line) => line.startsWith('  - ')).length;
}
