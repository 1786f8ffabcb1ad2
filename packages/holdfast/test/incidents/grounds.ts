/**
 * The servers that incidents are replayed on, and one protected company on each that all programs of a
 * file share: what one destroys is put back by the undo under test, so the next one finds it whole. After
 * a test that failed the company is made anew, so that one fault is not reported fifteen times.
 */
import { existsSync } from 'node:fs';
import { type Protected, startProtected } from '../support/protected.ts';

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

export class Ground {
  readonly #server: Server;
  #company: Protected | null = null;

  constructor(server: Server) {
    this.#server = server;
  }

  /** Runs a test on the company; what it rejects with comes back after the company has been left. */
  async on(test: (company: Protected) => Promise<void>): Promise<void> {
    const company = this.#company ?? (await startProtected(this.#server.options));
    this.#company = company;
    try {
      await test(company);
    } catch (error) {
      await this.leave();
      throw error;
    }
  }

  async leave(): Promise<void> {
    await this.#company?.stop();
    this.#company = null;
  }
}
