import type { People } from '../../identity/people.ts';
import type { ENROLMENT_ROUTES } from '../contract/enrolment.ts';
import type { Handlers } from '../handler.ts';
import { requireStanding } from './people.ts';

export function enrolmentRoutes(people: People): Handlers<typeof ENROLMENT_ROUTES> {
  return {
    'people.add': async ({ body, principal }) => {
      requireStanding(principal, body.roles ?? []);
      const { person, uri } = await people.add(body.name, body.roles);
      const { id, name, roles } = person;
      return { person: { id, name, roles: [...roles] }, otpauth: uri };
    },
    'people.confirm': async ({ body, params }) => {
      await people.confirm(params.name, body.code);
      return { name: params.name, confirmed: true };
    },
  };
}
