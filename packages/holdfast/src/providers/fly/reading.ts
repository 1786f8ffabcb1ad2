/**
 * Fly's calls as effects, by the catalogue: GraphQL and the Machines API alike. An app is an environment;
 * machines and volumes are inside of one. Pure: where things are is for the inventory.
 */
import type { GraphqlCall, GraphqlReading } from '../../languages/graphql/graphql-reading.ts';
import { isObject, type Json } from '../../languages/json/json-text.ts';
import type { Effect, ObjectRef, Reading } from '../../model/effect.ts';
import { effectOf, type Operation } from '../catalogue.ts';
import type { PlaceRef } from '../inventory.ts';
import { isSaid, namedBy, type RestCall, textIn } from '../rest/reading.ts';
import { MUTATIONS } from './catalogue/operations.ts';
import { isSecretField } from './secrets.ts';

export interface FlyReading {
  readonly reading: Reading;
  /** Of each call apart: organization, app, then what is inside of it. */
  readonly places: readonly (readonly PlaceRef[])[];
}

export function readFlyGraphql(readings: readonly GraphqlReading[]): FlyReading {
  const effects: Effect[] = [];
  const places: (readonly PlaceRef[])[] = [];
  for (const reading of readings) {
    if (reading.kind === 'could-not-tell') return { reading: { ...reading, effects }, places };
    for (const call of reading.calls) {
      const isMutation = reading.operation === 'mutation';
      effects.push(...(isMutation ? mutationOf(call) : [queryOf(call)]), ...secretsOf(call));
      const found = placesOf(call, isMutation);
      if (found.length > 0) places.push(...found);
    }
  }
  return { reading: { kind: 'understood', effects }, places };
}

export function readFlyMachines(call: RestCall<Operation>): FlyReading {
  const effects = [effectOf(call.verb, call.operation, namedBy(call.operation.names, call))];
  if (call.verb.includes('/secrets') && isSaid(call.query.get('show_secrets'))) {
    effects.push(grant(call.verb, 'it hands out the values of secrets'));
  }
  const chain = [...call.parameters].flatMap(([name, id]) =>
    PARAMETERS.has(name) ? [{ type: name, id }] : [],
  );
  // A volume made of another one holds its data.
  const source = textIn(call.body, 'source_volume_id');
  const besides = source === null ? [] : [[{ type: 'volume', id: source }]];
  const places = [...(chain.length > 0 ? [chain] : []), ...besides];
  return { reading: { kind: 'understood', effects }, places };
}

/** A cluster is of no app: it is never found, and counts as sealed. */
const PARAMETERS = new Set(['app', 'machine', 'volume', 'cluster']);

function mutationOf(call: GraphqlCall): readonly Effect[] {
  const operation = MUTATIONS.get(call.name);
  if (operation === undefined) {
    if (call.name === '__typename') return [];
    const why = `${call.name} is not in the catalogue of Fly`;
    return [{ ...bare('unknown', call.name, why), reach: 'unknown' }];
  }
  return [effectOf(call.name, operation, nameOf(call, operation.names))];
}

function queryOf({ name }: GraphqlCall): Effect {
  return { ...bare('read', name, null), reach: 'none' };
}

function secretsOf(call: GraphqlCall): readonly Effect[] {
  const names = new Set([call, ...call.below].map(({ name }) => name).filter(isSecretField));
  return [...names].map((name) => grant(call.name, `it hands out ${name}`));
}

function grant(verb: string, why: string): Effect {
  const object: ObjectRef = { type: 'credential', schema: null, name: verb };
  return { ...bare('grant', verb, why), object };
}

function bare(kind: Effect['kind'], verb: string, why: string | null): Effect {
  return { kind, verb, object: null, reach: 'whole', additive: false, why };
}

/** From the outside to the inside: the last one that is there narrows those before it. */
const CHAIN: readonly (readonly [argument: string, type: string])[] = [
  ['organizationId', 'organization'],
  ['organizationSlug', 'organization'],
  ['appId', 'app'],
  ['appName', 'app'],
  ['machineId', 'machine'],
  ['volumeId', 'volume'],
  ['targetVolumeId', 'volume'],
  ['sourceVolId', 'volume'],
];

/** Reached besides: another app, or what is in no list of ours. */
const BESIDES: readonly (readonly [argument: string, type: string])[] = [
  ['postgresClusterAppId', 'app'],
  ['addOnId', 'add-on'],
  ['allocId', 'allocation'],
];

const ID_IS_MACHINE = new Set(['killMachine', 'removeMachine', 'startMachine', 'stopMachine']);

type Argument = readonly [argument: string, type: string];

/** Arguments of queries mean what the field says. */
const OF_QUERY: ReadonlyMap<string, readonly Argument[]> = new Map<string, readonly Argument[]>([
  [
    'app',
    [
      ['name', 'app'],
      ['id', 'app'],
      ['internalId', 'app'],
    ],
  ],
  ['volume', [['id', 'volume']]],
  ['machine', [['machineId', 'machine']]],
  [
    'organization',
    [
      ['slug', 'organization'],
      ['id', 'organization'],
    ],
  ],
]);

function placesOf(call: GraphqlCall, isMutation: boolean): readonly (readonly PlaceRef[])[] {
  if (!isMutation) {
    const found = (OF_QUERY.get(call.name) ?? []).flatMap(([name, type]) =>
      placeAt(call.args, name, type),
    );
    return found.length > 0 ? [found] : [];
  }
  const { input } = call.args;
  const all = isObject(input) ? [call.args, input] : [call.args];
  const gather = (list: typeof CHAIN): PlaceRef[] =>
    list.flatMap(([name, type]) => all.flatMap((args) => placeAt(args, name, type)));
  const chain = gather(CHAIN);
  if (ID_IS_MACHINE.has(call.name))
    chain.push(...all.flatMap((args) => placeAt(args, 'id', 'machine')));
  const besides = gather(BESIDES).map((place) => [place]);
  return chain.length > 0 ? [chain, ...besides] : besides;
}

function placeAt(args: { readonly [name: string]: Json }, name: string, type: string): PlaceRef[] {
  const id = textOf(args[name]);
  return id === null ? [] : [{ type, id }];
}

function nameOf({ args }: GraphqlCall, names: string | null): string {
  if (names === null) return '';
  const [first = '', second] = names.split('.');
  const value = args[first];
  if (second === undefined) return textOf(value) ?? '';
  return isObject(value) ? (textOf(value[second]) ?? '') : '';
}

/** An ID may be written as a number (GraphQL specification 3.5.5). */
function textOf(value: Json | undefined): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : null;
}
