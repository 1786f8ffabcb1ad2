/** What a browser may have us call, and whose browsers are called: on a real store. */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadPushKeys } from '../identity/push-keys.ts';
import { RowKeys } from '../identity/row-keys.ts';
import { Seal } from '../identity/seal.ts';
import { Sessions } from '../identity/sessions.ts';
import { systemClock } from '../model/clock.ts';
import { PUSH_LIFE_MS_MAX, PUSH_SUBSCRIPTIONS_MAX, SESSION_LIFE_MS_MAX } from '../model/limits.ts';
import { SqlAgentStore } from '../store/agent-store.ts';
import { SqlPushStore } from '../store/push-store.ts';
import { SqlSessionStore } from '../store/session-store.ts';
import { Enrolled } from '../testing/enrolled.ts';
import { HttpReceiver } from '../testing/http-receiver.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { NOTICE } from '../testing/notices.ts';
import { pushBrowser, vapidClaims } from '../testing/push-browser.ts';
import { refusalOf } from '../testing/refusal.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import { post } from './channels/post.ts';
import { isPublicAddress } from './channels/public-address.ts';
import { WebPushChannel } from './channels/web-push.ts';
import { type PushOwner, PushSubscriptions } from './push-subscriptions.ts';

let scratch: ScratchStore;
let enrolled: Enrolled;
let subscriptions: PushSubscriptions;
let local: PushSubscriptions;
let ana: string;
let ben: string;
/** With a session of theirs. */
let anas: PushOwner;
let bens: PushOwner;
let sessions: Sessions;
let clock: ManualClock;

const browser = pushBrowser(randomBytes(16));
const ENDPOINT = 'https://push.example.com/send/abc';

beforeAll(async () => {
  scratch = await startScratchStore();
}, 60_000);
afterAll(() => scratch?.stop());
beforeEach(async ({ task }) => {
  await scratch.database.run((db) =>
    sql`truncate holdfast.people, holdfast.sessions, holdfast.push_subscriptions, holdfast.secrets cascade`.execute(
      db,
    ),
  );
  enrolled = new Enrolled(scratch.database, new ManualClock(undefined, task.id), () => {});
  await enrolled.enrol('ana', 'ben');
  const people = await enrolled.people.list();
  const idOf = (name: string): string => people.find((one) => one.name === name)?.id ?? '';
  [ana, ben] = [idOf('ana'), idOf('ben')];
  clock = new ManualClock('2026-11-21T09:00:00Z', task.id);
  const { rows } = enrolled.proofKeys;
  sessions = new Sessions({ store: new SqlSessionStore(scratch.database, rows), clock });
  [anas, bens] = [await signedIn(ana), await signedIn(ben)];
  const parts = { store: new SqlPushStore(scratch.database, rows), clock };
  subscriptions = new PushSubscriptions({ ...parts, allow: 'public' });
  local = new PushSubscriptions({ ...parts, allow: 'loopback' });
});

async function signedIn(
  personId: string,
  seat: string | null = null,
): Promise<PushOwner & { readonly device: string | null }> {
  const how = { kind: 'browser', method: 'passkey', source: '127.0.0.1', device: seat } as const;
  const { device, id } = await sessions.open({ personId, ...how, userAgent: 'Firefox' });
  return { personId, sessionId: id, device };
}

