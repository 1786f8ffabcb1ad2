/** Every route of the API, by name. */
import { AGENT_ROUTES } from './agents.ts';
import { CREDENTIAL_ROUTES } from './credentials.ts';
import { ENROLMENT_ROUTES } from './enrolment.ts';
import { HOLD_ROUTES } from './holds.ts';
import type { Route } from './route.ts';
import { SESSION_ROUTES } from './session.ts';

export const ROUTES = {
  ...SESSION_ROUTES,
  ...HOLD_ROUTES,
  ...AGENT_ROUTES,
  ...CREDENTIAL_ROUTES,
  ...ENROLMENT_ROUTES,
} as const satisfies Record<string, Route>;

export type Routes = typeof ROUTES;
export type RouteName = keyof Routes;
