/**
 * GraphQL calls as effects, by the catalogue. Pure: what has to be asked of Railway (which environment
 * a volume is in, what is staged there, which variables a replacement would remove) is named here and
 * looked up by the inventory.
 *
 * What has no row is `unknown`, and so is a document that cannot be opened. A query is a read, unless it
 * hands out secrets.
 */
import type {
  GraphqlCall,
  GraphqlField,
  GraphqlReading,
} from '../../languages/graphql/graphql-reading.ts';
import { isObject, type Json } from '../../languages/json/json-text.ts';
import type { Effect, ObjectRef, Reading } from '../../model/effect.ts';
import { KIND_OF, MUTATIONS, type Operation } from './catalogue/index.ts';
import { effectsOfChangeSet, effectsOfConfig } from './document.ts';
import { secretOf } from './secrets.ts';

/** What must be asked of Railway before the effects are whole. */
export type Lookup =
  /** The changes staged for an environment: committing them names no content. */
  | { readonly kind: 'staged'; readonly environmentId: string }
  /** The variables there are: a replacement removes those it does not name. */
  | {
      readonly kind: 'variables';
      readonly projectId: string;
      readonly environmentId: string;
      readonly serviceId: string | null;
      readonly given: readonly string[];
    };

/** An id that says where a call acts. */
export interface PlaceRef {
  readonly type:
    | 'project'
    | 'environment'
    | 'service'
    | 'volume'
    | 'volume-instance'
    | 'workspace'
    | 'bucket'
    | 'domain'
    | 'deployment'
    /** Of something that Holdfast keeps no list of: it is not found, and counts as sealed. */
    | 'id';
  readonly id: string;
}

export interface RailwayReading {
  readonly reading: Reading;
  /** Of each call apart: an environment that one call names says nothing of another. */
  readonly places: readonly (readonly PlaceRef[])[];
  readonly lookups: readonly Lookup[];
}

export function readRailway(readings: readonly GraphqlReading[]): RailwayReading {
  const effects: Effect[] = [];
  const places: (readonly PlaceRef[])[] = [];
  const lookups: Lookup[] = [];
  for (const reading of readings) {
    if (reading.kind === 'could-not-tell') {
      return { reading: { ...reading, effects }, places, lookups };
    }
    for (const call of reading.calls) {
      if (reading.operation === 'mutation') {
        effects.push(...effectsOf(call));
        lookups.push(...lookupsOf(call));
      } else {
        effects.push(readOf(call));
      }
      effects.push(...secretsOf(call, reading.operation));
      places.push(placesOf(call, reading.operation));
    }
  }
  return { reading: { kind: 'understood', effects }, places, lookups };
}

function effectsOf(call: GraphqlCall): readonly Effect[] {
  const operation = MUTATIONS.get(call.name);
  if (operation === undefined) {
    if (call.name === '__typename') return [];
    return [effect('unknown', call, null, `${call.name} is not in the catalogue of Railway`)];
  }
  switch (call.name) {
    case 'environmentPatchCommit':
      return opened(call, operation, call.args['patch'], effectsOfConfig);
    case 'environmentStageChanges':
      return opened(call, operation, call.args['input'], effectsOfConfig);
    case 'environmentApplyChangeSet':
      return opened(call, operation, call.args['input'], effectsOfChangeSet);
    case 'serviceInstanceUpdate':
      return serviceInstance(call, operation);
    case 'serviceCreate':
      return newService(call, operation);
    default:
      return [ofRow(call, operation)];
  }
}

function ofRow(call: GraphqlCall, operation: Operation): Effect {
  const kind = KIND_OF[operation.class];
  return effect(kind, call, objectOf(call, operation), `it ${operation.does}`);
}

/** A patch of null commits what is staged, and an empty one is not worth a guess. */
function opened(
  call: GraphqlCall,
  operation: Operation,
  document: Json | undefined,
  open: (verb: string, document: Json) => readonly Effect[],
): readonly Effect[] {
  if (document === undefined || document === null) return [ofRow(call, operation)];
  const effects = open(call.name, document);
  return effects.length > 0 ? effects : [ofRow(call, operation)];
}

const COMMANDS = ['startCommand', 'preDeployCommand', 'buildCommand', 'cronSchedule', 'source'];

function serviceInstance(call: GraphqlCall, operation: Operation): readonly Effect[] {
  const { input } = call.args;
  const isCode = isObject(input) && COMMANDS.some((name) => Object.hasOwn(input, name));
  const change = ofRow(call, operation);
  if (!isCode) return [change];
  const object = objectOf(call, operation);
  return [change, effect('execute', call, object, 'it changes the commands that a service runs')];
}

/** An empty one runs nothing. Given a source it is deployed at once, beside the data, with what it references. */
const SOURCES = ['source', 'templateId', 'templateServiceId'];

function newService(call: GraphqlCall, operation: Operation): readonly Effect[] {
  const { input } = call.args;
  const made = ofRow(call, operation);
  const isEmpty = isObject(input) && SOURCES.every((name) => (input[name] ?? null) === null);
  if (isEmpty) return [made];
  const why = 'it runs the code of a new service';
  return [made, effect('execute', call, objectOf(call, operation), why)];
}

