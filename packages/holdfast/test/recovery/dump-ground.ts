/** What tests of dumps share: an engine on the ground of pulls, and the servers they run on. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/model/clock.ts';
import { DumpEngine } from '../../src/recovery/engines/dump/dump-engine.ts';
import type { DumpOptions } from '../../src/recovery/engines/dump/dump-options.ts';
import { listPoints, readPoint } from '../../src/recovery/point-store.ts';
import type { StoredPoint } from '../../src/recovery/recovery-point.ts';
import { TEST_SEAL } from '../../src/recovery/testing/test-seal.ts';
import { DEBIAN_15, type Ground } from './pull-ground.ts';

interface Dumped {
  readonly major: number;
  readonly bin: string;
  readonly isHere: boolean;
}

/** Debian's 15; and 17 and 18 where somebody has them with pg_dump, which npm's packages have not. */
export const DUMPED: readonly [Dumped, ...Dumped[]] = [
  { major: 15, bin: DEBIAN_15, isHere: existsSync(`${DEBIAN_15}/pg_dump`) },
  ...[17, 18].flatMap((major) => {
    const bin = process.env[`HOLDFAST_PG${major}_BIN`] ?? '';
    return bin !== '' && existsSync(join(bin, 'pg_dump')) ? [{ major, bin, isHere: true }] : [];
  }),
];

export function dumpEngine(
  ground: Ground,
  bin: string,
  changes: Partial<DumpOptions> = {},
): DumpEngine {
  const folder = join(ground.root, 'works');
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  return new DumpEngine({
    target: 'shop',
    connection: ground.server.connection(),
    vault: ground.vault,
    recipients: [ground.recipient],
    identities: () => [ground.identity],
    kept: () => ({ retainUntil: new Date(Date.now() + 7 * 86_400_000) }),
    slot: 'holdfast_shop',
    clock: systemClock,
    seal: TEST_SEAL,
    binaries: [bin],
    folder,
    ...changes,
  });
}

/** Oldest first, as they lie in the vault. */
export async function storedPoints(ground: Ground, system: string): Promise<StoredPoint[]> {
  const points: StoredPoint[] = [];
  for (const object of await listPoints(ground.vault, 'shop', system, null)) {
    points.push(await readPoint(ground.vault, object));
  }
  return points;
}
