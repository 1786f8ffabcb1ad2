/**
 * The folder of a local vault, and the only acts on it:
 *
 *   incoming/              half-written; emptied at each start
 *   objects/<key>@<version>  large objects, never changed
 *   packs/<day>-<id>.pack  small objects, by the day on which they may go
 *   manifest/<n>.log       what lies here, as a chain of hashes
 *   lock                   the process that has it
 *
 * Where the file system lets us, folders only grow and finished files are frozen.
 *
 * No vault is made where one was seen before: a mount point whose disk is away must not become another
 * vault. Where the folder cannot be written to, it is taken for reading, without a lock and without a trace.
 */
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError, hasCode } from '../../../model/errors.ts';
import type { Disk } from './disk.ts';
import { type Flags, NO_FLAGS, type OpenFlags } from './flags.ts';
import type { Seen } from './manifest.ts';
import { segmentsIn } from './segments.ts';
import { notThere, readOnly } from './troubles.ts';

const OTHERS_WRITE = 0o022;
const GROWING = ['objects', 'packs', 'manifest'] as const;

export class VaultFolder {
  readonly root: string;
  readonly flags: Flags;
  readonly isForReading: boolean;
  readonly #disk: Disk;

  private constructor(root: string, disk: Disk, flags: Flags, isForReading: boolean) {
    this.root = root;
    this.#disk = disk;
    this.flags = flags;
    this.isForReading = isForReading;
  }

  /**
   * Takes it for this process; rejects with HF_VAULT_REFUSED while another has it, where what was `seen`
   * before is not there, and where there is nothing to read and no right to write.
   */
  static async take(
    root: string,
    disk: Disk,
    openFlags: OpenFlags,
    seen: Seen | null,
  ): Promise<VaultFolder> {
    const isThere = await hasManifest(root);
    if (seen !== null && !isThere) throw notThere(root, `no manifest in ${root}`, seen.keptAt);
    if (!isThere) await makeIfMissing(root, disk);
    const refusal = await disk.refusal(root);
    // Where nobody can write it does not matter who owns it: a copy on such a disk is of another machine.
    if (refusal !== 'EROFS') await checkOwn(root);
    if (refusal !== null) {
      if (!isThere) throw readOnly(`${root} is read-only (${refusal}), and no vault is in it`);
      return new VaultFolder(root, disk, NO_FLAGS, true);
    }
    await takeLock(join(root, 'lock'));
    for (const name of ['incoming', ...GROWING]) await makeIfMissing(join(root, name), disk);
    await disk.syncFolder(root);
    const flags = await openFlags(join(root, 'manifest'));
    for (const name of GROWING) await flags.grow(join(root, name));
    return new VaultFolder(root, disk, flags, false);
  }

  path(unit: string): string {
    return join(this.root, unit);
  }

  incoming(name: string): string {
    return join(this.root, 'incoming', name);
  }

  /** The folders of a unit, each durable before the next. */
  async makeWay(unit: string): Promise<void> {
    const parts = unit.split('/').slice(0, -1);
    for (let depth = 2; depth <= parts.length; depth += 1) {
      const path = join(this.root, ...parts.slice(0, depth));
      if (!(await makeIfMissing(path, this.#disk))) continue;
      await this.#disk.syncFolder(dirname(path));
      await this.flags.grow(path);
    }
  }

  /** From incoming into its place, for good. */
  async settle(name: string, unit: string): Promise<void> {
    const path = this.path(unit);
    await this.#disk.rename(this.incoming(name), path);
    await this.#disk.syncFolder(dirname(path));
    await this.flags.freeze(path);
  }

  /** The only way out: of a unit or segment that the manifest says is gone. */
  async remove(path: string): Promise<void> {
    const folder = dirname(path);
    await this.flags.clear(folder);
    try {
      await this.flags.clear(path);
      await this.#disk.remove(path);
      await this.#disk.syncFolder(folder);
    } finally {
      await this.flags.grow(folder);
    }
  }

  async emptyIncoming(): Promise<void> {
    for (const name of await readdir(join(this.root, 'incoming'))) {
      await this.#disk.remove(this.incoming(name));
    }
  }

  /** What was still open at the end of the process before. */
  async freezeFinished(): Promise<void> {
    if (!this.flags.works) return;
    for (const folder of ['packs', 'manifest']) {
      for (const name of await readdir(join(this.root, folder))) {
        await this.flags.freeze(join(this.root, folder, name));
      }
    }
  }

  /** What is wrong when nothing can be written into it; null: it can. */
  async readOnlyWords(): Promise<string | null> {
    const refusal = await this.#disk.refusal(this.root);
    if (refusal !== null) return `${this.root} is read-only (${refusal})`;
    return null;
  }

  async leave(): Promise<void> {
    if (this.isForReading) return;
    await rm(join(this.root, 'lock'), { force: true });
  }
}

/** Nobody else may put anything into it, or take its folders away. */
async function checkOwn(root: string): Promise<void> {
  const { uid, mode } = await stat(root);
  const user = process.getuid?.() ?? uid;
  if (uid === user && (mode & OTHERS_WRITE) === 0) return;
  throw new HoldfastError('HF_VAULT_REFUSED', {
    expected: `a folder of user ${user}, which no other may write to`,
    found: `user ${uid}, mode ${(mode & 0o777).toString(8)}`,
    hint: 'Give the vault a folder of its own: mode 0700, owned by the user that it runs as.',
  });
}

async function hasManifest(root: string): Promise<boolean> {
  try {
    return (await segmentsIn(join(root, 'manifest'))).length > 0;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function makeIfMissing(path: string, disk: Disk): Promise<boolean> {
  try {
    await disk.makeFolder(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** The holder: its pid, and when it started, since pids come again. */
async function takeLock(path: string): Promise<void> {
  const mine = `${process.pid} ${await startedOf(process.pid)}`;
  for (let tries = 0; tries < 3; tries += 1) {
    try {
      await writeFile(path, mine, { flag: 'wx', mode: 0o600 });
      return;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    const [pid, started] = (await readFile(path, 'utf8').catch(() => '')).split(' ');
    const isAlive = pid !== undefined && started === (await startedOf(Number(pid)));
    if (isAlive && Number(pid) !== process.pid) throw taken(pid);
    await rm(path, { force: true });
  }
  throw taken('another');
}

/** proc(5): the 22nd field of stat. Where there is no /proc: whether it lives at all. */
async function startedOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'gone';
  } catch {
    if (process.platform === 'linux' || !Number.isInteger(pid)) return 'gone';
  }
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch {
    return 'gone';
  }
}

function taken(by: string): HoldfastError {
  return new HoldfastError('HF_VAULT_REFUSED', {
    expected: 'a vault that no other process has open',
    found: `process ${by} has it`,
    hint: 'One Holdfast keeps one vault; stop the other, or give this one a folder of its own.',
  });
}
