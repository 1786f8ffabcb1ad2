/**
 * What takes a request back: the state before of every value that it changes, and what it makes of it. All
 * calls of the request have an inverse, or none of it has: what cannot be taken back must not pass beside
 * what can.
 *
 * What it will not do: guess. A call with an argument that is not known, a value that cannot be read, a
 * place that does not fit together, a setting that was not set (whether null unsets it is not said by
 * Railway) leave the request without an inverse, and it is judged as one that has none.
 */
import type { GraphqlCall, GraphqlReading } from '../../../languages/graphql/graphql-reading.ts';
import { isObject, type Json } from '../../../languages/json/json-text.ts';
import type { Effect, EffectKind } from '../../../model/effect.ts';
import { HoldfastError } from '../../../model/errors.ts';
import { INVERSE_VALUES_MAX } from '../../../model/limits.ts';
import { type SlotChange, type StateSlot, slotKey } from '../../../protection/inverse.ts';
import type { InverseFound } from '../../acting.ts';
import type { Whereabouts } from '../../inventory.ts';
import { declaredIn } from '../../placing.ts';
import type { ProviderOptions } from '../../provider.ts';
import type { RailwayApi } from '../api.ts';
import { MUTATIONS } from '../catalogue/index.ts';
import type { RailwayEstate } from '../estate.ts';
import { isPlainName, saysWhatIsRun, takesAnotherIn } from './running.ts';
import { DOMAIN_SETTINGS, INSTANCE_SETTINGS, NAME, SERVICE_SETTINGS } from './settings.ts';
import { Look, type RailwaySlot } from './state.ts';
import { notWhole, type VariablePlace } from './variables.ts';

export interface InverseParts {
  readonly api: RailwayApi;
  readonly where: Whereabouts<RailwayEstate>;
  readonly placeOf: ProviderOptions['placeOf'];
}

/** The operations that are taken back by another, of those that the catalogue marks. */
export const INVERTED: ReadonlyMap<string, (call: GraphqlCall, into: Changes) => Promise<void>> =
  new Map([
    ['variableUpsert', variableUpsert],
    ['variableDelete', variableDelete],
    ['variableCollectionUpsert', variableCollectionUpsert],
    ['serviceInstanceUpdate', serviceInstanceUpdate],
    ['serviceUpdate', serviceUpdate],
    ['customDomainUpdate', customDomainUpdate],
    ['volumeUpdate', volumeUpdate],
  ]);

/** What else an act may be is not taken back by setting values again. */
const TAKEN_BACK: ReadonlySet<EffectKind> = new Set<EffectKind>(['destroy', 'reshape', 'write']);

/** Undefined: no call of it is one that an operation takes back. Never rejects. */
export async function inverseOf(
  readings: readonly GraphqlReading[],
  effects: readonly Effect[],
  parts: InverseParts,
): Promise<InverseFound | undefined> {
  const calls: GraphqlCall[] = [];
  for (const reading of readings) {
    if (reading.kind !== 'understood' || reading.operation !== 'mutation') return undefined;
    calls.push(...reading.calls.filter(({ name }) => name !== '__typename'));
  }
  const isInverted = ({ name }: GraphqlCall): boolean =>
    INVERTED.has(name) && MUTATIONS.get(name)?.hasInverse === true;
  if (!calls.some(isInverted)) return undefined;
  const other = calls.find((call) => !isInverted(call));
  if (other !== undefined) {
    return {
      kind: 'none',
      why: `Railway takes ${other.name}, which stands beside it, back by no operation`,
    };
  }
  const more = effects.find(({ kind }) => !TAKEN_BACK.has(kind));
  if (more !== undefined) {
    return { kind: 'none', why: more.why ?? `Railway takes ${more.verb} back by no operation` };
  }
  try {
    const changes = new Changes(parts);
    for (const call of calls) await INVERTED.get(call.name)?.(call, changes);
    const all = changes.all();
    return { kind: 'found', inverse: { changes: all, notRestored: notRestored(all) } };
  } catch (error) {
    const found = error instanceof HoldfastError ? error.found : String(error);
    return { kind: 'none', why: `the state before cannot be read whole (${found})` };
  }
}

function notRestored(changes: readonly SlotChange[]): readonly string[] {
  if (!changes.some(({ at }) => at['of'] === 'variable')) return [];
  return [
    'What ran meanwhile with the changed variables is not undone; Railway deploys services again when theirs are set.',
  ];
}

/** Of one request, in the order its calls run: a later one sees what an earlier one would leave. */
export class Changes {
  readonly look: Look;
  readonly #parts: InverseParts;
  readonly #changes = new Map<string, SlotChange>();

