/**
 * The API over the rooms: the same routes for the gateway, which listens with it, and for one command,
 * which asks it in its own process.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { agentRoutes } from './api/routes/agents.ts';
import { credentialRoutes } from './api/routes/credentials.ts';
import { deviceRoutes } from './api/routes/device.ts';
import { enrolmentRoutes } from './api/routes/enrolment.ts';
import { environmentRoutes } from './api/routes/environments.ts';
import { holdRoutes } from './api/routes/holds.ts';
import { peopleRoutes } from './api/routes/people.ts';
import { selfRoutes } from './api/routes/self.ts';
import { sessionRoutes } from './api/routes/session.ts';
import { signInRoutes } from './api/routes/sign-in.ts';
import { trailEntryRoutes } from './api/routes/trail-entries.ts';
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
  const { agents, config, credentials, note, people, proposals, sessions, ways } = rooms;
  const { sso } = ways;
  const origin = (): string => ways.site.origin;
  const who = new WhoAsks({ sessions, agentByHash, clock });
  const api = await Api.create({
    handlers: {
      ...sessionRoutes({
        sessions,
        isNew: () => people.isNobodyYet(),
        sso: sso === null ? null : { host: sso.host },
      }),
      ...signInRoutes({ ...ways, note, clock }),
      ...selfRoutes({ ...ways, clock }),
      ...deviceRoutes({ ...ways, origin }),
      ...peopleRoutes({ ...ways, proposals, clock, origin }),
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
