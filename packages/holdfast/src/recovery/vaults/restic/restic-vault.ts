/**
 * A vault behind an append-only REST server of restic's protocol. An object is pieces of up to 16 MiB and
 * one record that names them, stored last: a put that breaks off leaves pieces, and nothing that is
 * listed. Everything is named by its hash, so that nothing can be put in the place of something else.
 *
 * For base copies and dumps: a listing reads a small record an object (once), so that pieces of WAL by
 * the second belong elsewhere. The server keeps no dates: whoever prunes there decides how long things
 * stay, which is why nothing here is ever said to be locked, and the colour is amber at best.
 */
import { createHash, hash } from 'node:crypto';
import type { Clock } from '../../../model/clock.ts';
import { HoldfastError, messageOf } from '../../../model/errors.ts';
import { VAULT_PART_BYTES, VAULT_UNDELETE_AT_ONCE } from '../../../model/limits.ts';
import { checkKey, checkPrefix } from '../key.ts';
import type { Kept, StoredObject, Vault, VaultKey, VaultLook } from '../vault.ts';
import { type PutRecord, readRecord, recordText } from './record.ts';
import {
  type FileType,
  RestClient,
  type ResticKeys,
  type ResticPlace,
  refused,
} from './rest-client.ts';

export interface ResticVaultOptions {
  readonly name: string;
  readonly place: ResticPlace;
  readonly keys: ResticKeys;
  readonly clock: Clock;
  readonly proven: () => 'PROVEN' | 'REFUTED' | 'UNKNOWN' | null;
}

interface Known {
  readonly version: string;
  readonly record: PutRecord;
}

export class ResticVault implements Vault {
  readonly kind = 'restic';
  readonly name: string;
  readonly #options: ResticVaultOptions;
  readonly #client: RestClient;
  /** By version; null: a file that is no record of ours. */
  readonly #records = new Map<string, PutRecord | null>();
  #isMade = false;

  constructor(options: ResticVaultOptions) {
    this.name = options.name;
    this.#options = options;
    this.#client = new RestClient(options.place, options.keys);
  }

  /** `kept` is what whoever prunes at the server should keep to; nothing here can hold them to it. */
  async put(key: VaultKey, body: AsyncIterable<Uint8Array>, _kept: Kept): Promise<StoredObject> {
    checkKey(key);
    if (!this.#isMade) await this.#client.make();
    this.#isMade = true;
    const sum = createHash('sha256');
    const pieces: { name: string; bytes: number }[] = [];
    for await (const piece of inPieces(body)) {
      sum.update(piece);
      pieces.push({ name: await this.#store('data', piece), bytes: piece.length });
    }
    const record: PutRecord = {
      ...{ format: 'holdfast/restic/1', key, pieces },
      bytes: pieces.reduce((bytes, piece) => bytes + piece.bytes, 0),
      sha256: sum.digest('hex'),
      storedAt: this.#options.clock.now().toISOString(),
      nonce: this.#options.clock.random(8).toString('hex'),
    };
    const version = await this.#store('snapshots', recordText(record));
    this.#records.set(version, record);
    return objectOf({ version, record });
  }

  async *get(object: Pick<StoredObject, 'key' | 'version'>): AsyncGenerator<Uint8Array> {
    checkKey(object.key);
    const record = await this.#record(object.version);
    if (record?.key !== object.key) throw unknownVersion(object);
    const sum = createHash('sha256');
    for (const { name } of record.pieces) {
      const answer = await this.#client.read('data', name);
      const isIt = answer.status === 200 && hash('sha256', answer.body, 'hex') === name;
      if (!isIt) throw changedObject(object.key, answer.status);
      sum.update(answer.body);
      yield answer.body;
    }
    if (sum.digest('hex') !== record.sha256) throw changedObject(object.key, 200);
  }

  async *list(prefix: string, asOf: Date | null): AsyncGenerator<StoredObject> {
    checkPrefix(prefix);
    const newest = new Map<string, Known>();
    for (const known of await this.#known()) {
      const { key, storedAt } = known.record;
      if (!key.startsWith(prefix) || (asOf !== null && new Date(storedAt) > asOf)) continue;
      const other = newest.get(key);
      if (other === undefined || isNewer(known, other)) newest.set(key, known);
    }
    const sorted = [...newest.values()].sort((a, b) => (a.record.key < b.record.key ? -1 : 1));
    yield* sorted.map(objectOf);
  }

  /** The server is asked each time: what was pruned there is not there because it was read before. */
  async stat({
    key,
    version,
  }: Pick<StoredObject, 'key' | 'version'>): Promise<StoredObject | null> {
    checkKey(key);
    const record = await this.#readRecord(version);
    return record?.key === key ? objectOf({ version, record }) : null;
  }

  async look(): Promise<VaultLook> {
    const proven = this.#options.proven();
    const troubles =
      proven === 'REFUTED' ? ['A credential could destroy in it: see the proof.'] : [];
    const known = await this.#known().catch((error: unknown) => {
      troubles.push(messageOf(error));
      return null;
    });
    return {
      colour: troubles.length > 0 ? 'red' : 'amber',
      protectsFrom: [
        'agents, and everything that goes through Holdfast: nothing there can ask for a deletion',
        'the loss of the database, of its volume and of the host it runs on',
        ...(proven === 'PROVEN'
          ? ['every credential that was tried on it: none could delete']
          : []),
      ],
      doesNotProtectFrom: [
        'whoever runs the server: it is append-only for its clients, and an ordinary folder for them',
        'pruning there: the server keeps no dates, so nothing holds it to how long things should stay',
        ...(proven === 'PROVEN'
          ? []
          : ['whatever was not tried yet: no proof says that it is append-only']),
      ],
      troubles,
      freeBytes: null,
      objects: known?.length ?? null,
    };
  }

  async close(): Promise<void> {}

  /** Stored under its hash, and read back; an append-only server refuses what it has already. */
  async #store(type: FileType, bytes: Buffer): Promise<string> {
    const name = hash('sha256', bytes, 'hex');
    const answer = await this.#client.store(type, name, bytes);
    const back = await this.#client.read(type, name);
    if (back.status === 200 && back.body.equals(bytes)) return name;
    if (answer.status >= 300) throw refused(`${this.name} to take a file`, answer.status);
    throw changedObject(`the file ${name}`, back.status);
  }

