/**
 * The API over the rooms: the same routes for the gateway, which listens with it, and for one command,
 * which asks it in its own process.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DEVICE_ROUTES } from './api/contract/device.ts';
import { PEOPLE_ROUTES } from './api/contract/people.ts';
import { SELF_ROUTES } from './api/contract/self.ts';
import { SIGN_IN_ROUTES } from './api/contract/sign-in.ts';
import { agentRoutes } from './api/routes/agents.ts';
import { credentialRoutes } from './api/routes/credentials.ts';
import { enrolmentRoutes } from './api/routes/enrolment.ts';
import { environmentRoutes } from './api/routes/environments.ts';
import { holdRoutes } from './api/routes/holds.ts';
import { sessionRoutes } from './api/routes/session.ts';
import { trailEntryRoutes } from './api/routes/trail-entries.ts';
import { unbuilt } from './api/routes/unbuilt.ts';
import { Api } from './api/server.ts';
import { WhoAsks } from './api/who.ts';
import type { TokenVerifier } from './identity/agent-directory.ts';
import type { Clock } from './model/clock.ts';
import type { Rooms } from './rooms.ts';

export interface ApiRoomParts {
  readonly rooms: Rooms;
  readonly clock: Clock;
  readonly agentByHash: (hash: Buffer) => TokenVerifier | null;
  readonly trouble: (error: unknown) => void;
}

export interface ApiRoom {
  readonly api: Api;
  /** For whoever opened our store itself. */
  readonly machineAuthorization: string;
}

export async function openApiRoom(parts: ApiRoomParts): Promise<ApiRoom> {
  const { agentByHash, clock, rooms, trouble } = parts;
  const { agents, config, credentials, people, sessions } = rooms;
  const who = new WhoAsks({ sessions, agentByHash, clock });
  const api = await Api.create({
    handlers: {
      ...sessionRoutes({ sessions, isNew: () => people.isNobodyYet(), sso: null }),
      ...unbuilt(SIGN_IN_ROUTES),
      ...unbuilt(SELF_ROUTES),
      ...unbuilt(DEVICE_ROUTES),
      ...unbuilt(PEOPLE_ROUTES),
      ...holdRoutes(rooms.holds),
      ...agentRoutes({ agents, config }),
      ...credentialRoutes(credentials),
      ...enrolmentRoutes(people),
      ...environmentRoutes(config),
      ...trailEntryRoutes(rooms.trailStore),
    },
    who,
    clock,
    url: new URL(config.dashboard.url),
    dashboardFolder: builtDashboard(),
    trouble,
  });
  return { api, machineAuthorization: who.machineAuthorization };
}

/** Beside our own built files; null where it was not built. */
function builtDashboard(): string | null {
  const folder = fileURLToPath(new URL('./dashboard/', import.meta.url));
  return existsSync(folder) ? folder : null;
}
