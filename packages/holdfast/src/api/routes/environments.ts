import type { Config } from '../../config/config.ts';
import { GRACE_MS_DEFAULT } from '../../model/limits.ts';
import type { ENVIRONMENT_ROUTES } from '../contract/environments.ts';
import type { Handlers } from '../handler.ts';

export function environmentRoutes({
  environments,
}: Pick<Config, 'environments'>): Handlers<typeof ENVIRONMENT_ROUTES> {
  return {
    'environments.list': async () => ({
      items: environments.map(({ graceMs, holdLifeMs, level, name, people }) => ({
        name,
        level,
        people,
        graceMs,
        holdLifeMs,
      })),
      otherwise: { graceMs: GRACE_MS_DEFAULT },
    }),
  };
}
