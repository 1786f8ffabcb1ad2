/**
 * The incidents through the gateway, in front of the parts themselves: receipts, capture and undo, with
 * everything that is held approved at once. Rows, definitions and sequences end equal to before. The
 * same as undone.test.ts and ordinary.test.ts, without the composition root and the command line: what
 * fails there and not here is a fault of those two.
 */

import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { fillCompany, OTHER_DATABASE } from '../support/company.ts';
import { type Engines, startEngines } from '../support/engines.ts';
import { type Gateway, startGateway, TARGET } from '../support/gateway.ts';
import { approveAll } from '../support/protected.ts';
import { differenceOf, takeSnapshot } from '../support/snapshot.ts';
import { DESTRUCTIVE, missing, ORDINARY, programOf, runProgram } from './programs.ts';

const DEBIAN = '/usr/lib/postgresql/15/bin';

describe.each([
  { server: 'PostgreSQL 18', binFolder: undefined },
  { server: 'PostgreSQL 15', binFolder: DEBIAN },
])('$server, guarded by the parts', ({ binFolder }) => {
  const absent = binFolder !== undefined && !existsSync(binFolder);
  let gateway: Gateway | undefined;
  let engines: Engines | undefined;
  afterEach(async () => {
    await gateway?.stop();
    await engines?.stop();
    gateway = undefined;
    engines = undefined;
  });
  const start = async (otherDatabase: boolean, holdWait: string): Promise<[Gateway, Engines]> => {
    const made: { engines?: Engines } = {};
    gateway = await startGateway({
      level: 'guarded',
      holdWait,
      ...(binFolder === undefined ? {} : { binFolder }),
      prepare: (upstream) => fillCompany(upstream, { otherDatabase }),
      guards: async (upstream) => {
        made.engines = await startEngines(upstream);
        return new Map([[TARGET, made.engines.guard]]);
      },
    });
    if (made.engines === undefined) throw new Error('No engines.');
    engines = made.engines;
    return [gateway, made.engines];
  };

  it.for(DESTRUCTIVE)(
    'rows $rows, $id is undone: $story',
    { timeout: 180_000 },
    async (program, ctx) => {
      ctx.skip(absent, 'postgresql-15 is not installed');
      const reason = missing(program);
      ctx.skip(reason !== null, reason ?? '');
      const other = program.otherDatabase === true;
      const [through, parts] = await start(other, '60s');
      let isOver = false;
      const people = approveAll(through, () => isOver);
      for (const id of program.after ?? []) {
        expect(await runProgram(programOf(id), through.through)).toMatchObject({ code: 0 });
      }
      await parts.drain();
      const url = through.upstream.server.url(through.upstream.direct.database);
      const otherUrl = through.upstream.server.url(OTHER_DATABASE);
      const before = await takeSnapshot(url);
      const beforeOther = other ? await takeSnapshot(otherUrl) : null;
      const { code, said } = await runProgram(program, through.through);
      isOver = true;
      const approved = await people;
      expect({ code, said, approved }).toEqual({ code: 0, said, approved });
      expect(differenceOf(before, await takeSnapshot(url)), said).not.toBe('');
      const report = await parts.undoAll();
      expect(report?.conflicts ?? []).toEqual([]);
      expect(differenceOf(before, await takeSnapshot(url)), `${said} ${report?.notes}`).toBe('');
      if (beforeOther) expect(differenceOf(beforeOther, await takeSnapshot(otherUrl))).toBe('');
    },
  );

  it('ordinary migrations pass with no hold', { timeout: 180_000 }, async (ctx) => {
    ctx.skip(absent, 'postgresql-15 is not installed');
    const [through] = await start(false, '0s');
    const seen: unknown[] = [];
    let from = 0;
    for (const program of ORDINARY) {
      const { code, said } = await runProgram(program, through.through);
      const held = (await through.entries())
        .filter((e) => e.kind === 'hold-opened')
        .map((e) => e['message']);
      seen.push({
        id: program.id,
        code,
        held: held.slice(from),
        said: code === 0 ? '' : (/(error|Error): [^\n]*/.exec(said)?.[0] ?? said.slice(0, 300)),
      });
      from = held.length;
    }
    expect(seen).toEqual(ORDINARY.map(({ id }) => ({ id, code: 0, held: [], said: '' })));
  });
});
