/**
 * What was found about recovery points, kept beside them in the vault: drills, proofs, and witnesses (these
 * encrypted as the points are, since they say how many rows a table has). Each carries a MAC under a key
 * of this installation: whoever can only write into the vault cannot make a drill that passed. And each
 * says of which vault it is, so that a copy of the vault is not what was proven.
 *
 *   <target>/<system>/drills/<id>.json      <target>/<system>/proofs/<id>.json
 *   <target>/<system>/witnesses/<point>.json.lz4.age
 *
 * What does not read, or is not ours, is left out and said in `troubles`; so are points that are not ours
 * and lie there as if they were, and points of ours whose files are gone too early. It decides nothing.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../model/clock.ts';
import { HoldfastError, hasCode } from '../model/errors.ts';
import { jsonOf } from '../model/json.ts';
import type { DrillResult } from './drills/drill-result.ts';
import { readDrill } from './drills/drill-shape.ts';
import { WITNESS_SHAPE, type Witness } from './drills/witness.ts';
import { objectBytes, oneChunk } from './object-bytes.ts';
import { packBytes, unpackBytes } from './packing/pack.ts';
import type { PointSeal, SealVerdict } from './point-seal.ts';
import {
  chainTroubles,
  isItself,
  isWhole,
  type ListedPoints,
  listPointFiles,
  listPoints,
  pointKey,
  readSealedPoint,
  writtenOver,
} from './point-store.ts';
import { type SealedPoint, sortPoints } from './point-trust.ts';
import type { BlastRadiusProof, ProofVerdict } from './proof.ts';
import {
  CONTROL_SHAPE,
  type LockControl,
  TRIED_SHAPE,
  type Tried,
  triedOf,
} from './proof-shape.ts';
import { pointPrefix, type StoredPoint, walPrefix } from './recovery-point.ts';
import type { Kept, StoredObject, Vault } from './vaults/vault.ts';

export interface VaultRecordsParts {
  readonly vault: Vault;
  readonly target: string;
  readonly recipients: readonly string[];
  readonly identities: () => readonly string[];
  readonly kept: () => Kept;
  /** 32 bytes, of this installation. */
  readonly macKey: Buffer;
  readonly seal: PointSeal;
  readonly clock: Clock;
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
  /** Sealed as ours and whole: those that count. Oldest first, as all of them. */
  readonly points: readonly StoredPoint[];
  /** From before seals: a drill may prove them, and they make nothing fresh. */
  readonly unsealed: readonly StoredPoint[];
  /** Of another installation or vault, from before ours: to be restored when asked for. */
  readonly others: readonly SealedPoint[];
  /** Where something lies that is not ours and looks as if it were. */
  readonly strangers: readonly string[];
  readonly drills: readonly DrillResult[];
  /** Made here, of points that count for nothing: they prove none, and put off none that is due. */
  readonly otherDrills: readonly DrillResult[];
  /** Oldest first. */
  readonly proofs: readonly KeptProof[];
  /** Drills and proofs that lay there before ours, with points whose key is not here. */
  readonly otherRecords: number;
  readonly troubles: readonly string[];
  /** Those of them that are about points. */
  readonly pointTroubles: readonly string[];
}

