/** An append-only REST server as the ground of a proof: what its users can take away from it. */
import { hash } from 'node:crypto';
import type { Clock } from '../../../model/clock.ts';
import { HoldfastError, messageOf } from '../../../model/errors.ts';
import { oneChunk } from '../../object-bytes.ts';
import type { Act, ActAnswer, Canary, ProofGround, ReadBack, Trial } from '../../proof.ts';
import { type RestAnswer, RestClient, type ResticKeys, type ResticPlace } from './rest-client.ts';
import { ResticVault } from './restic-vault.ts';

export interface ResticGroundOptions {
  readonly vault: string;
  readonly place: ResticPlace;
  readonly keys: ResticKeys;
  readonly clock: Clock;
}

const CANARY_BYTES = 1024;

export class ResticGround implements ProofGround {
  readonly kind = 'restic';
  readonly vault: string;
  readonly #options: ResticGroundOptions;
  readonly #vault: ResticVault;

  constructor(options: ResticGroundOptions) {
    this.vault = options.vault;
    this.#options = options;
    this.#vault = this.#open();
  }

  async plant(retainUntil: Date): Promise<Canary> {
    const { clock } = this.#options;
    const body = clock.random(CANARY_BYTES);
    const key = `canaries/${clock.now().toISOString().replaceAll(/[-:]/g, '')}`;
    const { version, bytes } = await this.#vault.put(key, oneChunk(body), { retainUntil });
    const sha256 = hash('sha256', body, 'hex');
    return { key, version, sha256, bytes, retainUntil, lockTrouble: null };
  }

  /** By a vault that remembers nothing. */
  async readBack(canary: Canary): Promise<ReadBack> {
    const chunks: Uint8Array[] = [];
    try {
      for await (const chunk of this.#open().get(canary)) chunks.push(chunk);
    } catch (error) {
      const isLost = error instanceof HoldfastError && /_(CHANGED|UNKNOWN)$/.test(error.code);
      const words = messageOf(error);
      return { kind: isLost ? 'lost' : 'unclear', words };
    }
    const found = hash('sha256', Buffer.concat(chunks), 'hex');
    return found === canary.sha256
      ? { kind: 'whole' }
      : { kind: 'lost', words: 'other bytes came back' };
  }

  trialOf(keys: ResticKeys): Trial {
    const client = new RestClient(this.#options.place, keys);
    const other = Buffer.from('overwritten');
    const write = (path: string, signal: AbortSignal) => client.ask('POST', path, other, signal);
    return {
      kind: 'acts',
      acts: [
        act('delete-data', 'delete the bytes', (canary, signal) =>
          client.erase('data', canary.sha256, signal),
        ),
        act('delete-record', 'delete the record', (canary, signal) =>
          client.erase('snapshots', canary.version, signal),
        ),
        act('overwrite-data', 'write over the bytes', (canary, signal) =>
          write(`data/${canary.sha256}`, signal),
        ),
        act('overwrite-record', 'write over the record', (canary, signal) =>
          write(`snapshots/${canary.version}`, signal),
        ),
      ],
    };
  }

  #open(): ResticVault {
    const { vault: name, place, keys, clock } = this.#options;
    return new ResticVault({ name, place, keys, clock, proven: () => null });
  }
}

function act(
  id: string,
  words: string,
  tried: (canary: Canary, signal: AbortSignal) => Promise<RestAnswer>,
): Act {
  const run = async (canary: Canary, signal: AbortSignal): Promise<ActAnswer> => {
    const { status } = await tried(canary, signal);
    const said = `status ${status}`;
    if (status >= 200 && status < 300) return { kind: 'done', words: said };
    if (status === 401) return { kind: 'no-key', words: said };
    return { kind: status === 403 || status === 405 ? 'refused' : 'unclear', words: said };
  };
  return { id, words, harmless: null, run };
}
