/**
 * People are told: the whole gateway with an agent whose statement is held, real receivers of every kind
 * beside it, and the command line that tries them and says how it went.
 */
import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { HttpReceiver } from '../../src/testing/http-receiver.ts';
import { MailReceiver, readMail } from '../../src/testing/mail-receiver.ts';
import { ENVIRONMENT, type Gateway, startGateway, TARGET } from '../support/gateway.ts';
import { RawClient } from '../support/raw-client.ts';
import { typed } from '../support/typed-commands.ts';
import { APP_PASSWORD } from '../support/upstream.ts';

const SECRET = `whsec_${randomBytes(24).toString('base64')}`;
const MAIL_PASSWORD = 'mail-password-of-ours';
const TOLD_MS_MAX = 30_000;

let gateway: Gateway;
let hook: HttpReceiver;
let chat: HttpReceiver;
let dead: HttpReceiver;
let mail: MailReceiver;
const env = { HOOK_SECRET: SECRET, CHAT_URL: '', MAIL_PASSWORD };

beforeAll(async () => {
  [hook, chat, dead] = [
    await HttpReceiver.start(),
    await HttpReceiver.start(),
    await HttpReceiver.start(),
  ];
  dead.fault = 'hangs';
  const login = { user: 'holdfast', password: MAIL_PASSWORD };
  mail = await MailReceiver.start({ tls: null, login });
  env.CHAT_URL = `${chat.url}/services/T0/B0/secret-of-the-webhook`;
  gateway = await startGateway({
    level: 'sealed',
    more: {
      env,
      lines: [
        'notify:',
        '  channels:',
        `    hook: { kind: webhook, url: '${hook.url}/hook', secret: { env: HOOK_SECRET } }`,
        `    dead: { kind: ntfy, url: '${dead.url}', topic: t }`,
        '    chat: { kind: slack, url: { env: CHAT_URL } }',
        `    mail: { kind: smtp, host: 127.0.0.1, port: ${mail.port}, tls: off, user: holdfast, password: { env: MAIL_PASSWORD }, from: holdfast@example.com, to: [ana@example.com] }`,
      ],
    },
  });
  await gateway.upstream.ask('create table bookings (id int); alter table bookings owner to app');
});
afterAll(async () => {
  await gateway?.stop();
  for (const receiver of [hook, chat, dead, mail]) await receiver?.stop();
});

/** Runs what is held, and says by which hold. */
async function held(statement: string): Promise<string> {
  const client = await RawClient.open(gateway.through);
  const { errors } = await client.query(statement);
  await client.end();
  const id = /hold_[0-9a-z]+/.exec(JSON.stringify(errors))?.[0];
  if (id === undefined) throw new Error('it was not held');
  return id;
}

function hooked(kind: string) {
  return hook.received
    .map(({ body, headers }) => {
      const plain = Object.entries(headers).map(([name, value]) => [name, String(value)]);
      return JSON.parse(
        JSON.stringify(new Webhook(SECRET).verify(body, Object.fromEntries(plain))),
      );
    })
    .filter(({ type }) => type === kind);
}

function holdfast(...words: readonly string[]) {
  const all = { ...process.env, ...env, APP_PASSWORD, HOLDFAST_CONFIG: gateway.configPath };
  return typed({ words, env: all });
}

