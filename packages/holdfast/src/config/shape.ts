/**
 * The shape of holdfast.yaml. Each schema's error text is what was EXPECTED there, as half a
 * sentence; for an object it is its list of keys. `findings.ts` adds place, found and hint.
 */
import { z } from 'zod';
import { EFFECT_KINDS } from '../model/effect.ts';
import { CREDENTIAL_AGE_MS_MAX, ESCALATIONS_MAX, GRACE_MS_DEFAULT } from '../model/limits.ts';
import { IMPORTANCES, ROUTED_KINDS } from '../model/notice-kind.ts';
import { ENVIRONMENT_LEVELS } from '../model/target.ts';
import { RECIPIENT } from './age-recipient.ts';
import { SSL_MODES, SSO_ROLES } from './config.ts';
import { durationMs } from './duration.ts';
import { MAIL_TLS } from './notify-config.ts';
import { RECOVERY_ENGINES } from './recovery-config.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const WEEK_MS = 7 * DAY_MS;
/** Longer waits keep the client's connection and its transaction hanging. */
const HOLD_WAIT_MS_MAX = 10 * 60 * 1000;

/** An object with these keys and no others; all its errors read `one of: …` or `keys …`. */
export function keys<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const names = Object.keys(shape).join(', ');
  return z.strictObject(shape, { error: names });
}

export function text(expected: string, pattern = /./) {
  return z.string(expected).regex(pattern, expected);
}

/** Names stand in URLs, rules and the trail. */
export const name = text(
  'a name of lower-case letters, digits, - and _',
  /^[a-z0-9][a-z0-9_-]{0,62}$/,
);
const path = text('a path');

export function whole(least: number, most: number, what: string) {
  const expected = `${what}, a whole number from ${least} to ${most}`;
  return z.int(expected).min(least, expected).max(most, expected);
}

function duration(mostMs: number, most: string) {
  const expected = `a duration such as 30s, 15m or 8h, at most ${most}`;
  return z
    .union([z.string(), z.literal(0)], expected)
    .transform((value) => durationMs(String(value)) ?? Number.NaN)
    .refine((ms) => ms <= mostMs, expected);
}

export function words<const Words extends readonly [string, ...string[]]>(list: Words) {
  return z.enum(list, `one of ${list.join(', ')}`);
}

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const envRef = keys({ env: text('the name of an environment variable', ENV_NAME) });
const fileRef = keys({ file: path });
const secret = z.union([envRef, fileRef], '{env: NAME} or {file: PATH}');

const people = whole(1, 9, 'a number of people');
const holdExpires = duration(WEEK_MS, '7d');
const grace = duration(90 * DAY_MS, '90d').refine(
  (ms) => ms >= GRACE_MS_DEFAULT,
  'a duration from 48h to 90d: only a quorum shortens it, item by item',
);

const listen = keys({
  host: text('a host name or address').default('127.0.0.1'),
  port: whole(0, 65_535, 'a port').default(6432),
  tls: z
    .union([words(['generated', 'off']), keys({ cert: path, key: path })], {
      error: 'generated, off, or {cert: PATH, key: PATH}',
    })
    .default('generated'),
  auth: words(['scram', 'token']).default('scram'),
});

