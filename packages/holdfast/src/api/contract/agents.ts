/** Agents and their tokens. The text of a token is in one answer only, and kept nowhere. */
import { z } from 'zod';
import { PAGE_QUERY, pageOf, route, WHEN } from './route.ts';

const TOKEN = z.object({
  id: z.string(),
  environment: z.string(),
  /** Empty: every target of the environment. */
  targets: z.array(z.string()),
  issuedAt: WHEN,
  expiresAt: WHEN,
});

const AGENT = z.object({
  id: z.string(),
  name: z.string(),
  addedAt: WHEN,
  /** Live ones. */
  tokens: z.array(TOKEN),
});

const NAME = z.string().max(200);
const OF_AGENT = z.strictObject({ name: NAME });
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
  'agents.add': route({
    method: 'POST',
    path: '/v1/agents',
    access: 'agents.manage',
    summary: 'Add an agent',
    body: z.strictObject({ name: NAME }),
    answer: AGENT,
  }),
  'agents.issue': route({
    method: 'POST',
    path: '/v1/agents/:name/tokens',
    access: 'agents.manage',
    summary: 'Issue a token: its text is shown this once',
    showsSecret: true,
    params: OF_AGENT,
    body: z.strictObject({
      environment: NAME,
      /** Empty: every target of the environment. */
      targets: z.array(NAME).max(1_000).default([]),
      lifeMs: z.number().int().optional(),
    }),
    answer: z.object({
      token: TOKEN.omit({ issuedAt: true }).extend({ agent: z.string() }),
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
    summary: 'Revoke all tokens of an agent',
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
