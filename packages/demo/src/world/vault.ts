/**
 * Where the guarded side's recovery points lie: a local vault, as a user would write it into holdfast.yaml, on
 * another disk than the data where this machine has one. Each run makes it anew, and leaves nothing of it.
 *
 * It is shown no better than Holdfast says it is: on this host it is amber at best, and red where the only disk
 * is that of the data.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { at, listAt, textAt } from '../looked-at.ts';
import type { RecoveryReport } from '../report.ts';
import { commandLine } from './command-line.ts';

const NAME = 'near';
const ROOM_BYTES_MIN = 1024 ** 3;
const LOOK_MS = 1_000;
/** A drill of this size takes seconds; many times that on a machine that does other work. */
const DRILLED_MS_MAX = 180_000;

export interface VaultPlace {
  readonly folder: string;
  /** What stands in holdfast.yaml. */
  readonly lines: { readonly vaults: string; readonly recovery: string };
  /** Its process is gone by then. */
  remove(): void;
}

/** `folder`: what is Holdfast's own in the demo; the key pair is made there. */
export async function makeVault(folder: string): Promise<VaultPlace> {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const place = elsewhere(folder) ?? join(folder, 'vault');
  clear(place);
  // Emptied on purpose: what the last run saw in it would keep a new one from being made.
  rmSync(join(folder, 'recovery', 'heads', `${NAME}.json`), { force: true });
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const key = join(folder, 'recovery-key.txt');
  rmSync(key, { force: true });
  const made = await commandLine(join(folder, 'holdfast.yaml'))('recovery', 'keys', '--out', key);
  const recipient = textAt(made, 'recipient');
  return {
    folder: place,
    lines: {
      vaults: `vaults: { ${NAME}: { kind: local, folder: '${place}' } } # elsewhere would be better`,
      recovery: `recovery: { vaults: [${NAME}], recipients: [${recipient}], identity: { file: recovery-key.txt } }`,
    },
    remove: () => clear(place),
  };
}

/** The gateway takes the first point by itself, and drills it. Null: that has taken too long. */
export async function firstPoint(
  configPath: string,
  target: string,
): Promise<RecoveryReport['drill']> {
  const endMs = performance.now() + DRILLED_MS_MAX;
  for (;;) {
    const { drill } = await recoveryOf(configPath, target);
    if (drill !== null || performance.now() > endMs) return drill;
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
}

/** As `holdfast recovery status` tells it. */
export async function recoveryOf(configPath: string, target: string): Promise<RecoveryReport> {
  // Red is an answer, too.
  const command = commandLine(configPath, (code) => code === 1);
  const [report] = listAt(await command('recovery', 'status', target), 'targets');
  const [vault] = listAt(report, 'vaults');
  const drill = at(vault, 'lastDrill');
  return {
    colour: textAt(report, 'colour'),
    because: words(report, 'because'),
    doesNotProtectFrom: words(vault, 'doesNotProtectFrom'),
    points: listAt(vault, 'points').length,
    drill:
      typeof drill === 'object' && drill !== null
        ? {
            verdict: textAt(drill, 'verdict'),
            checks: listAt(drill, 'checks').map((check) => textAt(check, 'said')),
          }
        : null,
    wouldLoseMs: numberOf(at(report, 'rpoMs')),
    wouldTakeMs: numberOf(at(report, 'rtoMs')),
  };
}

function words(value: unknown, name: string): string[] {
  return listAt(value, name).map(String);
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** A folder on another device that has room; null: there is none. */
function elsewhere(folder: string): string | null {
  const device = statSync(folder).dev;
  const name = `holdfast-demo-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
  const parent = ['/dev/shm', tmpdir()].find((path) => {
    try {
      const { bavail, bsize } = statfsSync(path);
      return statSync(path).dev !== device && bavail * bsize >= ROOM_BYTES_MIN;
    } catch {
      return false;
    }
  });
  if (parent === undefined) return null;
  const path = join(parent, name);
  return isOursOrFree(path) ? path : null;
}

/** Everybody may make folders there: what somebody else put in our place is not used. */
function isOursOrFree(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined || (found.isDirectory() && found.uid === process.getuid?.());
}

/** As root on ext4 the vault froze its files: that is what holds its deletion up, and here it is ours. */
function clear(path: string): void {
  try {
    execFileSync('/usr/bin/chattr', ['-R', '-ai', '--', path], { stdio: 'ignore' });
  } catch {
    // No such program, nothing there, or a file system without flags: then nothing is frozen.
  }
  rmSync(path, { recursive: true, force: true });
}
