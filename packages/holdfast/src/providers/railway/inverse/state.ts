/** Values of Railway's state by their slots: looked at, and set again by one document. */
import { z } from 'zod';
import type { HttpAct } from '../../../model/http-request.ts';
import type { InverseSource, StateSlot, StateValue } from '../../../protection/inverse.ts';
import type { RailwayApi } from '../api.ts';
import {
  domainSettings,
  instanceSettings,
  type Settings,
  serviceSettings,
  volumeSettings,
} from './settings.ts';
import { notWhole, Variables } from './variables.ts';

/** Which value a slot is, as `StateSlot.at` has it. What is kept is checked when it is read again. */
const SLOT = z.discriminatedUnion('of', [
  z.object({
    of: z.literal('variable'),
    projectId: z.string(),
    environmentId: z.string(),
    serviceId: z.string().nullable(),
    name: z.string(),
  }),
  z.object({
    of: z.literal('instance'),
    environmentId: z.string(),
    serviceId: z.string(),
    name: z.string(),
  }),
  z.object({ of: z.literal('service'), serviceId: z.string(), name: z.string() }),
  z.object({
    of: z.literal('volume'),
    projectId: z.string(),
    volumeId: z.string(),
    name: z.string(),
  }),
  z.object({
    of: z.literal('domain'),
    projectId: z.string(),
    environmentId: z.string(),
    domainId: z.string(),
    name: z.string(),
  }),
]);
export type RailwaySlot = z.infer<typeof SLOT>;

export class RailwayState implements InverseSource {
  readonly #api: RailwayApi;

  constructor(api: RailwayApi) {
    this.#api = api;
  }

  async stateOf(slots: readonly StateSlot[]): Promise<readonly StateValue[]> {
    const look = new Look(this.#api);
    const values: StateValue[] = [];
    for (const slot of slots) {
      values.push({ ...slot, value: await look.valueOf(SLOT.parse(slot.at)) });
    }
    return values;
  }

  setting(values: readonly StateValue[]): HttpAct {
    const body = JSON.stringify(documentOf(values));
    return {
      method: 'POST',
      provider: 'railway',
      path: '/graphql/v2',
      search: '',
      mediaType: 'application/json',
      headers: [],
      body: Buffer.from(body),
    };
  }
}

/** One look: each place is asked for once, however many of its values are wanted. */
export class Look {
  readonly #api: RailwayApi;
  readonly #variables = new Once<Variables>();
  readonly #settings = new Once<Settings>();

  constructor(api: RailwayApi) {
    this.#api = api;
  }

  async valueOf(slot: RailwaySlot): Promise<string | null> {
    switch (slot.of) {
      case 'variable':
        return (await this.variables(slot)).valueOf(slot.name);
      case 'instance':
        return (await this.#instance(slot)).get(slot.name) ?? null;
      case 'service':
        return (await this.#service(slot.serviceId)).get(slot.name) ?? null;
      case 'domain':
        return (await this.#domain(slot)).get(slot.name) ?? null;
      case 'volume':
        return (await this.#volume(slot)).get(slot.name) ?? null;
      default:
        return slot satisfies never;
    }
  }

  variables(place: Parameters<typeof Variables.at>[1]): Promise<Variables> {
    const { environmentId, projectId, serviceId } = place;
    const only = { environmentId, projectId, serviceId };
    return this.#variables.of(only, () => Variables.at(this.#api, only));
  }

  #instance(at: Parameters<typeof instanceSettings>[1]): Promise<Settings> {
    const { environmentId, serviceId } = at;
    const only = { environmentId, serviceId };
    return this.#settings.of(['instance', only], () => instanceSettings(this.#api, only));
  }

  #service(id: string): Promise<Settings> {
    return this.#settings.of(['service', id], () => serviceSettings(this.#api, id));
  }

  #volume(at: Parameters<typeof volumeSettings>[1]): Promise<Settings> {
    const { projectId, volumeId } = at;
    const only = { projectId, volumeId };
    return this.#settings.of(['volume', only], () => volumeSettings(this.#api, only));
  }

  #domain(at: Parameters<typeof domainSettings>[1]): Promise<Settings> {
    const { domainId, environmentId, projectId } = at;
    const only = { domainId, environmentId, projectId };
    return this.#settings.of(['domain', only], () => domainSettings(this.#api, only));
  }
}

class Once<T> {
  readonly #asked = new Map<string, Promise<T>>();

