/**
 * Does anybody notice that Holdfast is there? The same scripted session runs past Holdfast and through
 * it; everything the driver shows (rows, types, tags, error fields, notices) has to be the same.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import type { Login } from '../support/raw-client.ts';
import { nodePostgres } from './drivers/node-postgres.ts';
import { postgresJs } from './drivers/postgres-js.ts';
import {
  ASYNCPG,
  missing,
  PGJDBC,
  type Program,
  PSQL,
  PSQL_SCRIPT,
  PSYCOPG2,
  type Ran,
  run,
} from './drivers/programs.ts';
import type { Step } from './drivers/steps.ts';

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({ level: 'open' });
});
afterAll(() => gateway?.stop());

interface Row {
  readonly program: Program;
  readonly args: readonly string[];
  /** What the session must have shown, so that two empty sessions are not called equal. */
  readonly shows: readonly RegExp[];
}

const PROGRAM_ROWS: readonly Row[] = [
  {
    program: PSQL,
    args: ['-f', PSQL_SCRIPT],
    shows: [
      /42703/,
      /LINE 1: select nme/,
      /25P02/,
      /57014/,
      /copied \\\\ two/,
      /PID N/,
      /20000000/,
    ],
  },
  {
    program: PSYCOPG2,
    args: ['fidelity'],
    shows: [/UniqueViolation/, /"statement_position": "10"/, /QueryCanceled/, /"ding"/, /"gone"/],
  },
  {
    program: ASYNCPG,
    args: ['fidelity'],
    shows: [/"20 MB", "value": true/, /"timed out", "value": true/, /"ding"/, /DROP TABLE/],
  },
  {
    program: PGJDBC,
    args: ['fidelity'],
    shows: [/fetch size: 74916/, /20 MB: 20000000 true/, /bell ding/, /57014/, /drop: 0/],
  },
];

/**
 * What may differ. Process ids of backends are not the same in any two sessions. A syntax error and an
 * unknown statement name are answered by Holdfast itself with the server's SQLSTATE, words and
 * position; what it cannot know is the line of the server's source, and it adds a hint.
 */
const OURS: readonly (readonly [RegExp, string])[] = [
  [/with PID \d+/g, 'with PID N'],
  [/\nLOCATION: {2}(scanner_yyerror, scan\.l|FetchPreparedStatement, prepare\.c):\d+/g, ''],
  [
    /\nHINT: {2}(Correct the text and send it again|Prepare the statement in this session first)\./g,
    '',
  ],
  [/Correct the text and send it again\.(?= \|)/g, 'null'],
  [/scan\.l \| scanner_yyerror/g, 'null | null'],
];

function masked({ code, out, err }: Ran): Ran {
  const mask = (text: string): string =>
    OURS.reduce((masked, [ours, theirs]) => masked.replaceAll(ours, theirs), text);
  return { code, out: mask(out), err: mask(err) };
}

/** The same for drivers that show an error as an object. */
function withoutSource(steps: readonly Step[]): Step[] {
  return steps.map(({ step, value }) => {
    if (!isError(value) || !['42601', '26000'].includes(value.error.code)) return { step, value };
    const { length: _l, file: _f, line: _n, routine: _r, hint: _h, ...error } = value.error;
    return { step, value: { error } };
  });
}

function isError(value: unknown): value is { error: Record<string, unknown> & { code: string } } {
  return JSON.stringify(value).startsWith('{"error":{');
}

describe('a session through Holdfast shows what a session past it shows', () => {
  it.for(PROGRAM_ROWS)('$program.name', async ({ program, args, shows }, ctx) => {
    const reason = missing(program);
    ctx.skip(reason !== null, reason ?? '');
    const direct = masked(await run(program, gateway.upstream.direct, args));
    const through = masked(await run(program, gateway.through, args));
    for (const expected of shows) expect(direct.out + direct.err).toMatch(expected);
    expect(linesOf(through)).toEqual(linesOf(direct));
  });

  it.each([
    { name: 'node-postgres', session: nodePostgres, last: 'drop' },
    { name: 'postgres.js', session: postgresJs, last: 'drop' },
  ])('$name', async ({ session, last }) => {
    const direct = await session(gateway.upstream.direct);
    const through = await session(gateway.through);
    expect(direct.length).toBeGreaterThan(20);
    expect(direct.at(-1)).toMatchObject({ step: last });
    expect(withoutSource(through)).toEqual(withoutSource(direct));
  });

  it('psql: Ctrl-C stops the running statement', async (ctx) => {
    const reason = missing(PSQL);
    ctx.skip(reason !== null, reason ?? '');
    const sleep = (login: Login): Promise<Ran> =>
      run(PSQL, login, ['-c', 'select pg_sleep(30)'], { interruptMs: 1_500 });
    const direct = await sleep(gateway.upstream.direct);
    expect(direct.err).toContain('canceling statement due to user request');
    expect(await sleep(gateway.through)).toEqual(direct);
  });
});

function linesOf({ code, out, err }: Ran) {
  return { code, out: out.split('\n'), err: err.split('\n') };
}
