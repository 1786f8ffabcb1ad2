/**
 * What was found about recovery points, kept beside them in the vault: drills, proofs, and witnesses (these
 * encrypted as the points are, since they say how many rows a table has). Each carries a MAC under a key
 * of this installation: whoever can only write into the vault cannot make a drill that passed. And each
 * says of which vault it is, so that a copy of the vault is not what was proven.
 *
 *   <target>/<system>/drills/<id>.json      <target>/<system>/proofs/<id>.json
 *   <target>/<system>/witnesses/<point>.json.lz4.age
 *
 * What does not read, or is not ours, is left out and said in `troubles`. It decides nothing.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { HoldfastError } from '../model/errors.ts';
import { jsonOf } from '../model/json.ts';
import type { DrillResult } from './drills/drill-result.ts';
import { readDrill } from './drills/drill-shape.ts';
import { WITNESS_SHAPE, type Witness } from './drills/witness.ts';
import { objectBytes, oneChunk } from './object-bytes.ts';
import { packBytes, unpackBytes } from './packing/pack.ts';
import { chainTroubles, listPoints, pointKey, readPoint } from './point-store.ts';
import type { BlastRadiusProof, ProofVerdict } from './proof.ts';
import {
  CONTROL_SHAPE,
  type LockControl,
  TRIED_SHAPE,
  type Tried,
  triedOf,
} from './proof-shape.ts';
import { type StoredPoint, walPrefix } from './recovery-point.ts';
import type { Kept, StoredObject, Vault } from './vaults/vault.ts';

export interface VaultRecordsParts {
  readonly vault: Vault;
  readonly target: string;
  readonly recipients: readonly string[];
  readonly identities: () => readonly string[];
  readonly kept: () => Kept;
  /** 32 bytes, of this installation. */
  readonly macKey: Buffer;
}

/** What is kept of a proof: enough to judge by, and the digest that the trail has. */
export interface KeptProof {
  readonly id: string;
  readonly vault: string;
  readonly at: Date;
  readonly verdict: ProofVerdict;
  readonly why: string;
  readonly sameAs: readonly string[];
  readonly tried: readonly Tried[];
  /** Null: nothing is locked there, or it was not tried. */
  readonly control: LockControl | null;
}

export interface FoundRecords {
  readonly points: readonly StoredPoint[];
  readonly drills: readonly DrillResult[];
  /** Oldest first. */
  readonly proofs: readonly KeptProof[];
  readonly troubles: readonly string[];
}

/** States of a vault that are looked at for one that was sound: whoever writes there daily is seen in days. */
const LOOKED_BACK_MAX = 20;
const RECORD_BYTES_MAX = 1024 * 1024;
const ENVELOPE = z.strictObject({
  format: z.literal('holdfast/record/1'),
  body: z.string(),
  mac: z.string().regex(/^[0-9a-f]{64}$/),
});
const PROOF = z.object({
  format: z.literal('holdfast/proof/1'),
  vault: z.string(),
  endedAt: z.iso.datetime(),
  verdict: z.enum(['PROVEN', 'REFUTED', 'UNKNOWN']),
  why: z.string(),
  sameAs: z.array(z.string()),
  credentials: z.array(TRIED_SHAPE).default([]),
  control: CONTROL_SHAPE.nullable().default(null),
});

export class VaultRecords {
  readonly #parts: VaultRecordsParts;
  /** What was read once, by key and version: it does not change. Null: not one of ours. */
  readonly #points = new Map<string, StoredPoint | null>();
  readonly #bodies = new Map<string, string | null>();

  constructor(parts: VaultRecordsParts) {
    this.#parts = parts;
  }

