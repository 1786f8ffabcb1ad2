/** Who writes to our tables, and has read what people signed before, opens no door with it. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Ceremonies } from '../identity/ceremonies.ts';
import { Passkeys } from '../identity/passkeys.ts';
import { hashSecret } from '../identity/secrets.ts';
import type { ForeignRow } from '../model/row-macs.ts';
import { Enrolled } from '../testing/enrolled.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import type { SoftwarePasskey } from '../testing/software-passkey.ts';
import { SqlCeremonyStore } from './ceremony-store.ts';
import { SqlPasskeyStore } from './passkey-store.ts';

/** What somebody signed on a hold once: it lies in the trail. */
const OF_A_HOLD = Buffer.alloc(32, 7).toString('base64url');
const ANY = z.looseObject({});

let scratch: ScratchStore;
let clock: ManualClock;
let enrolled: Enrolled;
let ceremonies: Ceremonies;
let passkeys: Passkeys;
let foreign: ForeignRow[];
let key: SoftwarePasskey;
let userHandle: string;

beforeAll(async () => {
  scratch = await startScratchStore();
}, 60_000);
afterAll(() => scratch?.stop());

function byHand(query: ReturnType<typeof sql>): Promise<unknown> {
  return scratch.database.run((db) => query.execute(db));
}

beforeEach(async ({ task }) => {
  await byHand(sql`truncate holdfast.people, holdfast.ceremonies cascade`);
  const { database } = scratch;
  clock = new ManualClock('2026-11-21T09:00:00Z', task.id);
  enrolled = new Enrolled(database, clock, () => {});
  const { proofKeys: keys } = enrolled;
  foreign = [];
  keys.rows.onForeign((row) => void foreign.push(row));
  ceremonies = new Ceremonies(new SqlCeremonyStore(database, keys.rows), clock);
  const store = new SqlPasskeyStore(database, keys);
  passkeys = new Passkeys({ store, ceremonies, keys, clock, note: () => {} });
  await enrolled.enrol('ana');
  key = await enrolled.passkey('ana');
  userHandle = Buffer.from(await enrolled.idOf('ana')).toString('base64url');
});

function answer(challenge: string) {
  const asserted = key.get({ challenge, rpId: 'localhost' });
  return { ...asserted, response: { ...asserted.response, userHandle } };
}

describe('an assertion of before', () => {
  it('signs nobody in, whose ceremony somebody wrote or changed', async () => {
    const past = answer(OF_A_HOLD);
    const begun = await passkeys.beginSignIn();
    await byHand(sql`update holdfast.passkeys set counter = 0`);
    await byHand(sql`update holdfast.ceremonies set nonce = ${OF_A_HOLD}`);
    expect(await passkeys.signIn(begun.ceremony, past, '192.0.2.1')).toBeNull();
    const expires = new Date(clock.now().getTime() + 60_000);
    await byHand(sql`insert into holdfast.ceremonies (id, kind, nonce, facts, expires_at, mac)
      values ('ceremony_mallory', 'passkey-sign-in', ${OF_A_HOLD}, '{}', ${expires}, 'no')`);
    expect(await passkeys.signIn('ceremony_mallory', past, '192.0.2.1')).toBeNull();
    expect(foreign).toEqual([
      { kind: 'ceremony', id: begun.ceremony },
      { kind: 'ceremony', id: 'ceremony_mallory' },
    ]);
  });

  it('of a hold answers no ceremony even where a row is ours: its text is of another domain', async () => {
    const { rows } = enrolled.proofKeys;
    const expiresAt = new Date(clock.now().getTime() + 60_000);
    const row = { id: 'ceremony_1', kind: 'passkey-sign-in', nonce: OF_A_HOLD, facts: {} };
    await new SqlCeremonyStore(scratch.database, rows).add({ ...row, expiresAt }, clock.now());
    expect(await passkeys.signIn('ceremony_1', answer(OF_A_HOLD), '192.0.2.1')).toBeNull();
    expect(foreign).toEqual([]);
  });

  it('is none, and that of now is one', async () => {
    const before = await passkeys.beginSignIn();
    const past = answer(before.options.challenge);
    expect(await passkeys.signIn(before.ceremony, past, '192.0.2.1')).toMatchObject({
      name: 'ana',
    });
    const again = await passkeys.beginSignIn();
    expect(await passkeys.signIn(again.ceremony, past, '192.0.2.1')).toBeNull();
  });
});