  constructor(parts: InverseParts) {
    const { estate, isOld, unresolved } = parts.where;
    if (estate === null || isOld || unresolved.length > 0)
      throw notWhole('where it acts is not known');
    this.#parts = parts;
    this.look = new Look(parts.api);
  }

  /** What is there before the request. */
  async set(at: RailwaySlot, title: string, after: string | null): Promise<string | null> {
    const slot: StateSlot = { at, title };
    const key = slotKey(slot);
    const before = this.#changes.get(key)?.before ?? (await this.look.valueOf(at));
    if (before === null && at.of !== 'variable') throw notWhole(`${title} is not set now`);
    this.#changes.set(key, { ...slot, before, after });
    if (this.#changes.size > INVERSE_VALUES_MAX) {
      throw notWhole(`more than ${INVERSE_VALUES_MAX} values`);
    }
    return before;
  }

  all(): readonly SlotChange[] {
    return [...this.#changes.values()];
  }

  /** Names of variables that calls before this one would leave at a place, besides those read there. */
  madeAt({ environmentId, serviceId }: VariablePlace): readonly string[] {
    return [...this.#changes.values()].flatMap(({ at }) => {
      const isThere =
        at['of'] === 'variable' &&
        at['environmentId'] === environmentId &&
        at['serviceId'] === serviceId;
      const name = at['name'];
      return isThere && typeof name === 'string' ? [name] : [];
    });
  }

  /** Throws when project, environment and service do not belong together. */
  placeOf(input: Args): VariablePlace {
    const environmentId = textAt(input, 'environmentId');
    const projectId = textAt(input, 'projectId');
    const serviceId = optionalTextAt(input, 'serviceId');
    const environment = this.environment(environmentId);
    if (environment.projectId !== projectId) throw notWhole('an environment of another project');
    if (serviceId !== null) this.requireIn('service', serviceId, environmentId);
    return { projectId, environmentId, serviceId };
  }

  environment(id: string): RailwayEstate['environments'][number] {
    const found = this.#parts.where.environments.find((one) => one.id === id);
    if (found === undefined) throw notWhole('an environment that is not listed');
    return found;
  }

  requireIn(type: string, id: string, environmentId: string): void {
    if (this.environmentsOf(type, id).has(environmentId)) return;
    throw notWhole(`a ${type} of another environment`);
  }

  environmentsOf(type: string, id: string): ReadonlySet<string> {
    return this.#parts.where.estate?.placed.get(`${type} ${id}`) ?? new Set();
  }

