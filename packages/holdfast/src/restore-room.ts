/**
 * The keeper of restored copies, out of the rooms: for the gateway, and for one command where no gateway runs.
 */
import { z } from 'zod';
import { digestOfAct } from './approvals/proposed-act.ts';
import type { Env } from './config/config.ts';
import type { Clock } from './model/clock.ts';
import { HoldfastError } from './model/errors.ts';
import { jsonOf } from './model/json.ts';
import type { SignedFacts } from './recovery/restore/asks.ts';
import type { CopiedTarget } from './recovery/restore/copy.ts';
import { ownLine } from './recovery/restore/in-turn.ts';
import { RestoredCopies } from './recovery/restore/restored-copies.ts';
import { keptNowhere } from './recovery/restore/restores.ts';
import { drillFolder, type RecoveryRoom } from './recovery-room.ts';
import type { Rooms } from './rooms.ts';
import { adminConnectionOf, openTarget, targetsOf } from './wiring.ts';

export interface CopiesRoomParts {
  readonly rooms: Rooms;
  readonly env: Env;
  readonly clock: Clock;
}

/** `inTurn`: runs work when no other heavy work on recovery runs. */
export function openCopies(
  { clock, env, rooms }: CopiesRoomParts,
  { keepers }: RecoveryRoom,
  inTurn: (work: () => Promise<void>) => void,
): RestoredCopies {
  const { config, note } = rooms;
  return new RestoredCopies({
    targetOf: (name): CopiedTarget | null => {
      const target = config.targets.find((one) => one.name === name);
      if (target === undefined || target.recovery === null) return null;
      return {
        target: targetsOf(config).resolve({ asked: name, searchPath: [] }),
        vaults: target.recovery.vaults,
        database: adminConnectionOf(target, env).database,
        open: () => openTarget(target, env),
      };
    },
    restore: async (target, vault, order, tell, signal) => {
      const keeper = keepers.get(target);
      if (keeper === undefined) throw keptNowhere();
      return keeper.restore(vault, order, tell, signal);
    },
    viewOf: async (target, vault, asOf) => {
      const keeper = keepers.get(target);
      if (keeper === undefined) throw keptNowhere();
      return keeper.viewOf(vault, asOf);
    },
    drilledAt: async (target, vault, point) => {
      const keeper = keepers.get(target);
      if (keeper === undefined) throw keptNowhere();
      return keeper.drilledAt(vault, point);
    },
    folder: drillFolder(config, env),
    inTurn,
    lookInTurn: ownLine(),
    clock,
    note,
    record: (event) => rooms.record(event),
  });
}

const ACT = z.object({ facts: z.record(z.string(), z.unknown()) });

/** What the store says was signed, not what whoever asks says. HF_PROPOSAL_UNKNOWN, HF_PROPOSAL_STATE. */
export function signedFactsOf({ proposals }: Pick<Rooms, 'proposals'>): SignedFacts {
  return async (target, proposalId) => {
    const { card, outcome, state } = await proposals.show(proposalId);
    const isBegun = state === 'consumed' && outcome === null;
    const isSigned = digestOfAct(card.act) === card.digest;
    if (isBegun && isSigned && card.actKind === 'promote-restore' && card.target === target) {
      return ACT.parse(jsonOf(card.act)).facts;
    }
    throw new HoldfastError('HF_PROPOSAL_STATE', {
      expected: `${proposalId} to be a promotion of ${target} that is being carried out`,
      found: `${card.actKind} of ${card.target}, ${outcome?.kind ?? state}`,
      hint: 'Propose it anew, and let it be signed.',
    });
  };
}
