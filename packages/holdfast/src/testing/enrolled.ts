/** People with authenticators and passkeys, on a scratch store and a clock that stands still. */

import { People } from '../identity/people.ts';
import { ProofKeys } from '../identity/proof-keys.ts';
import { Seal } from '../identity/seal.ts';
import { Totp } from '../identity/totp.ts';
import type { Note } from '../model/event.ts';
import type { Database } from '../store/database.ts';
import { type JudgeCode, SqlPeopleStore } from '../store/people-store.ts';
import type { PersonChecks } from '../store/person-proof.ts';
import { authenticator } from './authenticator.ts';
import type { ManualClock } from './manual-clock.ts';
import { SoftwarePasskey, type SoftwarePasskeyOptions } from './software-passkey.ts';

const STEP_MS = 30_000;
export const DASHBOARD = 'http://localhost:7070';
export const RP_ID = 'localhost';

export class Enrolled {
  readonly people: People;
  readonly judgeCode: JudgeCode;
  readonly proofKeys: ProofKeys;
  /** What a store is handed. */
  readonly checks: PersonChecks;
  readonly #database: Database;
  readonly #clock: ManualClock;
  readonly #codes = new Map<string, (at: Date) => string>();

  constructor(database: Database, clock: ManualClock, note: Note) {
    const seal = new Seal(Buffer.alloc(32, 1), clock);
    const totp = new Totp(seal, clock);
    this.#clock = clock;
    this.#database = database;
    this.proofKeys = new ProofKeys(seal, DASHBOARD);
    this.people = new People({
      store: new SqlPeopleStore(database, this.proofKeys),
      totp,
      clock,
      note,
    });
    this.judgeCode = (state, code) => totp.judge(state, code, 'daily');
    this.checks = { judgeCode: this.judgeCode, prover: this.proofKeys };
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

  async idOf(name: string): Promise<string> {
    const person = (await this.people.list()).find((one) => one.name === name);
    return person?.id ?? 'person_none';
  }

  /** For somebody who is there. `forged`: put into our tables by hand, as who writes to them would. */
  async passkey(
    name: string,
    options: SoftwarePasskeyOptions & { readonly forged?: boolean } = {},
  ): Promise<SoftwarePasskey> {
    const passkey = new SoftwarePasskey(options);
    const { credentialId, publicKey } = passkey;
    const personId = await this.idOf(name);
    const facts = { credentialId, personId, publicKey, rpId: RP_ID };
    const mac = this.proofKeys.passkeyMac(
      options.forged === true ? { ...facts, personId: 'person_other' } : facts,
    );
    await this.#database.run((db) =>
      db
        .insertInto('holdfast.passkeys')
        .values({
          credential_id: credentialId,
          person_id: personId,
          public_key: publicKey,
          counter: 0n,
          rp_id: RP_ID,
          label: 'a passkey in software',
          transports: [],
          backed_up: false,
          added_at: this.#clock.now(),
          mac,
        })
        .execute(),
    );
    return passkey;
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
