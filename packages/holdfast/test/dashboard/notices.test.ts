/**
 * Notices in a real browser, with the real service worker: turned on by a click, tried, shown, opened, turned
 * off. A headless Chromium has no push service, so that two things are ours: `PushManager` answers with a
 * subscription to a receiver on this machine, and what arrives there is opened with its keys and handed to the
 * worker by the debugger, as the browser would hand it.
 */
import { randomBytes } from 'node:crypto';
import axe from 'axe-core';
import type { Browser, CDPSession, Page, Worker } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../src/model/clock.ts';
import { HttpReceiver } from '../../src/testing/http-receiver.ts';
import { type PushBrowser, pushBrowser } from '../../src/testing/push-browser.ts';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { ApiWorld } from '../api/support.ts';
import { type AtBrowser, launch, noBrowser, sitDown } from './browser.ts';

const why = noBrowser();
const NOTIFY = `
notify:
  quietHours: { from: '22:00', to: '07:00', zone: Europe/Lisbon }
  channels:
    team: { kind: slack, url: { env: SLACK } }
    browsers: { kind: web-push, contact: mailto:ops@example.com, urgent: true, quietHours: off }
  routes:
    - { kinds: [hold-opened], to: [browsers], escalate: [[team]] }
`;

const SHOWN = z.array(
  z.object({ title: z.string(), body: z.string(), tag: z.string(), data: z.unknown() }),
);
type Shown = z.output<typeof SHOWN>;

