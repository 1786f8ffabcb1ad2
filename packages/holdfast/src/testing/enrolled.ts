/** People with authenticators, on a scratch store and a clock that stands still. */
import { People } from '../identity/people.ts';
import { Seal } from '../identity/seal.ts';
import { Totp } from '../identity/totp.ts';
import type { Note } from '../model/event.ts';
import type { Database } from '../store/database.ts';
import { type JudgeCode, SqlPeopleStore } from '../store/people-store.ts';
import { authenticator } from './authenticator.ts';
import type { ManualClock } from './manual-clock.ts';

const STEP_MS = 30_000;

export class Enrolled {
  readonly people: People;
  readonly judgeCode: JudgeCode;
  readonly #clock: ManualClock;
  readonly #codes = new Map<string, (at: Date) => string>();

  constructor(database: Database, clock: ManualClock, note: Note) {
    const totp = new Totp(new Seal(Buffer.alloc(32, 1), clock), clock);
    this.#clock = clock;
    this.people = new People({ store: new SqlPeopleStore(database), totp, clock, note });
    this.judgeCode = (state, code) => totp.judge(state, code, 'daily');
  }

  /** Each confirmed, and with a fresh code to give. */
  async enrol(...names: string[]): Promise<void> {
    for (const name of names) {
      const code = authenticator((await this.people.add(name, ['approver'])).uri);
      this.#codes.set(name, code);
      await this.people.confirm(name, code(this.#clock.now()));
    }
    this.#clock.pass(STEP_MS);
  }

  /** The code of this moment; of nobody: one that is wrong. */
  code(name: string): string {
    return this.#codes.get(name)?.(this.#clock.now()) ?? '000000';
  }

  async signers(): Promise<readonly string[]> {
    const all = await this.people.list();
    return all.filter(({ confirmedAt }) => confirmedAt !== null).map(({ name }) => name);
  }
}
