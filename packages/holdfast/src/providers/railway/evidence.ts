/**
 * What a card should say and no request does: what is staged, which variables a replacement removes,
 * which volume of which service this is, and which backups die with it. Asked of Railway with the real
 * credential, only for what would destroy or could be anything.
 *
 * When Railway cannot be asked, the effect stays what it was, `unknown` included, and says that.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Json } from '../../languages/json/json-text.ts';
import type { Effect, Reading } from '../../model/effect.ts';
import { messageOf } from '../../model/errors.ts';
import type { EstateEnvironment } from '../inventory.ts';
import type { RailwayApi } from './api.ts';
import { effectsOfConfig } from './document.ts';
import type { EstateVolume } from './estate.ts';
import type { Lookup } from './reading.ts';

export interface EvidenceOptions {
  readonly api: RailwayApi;
  readonly databaseOf: (target: string, service: string) => Promise<string | null>;
}

/** The environments that an act may reach, and the volumes it names there. */
interface Where {
  readonly environments: readonly EstateEnvironment[];
  readonly volumes: readonly EstateVolume[];
}

const STAGED = `query HoldfastStaged($environmentId: String!) {
  environmentStagedChanges(environmentId: $environmentId) { id patch } }`;
const staged = z.object({
  environmentStagedChanges: z.object({ id: z.string(), patch: z.json() }).nullable(),
});
const VARIABLES = `query HoldfastVariables($projectId: String!, $environmentId: String!, $serviceId: String) {
  variables(projectId: $projectId, environmentId: $environmentId, serviceId: $serviceId) }`;
const variables = z.object({
  // Not as a record: a variable may be called __proto__.
  variables: z.custom<object>((value) => typeof value === 'object' && value !== null),
});
const BACKUPS = `query HoldfastBackups($id: String!) {
  volumeInstanceBackupList(volumeInstanceId: $id) { id name createdAt } }`;
const backups = z.object({
  volumeInstanceBackupList: z.array(
    z.object({ id: z.string(), name: z.string().nullish(), createdAt: z.string() }),
  ),
});

/** What was found of a volume when an act on it was told. */
export interface VolumeSeen {
  /** Times of its backups; null: they could not be listed. */
  readonly backups: readonly string[] | null;
  /** What is known of the database of its service, in words; null: nothing. */
  readonly database: string | null;
}

/** Of volumes that somebody wanted to destroy, the newest. */
const VOLUMES_SEEN_MAX = 500;

export class Evidence {
  readonly #options: EvidenceOptions;
  /** By the id of the instance. */
  readonly #seen = new Map<string, VolumeSeen>();

  constructor(options: EvidenceOptions) {
    this.#options = options;
  }

  /** The reading with what was looked up in it; `acts`: what the digest must hold besides the text. */
  async lookUp(
    reading: Reading,
    lookups: readonly Lookup[],
  ): Promise<{ readonly reading: Reading; readonly acts: readonly Uint8Array[] }> {
    let effects = [...reading.effects];
    const acts: Uint8Array[] = [];
    for (const lookup of lookups) {
      try {
        const found =
          lookup.kind === 'staged' ? await this.#staged(lookup) : await this.#removed(lookup);
        effects = [...effects.filter((one) => !found.replaces(one)), ...found.effects];
        acts.push(createHash('sha256').update(JSON.stringify(found.seen)).digest());
      } catch (error) {
        const why = messageOf(error);
        effects = effects.map((one) =>
          one.kind === 'unknown' ? { ...one, why: `${one.why ?? ''}; ${why}` } : one,
        );
      }
    }
    return { reading: { ...reading, effects }, acts };
  }

