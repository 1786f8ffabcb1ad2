/**
 * Agents: what each is for and may, stopping it, and its tokens. The text of a token is in one answer
 * only, and kept nowhere; what checks it is in none.
 */
import { z } from 'zod';
import { EFFECT_KINDS } from '../../model/effect.ts';
import { AGENT_NAMES_MAX } from '../../model/limits.ts';
import { PAGE_QUERY, pageOf, route, WHEN } from './route.ts';

const TOKEN = z.object({
  id: z.string(),
  environment: z.string(),
  /** Empty: every target of the environment. */
  targets: z.array(z.string()),
  issuedAt: WHEN,
  expiresAt: WHEN,
  /** Up to TOKEN_USE_FLUSH_MS late; null: never. `source` is an address without its port. */
  lastUse: z.object({ at: WHEN, source: z.string(), protocol: z.string() }).nullable(),
});

const EFFECTS = z.array(z.enum(EFFECT_KINDS));

const AGENT = z.object({
  id: z.string(),
  name: z.string(),
  addedAt: WHEN,
  /** Empty: nobody said, which was possible once. */
  purpose: z.string(),
  /** The person who answers for it. */
  owner: z.object({ id: z.string(), name: z.string(), isRemoved: z.boolean() }).nullable(),
  /** Empty: whichever its tokens name; so, too, `targets`. */
  environments: z.array(z.string()),
  targets: z.array(z.string()),
  /** Null: each kind. */
  effectKinds: EFFECTS.nullable(),
  /** `Mon-Fri 08:00-19:00 Europe/Lisbon`; null: always. */
  workingHours: z.string().nullable(),
  /** Null: never. */
  expiresAt: WHEN.nullable(),
  /** Whose sub-agent it is, and which are its own. */
  parent: z.string().nullable(),
  children: z.array(z.string()),
  /** It itself; one above it may be, too: `state` and `stop` tell. */
  paused: z.object({ at: WHEN, by: z.string(), note: z.string() }).nullable(),
  state: z.enum(['active', 'paused', 'expired', 'off-hours']),
  /** Why it is not active; null: it is. */
  stop: z.string().nullable(),
  /** With all that its parents may not taken off; null: any, each, never. An empty list is none. */
  effective: z.object({
    environments: z.array(z.string()).nullable(),
    targets: z.array(z.string()).nullable(),
    effectKinds: EFFECTS.nullable(),
    /** All of them have to be open. */
    workingHours: z.array(z.string()),
    expiresAt: WHEN.nullable(),
  }),
  /** Live ones. */
  tokens: z.array(TOKEN),
});

const FINDING = z.object({
  /** Stable: `agent.no-owner`, `token.unused`, `credential.old`. */
  code: z.string(),
  /** `act`: something is open that should not be. `warn`: it will be, or nobody answers for it. */
  severity: z.enum(['act', 'warn']),
  /** The name of the agent, or of the credential. */
  subject: z.string(),
  about: z.string(),
  /** What to do, with its command. */
  fix: z.string(),
});

const NAME = z.string().max(200);
/** Lengths are told in words where they are held. */
const LINE = z.string().max(2_000);
const NAMES = z.array(NAME).max(AGENT_NAMES_MAX);
const OF_AGENT = z.strictObject({ name: NAME });

/** What is left out stays, or is as for an agent that nobody said anything of. */
const SETTINGS = {
  /** A person's name; null is refused: somebody answers for it. Left out of a new one: its parent's, or yours. */
  owner: NAME.nullable().optional(),
  environments: NAMES.optional(),
  targets: NAMES.optional(),
  effectKinds: EFFECTS.min(1).max(EFFECT_KINDS.length).nullable().optional(),
  workingHours: NAME.nullable().optional(),
  /** In the future. */
  expiresAt: WHEN.nullable().optional(),
};

/** `changed` false: it was so already, and the former word stands. */
const STOPPED = z.object({ agent: AGENT, changed: z.boolean() });
const REVOKED = z.object({
  /** Ids of the tokens that ended now. */
  revoked: z.array(z.string()),
});