describe('an endpoint', () => {
  it.each([
    ['no URL', 'push'],
    ['http', 'http://push.example.com/x'],
    ['http on this machine', 'http://127.0.0.1:8080/x'],
    ['another scheme', 'file:///etc/passwd'],
    ['another port', 'https://push.example.com:8443/x'],
    ['a user', 'https://a:b@push.example.com/x'],
    ['this machine', 'https://localhost/x'],
    ['this machine, with a dot', 'https://localhost./x'],
    ['this machine by address', 'https://127.0.0.1/x'],
    ['this machine in hex', 'https://0x7f.1/x'],
    ['this machine as a number', 'https://2130706433/x'],
    ['this machine, in full width', 'https://１２７.0.0.1/x'],
    ['this machine in IPv6', 'https://[::1]/x'],
    ['an IPv4 address in IPv6', 'https://[::ffff:10.0.0.1]/x'],
    ['an IPv4 address by NAT64', 'https://[64:ff9b::a00:1]/x'],
    ['an IPv4 address by 6to4', 'https://[2002:a00:1::]/x'],
    ['a private network', 'https://192.168.1.1/x'],
    ['a link of one’s own in IPv6', 'https://[fe80::1]/x'],
    ['a unique local address', 'https://[fd00::1]/x'],
    ['the metadata of a cloud', 'https://169.254.169.254/latest/meta-data'],
    ['the metadata of a cloud by name', 'https://metadata.google.internal/x'],
    ['a name without a dot', 'https://vault/x'],
    ['a name of a network of one’s own', 'https://db.corp.internal./x'],
    ['a longer one than there are', `https://push.example.com/${'x'.repeat(2000)}`],
  ])('is refused: %s', async (_story, endpoint) => {
    const refused = await refusalOf(subscriptions.add(anas, { endpoint, keys: browser.keys }));
    expect(refused).toMatchObject({ code: 'HF_USAGE' });
    expect(await subscriptions.list(ana)).toEqual([]);
  });

  it.each([
    ['no point', { ...browser.keys, p256dh: Buffer.alloc(65, 4).toString('base64url') }],
    ['a short point', { ...browser.keys, p256dh: 'BAAA' }],
    ['a short secret', { ...browser.keys, auth: 'AAAA' }],
    ['no base64', { ...browser.keys, auth: '<script>' }],
    ['ten megabytes', { ...browser.keys, auth: 'A'.repeat(10 * 1024 * 1024) }],
  ])('is refused with keys that are none: %s', async (_story, keys) => {
    expect(await refusalOf(subscriptions.add(anas, { endpoint: ENDPOINT, keys }))).toMatchObject({
      code: 'HF_USAGE',
    });
  });

  it('whose name leads into our own network is not called, whatever was looked at before', async () => {
    const receiver = await HttpReceiver.start();
    const signal = new AbortController().signal;
    const rest = { headers: {}, body: 'x', signal, where: 'public', clock: systemClock } as const;
    for (const url of [receiver.url, receiver.url.replace('127.0.0.1', 'localhost')]) {
      const sent = await post({ url: `${url}/x`, ...rest });
      expect(sent).toMatchObject({
        kind: 'failed',
        again: 'never',
        reason: expect.stringContaining('not a public one'),
      });
    }
    expect(receiver.received).toEqual([]);
    await receiver.stop();
  });
});

