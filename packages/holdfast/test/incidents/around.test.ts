/**
 * The incidents by a session that never saw the gateway, straight to the server: once as the agent's own
 * role, once with the credential of a declared app role that lies in a file. PostgreSQL itself refuses
 * what needs an owner; what the role may do is captured. In the end `holdfast undo` makes the database
 * equal to before, and nobody had to be asked.
 */
import { describe, expect, it } from 'vitest';
import { OTHER_DATABASE } from '../support/company.ts';
import { BY_AGENT, BY_CLERK } from '../support/protected.ts';
import { differenceOf, withoutSequences } from '../support/snapshot.ts';
import { companyOn, SERVERS } from './grounds.ts';
import { DESTRUCTIVE, programOf, runProgram } from './programs.ts';

const WAYS = [
  { way: 'as the agent’s own role', doer: BY_AGENT },
  { way: 'with the app credential of a file', doer: BY_CLERK },
];
/** What they do needs no owner: each must have something to undo, or the replay proves nothing. */
const ROWS_ALONE = ['delete-one-by-one', 'update-all'];

describe.each(SERVERS)('$server, round the gateway', (server) => {
  const onCompany = companyOn(server);

  describe.each(WAYS)('$way', ({ doer }) => {
    it.for(DESTRUCTIVE)('rows $rows, $id: $story', { timeout: 120_000 }, async (program, ctx) => {
      await onCompany(program, ctx, async (company) => {
        for (const id of program.after ?? []) {
          expect(await runProgram(programOf(id), company.upstream.direct)).toMatchObject({
            code: 0,
          });
        }
        const look = async () => [
          withoutSequences(await company.snapshot(), program.sequencesMoved ?? []),
          await company.snapshot({}, OTHER_DATABASE),
        ];
        await company.drained();
        const before = await look();
        const since = await company.now();
        const login = doer === BY_AGENT ? await company.agentRole() : company.clerk;
        const { said } = await runProgram(program, login);
        const items = await company.undoable(doer, since);
        if (doer === BY_AGENT && ROWS_ALONE.includes(program.id)) expect(items, said).not.toBe(0);
        // Rows that could be changed were; everything else PostgreSQL has said no to.
        if (items === 0) expect(said).toMatch(/must be (the )?owner|permission denied/);
        else expect(await company.undo(doer, since)).toMatchObject({ code: 0 });
        const after = await look();
        before.forEach((one, index) => {
          expect(differenceOf(one, after[index] ?? new Map()), said).toBe('');
        });
      });
    });
  });
});
