/**
 * The other half of the promise: migrations that lose nothing pass on a guarded, protected target as they
 * do without Holdfast, and nobody is asked. A control that asks at every migration is switched off.
 */
import { existsSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { notBuilt, type Protected, startProtected } from '../support/protected.ts';
import { differenceOf } from '../support/snapshot.ts';
import { MADE, ORDINARY, runProgram } from './programs.ts';

const DEBIAN = '/usr/lib/postgresql/15/bin';
let absent: string | null = null;
beforeAll(async () => {
  absent = await notBuilt('protect');
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

  it('all tools, one after the other, with no hold', { timeout: 240_000 }, async (ctx) => {
    ctx.skip(absent !== null, absent ?? '');
    const old = binFolder !== undefined && !existsSync(binFolder);
    ctx.skip(old, 'postgresql-15 is not installed');
    // What is held is answered at once: a test that hangs would not name the statement.
    const options = { holdWait: '0s', ...(binFolder === undefined ? {} : { binFolder }) };
    const company = await startProtected(options);
    target = company;
    const before = await company.snapshot();
    const seen: Seen[] = [];
    for (const { id, ...program } of ORDINARY) {
      const { code, said } = await runProgram({ id, ...program }, company.through);
      const held = await heldIn(company, holdsSeen(seen));
      seen.push({ id, code, held, ...(code === 0 && held.length === 0 ? {} : { said }) });
    }
    // All at once: what is asked of people is a list, and the list should be empty.
    expect(seen).toEqual(ORDINARY.map(({ id }) => ({ id, code: 0, held: [] })));
    const after = await company.snapshot();
    const gone = differenceOf(before, after)
      .split('\n')
      .filter((line) => line.startsWith('  - '));
    expect(gone).toEqual([]);
    for (const table of MADE) expect([...after.keys()]).toContain(`rows ${table}`);
    expect(await company.cli('protect', 'main-db', '--check')).toBeDefined();
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
