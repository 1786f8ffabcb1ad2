/** Every route of the API, by name. */
import { AGENT_ROUTES } from './agents.ts';
import { CARD_ROUTES } from './cards.ts';
import { CREDENTIAL_ROUTES } from './credentials.ts';
import { DEFERRAL_ROUTES } from './deferrals.ts';
import { DEVICE_ROUTES } from './device.ts';
import { ENROLMENT_ROUTES } from './enrolment.ts';
import { ENVIRONMENT_ROUTES } from './environments.ts';
import { HOLD_ROUTES } from './holds.ts';
import { NOTICE_ROUTES } from './notices.ts';
import { NOW_ROUTES } from './now.ts';
import { OPENAPI_ROUTES } from './openapi.ts';
import { PEOPLE_ROUTES } from './people.ts';
import { POLICY_ROUTES } from './policy.ts';
import { PROPOSAL_ROUTES } from './proposals.ts';
import { REBUILD_ROUTES } from './rebuilds.ts';
import { RECOVERY_ROUTES } from './recovery.ts';
import { REPORT_ROUTES } from './report.ts';
import { RESTORE_ROUTES } from './restores.ts';
import type { Route } from './route.ts';
import { SELF_ROUTES } from './self.ts';
import { SESSION_ROUTES } from './session.ts';
import { SIGN_IN_ROUTES } from './sign-in.ts';
import { TARGET_ROUTES } from './targets.ts';
import { TRAIL_ROUTES } from './trail.ts';
import { TRAIL_ENTRY_ROUTES } from './trail-entries.ts';
import { UNDO_ROUTES } from './undo.ts';

export const ROUTES = {
  ...SESSION_ROUTES,
  ...SIGN_IN_ROUTES,
  ...SELF_ROUTES,
  ...NOTICE_ROUTES,
  ...DEVICE_ROUTES,
  ...PEOPLE_ROUTES,
  ...ENROLMENT_ROUTES,
  ...NOW_ROUTES,
  ...HOLD_ROUTES,
  ...DEFERRAL_ROUTES,
  ...CARD_ROUTES,
  ...PROPOSAL_ROUTES,
  ...RECOVERY_ROUTES,
  ...RESTORE_ROUTES,
  ...UNDO_ROUTES,
  ...REBUILD_ROUTES,
  ...TRAIL_ROUTES,
  ...TRAIL_ENTRY_ROUTES,
  ...REPORT_ROUTES,
  ...TARGET_ROUTES,
  ...ENVIRONMENT_ROUTES,
  ...AGENT_ROUTES,
  ...CREDENTIAL_ROUTES,
  ...POLICY_ROUTES,
  ...OPENAPI_ROUTES,
} as const satisfies Record<string, Route>;

export type Routes = typeof ROUTES;
export type RouteName = keyof Routes;
