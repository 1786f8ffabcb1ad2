/** Enrolling a person with one-time codes, without a browser. */
import { z } from 'zod';
import { ROLES } from '../../identity/roles.ts';
import { route } from './route.ts';

const NAME = z.string().max(200);

export const ENROLMENT_ROUTES = {
  'people.add': route({
    method: 'POST',
    path: '/v1/people',
    access: 'people.manage',
    summary: 'Add a person with one-time codes: the answer holds their secret, this once',
    wantsRecentProof: true,
    showsSecret: true,
    body: z.strictObject({
      name: NAME,
      /** Left out: owner for the first person, else approver. */
      roles: z.array(z.enum(ROLES)).min(1).optional(),
    }),
    answer: z.object({
      person: z.object({ id: z.string(), name: z.string(), roles: z.array(z.enum(ROLES)) }),
      /** `otpauth://` URI for an authenticator app: whoever has it can sign as this person. */
      otpauth: z.string(),
    }),
  }),
  'people.confirm': route({
    method: 'POST',
    path: '/v1/people/:name/confirm',
    access: 'people.manage',
    wantsRecentProof: true,
    summary: 'Confirm a person with a first code of theirs',
    params: z.strictObject({ name: NAME }),
    body: z.strictObject({ code: z.string().max(20) }),
    answer: z.object({ name: z.string(), confirmed: z.literal(true) }),
  }),
} as const;