describe('notices in a browser', () => {
  let world: ApiWorld;
  let service: HttpReceiver;
  let browser: Browser;
  let ana: AtBrowser;
  let phone: PushBrowser;
  let origin: string;

  beforeAll(async () => {
    if (why !== null) return;
    const port = await freePort();
    origin = `http://localhost:${port}`;
    service = await HttpReceiver.start();
    world = await ApiWorld.start(`dashboard: { port: ${port}, url: '${origin}' }\n${NOTIFY}`, {
      env: { SLACK: 'https://hooks.slack.com/services/planted' },
      pushTo: 'loopback',
    });
    // The library that signs looks at the machine's own clock, too.
    world.clock.pass(systemClock.now().getTime() - world.clock.now().getTime());
    await world.room.api.listen({ host: '127.0.0.1', port });
    browser = await launch();
    phone = pushBrowser(randomBytes(16));
    ana = await sitDown(browser, { origin });
    await ana.context.grantPermissions(['notifications'], { origin });
    await ana.context.addInitScript(pushStub(`${service.url}/send/capability`, phone));
    await ana.page.goto(`/join#${await world.rooms.ways.invites.makeFirst()}`);
    await ana.page.getByLabel('Your name').fill('ana');
    await ana.page.getByRole('button', { name: 'Make a passkey' }).click();
    await ana.page.getByLabel('I keep them somewhere safe.').check();
    await ana.page.getByRole('button', { name: 'Go on' }).click();
    await ana.page.getByRole('heading', { level: 1 }).waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await world?.stop();
    await service?.stop();
  });
  beforeEach((context) => {
    if (why !== null) context.skip(why);
  });
  afterEach(() => {
    if (why !== null) return;
    expect(ana.complaints).toEqual([]);
    expect(world.troubles).toEqual([]);
  });

  const told = () => world.rooms.pushSubscriptions.all();
  const notices = (page: Page) => page.locator('section', { hasText: 'Notifications' }).first();

  async function turnOn(page: Page): Promise<void> {
    await page.goto('/account');
    await page.getByRole('button', { name: 'Turn on in this browser' }).click();
    await page.getByRole('button', { name: 'Turn off in this browser' }).waitFor();
  }

  /**
   * As its push service would hand it over, and until the worker has shown it: a Chromium that is asked for
   * what is shown while something is being shown forgets that one for good (2 of 150, on a busy machine).
   */
  async function deliver(page: Page, data: string): Promise<void> {
    // Not detached while the page is used: the page's authenticator would go with it.
    const devtools = await ana.context.newCDPSession(page);
    const registrationId = await registrationOf(devtools);
    const worker = workerOf();
    const before = await shownBy(worker);
    await devtools.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data });
    await expect.poll(() => shownBy(worker), { timeout: 20_000 }).toBe(before + 1);
  }

  async function shownIn(page: Page): Promise<Shown> {
    const shown: unknown = await page.evaluate(`(async () => {
      const registration = await navigator.serviceWorker.getRegistration('/');
      const all = (await registration?.getNotifications()) ?? [];
      return all.map(({ body, data, tag, title }) => ({ body, data, tag, title }));
    })()`);
    return SHOWN.parse(shown);
  }

  it('teaches what it is for, and what goes where, before it is on', async () => {
    const { page } = ana;
    await page.goto('/account');
    await notices(page).getByText('Be told here when something waits for you').waitFor();
    await page.getByText('Browsers that people turned it on in, at any hour.').waitFor();
    await page.getByText('Slack, by a secret address, silent from 22:00 to 07:00').waitFor();
    await page.getByText('notify.routes[0]').waitFor();
    expect(await page.content()).not.toContain('planted');
    expect(await seriousFaults(page)).toEqual([]);
    expect(await told()).toEqual([]);
  });

  it('is turned on by a click, and a test arrives and is shown by the worker', async () => {
    const { page } = ana;
    await turnOn(page);
    await notices(page)
      .getByText(/this one/)
      .waitFor();
    const [one] = await told();
    expect(one).toMatchObject({ endpoint: `${service.url}/send/capability`, keys: phone.keys });
    expect(await seriousFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Send a test' }).click();
    await page.getByText('Sent to 1 browser.').waitFor();

    const message = phone.decrypt(service.received.at(-1)?.body ?? Buffer.alloc(0));
    await deliver(page, message);
    await expect
      .poll(() => shownIn(page), { timeout: 20_000 })
      .toMatchObject([{ title: 'A test of Holdfast’s notices', data: '/holds' }]);
    const [shown] = await shownIn(page);
    expect(shown?.body).toContain('You tried notices in this browser');
  });

  it('shows one of each subject, as text, and leads nowhere else', async () => {
    const { page } = ana;
    const hostile = {
      title: '<img src=x onerror=alert(1)>\u202e drop',
      body: 'a\u0000b\r\n[x](https://evil.example)',
      tag: 'subject-1',
      url: 'https://evil.example/holds/hold_1',
    };
    await deliver(page, JSON.stringify({ ...hostile, title: 'before' }));
    await deliver(page, JSON.stringify(hostile));
    await expect
      .poll(async () => (await shownIn(page)).filter(({ tag }) => tag === 'subject-1'), {
        timeout: 20_000,
      })
      .toEqual([
        {
          title: '<img src=x onerror=alert(1)> drop',
          body: 'ab\n[x](https://evil.example)',
          tag: 'subject-1',
          data: '/',
        },
      ]);
    // What is no message of ours still says that there was one.
    await deliver(page, 'no JSON');
    await expect
      .poll(async () => (await shownIn(page)).map(({ title }) => title), { timeout: 20_000 })
      .toContain('Holdfast has something for you');
  });

  it('opens what it is about when it is clicked, at this origin', async () => {
    const { page } = ana;
    const worker = workerOf();
    const click = (tag: string): Promise<unknown> => openedBy(worker, tag);
    await deliver(page, JSON.stringify({ title: 'a hold', tag: 's2', url: `${origin}/holds/x` }));
    await expect
      .poll(async () => (await shownIn(page)).some(({ tag }) => tag === 's2'), { timeout: 20_000 })
      .toBe(true);
    expect(await click('s2')).toEqual([`${origin}/holds/x`]);
    expect(await click('subject-1')).toEqual([`${origin}/`]);
    // It is put away by the click.
    expect((await shownIn(page)).map(({ tag }) => tag)).not.toContain('s2');
  });

  it('stays on through a reload, and ends on this side and on ours when it is turned off', async () => {
    const { page } = ana;
    await page.reload();
    await page.getByRole('button', { name: 'Turn off in this browser' }).click();
    await page.getByRole('button', { name: 'Turn on in this browser' }).waitFor();
    expect(await told()).toEqual([]);
    expect(await isSubscribed(page)).toBe(false);
  });

  it('that another browser removed is off here, too', async () => {
    const { page } = ana;
    await turnOn(page);
    const [one] = await told();
    await world.rooms.pushSubscriptions.remove(one?.personId ?? '', one?.id ?? '');
    await page.reload();
    await page.getByRole('button', { name: 'Turn on in this browser' }).waitFor();
  });

  it('ends with signing out, and does not go on for whoever signs in next', async () => {
    const { page } = ana;
    await turnOn(page);
    expect(await told()).toHaveLength(1);
    await page.getByRole('button', { name: 'Sign out' }).first().click();
    await page.waitForURL(`${origin}/`);
    await page.getByRole('button', { name: 'Use my passkey' }).waitFor();
    expect(await told()).toEqual([]);
    expect(await isSubscribed(page)).toBe(false);
    await page.getByRole('button', { name: 'Use my passkey' }).click();
    await page.getByRole('link', { name: 'Trail' }).first().waitFor();
    expect(await told()).toEqual([]);
  });

  it('says that a browser blocks them, and offers no button that would do nothing', async () => {
    const devtools = await ana.context.newCDPSession(ana.page);
    const { targetInfo } = await devtools.send('Target.getTargetInfo');
    const { browserContextId } = targetInfo;
    if (browserContextId === undefined) throw new Error('no context');
    const asked = { permission: { name: 'notifications' }, origin, browserContextId };
    await devtools.send('Browser.setPermission', { ...asked, setting: 'denied' });
    await ana.page.goto('/account');
    await notices(ana.page).getByText('blocked').waitFor();
    expect(await ana.page.getByRole('button', { name: /Turn on/ }).count()).toBe(0);
    await devtools.send('Browser.setPermission', { ...asked, setting: 'granted' });
  });

  it('comes from one file of ours that is looked at anew each time and handles no request', async () => {
    const answer = await fetch(`${origin}/sw.js`);
    expect(answer.headers.get('content-type')).toMatch(/^(text|application)\/javascript/);
    expect(answer.headers.get('cache-control')).toBe('no-cache');
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("worker-src 'self'");
    const text = await answer.text();
    const handlers = [...text.matchAll(/addEventListener\(["'`](\w+)/g)].map(([, name]) => name);
    expect(handlers.toSorted()).toEqual(['notificationclick', 'push']);
    expect(text).not.toMatch(/\bimport\b|importScripts|caches|eval/);
    const scopes: unknown = await ana.page.evaluate(`(async () =>
      (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => scope))()`);
    expect(scopes).toEqual([`${origin}/`]);
    const manifest = await fetch(`${origin}/holdfast.webmanifest`);
    expect(manifest.headers.get('content-type')).toMatch(/^application\/manifest\+json/);
    const said: unknown = await manifest.json();
    expect(said).toMatchObject({ start_url: '/', scope: '/', display: 'standalone' });
    expect((await fetch(`${origin}/mark.svg`)).headers.get('content-type')).toMatch(/svg/);
  });

  it('is handed no script address but that of the worker', async () => {
    // In a tab of its own: the browser complains in its console, as it should.
    const tab = await ana.context.newPage();
    await tab.goto('/account');
    const tried: unknown = await tab.evaluate(`(async () => {
      const attempts = [
        () => navigator.serviceWorker.register('/assets/other.js'),
        () => trustedTypes.createPolicy('another', {}),
      ];
      const ends = [];
      for (const attempt of attempts) {
        ends.push(await (async () => attempt())().then(() => 'taken', ({ name }) => name));
      }
      return ends;
    })()`);
    expect(tried).toEqual(['TypeError', 'TypeError']);
    await tab.close();
  });

  function workerOf(): Worker {
    const worker = ana.context.serviceWorkers().find((one) => one.url() === `${origin}/sw.js`);
    if (worker === undefined) throw new Error('no worker');
    return worker;
  }
});

async function registrationOf(devtools: CDPSession): Promise<string> {
  const known = new Promise<string>((done) => {
    devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const id = registrations.find(({ isDeleted }) => !isDeleted)?.registrationId;
      if (id !== undefined) done(id);
    });
  });
  await devtools.send('ServiceWorker.enable');
  return known;
}

/** How many notices it has shown, to their end, since this was first asked. */
async function shownBy(worker: Worker): Promise<number> {
  const shown: unknown = await worker.evaluate(`(() => {
    if (self.shownCount !== undefined) return self.shownCount;
    const show = registration.showNotification.bind(registration);
    registration.showNotification = async (...said) => {
      await show(...said);
      self.shownCount += 1;
    };
    return (self.shownCount = 0);
  })()`);
  return z.number().parse(shown);
}

/** The click itself is the system's; it is said to the worker here, and what it would open is caught. */
function openedBy(worker: Worker, tag: string): Promise<unknown> {
  return worker.evaluate(`(async () => {
    const [notification] = await registration.getNotifications({ tag: ${JSON.stringify(tag)} });
    const opened = [];
    clients.openWindow = async (url) => opened.push(url);
    dispatchEvent(new NotificationEvent('notificationclick', { notification }));
    for (let left = 100; opened.length === 0 && left > 0; left -= 1) {
      await new Promise((done) => setTimeout(done, 20));
    }
    return opened;
  })()`);
}

function isSubscribed(page: Page): Promise<unknown> {
  return page.evaluate(`(async () => {
    const registration = await navigator.serviceWorker.getRegistration('/');
    return (await registration?.pushManager.getSubscription()) !== null;
  })()`);
}

/** Kept over reloads, as a browser keeps it. */
function pushStub(endpoint: string, { keys }: PushBrowser): string {
  return `{
    const KEY = 'test.subscription';
    const subscription = {
      toJSON: () => ({ endpoint: ${JSON.stringify(endpoint)}, keys: ${JSON.stringify(keys)} }),
      unsubscribe: async () => { localStorage.removeItem(KEY); return true; },
    };
    PushManager.prototype.subscribe = async (options) => {
      if (!options.userVisibleOnly || !/^B[A-Za-z0-9_-]{86}$/.test(options.applicationServerKey))
        throw new DOMException('not so', 'InvalidAccessError');
      localStorage.setItem(KEY, 'yes');
      return subscription;
    };
    PushManager.prototype.getSubscription = async () =>
      localStorage.getItem(KEY) === null ? null : subscription;
  }`;
}

/** Past the content policy, as no script of another could: by the browser's own debugger. */
async function seriousFaults(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await Reflect.get(globalThis, 'axe').run();
    return violations
      .filter(({ impact }: { impact: string }) => impact === 'serious' || impact === 'critical')
      .map(({ id }: { id: string }) => id);
  });
}
