import type { z } from 'zod';
import type { ProviderConfig, TargetConfig } from '../../config/config.ts';
import { PROVIDER_PROTECTION, type Protection } from '../../model/reversal.ts';
import type { EnvironmentLevel } from '../../model/target.ts';
import type { AgentRoleStore } from '../../protection/agent-role-store.ts';
import type { WallStore } from '../../protection/wall-store.ts';
import type { KeptOfTarget, VaultState } from '../../store/vault-look.ts';
import type { TARGET_ROUTES } from '../contract/targets.ts';
import type { Handlers } from '../handler.ts';

export interface TargetRouteParts {
  readonly environments: readonly {
    readonly name: string;
    readonly level: EnvironmentLevel;
    readonly people: number;
    readonly graceMs: number;
    readonly holdLifeMs: number;
  }[];
  readonly targets: readonly TargetConfig[];
  readonly providers: readonly ProviderConfig[];
  /** `host:port`, never a credential; null: it cannot be told. */
  readonly upstreamOf: (target: TargetConfig) => string | null;
  /** As it was seen last; null: nobody has looked. */
  readonly protectionOf: (target: string) => Protection | null;
  readonly walls: Pick<WallStore, 'isKnown'>;
  readonly roles: Pick<AgentRoleStore, 'byTarget'>;
  /** Names of agents by id. */
  readonly agentNames: () => Promise<ReadonlyMap<string, string>>;
  readonly vault: { readonly state: () => Promise<VaultState> };
  readonly freeBytesMin: number;
}

type Answer = z.input<(typeof TARGET_ROUTES)['targets.list']['answer']>;
type TargetView = Answer['environments'][number]['targets'][number];

export function targetRoutes(parts: TargetRouteParts): Handlers<typeof TARGET_ROUTES> {
  const { environments, freeBytesMin, providers, targets } = parts;
  return {
    'targets.list': async () => {
      // Without what is kept the map is still a map.
      const vault = await parts.vault.state().catch(() => null);
      const kept = new Map((vault?.kept ?? []).map((one) => [one.target, one]));
      const names = await parts.agentNames();
      const own = await Promise.all(
        targets.map(async (one) => ({
          environment: one.environment,
          view: await databaseView(one, parts, names, kept.get(one.name)),
        })),
      );
      const hosted = providers.flatMap((provider) =>
        provider.places.map((place) => ({
          environment: place.environment,
          view: placeView(provider, place, kept.get(place.target)),
        })),
      );
      const all = [...own, ...hosted];
      const declared = environments.map(({ graceMs, holdLifeMs, level, name, people }) => ({
        name,
        level,
        people,
        graceMs,
        holdLifeMs,
        targets: all.filter(({ environment }) => environment === name).map(({ view }) => view),
      }));
      return {
        environments: declared,
        vault:
          vault === null ? null : { bytes: vault.bytes, freeBytes: vault.freeBytes, freeBytesMin },
      };
    },
  };
}

async function databaseView(
  target: TargetConfig,
  { protectionOf, providers, roles, upstreamOf, walls }: TargetRouteParts,
  names: ReadonlyMap<string, string>,
  kept: KeptOfTarget | undefined,
): Promise<TargetView> {
  const { environment, name, protocol } = target;
  const seen = protectionOf(name);
  return {
    name,
    protocol,
    environment,
    upstream: upstreamOf(target),
    protection: {
      level: seen?.level ?? 'none',
      trouble: seen?.trouble ?? null,
      wasProtected: await walls.isKnown(name),
      seen: seen !== null,
    },
    roles: (await roles.byTarget(name)).map(({ agentId, role }) => ({
      agent: names.get(agentId) ?? agentId,
      role,
    })),
    undo: undoView(kept),
    dependents: providers.flatMap(({ name: provider, places }) =>
      places.flatMap((place) =>
        Object.entries(place.databases)
          .filter(([, database]) => database === name)
          .map(([service]) => ({ provider, target: place.target, service })),
      ),
    ),
    place: null,
  };
}

function placeView(
  { name: provider, url }: ProviderConfig,
  { at, environment, project, target }: ProviderConfig['places'][number],
  kept: KeptOfTarget | undefined,
): TargetView {
  const { level, trouble } = PROVIDER_PROTECTION;
  return {
    name: target,
    protocol: 'http',
    environment,
    upstream: url === null ? null : new URL(url).host,
    protection: { level, trouble, wasProtected: true, seen: true },
    roles: [],
    undo: undoView(kept),
    dependents: [],
    place: { provider, project, at },
  };
}

function undoView(kept: KeptOfTarget | undefined): TargetView['undo'] {
  if (kept === undefined) return { items: 0, oldestAt: null, nextPurgeMs: null };
  const { items, nextPurgeMs, oldestAt } = kept;
  return { items, oldestAt: oldestAt.toISOString(), nextPurgeMs };
}