/** Remembered; whoever writes over files again and again makes more. */
const WHOLE_MAX = 10_000;
/** A version that was there may have gone: not for ever, and not at each look, however much was written over. */
const WHOLE_KNOWN_MS = 10 * 60_000;
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
  readonly #points = new Map<string, SealedPoint | null>();
  /** What had to be looked for among older versions, by point and what lies there instead. */
  readonly #whole = new Map<string, { readonly isWhole: boolean; readonly askedMs: number }>();
  readonly #bodies = new Map<string, string | null>();

  constructor(parts: VaultRecordsParts) {
    this.#parts = parts;
  }

  async find(system: string): Promise<FoundRecords> {
    const { target, vault } = this.#parts;
    const listed = await listPointFiles(vault, target, system, null);
    this.#forget(pointPrefix(target, system), listed.points);
    const found = await this.#fitting(system, listed);
    const troubles = [...found.troubles];
    let otherRecords = 0;
    const strange = (
      kind: string,
      all: readonly Pick<StoredObject, 'key' | 'storedAt'>[],
    ): void => {
      const after = all.filter(({ storedAt }) => !isOfBefore(storedAt, found));
      otherRecords += all.length - after.length;
      troubles.push(...strangeWords(kind, after));
    };
    const drills: DrillResult[] = [];
    const otherDrills: DrillResult[] = [];
    const allDrills = await this.#all(system, 'drills');
    for (const { body, key } of allDrills.ours) {
      const drill = readDrill(body);
      if (drill === null) troubles.push(`${key} is not a drill of this Holdfast.`);
      else if (drill.vault !== vault.name || drill.target !== target) {
        troubles.push(`${key} is a drill of another vault: it says nothing of this one.`);
      } else if (drill.seal !== undefined) otherDrills.push(drill);
      else drills.push(drill);
    }
    strange('drill', allDrills.strange);
    const proofs: KeptProof[] = [];
    const allProofs = await this.#all(system, 'proofs');
    for (const { body, key } of allProofs.ours) {
      const proof = readProof(key, body);
      if (proof === null) troubles.push(`${key} is not a proof of this Holdfast.`);
      else if (proof.vault !== vault.name) {
        troubles.push(`${key} is a proof of another vault: it says nothing of this one.`);
      } else proofs.push(proof);
    }
    strange('proof', allProofs.strange);
    const made = { drills, otherDrills, proofs, otherRecords };
    return { ...found, ...made, troubles, pointTroubles: found.troubles };
  }

  /**
   * The newest time at which there were points, all of them fitted, and none lacked a file that it must have
   * still, for a vault in which they do not any more; null: none of the last `LOOKED_BACK_MAX` states was so. A
   * point that came after the first that does not fit is not in it.
   */
  async soundAsOf(system: string): Promise<Date | null> {
    const { target, vault } = this.#parts;
    const objects = await listPoints(vault, target, system, null);
    const times = [...new Set(objects.map(({ storedAt }) => storedAt.getTime()))];
    for (const time of times.toSorted((a, b) => b - a).slice(0, LOOKED_BACK_MAX)) {
      const before = new Date(time - 1);
      const listed = await listPointFiles(vault, target, system, before);
      if (listed.points.length === 0) return null;
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
   * key opens it, and with HF_RECOVERY_DAMAGED when it is not ours. With a point that is `foreign` came a witness
   * under a seal that nobody here can tell either: it is given as it reads, and is whoever's who wrote the point.
   */
  async witnessOf(system: string, point: string, seal: SealVerdict): Promise<Witness | null> {
    const { identities, target, vault } = this.#parts;
    const key = `${target}/${system}/witnesses/${point}.json.lz4.age`;
    for await (const object of vault.list(key, null)) {
      if (object.key !== key) continue;
      const bytes = await unpackBytes(vault.get(object), identities(), key);
      const text = bytes.toString('utf8');
      const body = this.#opened(key, text) ?? (seal === 'foreign' ? bodyIn(text) : null);
      const read = WITNESS_SHAPE.safeParse(body === null ? null : jsonOf(body));
      const isOfIt = read.data?.target === target && read.data.systemIdentifier === system;
      if (read.success && isOfIt) return read.data;
      throw new HoldfastError('HF_RECOVERY_DAMAGED', {
        expected: `a witness of this Holdfast at ${key}`,
        found: wrongWitness(body, read.success),
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

  /**
   * Of the newest point that lies there, for when the server itself cannot be asked: of ours, else of what is
   * from before seals, else of whatever there is. What somebody planted must not hide ours.
   */
  async newestSystem(): Promise<string | null> {
    const { target, vault } = this.#parts;
    const objects: StoredObject[] = [];
    for await (const object of vault.list(`${target}/`, null)) {
      if (object.key.endsWith('/point.json')) objects.push(object);
    }
    const newestFirst = objects.toSorted((a, b) => b.storedAt.getTime() - a.storedAt.getTime());
    const read: SealedPoint[] = [];
    for (const object of newestFirst) {
      const found = await this.#point(object);
      if (found !== null && isItself(found.point, object.key)) read.push(found);
    }
    // By their own words, which are sealed: one of an earlier cluster that was stored again is no newer.
    const ours = read
      .filter(({ verdict }) => verdict === 'ours')
      .toSorted((a, b) => Date.parse(b.point.endedAt) - Date.parse(a.point.endedAt));
    const newestOf = (verdict: SealVerdict): SealedPoint | undefined =>
      read.find((one) => one.verdict === verdict);
    const newest =
      ours[0] ?? newestOf('none') ?? newestOf('elsewhere') ?? newestOf('foreign') ?? read[0];
    if (newest !== undefined) return newest.point.server.systemIdentifier;
    return newestFirst[0]?.key.split('/')[1] ?? null;
  }

  /** `troubles`: what does not read, lies under another's name, does not fit, or lacks what it must have still. */
  async #fitting(
    system: string,
    listed: ListedPoints,
  ): Promise<
    Pick<FoundRecords, 'points' | 'unsealed' | 'others' | 'strangers'> & {
      readonly troubles: readonly string[];
    }
  > {
    const troubles: string[] = [];
    const read: SealedPoint[] = [];
    for (const object of listed.points) {
      const found = await this.#point(object);
      if (found === null) troubles.push(`${object.key} does not read as a recovery point.`);
      else if (!isItself(found.point, object.key)) {
        troubles.push(`${object.key} is a recovery point of another name.`);
      } else read.push(found);
    }
    const sorted = sortPoints(read);
    const strangers = sorted.strangers.map(({ point }) => pointKey(point, system));
    troubles.push(...strangerWords(this.#parts.vault.name, strangers));
    // One that does not read is said already, and whoever names it would seem to be wrong.
    if (troubles.length === 0) troubles.push(...chainTroubles(sorted.ours));
    const points: StoredPoint[] = [];
    for (const point of sorted.ours) {
      if (await this.#isWhole(point, listed)) points.push(point);
      else if (this.#isDue(point)) {
        troubles.push(`The vault has not all of ${point.id} any more: it does not count.`);
      }
    }
    const unsealed: StoredPoint[] = [];
    for (const point of sorted.unsealed) {
      if (await this.#isWhole(point, listed)) unsealed.push(point);
    }
    return { points, unsealed, others: sorted.others, strangers, troubles };
  }

  /** What does not lie there any more. */
  #forget(prefix: string, objects: readonly StoredObject[]): void {
    const there = new Set(objects.map(nameOf));
    for (const name of this.#points.keys()) {
      if (name.startsWith(prefix) && !there.has(name)) this.#points.delete(name);
    }
  }

  async #point(object: StoredObject): Promise<SealedPoint | null> {
    const known = this.#points.get(nameOf(object));
    if (known !== undefined) return known;
    // One that could not be fetched is asked for again; one that does not read stays so.
    const { seal, vault } = this.#parts;
    const point = await readSealedPoint(vault, object, seal).catch((error: unknown) => {
      if (hasCode(error, 'HF_VAULT_UNREACHABLE')) throw error;
      return null;
    });
    this.#points.set(nameOf(object), point);
    return point;
  }

  async #isWhole(point: StoredPoint, { there }: ListedPoints): Promise<boolean> {
    const over = writtenOver(point, there);
    if (over.length === 0) return true;
    const name = createHash('sha256')
      .update([point.digest, ...over.map(({ key }) => there.get(key)?.version ?? '')].join('|'))
      .digest('hex');
    const { clock, vault } = this.#parts;
    const nowMs = clock.monotonicMs();
    const known = this.#whole.get(name);
    if (known !== undefined && nowMs - known.askedMs < WHOLE_KNOWN_MS) return known.isWhole;
    const whole = await isWhole(vault, point, there);
    if (this.#whole.size >= WHOLE_MAX) this.#whole.clear();
    // What may leave by now is asked for each time.
    if (this.#isDue(point)) this.#whole.set(name, { isWhole: whole, askedMs: nowMs });
    return whole;
  }

  /** Nothing of it may have left yet; where it does not say until when, nobody can tell. */
  #isDue({ keptUntil }: StoredPoint): boolean {
    return Date.parse(keptUntil ?? '') > this.#parts.clock.now().getTime();
  }

  async #all(
    system: string,
    folder: 'drills' | 'proofs',
  ): Promise<{
    readonly ours: readonly { readonly key: string; readonly body: string }[];
    /** Not under our seal, whoever wrote them. */
    readonly strange: readonly StoredObject[];
  }> {
    const { target, vault } = this.#parts;
    const ours: { key: string; body: string }[] = [];
    const strange: StoredObject[] = [];
    for await (const object of vault.list(`${target}/${system}/${folder}/`, null)) {
      const name = nameOf(object);
      let body = this.#bodies.get(name);
      if (body === undefined) {
        const bytes = await objectBytes(vault, object, RECORD_BYTES_MAX);
        body = this.#opened(object.key, bytes?.toString('utf8') ?? null);
        this.#bodies.set(name, body);
      }
      if (body === null) strange.push(object);
      else ours.push({ key: object.key, body });
    }
    return { ours, strange };
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

/** It lay there before ours, beside points of an installation whose key is not here: so may it be of that one. */
function isOfBefore(
  storedAt: Date,
  { others, points: [first] }: Pick<FoundRecords, 'others' | 'points'>,
): boolean {
  if (others.every(({ verdict }) => verdict !== 'foreign')) return false;
  return first === undefined || storedAt.getTime() < Date.parse(first.startedAt);
}

/** One sentence for all of a kind; empty: there are none. */
function strangeWords(
  kind: string,
  records: readonly Pick<StoredObject, 'key'>[],
): readonly string[] {
  const [first] = records;
  if (first === undefined) return [];
  if (records.length === 1) return [`${first.key} is not a ${kind} of this Holdfast.`];
  return [
    `${records.length} ${kind}s are not of this Holdfast, the first at ${first.key}: they count for nothing.`,
  ];
}

/** Whoever sealed it. */
function bodyIn(text: string): string | null {
  return ENVELOPE.safeParse(jsonOf(text)).data?.body ?? null;
}

function wrongWitness(body: string | null, isRead: boolean): string {
  if (body === null) return 'one without its seal';
  return isRead ? 'one of another target or server' : 'one that does not read';
}

function nameOf({ key, version }: StoredObject): string {
  return `${key}@${version}`;
}

/** One sentence for all of them; empty: there are none. */
function strangerWords(vault: string, keys: readonly string[]): readonly string[] {
  const [first] = keys;
  if (first === undefined) return [];
  if (keys.length === 1) {
    return [
      `A point that is not ours lies in the vault ${vault}: ${first}. It does not count; look at who can write there.`,
    ];
  }
  return [
    `${keys.length} points that are not ours lie in the vault ${vault}, the first at ${first}. They do not count; look at who can write there.`,
  ];
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