describe('a passkey that was taken away', () => {
  async function comesIn(): Promise<boolean> {
    const begun = await passkeys.beginSignIn();
    const found = await passkeys.signIn(
      begun.ceremony,
      answer(begun.options.challenge),
      '192.0.2.1',
    );
    return found !== null;
  }

  it('does not come back by a stroke of the pen', async () => {
    expect(await comesIn()).toBe(true);
    const person = { id: await enrolled.idOf('ana'), name: 'ana' };
    await passkeys.remove(person, key.credentialId);
    expect(await comesIn()).toBe(false);
    await byHand(sql`update holdfast.passkeys set removed_at = null`);
    expect(await comesIn()).toBe(false);
  });

  it('nor does one that was suspended, as a copy is', async () => {
    const begun = await passkeys.beginSignIn();
    const first = answer(begun.options.challenge);
    await passkeys.signIn(begun.ceremony, first, '192.0.2.1');
    await byHand(sql`update holdfast.passkeys set counter = 1000`);
    expect(await comesIn()).toBe(false);
    const { rows } = await scratch.database.run((db) =>
      sql`update holdfast.passkeys set suspended_at = null, counter = 0
          where suspended_at is not null returning credential_id`.execute(db),
    );
    expect(rows).toHaveLength(1);
    expect(await comesIn()).toBe(false);
  });
});

describe('a ceremony', () => {
  it.each([
    ['another kind', sql`kind = 'passkey-sign-in'`],
    ['another person', sql`facts = '{"personId":"person_mallory"}'`],
    ['more time', sql`expires_at = expires_at + interval '1 hour'`],
    ['another nonce', sql`nonce = ${OF_A_HOLD}`],
    ['a MAC of nobody', sql`mac = 'no'`],
  ])('that was given %s is none', async (_, change) => {
    const { id } = await ceremonies.begin('passkey-prove', { personId: 'person_1' });
    await byHand(sql`update holdfast.ceremonies set ${change}`);
    expect(await ceremonies.take(id, 'passkey-prove', ANY)).toBeNull();
    expect(await ceremonies.take(id, 'passkey-sign-in', ANY)).toBeNull();
    expect(foreign).toEqual([{ kind: 'ceremony', id }]);
  });

  it('has a challenge of its own kind, and facts as they were', async () => {
    const facts = { personId: 'person_1', name: 'Zoë “x”', list: ['b', 'a'] };
    const begun = await ceremonies.begin('passkey-join', facts);
    expect(Buffer.from(begun.challenge, 'base64url')).toHaveLength(32);
    const taken = await ceremonies.take(begun.id, 'passkey-join', ANY);
    expect(taken).toEqual({ challenge: begun.challenge, facts });
    expect(await ceremonies.take(begun.id, 'passkey-join', ANY)).toBeNull();
  });

  it('of single sign-on does not turn into a join by the hash of an invitation', async () => {
    const purpose = { kind: 'sign-in' };
    const begun = await ceremonies.begin('sso', {
      purpose,
      verifier: 'v',
      nonce: 'n',
      device: 'd',
    });
    const join = { kind: 'join', invitation: hashSecret('hfi_of_another').toString('hex') };
    await byHand(sql`update holdfast.ceremonies
      set facts = jsonb_set(facts::jsonb, '{purpose}', ${JSON.stringify(join)}::jsonb)::text`);
    expect(await ceremonies.take(begun.id, 'sso', ANY)).toBeNull();
    expect(foreign).toEqual([{ kind: 'ceremony', id: begun.id }]);
  });
});
