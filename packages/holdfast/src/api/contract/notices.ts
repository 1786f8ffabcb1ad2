/** Notices: the browsers that one is told in, and how notices go as holdfast.yaml says it. */
import { z } from 'zod';
import { CHANNEL_KINDS } from '../../approvals/channels/channel.ts';
import { PUSH_ENDPOINT_CHARS_MAX } from '../../model/limits.ts';
import { IMPORTANCES } from '../../model/notice-kind.ts';
import { ID, route, WHEN } from './route.ts';

/** Neither the endpoint nor the keys: who has them can send to that browser. */
const BROWSER = z.object({
  id: z.string(),
  /** Of the push service that its maker runs. */
  host: z.string(),
  userAgent: z.string(),
  addedAt: WHEN,
  endsAt: WHEN,
  isThisSession: z.boolean(),
});

const KEY = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_-]+={0,2}$/, 'base64url');

const QUIET_HOURS = z.object({
  /** `22:00`, in that zone. */
  from: z.string(),
  to: z.string(),
  zone: z.string(),
});

export const NOTICE_ROUTES = {
  'self.push.list': route({
    method: 'GET',
    path: '/v1/self/push',
    access: 'self.notices',
    summary: 'List the browsers that you are told in, and the key to turn notices on with',
    answer: z.object({
      /** For `applicationServerKey` (Push API), base64url; null: no channel of kind web-push is declared. */
      publicKey: z.string().nullable(),
      items: z.array(BROWSER),
    }),
  }),
  'self.push.add': route({
    method: 'POST',
    path: '/v1/self/push',
    access: 'self.notices',
    // It outlives the session that asks for it.
    wantsRecentProof: true,
    summary: 'Turn notices on in a browser of yours',
    body: z.strictObject({
      endpoint: z.string().min(1).max(PUSH_ENDPOINT_CHARS_MAX),
      keys: z.strictObject({ p256dh: KEY, auth: KEY }),
    }),
    answer: BROWSER,
  }),
  'self.push.remove': route({
    method: 'DELETE',
    path: '/v1/self/push/:id',
    access: 'self.notices',
    summary: 'Turn notices off in one of your browsers',
    params: ID,
    answer: z.object({ removed: z.boolean() }),
  }),
  'self.push.test': route({
    method: 'POST',
    path: '/v1/self/push/test',
    access: 'self.notices',
    summary: 'Send a test notice to your own browsers',
    answer: z.object({
      items: z.array(
        z.object({
          id: z.string(),
          isDelivered: z.boolean(),
          /** One sentence; null: its push service took it. */
          reason: z.string().nullable(),
        }),
      ),
    }),
  }),
  'notifications.show': route({
    method: 'GET',
    path: '/v1/notifications',
    access: 'notifications.read',
    summary: 'Show who is told of what, as holdfast.yaml says it, without its secrets',
    answer: z.object({
      channels: z.array(
        z.object({
          name: z.string(),
          kind: z.enum(CHANNEL_KINDS),
          /** A host, where it is no secret. */
          host: z.string().nullable(),
          urgent: z.boolean(),
          quietHours: QUIET_HOURS.nullable(),
        }),
      ),
      routes: z.array(
        z.object({
          kinds: z.array(z.string()).nullable(),
          environments: z.array(z.string()).nullable(),
          importance: z.enum(IMPORTANCES).nullable(),
          to: z.array(z.string()),
          escalate: z.array(z.array(z.string())),
        }),
      ),
      escalateAfterMs: z.number(),
      digestEveryMs: z.number(),
    }),
  }),
} as const;