  serviceTitle(id: string | null): string {
    return id === null ? 'all services' : (this.#parts.where.estate?.serviceNames.get(id) ?? id);
  }

  environmentTitle(id: string): string {
    const all = this.#parts.where.estate?.environments ?? [];
    return all.find((one) => one.id === id)?.name ?? id;
  }

  /** How strict our own environment is that one of theirs is declared as; undeclared: more than any. */
  strictnessOf(environmentId: string): number {
    const { placeOf, where } = this.#parts;
    const all = where.estate?.environments.filter(({ id }) => id === environmentId) ?? [];
    const [declared] = declaredIn({ ...where, environments: all }, placeOf);
    return declared?.place?.strictness ?? Number.POSITIVE_INFINITY;
  }
}

type Args = { readonly [name: string]: Json };

async function variableUpsert({ args }: GraphqlCall, into: Changes): Promise<void> {
  const input = inputOf(args, [
    'environmentId',
    'name',
    'projectId',
    'serviceId',
    'skipDeploys',
    'value',
  ]);
  const place = into.placeOf(input);
  await setVariable(into, place, textAt(input, 'name'), textAt(input, 'value'));
}

async function variableDelete({ args }: GraphqlCall, into: Changes): Promise<void> {
  const input = inputOf(args, ['environmentId', 'name', 'projectId', 'serviceId']);
  await setVariable(into, into.placeOf(input), textAt(input, 'name'), null);
}

async function variableCollectionUpsert({ args }: GraphqlCall, into: Changes): Promise<void> {
  const known = ['environmentId', 'projectId', 'replace', 'serviceId', 'skipDeploys', 'variables'];
  const input = inputOf(args, known);
  const { replace = null, variables = null } = input;
  if (replace !== null && typeof replace !== 'boolean') throw notWhole('replace is no boolean');
  if (!isObject(variables)) throw notWhole('variables are no object');
  const place = into.placeOf(input);
  if (replace === true) {
    const there = (await into.look.variables(place)).names();
    for (const name of new Set([...there, ...into.madeAt(place)])) {
      if (!Object.hasOwn(variables, name)) await setVariable(into, place, name, null);
    }
  }
  for (const [name, value] of Object.entries(variables)) {
    if (typeof value !== 'string') throw notWhole(`the new value of ${name} is no text`);
    await setVariable(into, place, name, value);
  }
}

async function setVariable(
  into: Changes,
  place: VariablePlace,
  name: string,
  value: string | null,
): Promise<void> {
  if (!isPlainName(name)) throw notWhole(`a name of other characters: ${JSON.stringify(name)}`);
  if (saysWhatIsRun(name)) throw notWhole(`${name} says what is run, and what that did stays`);
  const of = `${into.serviceTitle(place.serviceId)} in ${into.environmentTitle(place.environmentId)}`;
  const before = await into.set(
    { of: 'variable', ...place, name },
    `variable ${name} of ${of}`,
    value,
  );
  if (value !== null && value !== before && takesAnotherIn(value)) {
    throw notWhole(`${name} would take another variable in, and what learns of that stays`);
  }
}

/**
 * Railway's own description says that it may change the service in every environment that is no fork,
 * whichever it names. So all of them are kept; and where one is stricter, people are asked as ever.
 */
async function serviceInstanceUpdate({ args }: GraphqlCall, into: Changes): Promise<void> {
  requireKeys(args, ['environmentId', 'input', 'serviceId']);
  const environmentId = textAt(args, 'environmentId');
  const serviceId = textAt(args, 'serviceId');
  const given = settingsOf(args, INSTANCE_SETTINGS);
  into.environment(environmentId);
  into.requireIn('service', serviceId, environmentId);
  const strictness = into.strictnessOf(environmentId);
  for (const id of into.environmentsOf('service', serviceId)) {
    if (into.strictnessOf(id) > strictness) {
      throw notWhole('Railway may change it in a stricter environment, too');
    }
    const of = `${into.serviceTitle(serviceId)} in ${into.environmentTitle(id)}`;
    for (const [name, value] of given) {
      const at = { of: 'instance', environmentId: id, serviceId, name } as const;
      await into.set(at, `${name} of ${of}`, value);
    }
  }
}

async function serviceUpdate({ args }: GraphqlCall, into: Changes): Promise<void> {
  requireKeys(args, ['id', 'input']);
  const serviceId = textAt(args, 'id');
  for (const [name, value] of settingsOf(args, SERVICE_SETTINGS)) {
    const title = `${name} of ${into.serviceTitle(serviceId)}`;
    await into.set({ of: 'service', serviceId, name }, title, value);
  }
}

async function customDomainUpdate({ args }: GraphqlCall, into: Changes): Promise<void> {
  requireKeys(args, ['environmentId', 'id', ...DOMAIN_SETTINGS]);
  const environmentId = textAt(args, 'environmentId');
  const domainId = textAt(args, 'id');
  const { projectId } = into.environment(environmentId);
  into.requireIn('domain', domainId, environmentId);
  for (const name of DOMAIN_SETTINGS) {
    const value = args[name] ?? null;
    if (value === null) throw notWhole(`no ${name}`);
    const at = { of: 'domain', projectId, environmentId, domainId, name } as const;
    await into.set(at, `${name} of domain ${domainId}`, JSON.stringify(value));
  }
}

/** Its name only: whatever else a volume has is data. */
async function volumeUpdate({ args }: GraphqlCall, into: Changes): Promise<void> {
  requireKeys(args, ['volumeId', 'input']);
  const volumeId = textAt(args, 'volumeId');
  const [first] = into.environmentsOf('volume', volumeId);
  const { projectId } = into.environment(first ?? '');
  for (const [name, value] of settingsOf(args, NAME)) {
    const at = { of: 'volume', projectId, volumeId, name } as const;
    await into.set(at, `${name} of volume ${volumeId}`, value);
  }
}

function settingsOf(args: Args, known: readonly string[]): readonly (readonly [string, string])[] {
  const given = Object.entries(inputOf(args, known));
  if (given.length === 0) throw notWhole('no setting');
  return given.map(([name, value]) => {
    if (value === null) throw notWhole(`${name} is taken away`);
    return [name, JSON.stringify(value)] as const;
  });
}

function inputOf(args: Args, known: readonly string[]): Args {
  const { input } = args;
  if (!isObject(input)) throw notWhole('no input');
  requireKeys(input, known);
  return input;
}

function requireKeys(args: Args, known: readonly string[]): void {
  const other = Object.keys(args).find((name) => !known.includes(name));
  if (other !== undefined) throw notWhole(`${other}, which is not set again`);
}

function textAt(args: Args, name: string): string {
  const value = args[name];
  if (typeof value === 'string') return value;
  throw notWhole(`no text for ${name}`);
}

function optionalTextAt(args: Args, name: string): string | null {
  return (args[name] ?? null) === null ? null : textAt(args, name);
}