  async find(system: string): Promise<FoundRecords> {
    const { target, vault } = this.#parts;
    const listed = await listPoints(vault, target, system, null);
    const { points, troubles } = await this.#fitting(system, listed);
    const drills: DrillResult[] = [];
    for (const { body, key } of await this.#all(system, 'drills')) {
      const drill = body === null ? null : readDrill(body);
      if (drill === null) troubles.push(`${key} is not a drill of this Holdfast.`);
      else if (drill.vault !== vault.name || drill.target !== target) {
        troubles.push(`${key} is a drill of another vault: it says nothing of this one.`);
      } else drills.push(drill);
    }
    const proofs: KeptProof[] = [];
    for (const { body, key } of await this.#all(system, 'proofs')) {
      const proof = body === null ? null : readProof(key, body);
      if (proof === null) troubles.push(`${key} is not a proof of this Holdfast.`);
      else if (proof.vault !== vault.name) {
        troubles.push(`${key} is a proof of another vault: it says nothing of this one.`);
      } else proofs.push(proof);
    }
    return { points, drills, proofs, troubles };
  }

  /**
   * The newest time at which there were points and all of them fitted, for a vault in which they do not any
   * more; null: none of the last `LOOKED_BACK_MAX` states was so. A point that came after the first that
   * does not fit is not in it.
   */
  async soundAsOf(system: string): Promise<Date | null> {
    const { target, vault } = this.#parts;
    const objects = await listPoints(vault, target, system, null);
    const times = [...new Set(objects.map(({ storedAt }) => storedAt.getTime()))];
    for (const time of times.toSorted((a, b) => b - a).slice(0, LOOKED_BACK_MAX)) {
      const before = new Date(time - 1);
      const listed = await listPoints(vault, target, system, before);
      if (listed.length === 0) return null;
      const { troubles } = await this.#fitting(system, listed);
      if (troubles.length === 0) return before;
    }
    return null;
  }

  async keepDrill(system: string, drill: DrillResult): Promise<void> {
    await this.#keep(system, 'drills', drill.id, JSON.stringify(drill));
  }

  async keepProof(system: string, id: string, json: string): Promise<void> {
    await this.#keep(system, 'proofs', id, json);
  }

  async keepWitness(witness: Witness, point: string): Promise<void> {
    const { kept, recipients, target, vault } = this.#parts;
    const key = `${target}/${witness.systemIdentifier}/witnesses/${point}.json.lz4.age`;
    const sealed = this.#sealed(key, JSON.stringify(witness));
    await vault.put(key, packBytes(Buffer.from(sealed), recipients).body, kept());
  }

  /**
   * The newest of that point; null: none lies there. One that does rejects with HF_RECOVERY_KEY when no
   * key opens it, and with HF_RECOVERY_DAMAGED when it is not ours.
   */
  async witnessOf(system: string, point: string): Promise<Witness | null> {
    const { identities, target, vault } = this.#parts;
    const key = `${target}/${system}/witnesses/${point}.json.lz4.age`;
    for await (const object of vault.list(key, null)) {
      if (object.key !== key) continue;
      const bytes = await unpackBytes(vault.get(object), identities(), key);
      const body = this.#opened(key, bytes.toString('utf8'));
      const read = WITNESS_SHAPE.safeParse(body === null ? null : jsonOf(body));
      if (read.success) return read.data;
      throw new HoldfastError('HF_RECOVERY_DAMAGED', {
        expected: `a witness of this Holdfast at ${key}`,
        found: body === null ? 'one without its seal' : 'one that does not read',
        hint: 'Take another recovery point, and look at who can write into the vault.',
      });
    }
    return null;
  }

  /** When the newest WAL was stored; for who sees the vault and not the stream. */
  async newestWalAt(system: string): Promise<Date | null> {
    let newest: Date | null = null;
    for await (const { storedAt } of this.#parts.vault.list(
      walPrefix(this.#parts.target, system),
      null,
    )) {
      if (newest === null || storedAt > newest) newest = storedAt;
    }
    return newest;
  }

