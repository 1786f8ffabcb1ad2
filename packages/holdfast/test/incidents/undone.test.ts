/**
 * The incidents behind Holdfast, through the gateway. Each program does what it did unguarded, with
 * everything that is held approved at once (the worst case: people who approve whatever they are asked),
 * and all of it is taken back by one undo of everything the agent did: rows, definitions and sequences
 * equal to before. Then once more with people who deny: what passed all the same is taken back too.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { OTHER_DATABASE } from '../support/company.ts';
import { TARGET } from '../support/gateway.ts';
import { BY_AGENT, type Protected } from '../support/protected.ts';
import { differenceOf, type Snapshot, withoutSequences } from '../support/snapshot.ts';
import { Ground, SERVERS } from './grounds.ts';
import { DESTRUCTIVE, missing, type Program, programOf, runProgram } from './programs.ts';

describe.each(SERVERS)('$server, guarded and protected', (server) => {
  const ground = new Ground(server);
  afterAll(() => ground.leave());
  const reasonFor = (program: Program): string | null => server.absent ?? missing(program);

  it.for(DESTRUCTIVE.filter(({ waits }) => waits !== true))(
    'rows $rows, $id is undone: $story',
    { timeout: 180_000 },
    async (program, ctx) => {
      const reason = reasonFor(program);
      ctx.skip(reason !== null, reason ?? '');
      await ground.on(async (company) => {
        const moment = await momentBefore(program, company);
        const people = company.answering('approve');
        const { code, said } = await runProgram(program, company.through);
        const approved = await people.stop();
        expect({ code, said, approved }).toEqual({ code: 0, said, approved });
        expect(await moment.difference()).not.toBe('');

        await moment.undo();
        expect(await moment.difference(), said).toBe('');
        expect(await company.cli('protect', TARGET, '--check')).toMatchObject({ code: 0 });
      });
    },
  );

  it.for(DESTRUCTIVE.filter(({ waits }) => waits === true))(
    'rows $rows, $id waits out its grace even when people approve it',
    { timeout: 180_000 },
    async (program, ctx) => {
      const reason = reasonFor(program);
      ctx.skip(reason !== null, reason ?? '');
      await ground.on(async (company) => {
        const moment = await momentBefore(program, company);
        const people = company.answering('approve');
        const { code, said } = await runProgram(program, company.through);
        await people.stop();
        expect(code).not.toBe(0);
        expect(said).toContain('Holdfast runs this later');
        expect(await moment.difference()).toBe('');
      });
    },
  );

  it.for(DESTRUCTIVE)(
    'rows $rows, $id that people deny leaves nothing that is not undone',
    { timeout: 180_000 },
    async (program, ctx) => {
      const reason = reasonFor(program);
      ctx.skip(reason !== null, reason ?? '');
      await ground.on(async (company) => {
        const moment = await momentBefore(program, company);
        const people = company.answering('deny');
        const { said } = await runProgram(program, company.through);
        const denied = await people.stop();
        if (denied > 0) expect(said).toMatch(/denied/i);
        await moment.undo();
        expect(await moment.difference(), said).toBe('');
      });
    },
  );

  it('row 28: what was denied stays denied when the agent tries again later', async (ctx) => {
    const program = programOf('drop-poc-staging');
    const reason = reasonFor(program);
    ctx.skip(reason !== null, reason ?? '');
    await ground.on(async (company) => {
      const moment = await momentBefore(program, company);
      // It was denied above; nobody is asked again.
      const { code, said } = await runProgram(program, company.through);
      expect(code).not.toBe(0);
      expect(said).toMatch(/denied/i);
      expect(await moment.difference()).toBe('');
    });
  });
});

interface Moment {
  /** What differs now, '' for nothing. */
  difference(): Promise<string>;
  /** Takes back whatever the agent did since. */
  undo(): Promise<void>;
}

async function momentBefore(program: Program, company: Protected): Promise<Moment> {
  for (const id of program.after ?? []) {
    const { code, said } = await runProgram(programOf(id), company.through);
    expect({ id, code, said }).toEqual({ id, code: 0, said });
  }
  await company.drained();
  const options = { columnOrderFreeOf: program.columnsDroppedOf ?? [] };
  const look = async (): Promise<readonly Snapshot[]> => [
    withoutSequences(await company.snapshot(options), program.sequencesMoved ?? []),
    ...(program.otherDatabase === true ? [await company.snapshot({}, OTHER_DATABASE)] : []),
  ];
  const before = await look();
  const since = await company.now();
  return {
    difference: async () => {
      const after = await lookOr(look);
      if (after === null) return `${OTHER_DATABASE}: gone`;
      return before.map((one, index) => differenceOf(one, after[index] ?? new Map())).join('');
    },
    undo: async () => {
      if ((await company.undoable(BY_AGENT, since)) === 0) return;
      const { code, out, err } = await company.undo(BY_AGENT, since);
      expect({ code, out, err }).toEqual({ code: 0, out, err });
    },
  };
}

/** Null when the other database is not there. */
async function lookOr<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === '3D000') return null;
    throw error;
  }
}
