/**
 * What an act at Railway touches, for the facts of its card: volumes with their sizes, databases behind them,
 * services that stay without their data, backups that die. By the inventory and by what was asked when the
 * act was judged; nothing is asked here.
 */
import type { Effect } from '../../model/effect.ts';
import type { Dependent, TouchedObject } from '../../model/touched.ts';
import type { ProviderTouched } from '../provider.ts';
import type { EstateVolume, RailwayEstate } from './estate.ts';
import type { VolumeSeen } from './evidence.ts';

const MB = 1_024 * 1_024;
/** Types whose destruction takes the volumes in it along. */
const HOLDS_VOLUMES: ReadonlySet<string> = new Set(['service', 'environment', 'project']);
const BACKUPS_SHOWN = 3;

export interface TouchedParts {
  readonly effects: readonly Effect[];
  /** Null: there is no list yet. */
  readonly estate: RailwayEstate | null;
  /** Ids of the environments that the act may reach. */
  readonly environments: ReadonlySet<string>;
  /** Volumes that the act names. */
  readonly named: readonly EstateVolume[];
  readonly seenOf: (instanceId: string) => VolumeSeen | null;
}

export function touchedBy(parts: TouchedParts): ProviderTouched {
  const { effects, estate, seenOf } = parts;
  const destroyed = effects.filter(({ kind }) => kind === 'destroy');
  const notTold: string[] = [];
  if (estate === null && destroyed.length > 0)
    notTold.push('what lies there: Railway was not listed');
  for (const { object } of destroyed) {
    if (object?.type !== 'service' || estate?.serviceNames.has(object.name) === true) continue;
    notTold.push(`volumes of service ${object.name}: it is not on the list of Railway`);
  }
  const volumes = destroyed.length === 0 ? [] : volumesOf(destroyed, parts);
  const objects: TouchedObject[] = [];
  const dependents: Dependent[] = [];
  const recoveryLost = destroyed.flatMap(({ object }) =>
    object?.type === 'backup' ? [`the backup ${object.name} is one itself, and goes`] : [],
  );
  const isVolume = destroyed.some(({ object }) => object?.type === 'volume');
  for (const volume of volumes) {
    const { instanceId, serviceName, sizeMb } = volume;
    const name = nameOf(volume, estate);
    // Railway says it in whole MB.
    const bytes = sizeMb === null ? null : ({ value: sizeMb * MB, how: 'estimate' } as const);
    objects.push({ name, type: 'volume', rows: null, bytes });
    if (bytes === null) notTold.push(`size of ${name}: Railway does not say it`);
    const seen = seenOf(instanceId);
    if (seen?.database) dependents.push({ name: seen.database, type: 'database', what: 'goes' });
    if (isVolume && serviceName !== null) {
      dependents.push({ name: serviceName, type: 'service', what: 'breaks' });
    }
    if (seen === null || seen.backups === null)
      notTold.push(`backups of ${name}: they were not listed`);
    else recoveryLost.push(backupWords(name, seen.backups));
  }
  return { objects, dependents, recoveryLost, notTold };
}

function volumesOf(
  destroyed: readonly Effect[],
  { environments, estate, named }: TouchedParts,
): readonly EstateVolume[] {
  const found = new Map(
    destroyed.some(({ object }) => object?.type === 'volume' || object?.type === 'backup')
      ? named.map((one) => [one.instanceId, one])
      : [],
  );
  for (const { object } of destroyed) {
    if (object === null || !HOLDS_VOLUMES.has(object.type)) continue;
    const service = object.type === 'service' ? estate?.serviceNames.get(object.name) : null;
    for (const one of estate?.volumes ?? []) {
      const isIn = environments.has(one.environmentId);
      if (isIn && (service === null || service === one.serviceName)) found.set(one.instanceId, one);
    }
  }
  return [...found.values()];
}

function nameOf(volume: EstateVolume, estate: RailwayEstate | null): string {
  const at = estate?.environments.find(({ id }) => id === volume.environmentId);
  const place = at === undefined ? volume.environmentId : `${at.name} of ${at.projectName}`;
  return `${volume.volumeName} in ${place}`;
}

function backupWords(name: string, backups: readonly string[]): string {
  if (backups.length === 0) return `${name} has no backup at Railway: nothing there brings it back`;
  const newest = backups.toSorted().toReversed().slice(0, BACKUPS_SHOWN).join(', ');
  return `${backups.length} backup(s) lie in ${name} and die with it, the newest of ${newest}`;
}
