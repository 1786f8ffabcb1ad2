/** People: who they are, what they may do, invitations, and what is done when no owner can be reached. */

import { z } from 'zod';
import { HOLD_STATES } from '../../approvals/hold.ts';
import { ROLES } from '../../identity/roles.ts';
import { DIGEST_SHOWN_CHARS_MIN } from '../../model/limits.ts';
import { PAGE_QUERY, pageOf, route, WHEN } from './route.ts';
import { SESSION } from './self.ts';
import { CODE, NAME } from './sign-in.ts';
import { ASSERTED } from './webauthn.ts';
import { CHALLENGE } from './word.ts';

const ROLE_LIST = z.array(z.enum(ROLES)).min(1).max(ROLES.length);
const PERSON_ID = z.string().max(64);

const PERSON = z.object({
  id: z.string(),
  name: z.string(),
  /** As given; an owner for an hour by break-glass is told by `ownerUntil`. */
  roles: z.array(z.enum(ROLES)),
  addedAt: WHEN,
  /** When they first proved to be there by a passkey or codes of their own; null: not yet. */
  joinedAt: WHEN.nullable(),
  passkeys: z.number().int(),
  hasCodes: z.boolean(),
  hasSso: z.boolean(),
  lastSeenAt: WHEN.nullable(),
  ownerUntil: WHEN.nullable(),
});

const INVITE = z.object({
  id: z.string(),
  person: z.string(),
  personId: z.string(),
  roles: z.array(z.enum(ROLES)),
  invitedBy: z.string(),
  madeAt: WHEN,
  expiresAt: WHEN,
});

const MADE = z.object({
  invite: INVITE,
  /** Once: for that person, over a way that is theirs. */
  link: z.url(),
});

const BREAK_GLASS = z.object({
  proposal: z.string(),
  state: z.enum(HOLD_STATES),
  digest: z.string(),
  /** What a passkey signs, base64url. */
  challenge: z.string(),
  /** What is signed, in words. */
  statement: z.string(),
  peopleNeeded: z.number().int(),
  signedBy: z.array(z.string()),
  expiresAt: WHEN,
});

export const PEOPLE_ROUTES = {
  'people.list': route({
    method: 'GET',
    path: '/v1/people',
    access: 'people.read',
    summary: 'List people, by name',
    query: z.strictObject(PAGE_QUERY),
    answer: pageOf(PERSON),
  }),
  'people.roles': route({
    method: 'PUT',
    path: '/v1/people/:id/roles',
    access: 'people.manage',
    wantsRecentProof: true,
    summary: 'Say what a person may do, in place of what they might do before',
    params: z.strictObject({ id: PERSON_ID }),
    body: z.strictObject({ roles: ROLE_LIST }),
    answer: PERSON,
  }),
  'people.remove': route({
    method: 'DELETE',
    path: '/v1/people/:id',
    access: 'people.manage',
    wantsRecentProof: true,
    summary: 'Remove a person: their sessions end, their open signatures no longer count',
    params: z.strictObject({ id: PERSON_ID }),
    answer: z.object({ removed: z.boolean() }),
  }),
  'people.codes.remove': route({
    method: 'DELETE',
    path: '/v1/people/:id/codes',
    access: 'people.manage',
    wantsRecentProof: true,
    summary: 'Take the one-time codes of a person away, who has a passkey left',
    params: z.strictObject({ id: PERSON_ID }),
    answer: z.object({ removed: z.boolean() }),
  }),
  'people.invites.list': route({
    method: 'GET',
    path: '/v1/people/invites',
    access: 'people.manage',
    summary: 'List invitations that nobody has used yet',
    answer: z.object({ items: z.array(INVITE) }),
  }),
  'people.invites.make': route({
    method: 'POST',
    path: '/v1/people/invites',
    access: 'people.manage',
    showsSecret: true,
    wantsRecentProof: true,
    summary: 'Invite a person by a one-time link',
    body: z.strictObject({ name: NAME, roles: ROLE_LIST }),
    answer: MADE,
  }),
  'people.invites.again': route({
    method: 'POST',
    path: '/v1/people/:id/invites',
    access: 'people.manage',
    showsSecret: true,
    wantsRecentProof: true,
    summary: 'A new link for a person who has no passkey and no codes yet; the one before ends',
    params: z.strictObject({ id: PERSON_ID }),
    answer: MADE,
  }),
  'people.invites.cancel': route({
    method: 'DELETE',
    path: '/v1/people/invites/:id',
    access: 'people.manage',
    wantsRecentProof: true,
    summary: 'Cancel an invitation',
    params: z.strictObject({ id: z.string().max(64) }),
    answer: z.object({ cancelled: z.boolean() }),
  }),
  'people.sessions.list': route({
    method: 'GET',
    path: '/v1/people/:id/sessions',
    access: 'people.manage',
    summary: 'List the sessions of a person',
    params: z.strictObject({ id: PERSON_ID }),
    answer: z.object({ items: z.array(SESSION) }),
  }),
  'people.sessions.close': route({
    method: 'DELETE',
    path: '/v1/people/:id/sessions/:session',
    access: 'people.manage',
    wantsRecentProof: true,
    summary: 'Close a session of a person',
    params: z.strictObject({ id: PERSON_ID, session: z.string().max(64) }),
    answer: z.object({ closed: z.boolean() }),
  }),
  'breakGlass.propose': route({
    method: 'POST',
    path: '/v1/break-glass',
    access: 'break-glass',
    wantsRecentProof: true,
    summary: 'Ask the others for the role of an owner, for an hour',
    body: z.strictObject({ reason: z.string().trim().min(10).max(1_000) }),
    answer: BREAK_GLASS,
  }),
  'breakGlass.challenge': route({
    method: 'GET',
    path: '/v1/break-glass/:id/challenge',
    access: 'break-glass',
    summary: 'Give what a passkey is asked to sign, so that somebody is an owner for an hour',
    params: z.strictObject({ id: z.string().max(64) }),
    answer: CHALLENGE,
  }),
  'breakGlass.sign': route({
    method: 'POST',
    path: '/v1/break-glass/:id/sign',
    access: 'break-glass',
    isAttempt: true,
    summary:
      'Say that somebody shall be an owner for an hour: by code, or by passkey over the challenge',
    params: z.strictObject({ id: z.string().max(64) }),
    body: z.union([
      /** `digest`: as it was shown, or its beginning. */
      z.strictObject({ code: CODE, digest: z.string().min(DIGEST_SHOWN_CHARS_MIN).max(64) }),
      z.strictObject({ response: ASSERTED }),
    ]),
    answer: BREAK_GLASS,
  }),
} as const;
