/**
 * Supabase: the management API. Its raw SQL goes to the SQL reader, everything else by method and path.
 *
 * What it will not do: take a GET for harmless because it is one (keys and passwords are handed out by
 * some), or take SQL for harmless because it is sent as read-only: a reader may call a function that
 * does what its owner may.
 */
import { isHarmless, type Reading } from '../../model/effect.ts';
import type { Outcome } from '../../model/outcome.ts';
import { actOf, outcomeByStatus } from '../acting.ts';
import { Asking } from '../asking.ts';
import { effectOf, type Operation } from '../catalogue.ts';
import { type Estate, Inventory, narrowedByPath, type PlaceRef } from '../inventory.ts';
import type {
  Provider,
  ProviderAct,
  ProviderAnswer,
  ProviderOptions,
  ProviderRefusal,
  ProviderRequest,
} from '../provider.ts';
import { tableOf } from '../rest/entries.ts';
import { namedBy, type RestCall, readingWithoutCall, readRest, textIn } from '../rest/reading.ts';
import { CARRIES_SQL, OPERATIONS, TAKES_FILES } from './catalogue.ts';
import { takeEstate } from './estate.ts';
import { sqlOf } from './sql.ts';

const CALLED = { title: 'Supabase', name: 'supabase' };
const API = {
  title: 'Supabase',
  prefix: '',
  table: tableOf(OPERATIONS),
  takesFiles: TAKES_FILES,
};

type Places = readonly (readonly PlaceRef[])[];

export class SupabaseProvider implements Provider {
  readonly name = 'supabase';
  readonly hosts = ['api.supabase.com'] as const;
  readonly credentialHeaders = ['authorization', 'apikey'];
  readonly origin: string;
  readonly #options: ProviderOptions;
  readonly #inventory: Inventory<Estate>;

  constructor(options: ProviderOptions) {
    const { clock } = options;
    const origin = options.origin ?? `https://${this.hosts[0]}`;
    this.origin = origin;
    this.#options = options;
    const asking = new Asking({ called: CALLED, clock, credential: () => this.credential() });
    this.#inventory = new Inventory({
      clock,
      take: () => takeEstate(asking, origin, clock.now()),
      reachOf: narrowedByPath,
    });
  }

  async read(request: ProviderRequest): Promise<ProviderAct> {
    const { placeOf } = this.#options;
    const { reading, places } = await this.#readingOf(request);
    const where = await this.#inventory.find(places, isHarmless(reading));
    return actOf({ called: CALLED, placeOf, reading, where, evidence: [] });
  }

  async credential(): Promise<Readonly<Record<string, string>>> {
    return { authorization: `Bearer ${await this.#options.secret()}` };
  }

  refusal({ code, message, detail, hint }: ProviderRefusal): ProviderAnswer {
    return {
      status: 403,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ message: `${message} ${detail} ${hint}`, code }),
    };
  }

  outcomeOf(status: number, body: Buffer): Outcome {
    const outcome = outcomeByStatus(CALLED, status, body.toString('utf8'));
    if (outcome.kind === 'done') this.#inventory.forget();
    return outcome;
  }

  async #readingOf(
    request: ProviderRequest,
  ): Promise<{ readonly reading: Reading; readonly places: Places }> {
    const rest = readRest(API, request);
    if (rest.kind !== 'call') return { reading: readingWithoutCall(rest), places: [] };
    const { call } = rest;
    const places = placesOf(call);
    if (!CARRIES_SQL.has(call.verb)) {
      const effect = effectOf(call.verb, call.operation, namedBy(call.operation.names, call));
      return { reading: { kind: 'understood', effects: [effect] }, places };
    }
    const sql = await sqlOf(call.body, this.#options.sql);
    return { reading: withRow(call, sql), places };
  }
}

/** A migration is noted too, whatever its SQL does; a query is what its SQL is. */
function withRow(call: RestCall<Operation>, sql: Reading): Reading {
  if (call.verb.includes('/database/query')) return sql;
  const row = effectOf(call.verb, call.operation, namedBy(call.operation.names, call));
  return { ...sql, effects: [...sql.effects, row] };
}

/** A ref is of a project or of a branch: both are environments. */
function placesOf(call: RestCall<Operation>): Places {
  const { body, parameters, operation, verb } = call;
  const ref = parameters.get('ref');
  const branch = parameters.get('branch');
  const slug = parameters.get('slug');
  const organization = textIn(body, 'organization_id') ?? textIn(body, 'organization_slug');
  const places: PlaceRef[][] = [];
  if (ref !== undefined)
    places.push([{ type: reachesAll(verb) ? 'project' : 'environment', id: ref }]);
  if (branch !== undefined) {
    // Merged, it runs in production: the project that it is a branch of.
    places.push([{ type: verb.endsWith('/merge') ? 'parent' : 'branch', id: branch }]);
  }
  if (slug !== undefined && ref === undefined) places.push([{ type: 'organization', id: slug }]);
  if (operation.class === 'ordinary' && organization !== null) {
    places.push([{ type: 'organization', id: organization }]);
  }
  return places;
}

/** With a project its branches go too. */
function reachesAll(verb: string): boolean {
  return verb === 'DELETE /v1/projects/{ref}' || verb === 'DELETE /v1/projects/{ref}/branches';
}