  of(place: unknown, ask: () => Promise<T>): Promise<T> {
    const key = JSON.stringify(place);
    const asked = this.#asked.get(key) ?? ask();
    this.#asked.set(key, asked);
    return asked;
  }
}

interface Field {
  readonly call: (at: number) => string;
  readonly types: Readonly<Record<string, string>>;
  readonly given: Readonly<Record<string, unknown>>;
}

/** What sets comes before what removes; variables of one place by one field, so that it is deployed once. */
function documentOf(values: readonly StateValue[]): {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
} {
  const fields = [...setsOf(values), ...removesOf(values)];
  if (fields.length === 0) throw notWhole('nothing that would have to be set');
  const defined: string[] = [];
  const variables = new Map<string, unknown>();
  fields.forEach(({ given, types }, at) => {
    for (const [name, type] of Object.entries(types)) {
      defined.push(`$${name}${at}: ${type}`);
      variables.set(`${name}${at}`, given[name]);
    }
  });
  const calls = fields.map(({ call }, at) => `  a${at}: ${call(at)}`).join('\n');
  const query = `mutation HoldfastUndo(${defined.join(', ')}) {\n${calls}\n}`;
  return { query, variables: Object.fromEntries(variables) };
}

function setsOf(values: readonly StateValue[]): readonly Field[] {
  const places = new Map<
    string,
    { readonly slot: RailwaySlot; readonly to: Map<string, string> }
  >();
  for (const { at, value } of values) {
    if (value === null) continue;
    const slot = SLOT.parse(at);
    const key = JSON.stringify({ ...slot, name: '' });
    const known = places.get(key);
    if (known === undefined) places.set(key, { slot, to: new Map([[slot.name, value]]) });
    else known.to.set(slot.name, value);
  }
  return [...places.values()].map(({ slot, to }) => setOf(slot, to));
}

function setOf(slot: RailwaySlot, to: ReadonlyMap<string, string>): Field {
  switch (slot.of) {
    case 'variable': {
      const { environmentId, projectId, serviceId } = slot;
      const service = serviceId === null ? {} : { serviceId };
      const input = { projectId, environmentId, ...service, variables: Object.fromEntries(to) };
      return {
        call: (at) => `variableCollectionUpsert(input: $i${at})`,
        types: { i: 'VariableCollectionUpsertInput!' },
        given: { i: input },
      };
    }
    case 'instance':
      return {
        call: (at) =>
          `serviceInstanceUpdate(environmentId: $e${at}, serviceId: $s${at}, input: $i${at})`,
        types: { e: 'String!', s: 'String!', i: 'ServiceInstanceUpdateInput!' },
        given: { e: slot.environmentId, s: slot.serviceId, i: jsonOf(to) },
      };
    case 'service':
      return {
        call: (at) => `serviceUpdate(id: $s${at}, input: $i${at}) { id }`,
        types: { s: 'String!', i: 'ServiceUpdateInput!' },
        given: { s: slot.serviceId, i: jsonOf(to) },
      };
    case 'volume':
      return {
        call: (at) => `volumeUpdate(volumeId: $v${at}, input: $i${at}) { id }`,
        types: { v: 'String!', i: 'VolumeUpdateInput!' },
        given: { v: slot.volumeId, i: jsonOf(to) },
      };
    case 'domain':
      return {
        call: (at) =>
          `customDomainUpdate(environmentId: $e${at}, id: $d${at}, targetPort: $p${at})`,
        types: { e: 'String!', d: 'String!', p: 'Int' },
        given: { e: slot.environmentId, d: slot.domainId, p: jsonOf(to)['targetPort'] },
      };
    default:
      return slot satisfies never;
  }
}

function removesOf(values: readonly StateValue[]): readonly Field[] {
  return values.flatMap(({ at, value }): Field[] => {
    if (value !== null) return [];
    const slot = SLOT.parse(at);
    if (slot.of !== 'variable') throw notWhole(`a setting that was not set: ${slot.name}`);
    const { environmentId, name, projectId, serviceId } = slot;
    const service = serviceId === null ? {} : { serviceId };
    return [
      {
        call: (place) => `variableDelete(input: $i${place})`,
        types: { i: 'VariableDeleteInput!' },
        given: { i: { projectId, environmentId, ...service, name } },
      },
    ];
  });
}

function jsonOf(texts: ReadonlyMap<string, string>): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...texts].map(([name, text]) => [name, JSON.parse(text)]));
}
