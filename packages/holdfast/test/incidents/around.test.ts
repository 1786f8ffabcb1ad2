/**
 * The incidents by a session that never saw the gateway: the agent's own role, straight to the server.
 * PostgreSQL itself refuses what needs an owner; what the role may do is captured. In the end the
 * database is equal to before, whichever of the two it was, and nobody had to be asked.
 */
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { fillCompany } from '../support/company.ts';
import { type Engines, startEngines } from '../support/engines.ts';
import { differenceOf, takeSnapshot } from '../support/snapshot.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { DESTRUCTIVE, missing, programOf, runProgram } from './programs.ts';

const DEBIAN = '/usr/lib/postgresql/15/bin';

describe.each([
  { server: 'PostgreSQL 18', binFolder: undefined },
  { server: 'PostgreSQL 15', binFolder: DEBIAN },
])('$server, round the gateway', ({ binFolder }) => {
  const absent = binFolder !== undefined && !existsSync(binFolder);
  let upstream: Upstream | undefined;
  let engines: Engines | undefined;
  afterEach(async () => {
    await engines?.stop();
    await upstream?.stop();
    engines = undefined;
    upstream = undefined;
  });

  it.for(DESTRUCTIVE)('rows $rows, $id: $story', { timeout: 120_000 }, async (program, ctx) => {
    ctx.skip(absent, 'postgresql-15 is not installed');
    const reason = missing(program);
    ctx.skip(reason !== null, reason ?? '');
    upstream = await startUpstream(binFolder);
    await fillCompany(upstream, { otherDatabase: program.otherDatabase === true });
    for (const id of program.after ?? []) {
      expect(await runProgram(programOf(id), upstream.direct)).toMatchObject({ code: 0 });
    }
    engines = await startEngines(upstream);
    const url = upstream.server.url(upstream.direct.database);
    const before = await takeSnapshot(url);
    const { said } = await runProgram(program, engines.direct);
    const report = await engines.undoAll();
    expect(report?.conflicts ?? []).toEqual([]);
    expect(differenceOf(before, await takeSnapshot(url)), said).toBe('');
    // Rows that could be changed were; everything else PostgreSQL has said no to.
    if (report === null) expect(said).toMatch(/must be owner|permission denied/);
    else expect(report.isWhole).toBe(true);
  });
});
