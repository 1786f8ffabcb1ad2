/**
 * A local vault as the ground of a proof. The suspect is the user that Holdfast itself runs as, on the
 * canary's own file; keys and logins of elsewhere open nothing on a disk. It does not try what only root
 * can do (`chattr -i`): that root is not held off is said by the vault's look, not proven each day. What
 * an act did is undone, so that a vault that holds nothing off is not left with a hole by its proof.
 */
import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, truncate, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../../model/clock.ts';
import { HoldfastError, messageOf } from '../../../model/errors.ts';
import { VAULT_PACKED_BYTES_MAX } from '../../../model/limits.ts';
import { oneChunk } from '../../object-bytes.ts';
import type { Act, ActAnswer, Canary, ProofGround, ReadBack, Trial } from '../../proof.ts';
import type { LocalVault } from './local-vault.ts';

export interface LocalGroundOptions {
  readonly vault: LocalVault;
  readonly folder: string;
  readonly clock: Clock;
}

/** Such that it has a file of its own. */
const CANARY_BYTES = VAULT_PACKED_BYTES_MAX + 1024;

export class LocalGround implements ProofGround {
  readonly kind = 'local';
  readonly vault: string;
  readonly #options: LocalGroundOptions;
  readonly #planted = new Map<string, Uint8Array>();

  constructor(options: LocalGroundOptions) {
    this.vault = options.vault.name;
    this.#options = options;
  }

  async plant(retainUntil: Date): Promise<Canary> {
    const { vault, clock } = this.#options;
    const body = clock.random(CANARY_BYTES);
    const key = `canaries/${clock.now().toISOString().replaceAll(/[-:]/g, '')}`;
    const stored = await vault.put(key, oneChunk(body), { retainUntil });
    this.#planted.set(stored.version, body);
    const sha256 = hash('sha256', body, 'hex');
    const until = stored.retainUntil ?? retainUntil;
    const { version, bytes } = stored;
    return { key, version, sha256, bytes, retainUntil: until, lockTrouble: null };
  }

  async readBack(canary: Canary): Promise<ReadBack> {
    const chunks: Uint8Array[] = [];
    try {
      for await (const chunk of this.#options.vault.get(canary)) chunks.push(chunk);
    } catch (error) {
      const isLost = error instanceof HoldfastError && /_(CHANGED|UNKNOWN)$/.test(error.code);
      const words = messageOf(error);
      return { kind: isLost ? 'lost' : 'unclear', words };
    }
    return hash('sha256', Buffer.concat(chunks), 'hex') === canary.sha256
      ? { kind: 'whole' }
      : { kind: 'lost', words: 'other bytes came back' };
  }

  /** As the user that this process runs as. */
  trialOfThisUser(): Trial {
    const fileOf = ({ key, version }: Canary) =>
      join(this.#options.folder, 'objects', `${key}@${version}`);
    const write = async (path: string, flags: number): Promise<void> => {
      const file = await open(path, flags);
      try {
        await file.write('overwritten');
      } finally {
        await file.close();
      }
    };
    const acts: readonly (readonly [string, string, (file: string) => Promise<unknown>])[] = [
      [
        'append',
        'append to the file',
        (file) => write(file, constants.O_WRONLY | constants.O_APPEND),
      ],
      ['overwrite', 'write over the file', (file) => write(file, constants.O_RDWR)],
      ['truncate', 'cut the file', (file) => truncate(file, 10)],
      ['rename', 'move the file away', (file) => rename(file, `${file}.gone`)],
      ['rename-over', 'move another over it', (file) => renameOver(file)],
      ['unlink', 'delete the file', (file) => unlink(file)],
      ['folder', 'move its folder away', (file) => rename(dirname(file), `${dirname(file)}.gone`)],
    ];
    return {
      kind: 'acts',
      acts: acts.map(([id, words, tried]) =>
        actOf(id, words, async (canary) => {
          await tried(fileOf(canary));
          await this.#putBack(fileOf(canary), canary);
        }),
      ),
    };
  }

  async #putBack(file: string, { version }: Canary): Promise<void> {
    const body = this.#planted.get(version);
    if (body === undefined) return;
    await mkdir(dirname(file), { recursive: true });
    await unlink(file).catch(() => {});
    await writeFile(file, body);
  }
}

async function renameOver(file: string): Promise<void> {
  const other = `${file}.other`;
  const made = await open(other, 'wx');
  await made.close();
  await rename(other, file);
}

function actOf(id: string, words: string, tried: (canary: Canary) => Promise<unknown>): Act {
  return {
    id,
    words,
    harmless: null,
    run: async (canary): Promise<ActAnswer> => {
      try {
        await tried(canary);
        return { kind: 'done', words: 'the file system let it' };
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'no code';
        const isRefusal = code === 'EPERM' || code === 'EACCES';
        return { kind: isRefusal ? 'refused' : 'unclear', words: code };
      }
    },
  };
}
