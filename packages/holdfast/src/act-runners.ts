/**
 * Who carries out what people signed, where it takes more than our own store: handed to the rooms of
 * the gateway and of every command. One line per kind of act.
 */
import { z } from 'zod';
import type { ActRunner, ActRunners } from './approvals/proposals.ts';
import type { Config, Env } from './config/config.ts';
import { HoldfastError } from './model/errors.ts';
import { takeDown } from './protection/postgres/wall/take-down.ts';
import type { WallStore } from './protection/wall-store.ts';
import type { Restores } from './recovery/restore/restores.ts';
import { openTarget } from './wiring.ts';

/** For as long as the work takes; `HF_VAULT_UNREACHABLE` where nobody here keeps recovery points. */
export type WithRestores = <T>(work: (restores: Restores) => Promise<T>) => Promise<T>;

export function actRunnersOf(
  config: Config,
  env: Env,
  walls: WallStore,
  withRestores: WithRestores,
): ActRunners {
  return {
    unprotect: unprotectRunner(config, env, walls),
    'promote-restore': ({ facts, proposalId, target }) =>
      withRestores((restores) => restores.promote(target, proposalId, facts)),
  };
}

const UNPROTECT_FACTS = z.object({ dropWhatIsKept: z.boolean() });

/** Rejects when nothing was changed: it is one transaction of the target. */
function unprotectRunner(config: Config, env: Env, walls: WallStore): ActRunner {
  return async (act) => {
    const { dropWhatIsKept } = UNPROTECT_FACTS.parse(act.facts);
    const target = config.targets.find(({ name }) => name === act.target);
    if (target === undefined) {
      throw new HoldfastError('HF_TARGET_UNKNOWN', {
        expected: `${act.target} in holdfast.yaml`,
        found: 'no such target',
        hint: 'Propose it where the target is declared.',
      });
    }
    const db = openTarget(target, env);
    try {
      await takeDown(db, walls, { target: act.target, dropWhatIsKept });
    } finally {
      await db.close();
    }
    return `${act.target} is not protected any more.`;
  };
}
