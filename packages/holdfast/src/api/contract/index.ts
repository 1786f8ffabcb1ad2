/** Every route of the API, by name. */
import { DEVICE_ROUTES } from './device.ts';
import { HOLD_ROUTES } from './holds.ts';
import { PEOPLE_ROUTES } from './people.ts';
import type { Route } from './route.ts';
import { SELF_ROUTES } from './self.ts';
import { SESSION_ROUTES } from './session.ts';
import { SIGN_IN_ROUTES } from './sign-in.ts';

export const ROUTES = {
  ...SESSION_ROUTES,
  ...SIGN_IN_ROUTES,
  ...SELF_ROUTES,
  ...DEVICE_ROUTES,
  ...PEOPLE_ROUTES,
  ...HOLD_ROUTES,
} as const satisfies Record<string, Route>;

export type Routes = typeof ROUTES;
export type RouteName = keyof Routes;