describe('a statement that is held', () => {
  it('is told by every channel that lives, although one of them hangs', async () => {
    const id = await held("delete from bookings where id = 1 or 'hunter2' = 'hunter2'");
    await vi.waitFor(() => {
      expect(hooked('hold-opened')).toHaveLength(1);
      expect(chat.received).toHaveLength(1);
      expect(mail.mails).toHaveLength(1);
      expect(dead.received.length).toBeGreaterThan(0);
    }, TOLD_MS_MAX);
    const [{ data }] = hooked('hold-opened');
    expect(data.link).toBe(`http://localhost:7070/holds/${id}`);
    expect(data.facts).toContainEqual({ name: 'environment', text: `${ENVIRONMENT} (sealed)` });
    expect(data.facts).toContainEqual({ name: 'target', text: TARGET });
    expect(data.facts).toContainEqual({
      name: 'statement',
      text: "delete from bookings where id = 1 or '…' = '…'",
    });
    const { subject, text } = readMail(mail.mails[0]?.raw ?? '');
    expect(subject).toContain(`${TARGET} in ${ENVIRONMENT}`);
    expect(text).toContain(`http://localhost:7070/holds/${id}`);
    const all = [...hook.received, ...chat.received].map(({ body }) => body.toString()).join();
    expect(all + text).not.toMatch(/hunter2|hft_/);
  });

  it('is told again when it is decided, and the trail holds nothing of the secrets', async () => {
    const id = await held('truncate bookings');
    await vi.waitFor(() => expect(hooked('hold-opened')).toHaveLength(2), TOLD_MS_MAX);
    await gateway.deny(id, 'not today');
    await vi.waitFor(() => expect(hooked('hold-decided')).toHaveLength(1), TOLD_MS_MAX);
    expect(hooked('hold-decided')[0].data.facts).toContainEqual({
      name: 'because',
      text: 'not today',
    });
    const entries = JSON.stringify(await gateway.entries());
    for (const secret of [SECRET, MAIL_PASSWORD, 'secret-of-the-webhook']) {
      expect(entries).not.toContain(secret);
    }
  });

  it('a signal reaches people from the trail, whichever process noted it', async () => {
    const { exit } = await holdfast('agents', 'add', 'another-agent', '--purpose', 'a test');
    expect(exit).toBe(0);
    await gateway.holdfast.rooms.note({
      kind: 'foreign-credential',
      facts: { provider: 'railway' },
      message: 'a credential that is not Holdfast’s came for railway',
    });
    await vi.waitFor(() => expect(hooked('foreign-credential')).toHaveLength(1), TOLD_MS_MAX);
  });
});

describe('holdfast notify', () => {
  it('tests one channel, or all, and says which did not take it', async () => {
    const one = await holdfast('notify', 'test', 'hook');
    expect(one).toMatchObject({ exit: 0, out: 'hook: taken\n', err: '' });
    expect(hooked('test')).toHaveLength(1);
    dead.fault = 'refuses';
    const all = await holdfast('notify', 'test', '--json');
    expect(all.exit).toBe(1);
    expect(JSON.parse(all.out).tried).toEqual([
      { channel: 'hook', kind: 'webhook', delivered: true, reason: null },
      { channel: 'dead', kind: 'ntfy', delivered: false, reason: 'it answered 403: invalid_token' },
      { channel: 'chat', kind: 'slack', delivered: true, reason: null },
      { channel: 'mail', kind: 'smtp', delivered: true, reason: null },
    ]);
  });

  it('lists channels, their last delivery and what failed, without a secret', async () => {
    const { channels, failures } = JSON.parse((await holdfast('notify', 'list', '--json')).out);
    expect(channels.map((one: { channel: string }) => one.channel)).toEqual([
      'hook',
      'dead',
      'chat',
      'mail',
    ]);
    expect(channels[0]).toMatchObject({ kind: 'webhook', failed: 0 });
    expect(failures[0]).toMatchObject({ channel: 'dead' });
    const { out } = await holdfast('notify');
    expect(out).toMatch(/^channel\s+kind\s+last delivery\s+sent\s+waiting\s+failed$/m);
    expect(out).toMatch(/^dead\s+ntfy\s+never/m);
    expect(out).not.toMatch(/whsec_|secret-of-the-webhook/);
  });

  it('says which channels there are when one is misspelt', async () => {
    const { exit, err } = await holdfast('notify', 'test', 'hok');
    expect(exit).not.toBe(0);
    expect(err).toContain('one of hook, dead, chat, mail');
    expect(err).toContain('Did you mean hook?');
  });
});