  /** Of the newest point that lies there, for when the server itself cannot be asked. */
  async newestSystem(): Promise<string | null> {
    const { target, vault } = this.#parts;
    let newest: StoredObject | null = null;
    for await (const object of vault.list(`${target}/`, null)) {
      if (!object.key.endsWith('/point.json')) continue;
      if (newest === null || object.storedAt >= newest.storedAt) newest = object;
    }
    return newest?.key.split('/')[1] ?? null;
  }

  async #fitting(
    system: string,
    objects: readonly StoredObject[],
  ): Promise<{ readonly points: readonly StoredPoint[]; readonly troubles: string[] }> {
    const troubles: string[] = [];
    const points: StoredPoint[] = [];
    for (const object of objects) {
      const point = await this.#point(object);
      if (point === null) troubles.push(`${object.key} does not read as a recovery point.`);
      else if (pointKey(point, system) !== object.key || point.server.systemIdentifier !== system) {
        troubles.push(`${object.key} is a recovery point of another name.`);
      } else points.push(point);
    }
    // One that does not read is said already, and whoever names it would seem to be wrong.
    if (troubles.length === 0) troubles.push(...chainTroubles(points));
    return { points, troubles };
  }

  async #point(object: StoredObject): Promise<StoredPoint | null> {
    const name = `${object.key}@${object.version}`;
    const known = this.#points.get(name);
    if (known !== undefined) return known;
    // One that could not be fetched is asked for again; one that does not read stays so.
    const point = await readPoint(this.#parts.vault, object).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'HF_VAULT_UNREACHABLE') {
        throw error;
      }
      return null;
    });
    this.#points.set(name, point);
    return point;
  }

  async #all(
    system: string,
    folder: 'drills' | 'proofs',
  ): Promise<readonly { readonly key: string; readonly body: string | null }[]> {
    const { target, vault } = this.#parts;
    const found: { key: string; body: string | null }[] = [];
    for await (const object of vault.list(`${target}/${system}/${folder}/`, null)) {
      const name = `${object.key}@${object.version}`;
      let body = this.#bodies.get(name);
      if (body === undefined) {
        const bytes = await objectBytes(vault, object, RECORD_BYTES_MAX);
        body = this.#opened(object.key, bytes?.toString('utf8') ?? null);
        this.#bodies.set(name, body);
      }
      found.push({ key: object.key, body });
    }
    return found;
  }

  async #keep(
    system: string,
    folder: 'drills' | 'proofs',
    id: string,
    body: string,
  ): Promise<void> {
    const { kept, target, vault } = this.#parts;
    const key = `${target}/${system}/${folder}/${id}.json`;
    const bytes = Buffer.from(this.#sealed(key, body));
    await vault.put(key, oneChunk(bytes), kept());
  }

  #sealed(key: string, body: string): string {
    const mac = this.#mac(key, body).toString('hex');
    return `${JSON.stringify({ format: 'holdfast/record/1', body, mac })}\n`;
  }

  #opened(key: string, text: string | null): string | null {
    const read = ENVELOPE.safeParse(text === null ? null : jsonOf(text));
    if (!read.success) return null;
    const { body, mac } = read.data;
    return timingSafeEqual(Buffer.from(mac, 'hex'), this.#mac(key, body)) ? body : null;
  }

  /** Under its key in the vault: what was moved to another target or id is not ours. */
  #mac(key: string, body: string): Buffer {
    return createHmac('sha256', this.#parts.macKey).update(`${key}\n${body}`).digest();
  }
}

function readProof(key: string, body: string): KeptProof | null {
  const read = PROOF.safeParse(jsonOf(body));
  if (!read.success) return null;
  const { control, credentials, endedAt, sameAs, vault, verdict, why } = read.data;
  const id = key.replace(/^.*\//, '').replace(/\.json$/, '');
  const tried = triedOf(credentials);
  return { id, vault, at: new Date(endedAt), verdict, why, sameAs, tried, control };
}

/** Sorts by time, and fits into a key. */
export function proofIdOf(proof: BlastRadiusProof, unique: string): string {
  return `${proof.startedAt.replace(/[-:]|\.\d+/g, '')}-${unique}`;
}
