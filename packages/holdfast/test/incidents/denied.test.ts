/**
 * The incidents behind Holdfast, through the gateway, with people who deny whatever they are asked: what
 * passed all the same is taken back by one undo, so that everything is equal to before.
 */
import { describe, expect, it } from 'vitest';
import { companyOn, SERVERS } from './grounds.ts';
import { momentBefore } from './moments.ts';
import { DESTRUCTIVE, programOf, runProgram } from './programs.ts';

describe.each(SERVERS)('$server, guarded and protected', (server) => {
  const onCompany = companyOn(server);

  it.for(DESTRUCTIVE)(
    'rows $rows, $id that people deny leaves nothing that is not undone',
    { timeout: 180_000 },
    async (program, ctx) => {
      await onCompany(program, ctx, async (company) => {
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
    await onCompany(program, ctx, async (company) => {
      const moment = await momentBefore(program, company);
      // It was denied above; nobody is asked again.
      const { code, said } = await runProgram(program, company.through);
      expect(code).not.toBe(0);
      expect(said).toMatch(/denied/i);
      expect(await moment.difference()).toBe('');
    });
  });
});
