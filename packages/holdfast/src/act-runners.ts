/**
 * Who carries out what people signed, where it takes more than our own store: handed to the rooms of
 * the gateway and of every command. One line per kind of act.
 */
import { z } from 'zod';
import type { ActRunner, ActRunners } from './approvals/proposals.ts';
import type { Config, Env, TargetConfig } from './config/config.ts';
import { loadAssertions } from './config/drill-assertions.ts';
import type { Clock } from './model/clock.ts';
import { HoldfastError } from './model/errors.ts';
import { takeDown } from './protection/postgres/wall/take-down.ts';
import type { WallStore } from './protection/wall-store.ts';
import type { RebuildAssertion } from './recovery/rebuild/checks.ts';
import { type PromotionParts, promoteRebuildRunner } from './recovery/rebuild/promotion.ts';
import type { Rebuilds } from './recovery/rebuild/rebuilds.ts';
import type { Restores } from './recovery/restore/restores.ts';
import { openTarget } from './wiring.ts';

/** For as long as the work takes; `HF_VAULT_UNREACHABLE` where nobody here keeps recovery points. */
export type WithRestores = <T>(work: (restores: Restores) => Promise<T>) => Promise<T>;

export interface ActRooms {
  readonly wallStore: WallStore;
  readonly rebuilds: Rebuilds;
}

export function actRunnersOf(
  config: Config,
  env: Env,
  clock: Clock,
  { rebuilds, wallStore }: ActRooms,
  withRestores: WithRestores,
): ActRunners {
  return {
    unprotect: unprotectRunner(config, env, wallStore),
    'promote-restore': ({ facts, proposalId, target }) =>
      withRestores((restores) => restores.promote(target, proposalId, facts)),
    'promote-rebuild': promoteRebuildRunner(rebuildPartsOf(config, env, clock, rebuilds)),
  };
}

/** For the runner, and for whoever takes such a batch back. */
export function rebuildPartsOf(
  config: Config,
  env: Env,
  clock: Clock,
  rebuilds: Rebuilds,
): PromotionParts {
  return {
    rebuilds,
    clock,
    open: (target) => openTarget(declared(config, target), env),
    assertionsOf: (target) => assertionsOf(declared(config, target)),
  };
}

/** What is true of a database that came back has to be true of one that was rebuilt. */
export function assertionsOf({ recovery }: TargetConfig): readonly RebuildAssertion[] {
  const path = recovery?.assertions ?? null;
  if (path === null) return [];
  return loadAssertions(path).map(({ sentence, sql }) => ({ says: sentence, sql }));
}

function declared({ targets }: Config, name: string): TargetConfig {
  const target = targets.find((one) => one.name === name);
  if (target !== undefined) return target;
  throw new HoldfastError('HF_TARGET_UNKNOWN', {
    expected: `${name} in holdfast.yaml`,
    found: 'no such target',
    hint: 'Propose it where the target is declared.',
  });
}

const UNPROTECT_FACTS = z.object({ dropWhatIsKept: z.boolean() });

/** Rejects when nothing was changed: it is one transaction of the target. */
function unprotectRunner(config: Config, env: Env, walls: WallStore): ActRunner {
  return async (act) => {
    const { dropWhatIsKept } = UNPROTECT_FACTS.parse(act.facts);
    const db = openTarget(declared(config, act.target), env);
    try {
      await takeDown(db, walls, { target: act.target, dropWhatIsKept });
    } finally {
      await db.close();
    }
    return `${act.target} is not protected any more.`;
  };
}
