/**
 * The incidents behind Holdfast, through the gateway. Each program does what it did unguarded, with
 * everything that is held approved at once (the worst case: people who approve whatever they are asked),
 * and all of it is taken back by one undo of everything the agent did: rows, definitions and sequences
 * equal to before. With people who deny: denied.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { TARGET } from '../support/gateway.ts';
import { companyOn, SERVERS } from './grounds.ts';
import { momentBefore } from './moments.ts';
import { DESTRUCTIVE, runProgram } from './programs.ts';

describe.each(SERVERS)('$server, guarded and protected', (server) => {
  const onCompany = companyOn(server);

  it.for(DESTRUCTIVE.filter(({ waits }) => waits !== true))(
    'rows $rows, $id is undone: $story',
    { timeout: 180_000 },
    async (program, ctx) => {
      await onCompany(program, ctx, async (company) => {
        const moment = await momentBefore(program, company);
        const people = company.answering('approve');
        const { code, said } = await runProgram(program, company.through);
        const approved = await people.stop();
        expect(code, `${approved} approved: ${said}`).toBe(0);
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
      await onCompany(program, ctx, async (company) => {
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
});
