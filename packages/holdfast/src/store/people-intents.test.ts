/** What changes who may come in is in the trail, though the trail was away when it was done. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Ceremonies } from '../identity/ceremonies.ts';
import { Codes } from '../identity/codes.ts';
import { Intents } from '../identity/intents.ts';
import { Invites } from '../identity/invites.ts';
import { Oidc } from '../identity/oidc.ts';
import { Passkeys } from '../identity/passkeys.ts';
import { RecoveryCodes } from '../identity/recovery-codes.ts';
import { Seal } from '../identity/seal.ts';
import { Sso } from '../identity/sso.ts';
import { Totp } from '../identity/totp.ts';
import type { HoldfastEvent } from '../model/event.ts';
import { INTENT_SETTLE_MS } from '../model/limits.ts';
import { Enrolled } from '../testing/enrolled.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import { SoftwarePasskey } from '../testing/software-passkey.ts';
import { SqlCeremonyStore } from './ceremony-store.ts';
import { SqlIntentStore } from './intent-store.ts';
import { SqlInviteStore } from './invite-store.ts';
import { SqlPasskeyStore } from './passkey-store.ts';
import { SqlPeopleStore } from './people-store.ts';
import { SqlRecoveryStore } from './recovery-store.ts';
import { SqlSsoStore } from './sso-store.ts';

const IDENTITY = { issuer: 'https://login.example.com', subject: 'ana' };

let scratch: ScratchStore;
let clock: ManualClock;
let enrolled: Enrolled;
let isAway: boolean;
let told: HoldfastEvent[];
let intents: Intents;
let passkeys: Passkeys;
let invites: Invites;
let sso: Sso;
let ana: { readonly id: string; readonly name: string };

beforeAll(async () => {
  scratch = await startScratchStore();
}, 60_000);
afterAll(() => scratch?.stop());

beforeEach(async ({ task }) => {
  const { database } = scratch;
  await database.run((db) =>
    sql`truncate holdfast.people, holdfast.intended_notes cascade`.execute(db),
  );
  clock = new ManualClock('2026-11-21T09:00:00Z', task.id);
  isAway = true;
  told = [];
  const record = async (event: HoldfastEvent): Promise<void> => {
    if (isAway) throw new Error('the trail is away');
    told.push(event);
  };
  enrolled = new Enrolled(database, clock, () => {});
  const { people, proofKeys: keys } = enrolled;
  const { rows } = keys;
  const ceremonies = new Ceremonies(new SqlCeremonyStore(database, rows), clock);
  const store = new SqlIntentStore(database, rows);
  intents = new Intents({ store, clock, record, trouble: () => {} });
  const beside = { clock, note: record, recorded: intents };
  passkeys = new Passkeys({
    ...beside,
    store: new SqlPasskeyStore(database, keys),
    ceremonies,
    keys,
  });
  const totp = new Totp(new Seal(Buffer.alloc(32, 1), clock), clock);
  const codes = new Codes({
    ...beside,
    store: new SqlPeopleStore(database, keys),
    totp,
    ceremonies,
  });
  const recovery = new RecoveryCodes({ ...beside, store: new SqlRecoveryStore(database, rows) });
  const joining = { people, passkeys, codes, recovery, ceremonies };
  invites = new Invites({ ...beside, ...joining, store: new SqlInviteStore(database, rows) });
  const client = { issuer: IDENTITY.issuer, clientId: 'c', clientSecret: 's', scopes: ['openid'] };
  const oidc = new Oidc({ client, ceremonies, clock, returnsTo: () => 'http://localhost/sso' });
  const rules = { emails: [], domains: [], groups: [], roles: ['auditor'] } as const;
  sso = new Sso({ ...beside, oidc, store: new SqlSsoStore(database, keys), rules, invites });
  await enrolled.enrol('ana');
  ana = { id: await enrolled.idOf('ana'), name: 'ana' };
});

async function settled(): Promise<readonly unknown[]> {
  isAway = false;
  clock.pass(INTENT_SETTLE_MS + 1);
  await intents.settle();
  return told.map(({ facts, kind }) => [kind, facts['intended'], facts['person']]);
}

it('a passkey that was added', async () => {
  const begun = await passkeys.beginAdding(ana);
  const created = new SoftwarePasskey().create(begun.options);
  await passkeys.add(ana, { ceremony: begun.ceremony, label: 'laptop', created });
  expect(await passkeys.list(ana.id)).toHaveLength(1);
  expect(await settled()).toEqual([['intent-unsettled', 'passkey-added', 'ana']]);
});

it('a passkey that was removed', async () => {
  const key = await enrolled.passkey('ana');
  await passkeys.remove(ana, key.credentialId);
  expect(await passkeys.list(ana.id)).toEqual([]);
  expect(await settled()).toEqual([['intent-unsettled', 'passkey-removed', 'ana']]);
});

it('somebody who was invited, and whose invitation was taken back', async () => {
  isAway = false;
  const { invite } = await invites.make('ben', ['approver'], 'ana');
  expect(told.map(({ kind }) => kind)).toEqual(['person-invited']);
  isAway = true;
  expect(await invites.cancel(invite.id, 'ana')).toBe(true);
  expect((await settled()).slice(1)).toEqual([['intent-unsettled', 'invite-cancelled', null]]);
});

it('a link at a provider that was taken away', async () => {
  await enrolled.passkey('ana');
  const store = new SqlSsoStore(scratch.database, enrolled.proofKeys);
  await store.link({ ...IDENTITY, personId: ana.id }, clock.now());
  expect(await sso.unlink(ana)).toBe(true);
  expect(await settled()).toEqual([['intent-unsettled', 'sso-unlinked', 'ana']]);
});

it('and nothing of what was refused, or was not there', async () => {
  const store = new SqlSsoStore(scratch.database, enrolled.proofKeys);
  expect(await store.of(ana.id)).toBeNull();
  expect(await sso.unlink(ana)).toBe(false);
  expect(await invites.cancel('invite_none', 'ana')).toBe(false);
  await expect(passkeys.remove(ana, 'none')).rejects.toMatchObject({ code: 'HF_NOT_FOUND' });
  expect(await settled()).toEqual([]);
});
