/** Recovery: how well each target could be brought back, and work on that by hand. */
import { z } from 'zod';
import { ENVIRONMENT_LEVELS } from '../../model/target.ts';
import { DRILL_SHAPE } from '../../recovery/drills/drill-shape.ts';
import { ORDER_PROGRESS, ORDER_WORDS } from '../../recovery/order-desk.ts';
import { REPORT_SHAPE } from '../../recovery/target-report.ts';
import { RESULT_SHAPE } from '../../recovery/work.ts';
import { NAME, route, WHEN } from './route.ts';

const OF_TARGET = z.strictObject({ target: NAME });
const SPAN = z.number().nullable();

/**
 * - `not-configured` the target has no `recovery` in holdfast.yaml
 * - `never-looked`   nobody has looked at it on this machine
 * - `old`            somebody did, and nobody has for a minute: it says how it stood
 * - `fresh`
 */
export const RECOVERY_SEEN = ['not-configured', 'never-looked', 'old', 'fresh'] as const;

const HEAD = {
  target: z.string(),
  environment: z.string(),
  level: z.enum(ENVIRONMENT_LEVELS),
  seen: z.enum(RECOVERY_SEEN),
};

const REPORT = REPORT_SHAPE.extend({
  vaults: z.array(REPORT_SHAPE.shape.vaults.element.extend({ lastDrill: DRILL_SHAPE.nullable() })),
});

const TROUBLE = { code: z.string(), expected: z.string(), found: z.string(), hint: z.string() };
export const ORDERED = z.object({
  id: z.string(),
  target: z.string(),
  kind: ORDER_WORDS.kind,
  vault: z.string().nullable(),
  point: z.string().nullable(),
  goal: z.enum(['witness', 'random']),
  askedAt: WHEN,
  askedBy: z.string(),
  standing: z.discriminatedUnion('state', [
    /** For its turn: heavy work on recovery goes one by one. */
    z.object({ state: z.literal('waiting') }),
    z.object({ state: z.literal('running'), progress: ORDER_PROGRESS.nullable() }),
    z.object({
      state: z.literal('done'),
      /** False: it was carried out, and what it found is not good. */
      isWell: z.boolean(),
      results: z.array(RESULT_SHAPE.extend({ drill: DRILL_SHAPE.nullable() })),
    }),
    z.object({ state: z.literal('failed'), ...TROUBLE }),
  ]),
});

export const RECOVERY_ROUTES = {
  'recovery.list': route({
    method: 'GET',
    path: '/v1/recovery',
    access: 'targets.read',
    summary: 'Say of each target how well it could be brought back',
    answer: z.object({
      /** This process keeps recovery: orders and restores are taken here. */
      isKeptHere: z.boolean(),
      items: z.array(
        z.object({
          ...HEAD,
          /** Null: not seen. Of an old report it is what it was. */
          standing: z
            .object({
              at: WHEN,
              colour: REPORT_SHAPE.shape.colour,
              /** Why it is no better: sentences, the worst first. */
              because: z.array(z.string()),
              provenAt: WHEN.nullable(),
              /** The newest proven point lies where no credential of ours destroys it. */
              isOutside: z.boolean(),
              rpoMs: SPAN,
              rtoMs: SPAN,
              promise: REPORT_SHAPE.shape.promise,
              points: z.number().int(),
              vaults: z.number().int(),
            })
            .nullable(),
        }),
      ),
    }),
  }),
  'recovery.show': route({
    method: 'GET',
    path: '/v1/recovery/:target',
    access: 'targets.read',
    summary:
      'Show how one target could be brought back: points, drills, proofs, what dies together',
    params: OF_TARGET,
    answer: z.object({
      ...HEAD,
      isKeptHere: z.boolean(),
      /** As holdfast.yaml names them. */
      vaults: z.array(z.string()),
      /** The private key is declared here, without which nothing is drilled or restored here. */
      hasIdentity: z.boolean(),
      report: REPORT.nullable(),
    }),
  }),
  'recovery.order': route({
    method: 'POST',
    path: '/v1/recovery/:target/orders',
    access: 'targets.protect',
    summary:
      'Take a recovery point, drill one, or try to destroy what lies in the vaults; it goes on by itself',
    params: OF_TARGET,
    body: z.strictObject(ORDER_WORDS),
    answer: ORDERED,
  }),
  'recovery.orders': route({
    method: 'GET',
    path: '/v1/recovery/:target/orders',
    access: 'targets.read',
    summary:
      'List orders on a target since the gateway started, newest first; of those that are over, the last',
    params: OF_TARGET,
    answer: z.object({ items: z.array(ORDERED) }),
  }),
  'recovery.ordered': route({
    method: 'GET',
    path: '/v1/recovery/:target/orders/:id',
    access: 'targets.read',
    summary: 'Say how far one order is, and what came of it',
    params: z.strictObject({ target: NAME, id: z.string().min(1).max(64) }),
    answer: ORDERED,
  }),
} as const;