describe('addresses', () => {
  it.each(['8.8.8.8', '1.1.1.1', '172.15.0.1', '172.32.0.1', '2606:4700::1111', '2a00:1450::1'])(
    '%s is public',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
  it.each([
    '10.1.2.3',
    '172.16.0.1',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '::',
    '::1',
    'x',
    '',
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('browsers of people', () => {
  const asked = (nth: number) => ({ endpoint: `${ENDPOINT}${nth}`, keys: browser.keys });

  it('are listed and removed by whose they are', async () => {
    const one = await subscriptions.add(anas, asked(1));
    await subscriptions.add(bens, asked(2));
    expect((await subscriptions.list(ana)).map(({ id }) => id)).toEqual([one.id]);
    expect(await refusalOf(subscriptions.remove(ben, one.id))).toMatchObject({
      code: 'HF_NOT_FOUND',
    });
    await subscriptions.remove(ana, one.id);
    expect(await subscriptions.list(ana)).toEqual([]);
    expect(await subscriptions.all()).toHaveLength(1);
  });

  it('are one when they are the same, whoever signed in last', async () => {
    await subscriptions.add(anas, asked(1));
    const again = await subscriptions.add(bens, asked(1));
    expect((await subscriptions.all()).map(({ id, personId }) => [id, personId])).toEqual([
      [again.id, ben],
    ]);
  });

  it('are so many and no more, and one too many removes none', async () => {
    for (let nth = 0; nth < PUSH_SUBSCRIPTIONS_MAX; nth += 1)
      await subscriptions.add(anas, asked(nth));
    await subscriptions.add(bens, asked(99));
    expect(await refusalOf(subscriptions.add(anas, asked(99)))).toMatchObject({ code: 'HF_LIMIT' });
    expect(await subscriptions.list(ben)).toHaveLength(1);
    await subscriptions.add(anas, asked(3));
    expect(await subscriptions.list(ana)).toHaveLength(PUSH_SUBSCRIPTIONS_MAX);
  });

  it('of another are not taken over by who knows where they are, without what only they have', async () => {
    await subscriptions.add(anas, asked(1));
    const evil = { endpoint: `${ENDPOINT}1`, keys: pushBrowser(randomBytes(16)).keys };
    expect(await refusalOf(subscriptions.add(bens, evil))).toMatchObject({ code: 'HF_USAGE' });
    expect((await subscriptions.all()).map(({ personId }) => personId)).toEqual([ana]);
  });

  it('end with the session that asked for it, and never with another', async () => {
    const other = await signedIn(ana);
    await subscriptions.add(anas, asked(1));
    await subscriptions.add(other, asked(2));
    await sessions.close(other.sessionId, ana);
    expect((await subscriptions.all()).map(({ endpoint }) => endpoint)).toEqual([`${ENDPOINT}1`]);
    await sessions.closeOthers('', ana);
    expect(await subscriptions.all()).toEqual([]);
    expect(await refusalOf(subscriptions.add(anas, asked(3)))).toMatchObject({
      code: 'HF_SIGN_IN',
    });
  });

  it('do not end when a session runs out by itself, and do after their time', async () => {
    await subscriptions.add(anas, asked(1));
    clock.pass(SESSION_LIFE_MS_MAX + 1);
    expect(await subscriptions.all()).toHaveLength(1);
    clock.pass(PUSH_LIFE_MS_MAX);
    expect(await subscriptions.all()).toEqual([]);
    expect(await subscriptions.list(ana)).toEqual([]);
  });

  it('go on with the next session of the same browser and person, and of no other', async () => {
    const first = await signedIn(ana);
    await subscriptions.add(first, asked(1));
    // Somebody else at the same browser, and she at another one.
    await signedIn(ana);
    expect((await subscriptions.all()).map((one) => one.sessionId)).toEqual([first.sessionId]);
    clock.pass(PUSH_LIFE_MS_MAX - 1);
    const again = await signedIn(ana, first.device);
    await sessions.close(first.sessionId, ana);
    clock.pass(PUSH_LIFE_MS_MAX - 1);
    expect((await subscriptions.all()).map((one) => one.sessionId)).toEqual([again.sessionId]);
    await sessions.close(again.sessionId, ana);
    await signedIn(ana, first.device);
    expect(await subscriptions.all()).toEqual([]);
  });

  it('that count no more leave room for others, and do not pile up', async () => {
    const before = await signedIn(ana);
    for (let nth = 0; nth < PUSH_SUBSCRIPTIONS_MAX; nth += 1)
      await subscriptions.add(before, asked(nth));
    await sessions.close(before.sessionId, ana);
    await subscriptions.add(anas, asked(99));
    const rows = await scratch.database.run((db) =>
      db.selectFrom('holdfast.push_subscriptions').select('endpoint').execute(),
    );
    expect(rows).toEqual([{ endpoint: `${ENDPOINT}99` }]);
  });

  it.each([
    [
      'led elsewhere',
      sql`update holdfast.push_subscriptions set endpoint = 'https://push.example.com/mine'`,
    ],
    [
      'given another person',
      sql`update holdfast.push_subscriptions set person_id = (select id from holdfast.people where name = 'ben')`,
    ],
    [
      'given other keys',
      sql`update holdfast.push_subscriptions set auth = 'AAAAAAAAAAAAAAAAAAAAAA'`,
    ],
    [
      'of a person changed by hand',
      sql`update holdfast.people set roles = '{owner}' where name = 'ana'`,
    ],
    [
      'of a session changed by hand',
      sql`update holdfast.sessions set opened_at = opened_at + interval '1 day'`,
    ],
    [
      'written by hand',
      sql`insert into holdfast.push_subscriptions (id, person_id, endpoint, p256dh, auth, added_at, session_id, mac)
          select 'push_mine', person_id, 'https://push.example.com/mine', p256dh, auth, added_at, session_id, mac
          from holdfast.push_subscriptions`,
      1,
    ],
  ])('are not called when %s', async (_, change, left = 0) => {
    await subscriptions.add(anas, asked(1));
    await scratch.database.run((db) => change.execute(db));
    expect(await subscriptions.all()).toHaveLength(left);
  });

  it('are not asked for by a session of somebody else', async () => {
    const mixed = { personId: ben, sessionId: anas.sessionId };
    expect(await refusalOf(subscriptions.add(mixed, asked(1)))).toMatchObject({
      code: 'HF_SIGN_IN',
    });
  });

  it('of others who sat there before are not called any more once somebody signs in there', async () => {
    const [first, elsewhere] = [await signedIn(ana), await signedIn(ana)];
    await subscriptions.add(first, asked(1));
    await subscriptions.add(elsewhere, asked(2));
    await signedIn(ana, first.device);
    expect(await subscriptions.list(ana)).toHaveLength(2);
    await signedIn(ben, first.device);
    expect((await subscriptions.list(ana)).map(({ endpoint }) => endpoint)).toEqual([
      asked(2).endpoint,
    ]);
  });

  it('of somebody who was removed are not called any more', async () => {
    await subscriptions.add(anas, asked(1));
    await enrolled.people.remove('ana');
    expect(await subscriptions.all()).toEqual([]);
  });

  it('are called with the key of the store, and forgotten when they are gone', async () => {
    const receiver = await HttpReceiver.start();
    const seal = new Seal(Buffer.alloc(32, 1), systemClock);
    const keys = () => loadPushKeys(new SqlAgentStore(scratch.database, new RowKeys(seal)), seal);
    const contact = 'mailto:ops@example.com';
    const channel = new WebPushChannel({
      name: 'p',
      contact,
      subscriptions: local,
      keys,
      clock: systemClock,
    });
    const calm = new AbortController().signal;
    expect(await channel.send(NOTICE, calm)).toMatchObject({ kind: 'failed', again: 'never' });
    await local.add(anas, { endpoint: `${receiver.url}/one`, keys: browser.keys });
    expect(await channel.send(NOTICE, calm)).toEqual({ kind: 'delivered' });
    const [received] = receiver.received;
    expect(JSON.parse(browser.decrypt(received?.body ?? Buffer.alloc(0)))).toMatchObject({
      title: NOTICE.title,
      url: NOTICE.link,
    });
    const { privateKey, publicKey } = await keys();
    const kept = await scratch.database.run((db) =>
      db.selectFrom('holdfast.secrets').select('value').where('name', '=', 'web-push').execute(),
    );
    expect(kept[0]?.value.includes(Buffer.from(privateKey, 'base64url'))).toBe(false);
    expect(vapidClaims(received?.headers.authorization ?? '').key).toBe(publicKey);
    // A second gateway that starts at the same time has the same one.
    const both = await Promise.all([keys(), keys()]);
    expect(both.map((pair) => pair.publicKey)).toEqual([publicKey, publicKey]);
    receiver.status = 410;
    expect(await channel.send(NOTICE, calm)).toMatchObject({ kind: 'failed', again: 'never' });
    expect(await local.all()).toEqual([]);
    await receiver.stop();
  });

  it('that are local are not even on the list to call where only public ones may be', async () => {
    await local.add(anas, { endpoint: 'http://127.0.0.1:9/x', keys: browser.keys });
    expect((await subscriptions.all()).map(({ isLocal }) => isLocal)).toEqual([false]);
  });
});
