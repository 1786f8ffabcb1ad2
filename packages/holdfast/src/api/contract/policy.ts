/** Policy: the rules, what they would say, and what a change of them would have changed. */
import { z } from 'zod';
import { EFFECT, TAKING_BACK } from '../../approvals/card-shape.ts';
import { PROTECTION_LEVELS } from '../../model/reversal.ts';
import { ENVIRONMENT_LEVELS } from '../../model/target.ts';
import { VERDICT_ORDER } from '../../model/verdict.ts';
import { NAME, route, WHEN } from './route.ts';

const RULE = z.object({
  id: z.string(),
  /** `preset guarded:12`, `policies/payments.cedar:3`. */
  where: z.string(),
  verdict: z.enum(VERDICT_ORDER),
  people: z.number().int(),
  /** With placeholders in braces. */
  reason: z.string(),
  hint: z.string(),
  isPreset: z.boolean(),
  /** Why it cannot be replaced; null: it can. */
  fixed: z.string().nullable(),
  /** The Cedar, as written. */
  text: z.string(),
});

const DECIDING_RULE = z.object({ id: z.string(), where: z.string(), text: z.string() });

const VERDICT = z.object({
  kind: z.enum(VERDICT_ORDER),
  rule: z.string(),
  reason: z.string(),
  /** Of a hold: how many must sign. */
  people: z.number().int().optional(),
  /** Of a refusal: what to do instead. */
  hint: z.string().optional(),
});

const POLICY_FILE = z.strictObject({
  path: z.string().min(1).max(500),
  text: z.string().max(100_000),
});

/** How far the target is protected, and whether that was seen, given or assumed. */
const PROTECTION = z.object({
  level: z.enum(PROTECTION_LEVELS),
  source: z.enum(['seen', 'given', 'assumed']),
  why: z.string(),
});

export const POLICY_ROUTES = {
  'policy.show': route({
    method: 'GET',
    path: '/v1/policy',
    access: 'policy.read',
    summary: 'Show the rules in force, with their Cedar',
    answer: z.object({
      version: z.string(),
      /** In the order in which equal verdicts decide. */
      rules: z.array(RULE),
      files: z.array(z.object({ path: z.string(), text: z.string() })),
      warnings: z.array(
        z.object({ where: z.string(), expected: z.string(), found: z.string(), hint: z.string() }),
      ),
    }),
  }),
  'policy.explain': route({
    method: 'POST',
    path: '/v1/policy/explain',
    access: 'policy.read',
    summary: 'Try a request: what would happen, by which rule; nothing is sent',
    body: z.strictObject({
      target: NAME,
      agent: NAME.default('any-agent'),
      /** One of `sql` and `request`. */
      sql: z.string().min(1).max(200_000).optional(),
      /** To a provider's API. */
      request: z
        .strictObject({
          provider: NAME,
          method: z.string().regex(/^[A-Z]{3,10}$/),
          /** With its query. */
          path: z
            .string()
            .regex(/^\/[!-~]*$/)
            .max(4_000),
          mediaType: z.string().max(200).default('application/json'),
          body: z.string().max(200_000).default(''),
        })
        .optional(),
      searchPath: z.array(NAME).max(32).default(['public']),
      /** Judge as if it were protected so far; else as it was seen. */
      level: z.enum(PROTECTION_LEVELS).optional(),
    }),
    answer: z.object({
      policyVersion: z.string(),
      target: z.object({
        name: z.string(),
        environment: z.string(),
        level: z.enum(ENVIRONMENT_LEVELS),
        resolvedBy: z.string(),
      }),
      protection: PROTECTION,
      verdict: VERDICT,
      rule: DECIDING_RULE.nullable(),
      effects: z.array(
        z.object({
          effect: EFFECT,
          verdict: VERDICT,
          rule: DECIDING_RULE.nullable(),
          reached: z.object({ schema: z.string(), name: z.string() }).nullable(),
          reversal: z.string().nullable(),
        }),
      ),
      /** Why it could not be read whole; null: it could. */
      couldNotTell: z.string().nullable(),
      takingBack: TAKING_BACK.nullable(),
    }),
  }),
  'policy.backtest': route({
    method: 'POST',
    path: '/v1/policy/backtest',
    access: 'policy.read',
    summary: 'Say which recorded verdicts other rules would have changed; nothing is changed',
    body: z.strictObject({
      files: z.array(POLICY_FILE).max(50),
      /** Ids of preset rules that the files stand in for. */
      replaces: z.array(NAME).max(100).default([]),
      /** How many of the newest decisions. */
      newest: z.number().int().min(1).max(5_000).default(1_000),
    }),
    answer: z.object({
      /** Errors in the text: then nothing was judged. */
      findings: z.array(
        z.object({
          severity: z.enum(['error', 'warning']),
          where: z.string(),
          expected: z.string(),
          found: z.string(),
          hint: z.string(),
        }),
      ),
      version: z.string().nullable(),
      /** Decisions of the trail that were looked at, and the first and last of them. */
      decisions: z.number().int(),
      from: z.number().int().nullable(),
      to: z.number().int().nullable(),
      judged: z.number().int(),
      /** Judged by the rules in force and by the others, with one verdict. */
      unchanged: z.number().int(),
      changed: z.array(
        z.object({
          index: z.number().int(),
          at: WHEN,
          agent: z.string(),
          target: z.string(),
          text: z.string(),
          recorded: z.enum(VERDICT_ORDER),
          /** By the rules in force, and by those tried. */
          inForce: VERDICT,
          tried: VERDICT,
        }),
      ),
      changedTotal: z.number().int(),
      /** What could not be judged again, by why. */
      notJudged: z.array(z.object({ why: z.string(), count: z.number().int() })),
      /** What the answer rests on, in sentences. */
      notes: z.array(z.string()),
    }),
  }),
} as const;