function lookupsOf({ name, args }: GraphqlCall): readonly Lookup[] {
  if (name === 'environmentPatchCommitStaged') {
    return [{ kind: 'staged', environmentId: textAt(args, 'environmentId') ?? '' }];
  }
  const { input } = args;
  if (name !== 'variableCollectionUpsert' || !isObject(input)) return [];
  if (input['replace'] === undefined || input['replace'] === false) return [];
  const { variables } = input;
  return [
    {
      kind: 'variables',
      projectId: textAt(input, 'projectId') ?? '',
      environmentId: textAt(input, 'environmentId') ?? '',
      serviceId: textAt(input, 'serviceId'),
      given: isObject(variables) ? Object.keys(variables) : [],
    },
  ];
}

function readOf(call: GraphqlCall): Effect {
  return { ...effect('read', call, null, null), reach: 'none' };
}

function secretsOf(call: GraphqlCall, operation: string): readonly Effect[] {
  const found = new Set<string>();
  const look = (field: GraphqlField): void => {
    const what = secretOf(field);
    if (what !== null) found.add(what);
  };
  if (operation !== 'mutation') look(call);
  for (const field of call.below) look(field);
  return [...found].map((what) => {
    const object: ObjectRef = { type: 'credential', schema: null, name: call.name };
    return effect('grant', call, object, `it hands out ${what}`);
  });
}

/** Where ids stand that say where a call acts; `id` means what the row says it names. */
const PLACES: readonly (readonly [argument: string, type: PlaceRef['type']])[] = [
  ['projectId', 'project'],
  ['environmentId', 'environment'],
  ['serviceId', 'service'],
  ['rootServiceId', 'service'],
  ['volumeId', 'volume'],
  ['volumeInstanceId', 'volume-instance'],
  ['bucketId', 'bucket'],
  ['deploymentId', 'deployment'],
  ['workspaceId', 'workspace'],
  ['sourceEnvironmentId', 'environment'],
  ['targetEnvironmentId', 'environment'],
  // What it would copy, or join, may be of another environment than the one named beside it.
  ['sourceSandboxId', 'id'],
  ['privateNetworkId', 'id'],
];

/** Queries whose `id` says where they look. */
const QUERIES_BY_ID: ReadonlyMap<string, PlaceRef['type']> = new Map([
  ['deployment', 'deployment'],
  ['environment', 'environment'],
  ['project', 'project'],
  ['service', 'service'],
  ['volumeInstance', 'volume-instance'],
]);

function placesOf(call: GraphqlCall, operation: string): readonly PlaceRef[] {
  const places: PlaceRef[] = [];
  const { input } = call.args;
  let isEverywhere = false;
  for (const args of isObject(input) ? [call.args, input] : [call.args]) {
    for (const [argument, type] of PLACES) {
      const id = textAt(args, argument);
      if (id !== null) places.push({ type, id });
    }
    // The environment beside it then limits nothing.
    isEverywhere ||= args['allEnvironments'] !== undefined && args['allEnvironments'] !== false;
  }
  if (operation !== 'mutation') {
    const type = QUERIES_BY_ID.get(call.name);
    const id = textAt(call.args, 'id');
    if (type !== undefined && id !== null) places.push({ type, id });
    return places;
  }
  const row = MUTATIONS.get(call.name);
  if (row?.names === 'id' || row?.names === 'input.id') {
    const id = valueAt(call, row.names);
    if (id !== null) places.push({ type: placeOf(row.type), id });
  }
  return isEverywhere ? places.filter(({ type }) => type !== 'environment') : places;
}

const LISTED: ReadonlySet<string> = new Set<PlaceRef['type']>([
  'project',
  'environment',
  'service',
  'volume',
  'workspace',
  'bucket',
  'domain',
  'deployment',
]);

function placeOf(type: string): PlaceRef['type'] {
  return isListed(type) ? type : 'id';
}

function isListed(type: string): type is PlaceRef['type'] {
  return LISTED.has(type);
}

function objectOf(call: GraphqlCall, { type, names }: Operation): ObjectRef {
  const name = names === null ? null : valueAt(call, names);
  return { type, schema: null, name: name ?? '' };
}

function valueAt({ args }: GraphqlCall, path: string): string | null {
  const [first = '', second] = path.split('.');
  const value = args[first];
  if (second === undefined) return textOf(value);
  return isObject(value) ? textOf(value[second]) : null;
}

function textAt(args: { readonly [name: string]: Json }, name: string): string | null {
  return textOf(args[name]);
}

/** An ID may be written as a number (GraphQL specification 3.5.5). */
function textOf(value: Json | undefined): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : null;
}

function effect(
  kind: Effect['kind'],
  call: GraphqlCall,
  object: ObjectRef | null,
  why: string | null,
): Effect {
  const reach = object?.type === 'variable' ? 'rows' : 'whole';
  return { kind, verb: call.name, object, reach, additive: false, why };
}