  async #known(): Promise<readonly Known[]> {
    const names = await this.#client.names('snapshots');
    for (let at = 0; at < names.length; at += VAULT_UNDELETE_AT_ONCE) {
      const some = names.slice(at, at + VAULT_UNDELETE_AT_ONCE);
      await Promise.all(some.map((name) => this.#record(name)));
    }
    return names.flatMap((version) => {
      const record = this.#records.get(version);
      return record == null ? [] : [{ version, record }];
    });
  }

  async #record(version: string): Promise<PutRecord | null> {
    const known = this.#records.get(version);
    return known === undefined ? this.#readRecord(version) : known;
  }

  async #readRecord(version: string): Promise<PutRecord | null> {
    if (!/^[0-9a-f]{64}$/.test(version)) return null;
    const answer = await this.#client.read('snapshots', version);
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw refused(`${this.name} to give a record`, answer.status);
    const isIt = hash('sha256', answer.body, 'hex') === version;
    const record = isIt ? readRecord(answer.body) : null;
    this.#records.set(version, record);
    return record;
  }
}

async function* inPieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes < VAULT_PART_BYTES) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}

/** Two of one moment: always the same of them. */
function isNewer(a: Known, b: Known): boolean {
  const [ofA, ofB] = [a.record.storedAt, b.record.storedAt];
  return ofA === ofB ? a.version > b.version : ofA > ofB;
}

function objectOf({ version, record }: Known): StoredObject {
  const { key, bytes, sha256, storedAt } = record;
  return { key, version, bytes, sha256, storedAt: new Date(storedAt), retainUntil: null };
}

function unknownVersion({ key, version }: Pick<StoredObject, 'key' | 'version'>): HoldfastError {
  return new HoldfastError('HF_VAULT_UNKNOWN', {
    expected: `version ${version} of ${key}`,
    found: 'none',
    hint: 'List what the vault holds.',
  });
}

function changedObject(what: string, status: number): HoldfastError {
  return new HoldfastError('HF_VAULT_CHANGED', {
    expected: `${what} as it was stored`,
    found: status === 200 ? 'other bytes' : `status ${status}`,
    hint: 'The server lies or fails: take another copy elsewhere now.',
  });
}
