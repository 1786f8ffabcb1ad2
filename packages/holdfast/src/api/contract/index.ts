/** Every route of the API, by name. */
import { AGENT_ROUTES } from './agents.ts';
import { CARD_ROUTES } from './cards.ts';
import { CREDENTIAL_ROUTES } from './credentials.ts';
import { ENROLMENT_ROUTES } from './enrolment.ts';
import { DEFERRAL_ROUTES } from './deferrals.ts';
import { ENVIRONMENT_ROUTES } from './environments.ts';
import { HOLD_ROUTES } from './holds.ts';
import { NOW_ROUTES } from './now.ts';
import { OPENAPI_ROUTES } from './openapi.ts';
import { POLICY_ROUTES } from './policy.ts';
import { PROPOSAL_ROUTES } from './proposals.ts';
import type { Route } from './route.ts';
import { SESSION_ROUTES } from './session.ts';
import { TARGET_ROUTES } from './targets.ts';
import { TRAIL_ROUTES } from './trail.ts';
import { UNDO_ROUTES } from './undo.ts';

export const ROUTES = {
  ...SESSION_ROUTES,
  ...NOW_ROUTES,
  ...HOLD_ROUTES,
  ...AGENT_ROUTES,
  ...CREDENTIAL_ROUTES,
  ...ENROLMENT_ROUTES,
  ...ENVIRONMENT_ROUTES,
  ...CARD_ROUTES,
  ...DEFERRAL_ROUTES,
  ...PROPOSAL_ROUTES,
  ...UNDO_ROUTES,
  ...TRAIL_ROUTES,
  ...TARGET_ROUTES,
  ...POLICY_ROUTES,
  ...OPENAPI_ROUTES,
} as const satisfies Record<string, Route>;

export type Routes = typeof ROUTES;
export type RouteName = keyof Routes;
