/**
 * The servers that incidents are replayed on, and one protected company on each that all programs of a
 * file share: what one destroys is put back by the undo under test, so the next one finds it whole. After
 * a test that failed the company is made anew, so that one fault is not reported fifteen times.
 */
import { existsSync } from 'node:fs';
import { afterAll, type TestContext } from 'vitest';
import { type Protected, startProtected } from '../support/protected.ts';
import { missing, type Program } from './programs.ts';

const DEBIAN = '/usr/lib/postgresql/15/bin';

export interface Server {
  readonly server: string;
  readonly options: { readonly binFolder?: string };
  /** Why it cannot be started here, for `ctx.skip`; null: it can. */
  readonly absent: string | null;
}

export const SERVERS: readonly Server[] = [
  { server: 'PostgreSQL 18', options: {}, absent: null },
  {
    server: 'PostgreSQL 15',
    options: { binFolder: DEBIAN },
    absent: existsSync(DEBIAN) ? null : 'postgresql-15 is not installed',
  },
];

/** Runs a test on the company, or skips it where server or program are not here. */
export type OnCompany = (
  program: Program,
  ctx: TestContext,
  test: (company: Protected) => Promise<void>,
) => Promise<void>;

/** For the tests of one suite, which ends with the company. */
export function companyOn({ absent, options }: Server): OnCompany {
  let company: Protected | null = null;
  const leave = async (): Promise<void> => {
    await company?.stop();
    company = null;
  };
  afterAll(leave);
  return async (program, ctx, test) => {
    const reason = absent ?? missing(program);
    ctx.skip(reason !== null, reason ?? '');
    company ??= await startProtected(options);
    try {
      await test(company);
    } catch (error) {
      await leave();
      throw error;
    }
  };
}