export const AGENT_ROUTES = {
  'agents.list': route({
    method: 'GET',
    path: '/v1/agents',
    access: 'agents.read',
    summary: 'List agents with their live tokens, by name',
    query: z.strictObject(PAGE_QUERY),
    answer: pageOf(AGENT),
  }),
  // Not below /v1/agents: an agent may be called findings.
  'agents.findings': route({
    method: 'GET',
    path: '/v1/agent-findings',
    access: 'agents.read',
    summary: 'Say what is to be done about agents, tokens and, for who may see them, credentials',
    answer: z.object({ items: z.array(FINDING) }),
  }),
  'agents.show': route({
    method: 'GET',
    path: '/v1/agents/:name',
    access: 'agents.read',
    summary: 'Show an agent: what it may, with its parents, and its live tokens',
    params: OF_AGENT,
    answer: AGENT,
  }),
  'agents.add': route({
    method: 'POST',
    path: '/v1/agents',
    access: 'agents.manage',
    wantsRecentProof: true,
    summary: 'Add an agent',
    body: z.strictObject({
      name: NAME,
      /** In one sentence. */
      purpose: LINE,
      /** An agent whose sub-agent it is; it may no more than that one. */
      parent: NAME.optional(),
      ...SETTINGS,
    }),
    answer: AGENT,
  }),
  'agents.change': route({
    method: 'PATCH',
    path: '/v1/agents/:name',
    access: 'agents.manage',
    wantsRecentProof: true,
    summary: 'Change what an agent is for and may: counts at once',
    params: OF_AGENT,
    body: z.strictObject({ purpose: LINE.optional(), ...SETTINGS }),
    answer: AGENT,
  }),
  'agents.pause': route({
    method: 'POST',
    path: '/v1/agents/:name/pause',
    access: 'agents.stop',
    summary: 'Pause an agent and those below it: live connections end at once',
    params: OF_AGENT,
    /** Why; the agent is told. */
    body: z.strictObject({ note: LINE.min(1) }),
    answer: STOPPED,
  }),
  'agents.resume': route({
    method: 'POST',
    path: '/v1/agents/:name/resume',
    access: 'agents.stop',
    wantsRecentProof: true,
    summary: 'Let a paused agent go on',
    params: OF_AGENT,
    body: z.strictObject({ note: LINE.default('') }),
    answer: STOPPED,
  }),
  'agents.issue': route({
    method: 'POST',
    path: '/v1/agents/:name/tokens',
    access: 'agents.manage',
    wantsRecentProof: true,
    summary: 'Issue a token: its text is shown this once',
    showsSecret: true,
    params: OF_AGENT,
    body: z.strictObject({
      environment: NAME,
      /** Empty: every target of the environment, that the agent may. */
      targets: z.array(NAME).max(1_000).default([]),
      lifeMs: z.number().int().optional(),
    }),
    answer: z.object({
      token: TOKEN.omit({ issuedAt: true, lastUse: true }).extend({ agent: z.string() }),
      /** The token itself. */
      text: z.string(),
      /** What it opens, by what is declared now. */
      opens: z.array(z.string()),
      /** Connection URLs, the token in them. */
      urls: z.array(z.string()),
      /** Where providers are reached with it. */
      bases: z.array(z.string()),
    }),
  }),
  'agents.revoke': route({
    method: 'DELETE',
    path: '/v1/agents/:name/tokens',
    access: 'agents.stop',
    summary: 'Revoke all tokens of an agent and of those below it',
    params: OF_AGENT,
    answer: REVOKED,
  }),
  'tokens.revoke': route({
    method: 'DELETE',
    path: '/v1/tokens/:id',
    access: 'agents.stop',
    summary: 'Revoke a token',
    params: z.strictObject({ id: z.string().max(100) }),
    answer: REVOKED,
  }),
} as const;
