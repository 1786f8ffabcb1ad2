import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../model/errors.ts';
import { checkConfig, missingSecrets, secretNamesIn } from './check-config.ts';
import type { Config } from './config.ts';
import { parseConfig } from './load-config.ts';

const parse = (text: string): Config =>
  parseConfig({ text, name: 'holdfast.yaml', folder: '/etc/holdfast' }, {});

function complaint(text: string): string {
  try {
    parse(text);
    return '';
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return error.found;
  }
}

const SLACK = 'notify: { channels: { team: { kind: slack, url: { env: A } } }';

describe('what is wrong under notify is said', () => {
  it.each([
    [
      'a webhook of Slack in the file, which is a secret',
      'notify: { channels: { t: { kind: slack, url: "https://hooks.slack.com/services/hunter2" } } }',
      'notify.channels.t.url: expected {env: NAME} or {file: PATH}, found a string of 40 characters',
    ],
    [
      'a kind that is none',
      'notify: { channels: { t: { kind: pager, url: { env: A } } } }',
      'expected a channel with kind: slack, smtp, ntfy, webhook or web-push',
    ],
    [
      'a key of another kind',
      'notify: { channels: { t: { kind: slack, url: { env: A }, topic: x } } }',
      'found unknown key `topic`',
    ],
    [
      'a password in the file',
      'notify: { channels: { m: { kind: smtp, host: h, user: u, password: hunter2, from: a@b.c, to: [a@b.c] } } }',
      'notify.channels.m.password: expected {env: NAME} or {file: PATH}, found a string of 7 characters',
    ],
    [
      'a user without a password',
      'notify: { channels: { m: { kind: smtp, host: h, user: u, from: a@b.c, to: [a@b.c] } } }',
      'notify.channels.m: expected user and password, or neither, found a user without a password',
    ],
    [
      'a password in clear over a network',
      'notify: { channels: { m: { kind: smtp, host: mail.example.com, tls: off, user: u, password: { env: A }, from: a@b.c, to: [a@b.c] } } }',
      'notify.channels.m.tls: expected starttls or implicit, where a password goes to another machine',
    ],
    [
      'an address with a second header in it',
      'notify: { channels: { m: { kind: smtp, host: h, from: "a@b.c\\r\\nBcc: x@y.z", to: [a@b.c] } } }',
      'notify.channels.m.from: expected an address such as holdfast@example.com',
    ],
    [
      'a topic that is none',
      'notify: { channels: { n: { kind: ntfy, topic: "a/b" } } }',
      'notify.channels.n.topic: expected a topic, found a string of 3 characters',
    ],
    [
      'a user in a URL',
      'notify: { channels: { w: { kind: webhook, url: "https://a:hunter2@h/x", secret: { env: A } } } }',
      'notify.channels.w.url: expected a URL such as https://example.com/holdfast, found a string of',
    ],
    [
      'a route to a channel that there is not',
      `${SLACK}, routes: [{ to: [team], escalate: [[taem]] }] }`,
      'notify.routes[0].escalate[0][0]: expected a channel of this file, found taem. Did you mean team?',
    ],
    [
      'a route to nobody',
      `${SLACK}, routes: [{ to: [] }] }`,
      'notify.routes[0].to: expected at least one channel',
    ],
    [
      'a kind of notice that is none',
      `${SLACK}, routes: [{ kinds: [hold-opend], to: [team] }] }`,
      'Did you mean `hold-opened`?',
    ],
    [
      'an hour that is none',
      `${SLACK}, quietHours: { from: "24:00", to: "7:00", zone: UTC } }`,
      'notify.quietHours.from: expected an hour such as 22:00, found "24:00"',
    ],
    [
      'a zone that is none',
      `${SLACK}, quietHours: { from: "22:00", to: "07:00", zone: Mars/Base } }`,
      'notify.quietHours.zone: expected a time zone such as Europe/Berlin, found "Mars/Base"',
    ],
    [
      'an escalation before anybody could answer',
      `${SLACK}, escalateAfter: 5s }`,
      'notify.escalateAfter: expected a duration from 1m to 1d',
    ],
  ])('%s', (_story, text, said) => {
    const found = complaint(text);
    expect(found).toContain(said);
    expect(found).not.toContain('hunter2');
  });
});

