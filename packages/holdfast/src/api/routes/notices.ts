import type { PushSubscription, PushSubscriptions } from '../../approvals/push-subscriptions.ts';
import type { Tried } from '../../approvals/try-push.ts';
import type { ChannelConfig, ChannelWay, NotifyConfig } from '../../config/notify-config.ts';
import type { PersonPrincipal } from '../../identity/principal.ts';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { HoldfastEvent, Note } from '../../model/event.ts';
import { PUSH_LIFE_MS_MAX, PUSH_TESTS_MAX, PUSH_TESTS_WINDOW_MS } from '../../model/limits.ts';
import { minutesWords } from '../../model/text.ts';
import type { NOTICE_ROUTES } from '../contract/notices.ts';
import type { Handlers } from '../handler.ts';
import { personOf } from '../person.ts';
import { Rates } from '../rates.ts';

export interface NoticeParts {
  readonly notify: NotifyConfig;
  readonly subscriptions: PushSubscriptions;
  readonly publicKey: () => Promise<string>;
  /** A test notice to each of them, now. */
  readonly tryPush: (
    by: { readonly name: string; readonly contact: string },
    browsers: readonly PushSubscription[],
  ) => Promise<readonly Tried[]>;
  readonly clock: Clock;
  readonly note: Note;
}

export function noticeRoutes(parts: NoticeParts): Handlers<typeof NOTICE_ROUTES> {
  const { clock, note, notify, publicKey, subscriptions, tryPush } = parts;
  const tests = new Rates(clock, { max: PUSH_TESTS_MAX, windowMs: PUSH_TESTS_WINDOW_MS });
  const pushed = pushedBy(notify);
  return {
    'self.push.list': async ({ principal }) => {
      const person = personOf(principal);
      const items = (await subscriptions.list(person.id)).map((one) => browserView(one, person));
      return { publicKey: pushed === null ? null : await publicKey(), items };
    },
    'self.push.add': async ({ body, principal }) => {
      const person = personOf(principal);
      if (pushed === null) throw noChannel();
      const { id: personId, sessionId } = person;
      const added = await subscriptions.add({ personId, sessionId }, body);
      await note(turned('on', added, person));
      return browserView(added, person);
    },
    'self.push.remove': async ({ params, principal }) => {
      const person = personOf(principal);
      const removed = await subscriptions.remove(person.id, params.id);
      await note(turned('off', removed, person));
      return { removed: true };
    },
    'self.push.test': async ({ principal }) => {
      const { id } = personOf(principal);
      if (pushed === null) throw noChannel();
      const browsers = await subscriptions.list(id);
      if (browsers.length === 0) throw noBrowser();
      const { remaining, resetSeconds } = tests.count(id);
      if (remaining < 0) throw tooManyTests(resetSeconds);
      const tried = await tryPush(pushed, browsers);
      return {
        items: tried.map(({ id: one, reason }) => ({
          id: one,
          isDelivered: reason === null,
          reason,
        })),
      };
    },
    'notifications.show': async () => ({
      channels: notify.channels.map(channelView),
      routes: notify.routes.map(({ environments, escalate, importance, kinds, to }) => ({
        kinds: kinds === null ? null : [...kinds],
        environments: environments === null ? null : [...environments],
        importance,
        to: [...to],
        escalate: escalate.map((list) => [...list]),
      })),
      escalateAfterMs: notify.escalateAfterMs,
      digestEveryMs: notify.digestEveryMs,
    }),
  };
}

/** The first channel of that kind; null: there is none. */
function pushedBy({ channels }: NotifyConfig) {
  for (const { name, way } of channels) {
    if (way.kind === 'web-push') return { name, contact: way.contact };
  }
  return null;
}

function browserView(one: PushSubscription, { sessionId }: PersonPrincipal) {
  return {
    id: one.id,
    host: new URL(one.endpoint).hostname,
    userAgent: one.userAgent,
    addedAt: one.addedAt.toISOString(),
    endsAt: new Date(one.signedInAt.getTime() + PUSH_LIFE_MS_MAX).toISOString(),
    isThisSession: one.sessionId === sessionId,
  };
}

function channelView({ name, quietHours, urgent, way }: ChannelConfig) {
  return {
    name,
    kind: way.kind,
    host: hostOf(way),
    urgent,
    quietHours:
      quietHours === null
        ? null
        : {
            from: timeOf(quietHours.fromMinute),
            to: timeOf(quietHours.toMinute),
            zone: quietHours.zone,
          },
  };
}

/** What follows the host may let in whoever knows it; who gets mail is nobody else's business. */
function hostOf(way: ChannelWay): string | null {
  switch (way.kind) {
    case 'smtp':
      return way.host;
    case 'ntfy':
    case 'webhook':
      return way.url.kind === 'literal' ? (URL.parse(way.url.text)?.hostname ?? null) : null;
    case 'slack':
    case 'web-push':
      return null;
    default:
      return way satisfies never;
  }
}

function timeOf(minute: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

function turned(
  way: 'on' | 'off',
  { endpoint, id }: PushSubscription,
  person: PersonPrincipal,
): HoldfastEvent {
  const { hostname: service } = new URL(endpoint);
  return {
    kind: `push-turned-${way}`,
    facts: {
      person: person.name,
      personId: person.id,
      session: person.sessionId,
      subscription: id,
      service,
    },
    message: `${person.name} turned notices ${way} in a browser.`,
  };
}

function noChannel(): HoldfastError {
  return new HoldfastError('HF_NOT_FOUND', {
    expected: 'a channel of kind web-push under notify.channels in holdfast.yaml',
    found: 'none',
    hint: 'Ask whoever runs Holdfast to declare one; holdfast.example.yaml shows it.',
  });
}

function noBrowser(): HoldfastError {
  return new HoldfastError('HF_NOT_FOUND', {
    expected: 'a browser of yours that notices are turned on in',
    found: 'none',
    hint: 'Turn notices on first.',
  });
}

function tooManyTests(seconds: number): HoldfastError {
  return new HoldfastError('HF_RATE', {
    expected: `at most ${PUSH_TESTS_MAX} test notices in ${minutesWords(PUSH_TESTS_WINDOW_MS)}`,
    found: 'more',
    hint: `Try again in ${minutesWords(seconds * 1000)}.`,
  });
}