  /** Effects that destroy, with what hangs on them in words. */
  async tell(
    reading: Reading,
    where: Where,
    targetOf: (environmentId: string) => string | null,
  ): Promise<Reading> {
    if (!reading.effects.some(({ kind }) => kind === 'destroy') || where.volumes.length === 0) {
      return reading;
    }
    const told: string[] = [];
    for (const volume of where.volumes) told.push(await this.#volume(volume, where, targetOf));
    const words = told.join('; ');
    const effects = reading.effects.map((one): Effect => {
      const isOfVolume = one.object?.type === 'volume' || one.object?.type === 'backup';
      return one.kind === 'destroy' && isOfVolume
        ? { ...one, why: `${one.why ?? ''}: ${words}` }
        : one;
    });
    return { ...reading, effects };
  }

  /** As of the last act on it that was told; null: none was, here. */
  seenOf(instanceId: string): VolumeSeen | null {
    return this.#seen.get(instanceId) ?? null;
  }

  #see(instanceId: string, seen: VolumeSeen): void {
    this.#seen.delete(instanceId);
    this.#seen.set(instanceId, seen);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > VOLUMES_SEEN_MAX && oldest !== undefined) this.#seen.delete(oldest);
  }

  async #staged({ environmentId }: Extract<Lookup, { kind: 'staged' }>): Promise<Found> {
    const said = await this.#options.api.ask(STAGED, { environmentId }, staged, 'needed');
    const patch: Json = said.environmentStagedChanges?.patch ?? {};
    const verb = 'environmentPatchCommitStaged';
    return {
      seen: patch,
      // Never nothing: something could be staged between this look and the commit.
      effects: [...effectsOfConfig(verb, patch), committing(verb, environmentId)],
      replaces: (one) => one.verb === verb && one.kind === 'unknown',
    };
  }

  async #removed(lookup: Extract<Lookup, { kind: 'variables' }>): Promise<Found> {
    const { kind: _kind, given, ...place } = lookup;
    const said = await this.#options.api.ask(VARIABLES, place, variables, 'needed');
    const names = Object.keys(said.variables).filter((name) => !given.includes(name));
    const verb = 'variableCollectionUpsert';
    const effects = names.map(
      (name): Effect => ({
        kind: 'destroy',
        verb,
        object: { type: 'variable', schema: null, name },
        reach: 'rows',
        additive: false,
        why: 'it removes a variable, because the replacement does not name it',
      }),
    );
    return { seen: names.toSorted(), effects, replaces: () => false };
  }

  async #volume(
    { environmentId, instanceId, serviceName, sizeMb, volumeName }: EstateVolume,
    where: Where,
    targetOf: (environmentId: string) => string | null,
  ): Promise<string> {
    const environment = where.environments.find(({ id }) => id === environmentId);
    const size = sizeMb === null ? '' : `, ${Math.round(sizeMb)} MB`;
    const service = serviceName === null ? 'no service' : `service ${serviceName}`;
    const target = targetOf(environmentId);
    const database =
      target === null || serviceName === null
        ? null
        : await this.#options.databaseOf(target, serviceName).catch(() => null);
    const { backups: listed, words: backupWords } = await this.#backups(instanceId);
    this.#see(instanceId, { backups: listed, database });
    const words = [
      `${volumeName} of ${environment?.name ?? environmentId} (${service}${size})`,
      ...(database === null ? [] : [database]),
      backupWords,
    ];
    return words.join(', ');
  }

  async #backups(
    instanceId: string,
  ): Promise<{ readonly backups: readonly string[] | null; readonly words: string }> {
    try {
      const said = await this.#options.api.ask(BACKUPS, { id: instanceId }, backups, 'needed');
      const list = said.volumeInstanceBackupList.map(({ createdAt }) => createdAt.slice(0, 16));
      if (list.length === 0) return { backups: list, words: 'it has no backups' };
      const shown = list.slice(0, 5).join(', ');
      const more = list.length > 5 ? ', ...' : '';
      return { backups: list, words: `${list.length} backups die with it (${shown}${more})` };
    } catch (error) {
      const why = messageOf(error);
      return { backups: null, words: `its backups could not be listed: ${why}` };
    }
  }
}

function committing(verb: string, environmentId: string): Effect {
  const object = { type: 'environment', schema: null, name: environmentId } as const;
  const why = 'it applies what is staged';
  return { kind: 'reshape', verb, object, reach: 'whole', additive: false, why };
}

interface Found {
  /** What it was read from, for the digest. */
  readonly seen: Json;
  readonly effects: readonly Effect[];
  readonly replaces: (effect: Effect) => boolean;
}