describe('what is right', () => {
  it('nobody is told by an empty file', () => {
    expect(parse('').notify).toMatchObject({ channels: [], escalateAfterMs: 900_000 });
    expect(checkConfig(parse('')).filter(({ path }) => path.startsWith('notify'))).toEqual([]);
  });

  it('every channel hears of everything where no route says otherwise', () => {
    const { routes } = parse(`${SLACK} }`).notify;
    expect(routes).toEqual([
      { kinds: null, environments: null, importance: null, to: ['team'], escalate: [] },
    ]);
  });

  it('quiet hours are those of all, of its own, or none', () => {
    const { channels } = parse(
      'notify: { quietHours: { from: "22:00", to: "07:30", zone: UTC }, channels: {' +
        ' a: { kind: ntfy, topic: t }, b: { kind: ntfy, topic: t, quietHours: off },' +
        ' c: { kind: ntfy, topic: t, quietHours: { from: "00:00", to: "00:00", zone: UTC } } } }',
    ).notify;
    expect(channels.map(({ quietHours }) => quietHours)).toEqual([
      { fromMinute: 1320, toMinute: 450, zone: 'UTC' },
      null,
      { fromMinute: 0, toMinute: 0, zone: 'UTC' },
    ]);
  });

  it('ports follow from tls, and files from the folder', () => {
    const mail = 'kind: smtp, host: h, from: a@b.c, to: [a@b.c]';
    const { channels } = parse(
      `notify: { channels: { a: { ${mail} }, b: { ${mail}, tls: implicit, ca: ca.pem }, c: { ${mail}, tls: off } } }`,
    ).notify;
    expect(channels.map(({ way }) => way)).toMatchObject([
      { port: 587, caFile: null },
      { port: 465, caFile: '/etc/holdfast/ca.pem' },
      { port: 25 },
    ]);
  });

  it('its secrets are known by name, for doctor, start and the seal program', () => {
    const config = parse(
      'notify: { channels: { a: { kind: slack, url: { env: S } }, b: { kind: ntfy, topic: { env: T }, token: { env: U } },' +
        ' c: { kind: webhook, url: { env: V }, secret: { env: W } },' +
        ' d: { kind: smtp, host: h, user: u, password: { env: X }, from: a@b.c, to: [a@b.c] } } }',
    );
    expect([...secretNamesIn(config)]).toEqual(['S', 'T', 'U', 'V', 'W', 'X']);
    expect(missingSecrets(config, { S: 's', T: 't', U: 'u', V: 'v', W: 'w' })).toMatchObject([
      { path: 'notify.channels.d.password' },
    ]);
  });
});

describe('what is worth saying', () => {
  const warnings = (text: string): string[] =>
    checkConfig(parse(text))
      .filter(({ path }) => path.startsWith('notify'))
      .map(({ path, found }) => `${path}: ${found}`);
  const PLACES =
    'environments: { production: { level: sealed }, staging: { level: guarded }, dev: { level: open } }\n';

  it('a channel that no route leads to, and environments whose holds nobody hears of', () => {
    expect(
      warnings(
        `${PLACES}notify: { channels: { a: { kind: ntfy, topic: t }, b: { kind: ntfy, topic: t } },` +
          ' routes: [{ environments: [production], to: [a] }] }',
      ),
    ).toEqual([
      'notify.channels.b: no route leads to it, so it is never used',
      'notify.routes: nobody is told of holds in staging',
    ]);
  });

  it('a night in which nobody hears of what is sealed', () => {
    const quiet = (urgent: boolean): string =>
      `${PLACES}notify: { quietHours: { from: "22:00", to: "07:00", zone: UTC },` +
      ` channels: { a: { kind: ntfy, topic: t, urgent: ${urgent} } } }`;
    expect(warnings(quiet(false))).toEqual([
      'notify.quietHours: in quiet hours nobody is told of holds in production, which is sealed',
    ]);
    expect(warnings(quiet(true))).toEqual([]);
  });

  it('notices in clear over a network', () => {
    const text = `${PLACES}notify: { channels: { a: { kind: ntfy, topic: t, url: "http://ntfy.lan" } } }`;
    expect(warnings(text)).toEqual([
      'notify.channels.a.url: notices cross the network in clear to ntfy.lan',
    ]);
  });
});