const dashboard = z.union(
  [
    words(['off']),
    keys({
      host: text('a host name or address').default('127.0.0.1'),
      port: whole(0, 65_535, 'a port').default(7070),
      url: text(
        'the origin that browsers see, such as https://holdfast.example.com',
        /^https?:\/\/[^/?#@]+$/,
      ).optional(),
    }),
  ],
  'off, or {host: ADDRESS, port: NUMBER, url: https://NAME}',
);

const domain = text('a domain in lower case, without @', /^[a-z0-9][a-z0-9.-]{0,252}$/);
const oidc = keys({
  issuer: text('the issuer, such as https://id.example.com', /^https?:\/\/[^?#@]+$/),
  clientId: text('the id of Holdfast at the identity provider'),
  clientSecret: secret,
  scopes: z.array(text('a scope'), 'a list of scopes').default(['openid', 'email', 'profile']),
  allow: keys({
    emails: z
      .array(text('an address in lower case', /^[^\sA-Z@]+@[^\sA-Z@]+$/), 'a list of addresses')
      .default([]),
    domains: z.array(domain, 'a list of domains').default([]),
    groups: z.array(text('the name of a group'), 'a list of groups').default([]),
  }).prefault({}),
  roles: z
    .array(words(SSO_ROLES), 'a list of roles')
    .min(1, 'at least one role')
    .default(['auditor']),
});

const store = z.union(
  [keys({ dataFolder: path }), keys({ url: secret })],
  '{dataFolder: PATH} or {url: {env: NAME}}',
);

const PROGRAM = 'a program and its arguments, as a list of texts: no shell reads them';
const command = z
  .array(z.string('an argument, as text').regex(/^[^\0]*$/, 'an argument without NUL'), PROGRAM)
  .refine(([program = '']) => program !== '', PROGRAM);
const sealKey = z.union(
  [keys({ command }), fileRef],
  '{command: [PROGRAM, ARGUMENT, ...]} or {file: PATH}',
);

const environment = keys({
  level: words(ENVIRONMENT_LEVELS),
  people: people.optional(),
  holdExpires: holdExpires.optional(),
  grace: grace.optional(),
});

const upstream = keys({
  url: z.union(
    [text('a URL such as postgres://user@host:5432/database'), envRef, fileRef],
    'a URL without a password, {env: NAME} or {file: PATH}',
  ),
  password: secret.optional(),
  sslmode: words(SSL_MODES).optional(),
  sslrootcert: path.optional(),
});

const schemaName = text('the name of a schema', /^[^$].{0,62}$/);
const functionName = text('a function as schema.name, or name for any schema', /^[^.]+(\.[^.]+)?$/);

const roleName = text('the name of a role in the database', /^.{1,63}$/);
const protection = keys({
  admin: upstream.optional(),
  owner: roleName.optional(),
  exempt: z.array(roleName, 'a list of roles').default([]),
});

const storeKeys = keys({ accessKeyId: secret, secretAccessKey: secret });
const httpUrl = text('a URL such as https://s3.example.com', /^https?:\/\/[^\s?#@]+$/);
const vault = z.discriminatedUnion(
  'kind',
  [
    keys({
      kind: z.literal('local'),
      folder: path,
      user: text('the name of a system user', /^[a-z_][a-z0-9_-]{0,31}$/).optional(),
    }),
    keys({
      kind: z.literal('s3'),
      endpoint: httpUrl,
      region: text('a region such as eu-central-1', /^[A-Za-z0-9-]{1,64}$/),
      bucket: text('the name of a bucket', /^[a-z0-9][a-z0-9.-]{1,62}$/),
      prefix: text('a prefix such as holdfast/', /^([A-Za-z0-9._-]+\/)*$/).optional(),
      pathStyle: z.boolean('true or false').default(false),
      probeBucket: text('the name of a bucket', /^[a-z0-9][a-z0-9.-]{1,62}$/).optional(),
      project: text('a provider and its project, such as railway/acme', /^[^/]+\/.+$/).optional(),
      writer: storeKeys,
      prober: storeKeys,
      restorer: storeKeys.optional(),
    }),
    keys({
      kind: z.literal('restic'),
      url: httpUrl,
      user: text('the name to log in with'),
      password: secret,
    }),
  ],
  'a vault with kind: local, s3 or restic',
);

const RECIPIENTS = 'a list of public keys age1...: `holdfast recovery keys` makes a pair';
const recoveryEvery = atLeast(duration(WEEK_MS, '7d'), 15 * 60 * 1000, 'a duration from 15m to 7d');
const recovery = keys({
  engine: words(RECOVERY_ENGINES).default('pull'),
  vaults: z.array(name, 'a list of vaults by name').min(1, 'at least one vault'),
  connection: upstream.optional(),
  recipients: z.array(text('a public key age1...', RECIPIENT), RECIPIENTS).min(1, RECIPIENTS),
  identity: secret.optional(),
  backupEvery: recoveryEvery.optional(),
  keep: atLeast(
    duration(3650 * DAY_MS, '3650d'),
    WEEK_MS,
    'a duration from 7d to 3650d: nothing leaves a vault sooner',
  ).optional(),
  drillEvery: recoveryEvery.optional(),
  assertions: path.optional(),
  promise: keys({
    rpo: duration(8 * DAY_MS, '8d').optional(),
    rto: duration(7 * DAY_MS, '7d').optional(),
    provenAge: duration(31 * DAY_MS, '31d').optional(),
  }).prefault({}),
  postgres: z.array(path, 'a list of folders with PostgreSQL’s programs').default([]),
  pgbackrest: keys({
    stanza: text('the name of a stanza of pgBackRest', /^[A-Za-z0-9_.-]{1,64}$/),
    config: path.optional(),
    repo: z.int('the number of a repository').min(1).max(256).optional(),
    program: path.optional(),
  }).optional(),
}).refine(
  ({ engine, pgbackrest }) => engine !== 'pgbackrest' || pgbackrest !== undefined,
  '`pgbackrest: { stanza: ... }` beside `engine: pgbackrest`',
);

const target = keys({
  protocol: words(['postgres']).default('postgres'),
  environment: name,
  upstream,
  searchPath: z.array(schemaName, 'a list of schemas').min(1, 'at least one schema').optional(),
  functions: keys({ allow: z.array(functionName, 'a list of functions') }).optional(),
  protection: protection.prefault({}),
  recovery: recovery.optional(),
});

const hostName = text('a host name in lower case', /^[a-z0-9][a-z0-9.-]{0,252}$/);

/** `production: production`, or with what its services hold. */
const providerEnvironment = z.union(
  [
    name,
    keys({
      environment: name,
      databases: z
        .record(text('the name of a service'), name, 'targets by the name of their service')
        .default({}),
    }),
  ],
  'an environment of ours, or {environment: NAME, databases: {SERVICE: TARGET}}',
);

const rule = keys({
  call: text('METHOD /path, as the description has it', /^[A-Z]+ \/\S*$/),
  is: words(EFFECT_KINDS),
});

const provider = keys({
  credential: name.optional(),
  kind: words(['account', 'project']).default('account'),
  url: text('a URL such as https://api.example.com', /^https?:\/\/[^/]+$/).optional(),
  projects: z
    .record(
      text('the name or id of a project'),
      z.record(
        text('the name or id of an environment'),
        providerEnvironment,
        'its environments, each with one of ours',
      ),
      'projects by name or id',
    )
    .default({}),
  openapi: path.optional(),
  environment: name.optional(),
  rules: z.array(rule, 'a list of {call: METHOD /path, is: KIND}').default([]),
});

const ROTATION_DAYS_MAX = CREDENTIAL_AGE_MS_MAX / DAY_MS;
const credentials = keys({
  rotationDays: whole(1, ROTATION_DAYS_MAX, 'days').default(ROTATION_DAYS_MAX),
  refuseAfterDays: whole(1, 365, 'days').optional(),
});

const MIB = 1024 * 1024;
const limits = keys({
  unitBytesMax: whole(MIB, 1024 * MIB, 'bytes').optional(),
  sqlReadBytesMax: whole(1024, 64 * MIB, 'bytes').optional(),
  sqlReadMsMax: whole(100, 60_000, 'milliseconds').optional(),
  vaultFreeBytesMin: whole(MIB, 1024 * 1024 * MIB, 'bytes').optional(),
  waitingBytesMax: whole(MIB, 1024 * 1024 * MIB, 'bytes').optional(),
});

const HOUR = 'an hour such as 22:00';
const hour = text(HOUR, /^([01]\d|2[0-3]):[0-5]\d$/).transform((at) => {
  const [hours = '0', minutes = '0'] = at.split(':');
  return Number(hours) * 60 + Number(minutes);
});
const zone = text('a time zone such as Europe/Berlin').refine(
  isZone,
  'a time zone such as Europe/Berlin',
);
const quietHours = keys({ from: hour, to: hour, zone }).transform(({ from, to, zone }) => ({
  fromMinute: from,
  toMinute: to,
  zone,
}));

const ofEveryChannel = {
  urgent: z.boolean('true or false').default(false),
  quietHours: z.union([words(['off']), quietHours], 'off, or {from, to, zone}').optional(),
};
const webUrl = z.union(
  [text('a URL such as https://example.com/holdfast', /^https?:\/\/[^\s@]+$/), envRef, fileRef],
  'a URL, {env: NAME} or {file: PATH}',
);
const MAIL_ADDRESS = /^[^\s@<>,;"]+@[^\s@<>,;"]+$/;
const mailAddress = text('an address such as holdfast@example.com', MAIL_ADDRESS);
const channel = z.discriminatedUnion(
  'kind',
  [
    keys({ kind: z.literal('slack'), url: secret, ...ofEveryChannel }),
    keys({
      kind: z.literal('smtp'),
      host: text('a host name or address'),
      port: whole(1, 65_535, 'a port').optional(),
      tls: words(MAIL_TLS).default('starttls'),
      user: text('the name to log in with').optional(),
      password: secret.optional(),
      from: mailAddress,
      to: z.array(mailAddress, 'a list of addresses').min(1, 'at least one address'),
      ca: path.optional(),
      ...ofEveryChannel,
    }),
    keys({
      kind: z.literal('ntfy'),
      url: webUrl.optional(),
      topic: z.union(
        [text('a topic', /^[-_A-Za-z0-9]{1,64}$/), envRef, fileRef],
        'a topic, {env: NAME} or {file: PATH}',
      ),
      token: secret.optional(),
      ...ofEveryChannel,
    }),
    keys({ kind: z.literal('webhook'), url: webUrl, secret, ...ofEveryChannel }),
    keys({
      kind: z.literal('web-push'),
      contact: text('mailto:ADDRESS, or an https URL', /^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/),
      ...ofEveryChannel,
    }),
  ],
  'a channel with kind: slack, smtp, ntfy, webhook or web-push',
);

const channels = z.array(name, 'a list of channels');
const [firstKind = 'hold-opened', ...otherKinds] = ROUTED_KINDS;
const route = keys({
  kinds: z.array(words([firstKind, ...otherKinds]), 'a list of kinds of notices').optional(),
  environments: z.array(name, 'a list of environments').optional(),
  importance: words(IMPORTANCES).optional(),
  to: channels.min(1, 'at least one channel'),
  escalate: z
    .array(channels.min(1, 'at least one channel'), 'a list of lists of channels')
    .max(ESCALATIONS_MAX, `at most ${ESCALATIONS_MAX} lists of channels`)
    .default([]),
});

const MINUTE_MS = 60 * 1000;
const notify = keys({
  channels: z.record(name, channel, 'channels by name').default({}),
  routes: z.array(route, 'a list of routes').optional(),
  quietHours: quietHours.optional(),
  escalateAfter: atLeast(duration(DAY_MS, '1d'), MINUTE_MS, 'a duration from 1m to 1d').optional(),
  digestEvery: atLeast(duration(WEEK_MS, '7d'), MINUTE_MS, 'a duration from 1m to 7d').optional(),
});

function atLeast<Shape extends z.ZodType<number>>(shape: Shape, leastMs: number, expected: string) {
  return shape.refine((ms) => ms >= leastMs, expected);
}

function isZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}

export const SHAPE = keys({
  listen: listen.prefault({}),
  dashboard: dashboard.prefault({}),
  signIn: keys({ oidc: oidc.optional() }).prefault({}),
  metrics: keys({ token: secret.optional() }).prefault({}),
  store: store.optional(),
  seal: keys({ key: sealKey.optional() }).prefault({}),
  environments: z.record(name, environment, 'environments by name').default({}),
  targets: z.record(name, target, 'targets by name').default({}),
  vaults: z.record(name, vault, 'vaults by name').default({}),
  http: keys({
    host: text('a host name or address').default('127.0.0.1'),
    port: whole(0, 65_535, 'a port').default(7071),
    allow: z.array(hostName, 'a list of host names').default([]),
  }).prefault({}),
  credentials: credentials.prefault({}),
  providers: z.record(name, provider, 'providers by name').default({}),
  approvals: keys({
    holdWait: duration(HOLD_WAIT_MS_MAX, '10m').optional(),
    holdExpires: holdExpires.optional(),
    people: people.optional(),
  }).prefault({}),
  notify: notify.prefault({}),
  trail: keys({
    readsWhenUnavailable: words(['refuse', 'forward']).default('refuse'),
    origin: text(
      'a name such as example.com/holdfast',
      /^[A-Za-z0-9][A-Za-z0-9./_-]{0,254}$/,
    ).default('holdfast'),
  }).prefault({}),
  limits: limits.prefault({}),
  policy: keys({
    files: z.array(path, 'a list of paths or patterns of .cedar files').default([]),
    replaces: z.array(text('the id of a preset rule'), 'a list of rule ids').default([]),
    tests: z.array(path, 'a list of paths or patterns of YAML files').default([]),
  }).prefault({}),
});
export type Shaped = z.output<typeof SHAPE>;
