/**
 * The incidents behind Holdfast. Each program does what it did unguarded, with everything that is held
 * approved at once (the worst case: people who approve whatever they are asked), and all of it is taken
 * back by one undo of everything the agent did: rows, definitions and sequences equal to before.
 */
import { existsSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { OTHER_DATABASE } from '../support/company.ts';
import { TARGET } from '../support/gateway.ts';
import { notBuilt, type Protected, startProtected } from '../support/protected.ts';
import { differenceOf } from '../support/snapshot.ts';
import { DESTRUCTIVE, missing, type Program, programOf, runProgram } from './programs.ts';

const DEBIAN = '/usr/lib/postgresql/15/bin';
let absent: string | null = null;
beforeAll(async () => {
  absent = await notBuilt('protect', 'undo');
});

describe.each([
  { server: 'PostgreSQL 18', binFolder: undefined },
  { server: 'PostgreSQL 15', binFolder: DEBIAN },
])('$server, guarded and protected', ({ binFolder }) => {
  let target: Protected | undefined;
  afterEach(async () => {
    await target?.stop();
    target = undefined;
  });
  const start = async (program: Program): Promise<Protected> => {
    const started = await startProtected({
      ...(binFolder === undefined ? {} : { binFolder }),
      otherDatabase: program.otherDatabase === true,
    });
    target = started;
    for (const id of program.after ?? []) {
      expect(await runProgram(programOf(id), started.through)).toMatchObject({ code: 0 });
    }
    return started;
  };
  const reasonFor = (program: Program): string | null => {
    if (absent !== null) return absent;
    if (binFolder !== undefined && !existsSync(binFolder)) return 'postgresql-15 is not installed';
    return missing(program);
  };
  const scopeOf = (program: Program): string | undefined =>
    program.otherDatabase === true ? OTHER_DATABASE : undefined;

  it.for(DESTRUCTIVE)(
    'rows $rows, $id is undone: $story',
    { timeout: 180_000 },
    async (program, ctx) => {
      const reason = reasonFor(program);
      ctx.skip(reason !== null, reason ?? '');
      const company = await start(program);
      await company.drained();
      const before = await company.snapshot();
      const other = scopeOf(program);
      const beforeOther = other === undefined ? null : await company.snapshot(other);
      const since = await company.now();
      const people = company.approving();
      const { code, said } = await runProgram(program, company.through);
      const approved = await people.stop();
      expect({ code, said, approved }).toEqual({ code: 0, said, approved });
      expect(differenceOf(before, await company.snapshot())).not.toBe('');

      const report = await company.undoSince(since);
      expect(differenceOf(before, await company.snapshot()), JSON.stringify(report)).toBe('');
      if (other !== undefined && beforeOther !== null) {
        expect(differenceOf(beforeOther, await company.snapshot(other))).toBe('');
      }
      expect(await company.cli('protect', TARGET, '--check')).toBeDefined();
    },
  );

  it.for(DESTRUCTIVE)(
    'rows $rows, $id destroys nothing that nobody approved and that is not undone',
    { timeout: 180_000 },
    async (program, ctx) => {
      const reason = reasonFor(program);
      ctx.skip(reason !== null, reason ?? '');
      ctx.skip(program.id === 'delete-one-by-one', 'each of its statements is ordinary: see above');
      const company = await start(program);
      await company.drained();
      const before = await company.snapshot();
      const other = scopeOf(program);
      const beforeOther = other === undefined ? null : await company.snapshot(other);
      const since = await company.now();
      const denied = denying(company);
      await runProgram(program, company.through);
      await denied.stop();
      await company.undoSince(since);
      expect(differenceOf(before, await company.snapshot())).toBe('');
      if (other !== undefined && beforeOther !== null) {
        expect(differenceOf(beforeOther, await company.snapshot(other))).toBe('');
      }
    },
  );

  it('row 28: what was denied stays denied when the agent tries again later', async (ctx) => {
    const program = programOf('drop-poc-staging');
    const reason = reasonFor(program);
    ctx.skip(reason !== null, reason ?? '');
    const company = await start(program);
    const before = await company.snapshot();
    const denied = denying(company);
    const first = await runProgram(program, company.through);
    await denied.stop();
    const second = await runProgram(program, company.through);
    expect([first.code === 0, second.code === 0]).toEqual([false, false]);
    expect(second.said).toMatch(/denied/i);
    expect(differenceOf(before, await company.snapshot())).toBe('');
  });
});

/** People who say no to whatever is held. */
function denying(company: Protected): { stop(): Promise<void> } {
  let isOver = false;
  const work = (async () => {
    while (!isOver) {
      const open = await company.holdfast.rooms.holds.list('open');
      for (const { id, state } of open) if (state === 'waiting') await company.deny(id, 'no');
      await new Promise((done) => setTimeout(done, 50));
    }
  })();
  return {
    stop: () => {
      isOver = true;
      return work;
    },
  };
}
