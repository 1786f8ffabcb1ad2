/**
 * An approval through the whole gateway: by passkey, bound to what runs, verified where it runs. And what
 * an agent is told whose approval somebody forged, or whose card is not so any more.
 */
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PersonWord } from '../../src/approvals/hold-store.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import { authenticator } from '../../src/testing/authenticator.ts';
import { type Lies, SoftwarePasskey } from '../../src/testing/software-passkey.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

const RP_ID = 'localhost';
const HOLD_ID = /hold_[0-9a-hjkmnp-tv-z]{16}/;

let gateway: Gateway;
let agent: pg.Client;
let passkey: SoftwarePasskey;
let personId: string;

beforeAll(async () => {
  gateway = await startGateway({ level: 'guarded' });
  await gateway.upstream.ask('create table victims (id int); alter table victims owner to app');
  const { host, port, user, password, database } = gateway.through;
  agent = new pg.Client({ host, port, user, password, database, ssl: false });
  await agent.connect();
  const { people } = gateway.holdfast.rooms;
  const added = await people.add('ada');
  personId = added.person.id;
  await people.confirm('ada', authenticator(added.uri)(new Date()));
  passkey = await enrol();
});
afterAll(async () => {
  await agent?.end();
  await gateway?.stop();
});
beforeEach(async () => {
  await gateway.upstream.ask('truncate victims; insert into victims select generate_series(1, 3)');
});

function byHand(query: ReturnType<typeof sql>): Promise<unknown> {
  return gateway.holdfast.rooms.database.run((db) => query.execute(db));
}

async function enrol(): Promise<SoftwarePasskey> {
  const made = new SoftwarePasskey();
  const { credentialId, publicKey } = made;
  const mac = gateway.holdfast.rooms.proofKeys.passkeyMac({
    credentialId,
    personId,
    publicKey,
    rpId: RP_ID,
  });
  await byHand(sql`
    insert into holdfast.passkeys
      (credential_id, person_id, public_key, counter, rp_id, label, transports, backed_up, added_at, mac)
    values (${credentialId}, ${personId}, ${publicKey}, 0, ${RP_ID}, 'laptop', '{}', false, now(), ${mac})`);
  return made;
}

/** What the agent is told; `passed` when it passed. */
async function send(text: string): Promise<string> {
  return await agent.query(text).then(
    () => 'passed',
    (error: unknown) =>
      error instanceof pg.DatabaseError ? `${error.message} ${error.detail}` : '',
  );
}

async function held(text: string): Promise<string> {
  const id = HOLD_ID.exec(await send(text))?.[0];
  if (id === undefined) throw new Error('It was not held.');
  return id;
}

async function word(holdId: string, lies: Lies = {}): Promise<PersonWord> {
  const { holds } = gateway.holdfast.rooms;
  const { card } = await holds.show(holdId);
  const challenge = (await holds.challenges(holdId)).approve.toString('base64url');
  return {
    kind: 'passkey',
    holdId,
    personId,
    assertion: passkey.get({ challenge, rpId: RP_ID }, lies),
    digestShown: null,
    ...(card.typedName === null ? {} : { typedName: card.typedName }),
  };
}

async function victims(): Promise<unknown> {
  return (await gateway.upstream.ask('select count(*)::int as n from victims'))[0]?.['n'];
}

describe('an approval by passkey', () => {
  it('lets exactly the bytes that were held pass, once', async () => {
    const text = 'delete from victims /* by passkey */';
    const hold = await held(text);
    await gateway.holdfast.rooms.holds.approve(await word(hold));
    expect(await send(`${text} `)).toContain('Holdfast holds this');
    expect(await victims()).toBe(3);
    expect(await send(text)).toBe('passed');
    expect(await victims()).toBe(0);
    expect(await send(text)).toContain('Holdfast holds this');
    const signed = (await gateway.entries()).find(({ kind }) => kind === 'hold-signed');
    expect(signed?.['facts']).toMatchObject({
      hold,
      method: 'passkey',
      credential: passkey.credentialId,
    });
  });

  it.each([
    ['of another site', { origin: 'https://holdfast.example.evil' }],
    ['of another RP', { rpId: 'evil.example' }],
    ['without user verification', { userVerified: false }],
    ['of another key', { key: new SoftwarePasskey() }],
  ])('%s lets nothing pass', async (story, lies) => {
    const text = `delete from victims /* ${story} */`;
    const hold = await held(text);
    const refused = gateway.holdfast.rooms.holds.approve(await word(hold, lies));
    await expect(refused).rejects.toBeInstanceOf(HoldfastError);
    expect(await send(text)).toContain('Holdfast holds this');
    expect(await victims()).toBe(3);
  });
});

describe('an approval that somebody wrote into our tables', () => {
  it('lets nothing pass, whatever it says', async () => {
    const real = await held('delete from victims /* real */');
    await gateway.holdfast.rooms.holds.approve(await word(real));
    const text = 'delete from victims /* forged */';
    const hold = await held(text);
    await byHand(sql`
      insert into holdfast.signatures
        select h.id, h.digest, s.person_id, s.person_name, s.method, s.signed_at, s.binding, s.proof, ''
        from holdfast.holds h, holdfast.signatures s where h.id = ${hold} and s.hold_id = ${real}`);
    await byHand(
      sql`update holdfast.holds set state = 'signed', people_needed = 1 where id = ${hold}`,
    );
    expect(await send(text)).toContain('Holdfast holds this');
    expect(await victims()).toBe(3);
  });
});

describe('a card that is not so any more', () => {
  it('is void: the agent is told what changed, and which hold is open now', async () => {
    const text = 'delete from victims /* under another policy */';
    const hold = await held(text);
    await gateway.holdfast.rooms.holds.approve(await word(hold));
    await byHand(sql`update holdfast.holds set policy_version = 'older' where id = ${hold}`);
    const told = await send(text);
    expect(told).toContain(`Hold ${hold} counts no more: policy was older`);
    const next = [...told.matchAll(new RegExp(HOLD_ID, 'g'))]
      .map(([id]) => id)
      .find((id) => id !== hold);
    expect(await victims()).toBe(3);
    await gateway.holdfast.rooms.holds.approve(await word(next ?? ''));
    expect(await send(text)).toBe('passed');
  });
});
