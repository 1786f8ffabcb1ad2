/** Every channel against the contract, each with a receiver that reads by means of its own. */
import { createECDH, randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { systemClock } from '../../model/clock.ts';
import { HttpReceiver } from '../../testing/http-receiver.ts';
import { MailReceiver, readMail, startSilence } from '../../testing/mail-receiver.ts';
import { pushBrowser, vapidClaims } from '../../testing/push-browser.ts';
import { type ChannelWorld, channelSuite, type Shown, TEST_MS_MAX } from './channel.suite.ts';
import type { Channel } from './channel.ts';
import { NtfyChannel } from './ntfy.ts';
import { SlackChannel } from './slack.ts';
import { SmtpChannel } from './smtp.ts';
import { WebPushChannel } from './web-push.ts';
import { WebhookChannel } from './webhook.ts';

const clock = systemClock;
const msMax = TEST_MS_MAX;
const HTTP_FAULTS = ['refuses', 'busy', 'hangs', 'redirects', 'floods'] as const;

/** `read` takes one request apart; it throws when it is not what the wire wants. */
async function httpWorld(
  path: string,
  make: (url: () => string) => { readonly channel: Channel; readonly secrets: readonly string[] },
  read: (body: Buffer, headers: Readonly<Record<string, string>>) => Omit<Shown, 'bytes'>,
): Promise<ChannelWorld> {
  const receiver = await HttpReceiver.start();
  let isGone = false;
  const { channel, secrets } = make(() =>
    isGone ? `http://127.0.0.1:1${path}` : `${receiver.url}${path}`,
  );
  return {
    channel,
    secrets,
    shown: () =>
      receiver.received.map(({ body, headers }) => {
        const plain = Object.entries(headers).map(([name, value]) => [name, String(value)]);
        return { ...read(body, Object.fromEntries(plain)), bytes: body.length };
      }),
    strays: () => receiver.received.filter((one) => one.path !== path).length,
    fault: (fault) => {
      isGone = fault === 'gone';
      receiver.fault = fault === 'gone' ? null : fault;
    },
    reset: () => {
      receiver.received.length = 0;
    },
    end: () => receiver.stop(),
  };
}

const plainText = z.strictObject({
  type: z.literal('plain_text'),
  text: z.string().min(1).max(3000),
  emoji: z.literal(false),
});
/** Of Block Kit, only what cannot hold markup. */
const slackMessage = z.strictObject({
  text: z.string(),
  mrkdwn: z.literal(false),
  unfurl_links: z.literal(false),
  unfurl_media: z.literal(false),
  blocks: z
    .array(
      z.discriminatedUnion('type', [
        z.strictObject({
          type: z.literal('header'),
          text: z.strictObject({ ...plainText.shape, text: z.string().min(1).max(150) }),
        }),
        z.strictObject({ type: z.literal('section'), text: plainText }),
        z.strictObject({
          type: z.literal('actions'),
          elements: z.tuple([
            z.strictObject({ type: z.literal('button'), text: plainText, url: z.url().max(3000) }),
          ]),
        }),
      ]),
    )
    .max(50),
});

channelSuite('slack', HTTP_FAULTS, () => {
  const path = '/services/T0/B0/webhook-secret';
  return httpWorld(
    path,
    (url) => ({ channel: new SlackChannel({ name: 'team', url, clock, msMax }), secrets: [path] }),
    (body) => {
      const { blocks, text } = slackMessage.parse(JSON.parse(body.toString('utf8')));
      const links = blocks.flatMap((block) =>
        block.type === 'actions' ? block.elements.map(({ url }) => url) : [],
      );
      const texts = blocks.flatMap((block) => (block.type === 'actions' ? [] : [block.text.text]));
      const all = [text, ...texts].join('\n');
      if (/[<>]|&(?!amp;|lt;|gt;)/.test(all)) throw new Error(`not escaped: ${all.slice(0, 200)}`);
      return { text: unescaped(all), links };
    },
  );
});

const ntfyMessage = z.strictObject({
  topic: z.literal('holds'),
  title: z.string().min(1),
  message: z.string().min(1),
  priority: z.int().min(1).max(5),
  click: z.string().optional(),
});

channelSuite('ntfy', HTTP_FAULTS, () => {
  const token = 'tk_secretsecretsecret';
  return httpWorld(
    '/',
    (url) => ({
      channel: new NtfyChannel({
        name: 'phone',
        url,
        topic: () => 'holds',
        token: () => token,
        clock,
        msMax,
      }),
      secrets: [token],
    }),
    (body, headers) => {
      const { click, message, title } = ntfyMessage.parse(JSON.parse(body.toString('utf8')));
      // What ntfy would read from headers, were there any.
      const told = Object.keys(headers).filter((name) =>
        /^(?:x-|title|tags|click|actions)/.test(name),
      );
      if (told.length > 0 || headers['authorization'] !== `Bearer ${token}`)
        throw new Error('headers');
      return { text: `${title}\n${message}`, links: click === undefined ? [] : [click] };
    },
  );
});

const webhookMessage = z.strictObject({
  type: z.string(),
  timestamp: z.iso.datetime(),
  data: z.strictObject({
    importance: z.string(),
    title: z.string(),
    facts: z.array(z.strictObject({ name: z.string(), text: z.string() })),
    link: z.string(),
  }),
});

channelSuite('webhook', HTTP_FAULTS, () => {
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  return httpWorld(
    '/hook',
    (url) => ({
      channel: new WebhookChannel({ name: 'siem', url, secret: () => secret, clock, msMax }),
      secrets: [secret, secret.slice(6)],
    }),
    (body, headers) => {
      const { data } = webhookMessage.parse(new Webhook(secret).verify(body, headers));
      const facts = data.facts.map(({ name, text }) => `${name}: ${text}`);
      return {
        text: [data.title, ...facts].join('\n'),
        links: data.link === '' ? [] : [data.link],
      };
    },
  );
});

const pushMessage = z.strictObject({
  kind: z.string(),
  importance: z.string(),
  tag: z.string(),
  title: z.string(),
  body: z.string(),
  url: z.string(),
});

channelSuite('web-push', HTTP_FAULTS, async () => {
  const browser = pushBrowser(randomBytes(16));
  const keys = pushKeys();
  let endpoint = () => '';
  const subscriptions = {
    all: async () => [
      {
        id: 'push_1',
        personId: 'person_1',
        endpoint: endpoint(),
        keys: browser.keys,
        addedAt: clock.now(),
        isLocal: true,
      },
    ],
    gone: async () => {},
  };
  return await httpWorld(
    '/push/capability',
    (url) => {
      endpoint = url;
      const contact = 'mailto:ops@example.com';
      const parts = { subscriptions, keys: async () => keys, contact, clock, msMax };
      const channel = new WebPushChannel({ name: 'phones', ...parts });
      return { channel, secrets: ['/push/capability', keys.privateKey] };
    },
    (body, headers) => {
      const claims = vapidClaims(headers['authorization'] ?? '');
      const seconds = clock.now().getTime() / 1000;
      const isRight =
        claims.key === keys.publicKey &&
        claims['aud'] === new URL(endpoint()).origin &&
        claims['sub'] === 'mailto:ops@example.com' &&
        Number(claims['exp']) > seconds &&
        Number(claims['exp']) <= seconds + 24 * 60 * 60;
      if (!isRight) throw new Error(`claims: ${JSON.stringify(claims)}`);
      if (body.length > 4096) throw new Error(`${body.length} bytes`);
      const { body: text, title, url } = pushMessage.parse(JSON.parse(browser.decrypt(body)));
      return { text: `${title}\n${text}`, links: url === '' ? [] : [url] };
    },
  );
});

channelSuite('smtp', ['refuses', 'busy', 'hangs'], async () => {
  const login = { user: 'holdfast', password: 'mail-password-of-ours' };
  const receiver = await MailReceiver.start({ tls: null, login });
  const silence = await startSilence();
  let port = receiver.port;
  const options = {
    name: 'mail',
    host: '127.0.0.1',
    tls: 'off',
    user: login.user,
    password: () => login.password,
    from: 'holdfast@example.com',
    to: ['ana@example.com', 'ben@example.com'],
    ca: null,
    msMax,
  } as const;
  return {
    channel: {
      name: 'mail',
      kind: 'smtp',
      send: (notice, signal) => new SmtpChannel({ ...options, port }).send(notice, signal),
    },
    secrets: [login.password],
    shown: () =>
      receiver.mails.map(({ from, login: user, raw, to }) => {
        if (from !== options.from || user !== login.user) throw new Error(`${from} ${user}`);
        if (to.join() !== options.to.join()) throw new Error(`to ${to.join()}`);
        const mail = readMail(raw);
        return shownMail(mail, raw);
      }),
    strays: () => 0,
    fault: (fault) => {
      port = fault === 'gone' ? 1 : fault === 'hangs' ? silence.port : receiver.port;
      receiver.fault = fault === 'refuses' || fault === 'busy' ? fault : null;
    },
    reset: () => {
      receiver.mails.length = 0;
    },
    end: async () => {
      silence.stop();
      await receiver.stop();
    },
  };
});

const MAIL_HEADERS = [
  'auto-submitted',
  'content-type',
  'date',
  'from',
  'importance',
  'message-id',
  'mime-version',
  'subject',
  'to',
  'x-auto-response-suppress',
  'x-mailer',
  'x-msmail-priority',
  'x-priority',
];
const TAGS = /^(?:!doctype|html|head|meta|body|h1|table|tbody|tr|td|code|p|a)$/;

/** Throws for a header, a tag or an attribute that the channel has no use for. */
function shownMail(mail: ReturnType<typeof readMail>, raw: string): Shown {
  const odd = [...mail.headers.keys()].filter((name) => !MAIL_HEADERS.includes(name));
  if (odd.length > 0 || [...mail.headers.values()].some((value) => value.includes('\n'))) {
    throw new Error(`headers: ${odd.join(', ')}`);
  }
  const links: string[] = [];
  for (const [, tag = '', attributes = ''] of mail.html.matchAll(/<\/?([^\s>]+)([^>]*)>/g)) {
    if (!TAGS.test(tag)) throw new Error(`tag ${tag}`);
    if (/\son|\bsrc|\burl\(/i.test(attributes)) throw new Error(`attributes ${attributes}`);
    const href = /href="([^"]*)"/.exec(attributes)?.[1];
    if (href !== undefined) links.push(unescaped(href));
  }
  const html = unescaped(mail.html.replaceAll(/<[^>]*>/g, '\n'));
  const own = links.at(0);
  const urls = [...mail.text.matchAll(/https?:\/\/\S+/g)].map(([url]) => url);
  if (urls.join() !== (own ?? '')) throw new Error(`links in the text: ${urls.join()}`);
  const text = [mail.subject, mail.text, html].join('\n').replaceAll('\r\n', '\n');
  return { text, links, bytes: Buffer.byteLength(raw) };
}

function unescaped(text: string): string {
  const signs: Readonly<Record<string, string>> = {
    lt: '<',
    gt: '>',
    quot: '"',
    '#39': "'",
    amp: '&',
  };
  return text.replaceAll(/&(lt|gt|quot|#39|amp);/g, (whole, name: string) => signs[name] ?? whole);
}

function pushKeys() {
  const pair = createECDH('prime256v1');
  pair.generateKeys();
  const padded = Buffer.concat([Buffer.alloc(32), pair.getPrivateKey()]).subarray(-32);
  return {
    publicKey: pair.getPublicKey('base64url'),
    privateKey: padded.toString('base64url'),
  };
}
