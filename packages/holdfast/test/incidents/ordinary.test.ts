/**
 * The other half of the promise: migrations that lose nothing pass on a guarded, protected target as they
 * do without Holdfast, and nobody is asked. A control that asks at every migration is switched off.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { TARGET } from '../support/gateway.ts';
import { type Protected, startProtected } from '../support/protected.ts';
import { differenceOf } from '../support/snapshot.ts';
import { SERVERS } from './grounds.ts';
import { MADE, ORDINARY, runProgram } from './programs.ts';

describe.each(SERVERS)('$server, guarded and protected', ({ absent, options }) => {
  let started: Protected | undefined;
  afterAll(async () => {
    await started?.stop();
  });

  it('all tools, one after the other, with no hold', { timeout: 240_000 }, async (ctx) => {
    ctx.skip(absent !== null, absent ?? '');
    // What is held is answered at once: a test that hangs would not name the statement.
    const company = await startProtected({ holdWait: '0s', ...options });
    started = company;
    const before = await company.snapshot();
    const seen: Seen[] = [];
    for (const program of ORDINARY) {
      const { code, said } = await runProgram(program, company.through);
      const held = await heldIn(company, holdsSeen(seen));
      const isWell = code === 0 && held.length === 0;
      seen.push({ id: program.id, code, held, ...(isWell ? {} : { said: said.slice(-600) }) });
    }
    // All at once: what is asked of people is a list, and the list should be empty.
    expect(seen).toEqual(ORDINARY.map(({ id }) => ({ id, code: 0, held: [] })));
    const after = await company.snapshot();
    const gone = differenceOf(before, after)
      .split('\n')
      .filter((line) => line.startsWith('  - '));
    expect(gone).toEqual([]);
    for (const table of MADE) expect([...after.keys()]).toContain(`rows ${table}`);
    // A schema that a tool made included: it is granted, captured and defaulted at once.
    const check = await company.cli('protect', TARGET, '--check');
    expect(check, check.out).toMatchObject({ code: 0 });
  });
});

interface Seen {
  readonly id: string;
  readonly code: number;
  readonly held: readonly string[];
  /** What the tool printed, when not all went well. */
  readonly said?: string;
}

/** What people were asked, in words, after the first so many. */
async function heldIn(company: Protected, from: number): Promise<string[]> {
  const opened = (await company.entries()).filter((entry) => entry.kind === 'hold-opened');
  return opened.slice(from).map((entry) => String(entry['message']));
}

function holdsSeen(seen: readonly Seen[]): number {
  return seen.reduce((sum, { held }) => sum + held.length, 0);
}
