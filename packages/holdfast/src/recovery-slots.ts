/** The replication slots that this installation makes: one to each target and vault, by its own name. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, Env } from './config/config.ts';
import type { Clock } from './model/clock.ts';
import { changesSlot } from './recovery/engines/left-slot.ts';
import type { EngineKind } from './recovery/recovery-point.ts';
import { keyFolderOf } from './rooms.ts';
import { signerFromFile } from './trail/signer.ts';
import type { VerifierKey } from './trail/verify/note.ts';

type Installation = Pick<VerifierKey, 'name' | 'keyId'>;

/** Two Holdfasts must not move each other's slot. */
export function slotOf({ keyId, name }: Installation, target: string, vault: string): string {
  const of = createHash('sha256').update(`${name}|${keyId}|${target}|${vault}`).digest('hex');
  return `holdfast_${target.replaceAll(/[^a-z0-9]/g, '_').slice(0, 32)}_${of.slice(0, 10)}`;
}

/** Of all targets, since they may be databases of one server. What another engine has left is none of them. */
export function ownSlotsIn({ targets }: Config, installation: Installation): ReadonlySet<string> {
  const names = targets.flatMap(({ name, recovery }) =>
    recovery === null
      ? []
      : recovery.vaults.flatMap((vault) =>
          usedBy(recovery.engine, slotOf(installation, name, vault)),
        ),
  );
  return new Set(names);
}

/** As above, without the store; where no key was ever made, no slot was either. */
export async function ownSlotsOf(
  config: Config,
  env: Env,
  clock: Clock,
): Promise<ReadonlySet<string>> {
  const file = join(keyFolderOf(config, env), 'trail.key');
  if (!existsSync(file)) return new Set();
  const { verifierKey } = await signerFromFile(file, config.trail.origin, clock);
  return ownSlotsIn(config, verifierKey);
}

function usedBy(engine: EngineKind, slot: string): readonly string[] {
  switch (engine) {
    case 'pull':
      return [slot];
    case 'dump':
      // It drops the first by itself, or says that it could not.
      return [slot, changesSlot(slot)];
    case 'pgbackrest':
      return [];
    default:
      return engine satisfies never;
  }
}
