/**
 * People turn notices on in their browsers over the API, and are pushed to: what the gateway sends is caught at
 * a push service on this machine and opened with the browser's own keys, by the RFCs (8188, 8291, 8292). Around
 * it: whom the gateway would call, for whom, how often, and what the API says of it all.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROUTES } from '../../src/api/contract/index.ts';
import type { Channel } from '../../src/approvals/channels/channel.ts';
import { systemClock } from '../../src/model/clock.ts';
import {
  PROVED_MS_MAX,
  PUSH_SUBSCRIPTIONS_MAX,
  PUSH_TESTS_MAX,
  PUSH_TESTS_WINDOW_MS,
  SESSION_IDLE_MS_MAX,
} from '../../src/model/limits.ts';
import { channelsOf } from '../../src/notifying.ts';
import { HttpReceiver } from '../../src/testing/http-receiver.ts';
import { NOTICE } from '../../src/testing/notices.ts';
import { type PushBrowser, pushBrowser, vapidClaims } from '../../src/testing/push-browser.ts';
import { ApiWorld, type Browser } from './support.ts';
import { read, trailText } from './visitor.ts';

const SECRETS = {
  SLACK: 'https://hooks.slack.com/services/T0/B0/planted-slack-secret',
  TOPIC: 'planted-topic',
  TOKEN: 'tk_planted',
  SIGNING: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
  SMTP: 'planted-password',
};
const YAML = `
notify:
  quietHours: { from: '22:00', to: '07:00', zone: Europe/Lisbon }
  escalateAfter: 20m
  digestEvery: 12h
  channels:
    team: { kind: slack, url: { env: SLACK } }
    mail: { kind: smtp, host: mail.example.com, tls: starttls, user: planted-user, password: { env: SMTP }, from: a@example.com, to: [planted-reader@example.com] }
    on-call: { kind: ntfy, url: https://ntfy.example.com/planted-path, topic: { env: TOPIC }, token: { env: TOKEN }, urgent: true }
    siem: { kind: webhook, url: 'https://siem.example.com/in?key=planted-key', secret: { env: SIGNING }, quietHours: off }
    browsers: { kind: web-push, contact: mailto:ops@example.com }
  routes:
    - { kinds: [hold-opened], environments: [production], to: [team], escalate: [[on-call], [mail, browsers]] }
    - { to: [siem], importance: digest }
environments: { production: { level: sealed } }
`;

let world: ApiWorld;
let service: HttpReceiver;
let push: Channel;
let ana: Browser;
let ben: Browser;
const ids = new Map<string, string>();
let phone: PushBrowser;

beforeAll(async () => {
  service = await HttpReceiver.start();
  world = await ApiWorld.start(YAML, { env: SECRETS, pushTo: 'loopback' });
  // The library that signs looks at the machine's own clock, too (RFC 8292, 2: at most 24 h ahead).
  world.clock.pass(systemClock.now().getTime() - world.clock.now().getTime());
  await world.person('ana', ['owner']);
  await world.person('ben', ['auditor']);
  for (const { id, name } of await world.rooms.people.list()) ids.set(name, id);
  const channel = channelsOf(world.rooms, SECRETS, world.clock).find(
    ({ kind }) => kind === 'web-push',
  );
  if (channel === undefined) throw new Error('no channel');
  push = channel;
});
afterAll(async () => {
  await world?.stop();
  await service?.stop();
});
beforeEach(async () => {
  world.clock.pass(PUSH_TESTS_WINDOW_MS);
  [ana, ben] = [await signIn('ana'), await signIn('ben')];
  phone = pushBrowser(randomBytes(16));
});
afterEach(async () => {
  service.received.length = 0;
  service.fault = null;
  service.status = null;
  for (const one of await world.rooms.pushSubscriptions.all())
    await world.rooms.pushSubscriptions.gone(one.id);
  expect(world.troubles).toEqual([]);
});

const signIn = (name: string): Promise<Browser> => world.signedIn(name, ids.get(name) ?? '');
const at = (path: string): string => `${service.url}${path}`;
const calm = new AbortController().signal;

function turnOn(who: Browser, endpoint: string, keys: object = phone.keys) {
  return who.ask('/v1/self/push', { method: 'POST', body: { endpoint, keys } });
}

async function browsersOf(who: Browser) {
  return read('self.push.list', await who.ask('/v1/self/push'));
}

const test = (who: Browser) => who.ask('/v1/self/push/test', { method: 'POST', body: {} });

describe('notices in a browser', () => {
  it('are turned on, arrive encrypted for that browser alone, and are turned off', async () => {
    expect(await browsersOf(ana)).toMatchObject({ items: [] });
    const on = read('self.push.add', await turnOn(ana, at('/send/anas-phone')));
    expect(on).toMatchObject({ host: '127.0.0.1', userAgent: 'test', isThisSession: true });
    const { items, publicKey } = await browsersOf(ana);
    expect(items).toEqual([on]);

    expect(await push.send(NOTICE, calm)).toEqual({ kind: 'delivered' });
    const [sent] = service.received;
    expect(sent?.path).toBe('/send/anas-phone');
    expect(sent?.headers).toMatchObject({ 'content-encoding': 'aes128gcm', urgency: 'high' });
    const body = sent?.body ?? Buffer.alloc(0);
    expect(body.includes(NOTICE.title)).toBe(false);
    expect(JSON.parse(phone.decrypt(body))).toMatchObject({
      url: NOTICE.link,
      title: NOTICE.title,
    });
    expect(() => pushBrowser(randomBytes(16)).decrypt(body)).toThrow();
    // Signed by the key that the browser was told beforehand: it takes no other.
    expect(vapidClaims(sent?.headers.authorization ?? '')).toMatchObject({
      key: publicKey,
      aud: service.url,
      sub: 'mailto:ops@example.com',
    });

    const off = await ana.ask(`/v1/self/push/${on.id}`, { method: 'DELETE' });
    expect(off).toMatchObject({ status: 200, json: { removed: true } });
    expect(await push.send(NOTICE, calm)).toMatchObject({ kind: 'failed' });
    expect(service.received).toHaveLength(1);
    const trail = await trailText(world);
    for (const kind of ['push-turned-on', 'push-turned-off']) {
      const line = trail.split('\n').find((one) => one.includes(`"${kind}"`)) ?? '';
      expect(line).toContain(on.id);
      expect(line).toContain('"person":"ana"');
    }
    expect(trail).not.toContain('anas-phone');
    expect(trail).not.toContain(phone.keys.auth);
  });

  it('show neither where a browser is reached nor its keys, in any answer', async () => {
    const added = await turnOn(ana, at('/send/capability'));
    const answers = [added, await ana.ask('/v1/self/push'), await test(ana)];
    for (const { json, status } of answers) {
      expect(status).toBe(200);
      const text = JSON.stringify(json);
      for (const secret of ['capability', phone.keys.auth, phone.keys.p256dh]) {
        expect(text).not.toContain(secret);
      }
    }
  });

  it('are tried in one’s own browsers and nobody else’s', async () => {
    const tablet = pushBrowser(randomBytes(16));
    await turnOn(ana, at('/send/anas'));
    const gone = read('self.push.add', await turnOn(ben, at('/send/bens'), tablet.keys));
    expect(await test(ana)).toMatchObject({
      json: { items: [{ isDelivered: true, reason: null }] },
    });
    expect(service.received.map(({ path }) => path)).toEqual(['/send/anas']);
    const said = JSON.parse(phone.decrypt(service.received[0]?.body ?? Buffer.alloc(0)));
    expect(said).toMatchObject({ kind: 'test', title: 'A test of Holdfast’s notices' });
    expect(said.body).toContain('You tried notices in this browser');
    // A browser that is gone says so, and is forgotten.
    service.status = 410;
    expect(await test(ben)).toMatchObject({
      json: { items: [{ id: gone.id, isDelivered: false, reason: 'it answered 410' }] },
    });
    expect(await test(ben)).toMatchObject({ status: 404 });
  });

  it('are tried so often and no more', async () => {
    await turnOn(ana, at('/send/anas'));
    for (let nth = 0; nth < PUSH_TESTS_MAX; nth += 1) expect((await test(ana)).status).toBe(200);
    expect(await test(ana)).toMatchObject({ status: 429, json: { code: 'HF_RATE' } });
    // In another session, too: it is the person that is counted.
    expect(await test(await signIn('ana'))).toMatchObject({ status: 429 });
    expect(service.received).toHaveLength(PUSH_TESTS_MAX);
    world.clock.pass(PUSH_TESTS_WINDOW_MS);
    expect(await test(await signIn('ana'))).toMatchObject({ status: 200 });
  });

  it('are turned on in so many browsers and no more', async () => {
    for (let nth = 0; nth < PUSH_SUBSCRIPTIONS_MAX; nth += 1) {
      expect((await turnOn(ana, at(`/send/${nth}`))).status).toBe(200);
    }
    expect(await turnOn(ana, at('/send/more'))).toMatchObject({ json: { code: 'HF_LIMIT' } });
    expect((await browsersOf(ana)).items).toHaveLength(PUSH_SUBSCRIPTIONS_MAX);
  });

  it('want a recent proof: what outlives a session is not had by who found one open', async () => {
    world.clock.pass(PROVED_MS_MAX + 1);
    expect(await turnOn(ana, at('/send/x'))).toMatchObject({ json: { code: 'HF_SIGN_IN' } });
    expect((await browsersOf(ana)).items).toEqual([]);
  });
});

describe('a browser of somebody', () => {
  it('is none of another’s: not listed, not removed, and as unknown as one that never was', async () => {
    const { id } = read('self.push.add', await turnOn(ana, at('/send/anas')));
    expect((await browsersOf(ben)).items).toEqual([]);
    const others = await ben.ask(`/v1/self/push/${id}`, { method: 'DELETE' });
    const never = await ben.ask('/v1/self/push/push_0000000000000000', { method: 'DELETE' });
    expect(others).toMatchObject({ status: 404 });
    expect(others.json).toEqual(never.json);
    expect((await browsersOf(ana)).items).toHaveLength(1);
  });

  it('is not silenced by who has learned where it is reached', async () => {
    await turnOn(ana, at('/send/anas'));
    const own = pushBrowser(randomBytes(16)).keys;
    expect(await turnOn(ben, at('/send/anas'), own)).toMatchObject({ status: 422 });
    await push.send(NOTICE, calm);
    expect(phone.decrypt(service.received[0]?.body ?? Buffer.alloc(0))).toContain(NOTICE.title);
  });

  it('ends when its session is closed, by whatever way', async () => {
    await turnOn(ana, at('/send/anas'));
    await ana.ask('/v1/session', { method: 'DELETE' });
    ana = await signIn('ana');
    expect((await browsersOf(ana)).items).toEqual([]);

    await turnOn(ana, at('/send/anas'));
    const other = await signIn('ana');
    await other.ask('/v1/self/sessions/close-others', { method: 'POST', body: {} });
    expect((await browsersOf(other)).items).toEqual([]);
    expect(await push.send(NOTICE, calm)).toMatchObject({ kind: 'failed' });
    expect(service.received).toEqual([]);
  });

  it('goes on when its session runs out by itself: people are told while they are away', async () => {
    await turnOn(ana, at('/send/anas'));
    world.clock.pass(SESSION_IDLE_MS_MAX);
    expect(await ana.ask('/v1/self/push')).toMatchObject({ status: 401 });
    expect(await push.send(NOTICE, calm)).toEqual({ kind: 'delivered' });
    expect(service.received).toHaveLength(1);
  });

  it('ends when its person is removed', async () => {
    const eve = await world.person('eve', ['approver']);
    await turnOn(eve, at('/send/eves'));
    await world.rooms.people.remove('eve');
    expect(await push.send(NOTICE, calm)).toMatchObject({ kind: 'failed' });
    expect(service.received).toEqual([]);
  });
});

describe('what a browser may have us call', () => {
  it.each([
    ['the metadata of a cloud', 'https://169.254.169.254/latest/meta-data'],
    ['this machine over TLS', 'https://127.0.0.1/x'],
    ['this machine in octal', 'https://0177.0.0.1/x'],
    ['this machine as IPv4 in IPv6', 'https://[::ffff:127.0.0.1]/x'],
    ['a private network', 'https://10.0.0.7/x'],
    ['a link of one’s own', 'https://[fe80::1]/x'],
    ['a name that only looks like this machine', 'http://127.0.0.1.evil.example/x'],
    ['a name that begins like it', 'http://127.evil.example/x'],
    ['another port', 'https://push.example.com:8443/x'],
    ['http', 'http://push.example.com/x'],
    ['a user in it', 'https://127.0.0.1@push.example.com/x'],
    ['a script', 'javascript:alert(1)'],
    ['a file', 'file:///etc/passwd'],
    ['a cluster’s own name', 'https://kubernetes.default.svc.cluster.local/x'],
  ])('is not %s', async (_story, endpoint) => {
    expect(await turnOn(ana, endpoint)).toMatchObject({ status: 422, json: { code: 'HF_USAGE' } });
    expect((await browsersOf(ana)).items).toEqual([]);
  });

  it('is no text that is too long, and no key that is none', async () => {
    const long = `https://push.example.com/${'x'.repeat(2_000)}`;
    const off = Buffer.alloc(65, 4).toString('base64url');
    expect((await turnOn(ana, long)).status).toBe(422);
    expect((await turnOn(ana, at('/x'), { ...phone.keys, p256dh: off })).status).toBe(422);
    expect((await turnOn(ana, at('/x'), { ...phone.keys, auth: 'x'.repeat(5_000) })).status).toBe(
      422,
    );
    expect((await turnOn(ana, at('/x'), { ...phone.keys, more: 'x' })).status).toBe(422);
  });

  it('is not where it leads on to', async () => {
    await turnOn(ana, at('/send/anas'));
    service.fault = 'redirects';
    const { items } = read('self.push.test', await test(ana));
    expect(items).toMatchObject([{ isDelivered: false }]);
    expect(items[0]?.reason).toContain('not followed');
    expect(service.received.map(({ path }) => path)).toEqual(['/send/anas']);
  });

  it('fills no memory of ours by what it answers', async () => {
    await turnOn(ana, at('/send/anas'));
    service.fault = 'floods';
    expect(await test(ana)).toMatchObject({ status: 200 });
  });
});

describe('the settings in force', () => {
  it('are shown to everybody who is signed in, as the file says them', async () => {
    const shown = read('notifications.show', await ben.ask('/v1/notifications'));
    const night = { from: '22:00', to: '07:00', zone: 'Europe/Lisbon' };
    expect(shown.channels).toEqual([
      { name: 'team', kind: 'slack', host: null, urgent: false, quietHours: night },
      { name: 'mail', kind: 'smtp', host: 'mail.example.com', urgent: false, quietHours: night },
      { name: 'on-call', kind: 'ntfy', host: 'ntfy.example.com', urgent: true, quietHours: night },
      { name: 'siem', kind: 'webhook', host: 'siem.example.com', urgent: false, quietHours: null },
      { name: 'browsers', kind: 'web-push', host: null, urgent: false, quietHours: night },
    ]);
    expect(shown.routes).toHaveLength(2);
    expect(shown.routes[0]).toMatchObject({ escalate: [['on-call'], ['mail', 'browsers']] });
    expect(shown).toMatchObject({ escalateAfterMs: 1_200_000, digestEveryMs: 43_200_000 });
  });

  it('hold no secret, no address of anybody, and nothing of a URL but its host', async () => {
    const { json } = await ana.ask('/v1/notifications');
    const text = JSON.stringify(json);
    expect(text).not.toContain('planted');
    for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
  });
});

describe('without a channel for it', () => {
  it('nothing is turned on, and the page is told that nothing can be', async () => {
    const bare = await ApiWorld.start();
    const owner = await bare.person('ana', ['owner']);
    expect(await browsersOf(owner)).toEqual({ publicKey: null, items: [] });
    const refused = await turnOn(owner, 'https://push.example.com/x');
    expect(refused).toMatchObject({ status: 404, json: { code: 'HF_NOT_FOUND' } });
    const shown = read('notifications.show', await owner.ask('/v1/notifications'));
    expect(shown).toMatchObject({ channels: [] });
    await bare.stop();
  });
});

it('no route of it takes an id of a person: everybody acts for themselves', () => {
  const routes = Object.entries(ROUTES).filter(([name]) => name.startsWith('self.push.'));
  expect(routes).toHaveLength(4);
  for (const [, { path }] of routes) expect(path).not.toMatch(/people|person/);
});
