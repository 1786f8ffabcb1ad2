/**
 * Railway. A request is read (GraphQL, then the catalogue), placed (the inventory) and, where it would
 * destroy, told in full: which volume of which environment, which service, which backups die with it.
 * Of what another operation takes back, the state before is read (`inverse/`).
 *
 * What it will not do: believe an id's owner on the agent's word, call something harmless because
 * Railway could not be asked, or put a credential anywhere but on the way out.
 */
import type { GraphqlReading } from '../../languages/graphql/graphql-reading.ts';
import { GraphqlReader } from '../../languages/graphql/reader.ts';
import { requestsOf } from '../../languages/graphql/request.ts';
import { type Effect, isHarmless, type Reading } from '../../model/effect.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { InverseSource } from '../../protection/inverse.ts';
import { actOf, outcomeOfGraphql } from '../acting.ts';
import type { Found, Inventory, PlaceRef } from '../inventory.ts';
import { KeptByRequest } from '../kept-by-request.ts';
import { declaredIn } from '../placing.ts';
import type {
  Provider,
  ProviderAct,
  ProviderAnswer,
  ProviderOptions,
  ProviderRefusal,
  ProviderRequest,
  ProviderTouched,
} from '../provider.ts';
import { RailwayApi } from './api.ts';
import type { RailwayEstate } from './estate.ts';
import { Evidence } from './evidence.ts';
import { railwayInventory, volumesAt } from './inventory.ts';
import { inverseOf } from './inverse/inverse.ts';
import { RailwayState } from './inverse/state.ts';
import { type RailwayReading, readRailway } from './reading.ts';
import { touchedBy } from './touched.ts';

const CALLED = { title: 'Railway', name: 'railway' };
const PATH = '/graphql/v2';

/** What a request means, and for what only reads: where, by the list that has this mark. */
interface KnownReading {
  readonly read: RailwayReading;
  placed: { readonly act: Promise<ProviderAct>; readonly mark: object } | null;
}

interface CredentialHeaders {
  readonly of: Promise<string>;
  readonly headers: Promise<Readonly<Record<string, string>>>;
}

export class RailwayProvider implements Provider {
  readonly name = 'railway';
  readonly hosts = ['backboard.railway.com', 'backboard.railway.app'] as const;
  readonly credentialHeaders = ['authorization', 'project-access-token', 'team-access-token'];
  readonly origin: string;
  readonly socketPath = PATH;
  readonly #options: ProviderOptions;
  readonly #reader = new GraphqlReader();
  readonly #inventory: Inventory<RailwayEstate>;
  readonly #evidence: Evidence;
  /** Of what only reads. */
  readonly #readings = new KeptByRequest<KnownReading>();
  #credential: CredentialHeaders | null = null;
  readonly #api: RailwayApi;
  readonly inverses: InverseSource;

  constructor(options: ProviderOptions) {
    const { clock, kind } = options;
    const origin = options.origin ?? `https://${this.hosts[0]}`;
    this.origin = origin;
    this.#options = options;
    const credential = () => this.credential();
    const api = new RailwayApi({ called: CALLED, clock, origin, credential });
    this.#inventory = railwayInventory({ api, clock, kind });
    this.#api = api;
    this.inverses = new RailwayState(api);
    this.#evidence = new Evidence({ api, databaseOf: options.databaseOf });
  }

  read(request: ProviderRequest): Promise<ProviderAct> {
    let readings: readonly GraphqlReading[] = [];
    const known = this.#readings.of(request, () => {
      readings = this.#readingsOf(request);
      const read = readRailway(readings);
      return { value: { read, placed: null }, keep: isHarmless(read.reading) };
    });
    const { placed, read } = known;
    // Never kept, so its text was read just now.
    if (!isHarmless(read.reading)) return this.#actOfChange(readings, read);
    if (placed?.mark === this.#inventory.mark) return placed.act;
    const where = this.#inventory.findKnown(read.places);
    if (where === null) return this.#actOfFirstRead(read, true);
    // It may have been made since; of one that is not known nobody may read.
    const isNew = where.unresolved.some(({ type }) => type === 'environment');
    if (isNew) return this.#actOfFirstRead(read, false);
    return deploymentIn(where) === undefined
      ? this.#actOfRead(known, where)
      : this.#actOfFirstRead(read, true);
  }

  async #actOfChange(
    readings: readonly GraphqlReading[],
    { lookups, places, reading }: RailwayReading,
  ): Promise<ProviderAct> {
    const { placeOf } = this.#options;
    const found = await this.#evidence.lookUp(reading, lookups);
    const where = await this.#inventory.find(places, false);
    const { environments } = where;
    const volumes = volumesAt(where, places);
    const told = await this.#evidence.tell(
      found.reading,
      { environments, volumes },
      (environment) => {
        const declared = declaredIn(where, placeOf).find(({ id }) => id === environment);
        return declared?.place?.target ?? null;
      },
    );
    // What is staged is not in the text: the approval is for what was found there.
    const { acts: evidence } = found;
    const inverse = await inverseOf(readings, told.effects, { api: this.#api, where, placeOf });
    const more = inverse === undefined ? {} : { inverse };
    return actOf({ called: CALLED, placeOf, reading: told, where, evidence, ...more });
  }

  /** What only reads is placed by what is known, however old; so nothing but that decides. */
  #actOfRead(known: KnownReading, where: Found<RailwayEstate>): Promise<ProviderAct> {
    const { placeOf } = this.#options;
    const { reading } = known.read;
    const act = Promise.resolve(actOf({ called: CALLED, placeOf, reading, where, evidence: [] }));
    known.placed = { act, mark: where.mark };
    return act;
  }

  /** It is not known where that is: Railway is asked, and at the next one again if it does not say. */
  async #actOfFirstRead(
    { places, reading }: RailwayReading,
    isKnownEnough: boolean,
  ): Promise<ProviderAct> {
    const where = await this.#inventory.find(places, isKnownEnough);
    const { placeOf } = this.#options;
    const lost = deploymentIn(where);
    const told = lost === undefined ? reading : notPlaced(reading, lost.id);
    return actOf({ called: CALLED, placeOf, reading: told, where, evidence: [] });
  }

  touched(request: ProviderRequest, effects: readonly Effect[]): ProviderTouched {
    const { places } = readRailway(this.#readingsOf(request));
    const where = this.#inventory.findKnown(places);
    return touchedBy({
      effects,
      estate: where?.estate ?? null,
      environments: new Set(where?.environments.map(({ id }) => id)),
      named: where === null ? [] : volumesAt(where, places),
      seenOf: (instanceId) => this.#evidence.seenOf(instanceId),
    });
  }

  credential(): Promise<Readonly<Record<string, string>>> {
    const secret = this.#options.secret();
    // Of the same promise came the same secret.
    if (this.#credential?.of !== secret) {
      this.#credential = { of: secret, headers: headersWith(secret, this.#options.kind) };
    }
    return this.#credential.headers;
  }

  /** Without the words "not authorized": the CLI would log in again, and try once more by itself. */
  refusal({ code, message, detail, hint }: ProviderRefusal): ProviderAnswer {
    const words = `${message} ${detail} ${hint}`;
    const extensions = { code, detail, hint };
    return {
      // 200, as Railway's own errors: its clients show the message of no other answer.
      status: 200,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ errors: [{ message: words, extensions }], data: null }),
    };
  }

  outcomeOf(status: number, body: Buffer): Outcome {
    const outcome = outcomeOfGraphql(CALLED, status, body.toString('utf8'));
    // An answer with errors may have done a part of it.
    this.#inventory.forget();
    return outcome;
  }

  #readingsOf(request: ProviderRequest): readonly GraphqlReading[] {
    const { method, path, search, mediaType, body } = request;
    if (path !== PATH) {
      const message = `Expected ${PATH}, found ${path.slice(0, 100)}.`;
      const reason = { code: 'unknown-statement', message, position: null } as const;
      return [{ kind: 'could-not-tell', reason }];
    }
    const found = requestsOf({ method, mediaType, search, body });
    if (found.kind === 'could-not-tell') return [found];
    return found.requests.map((one) => this.#reader.read(one));
  }
}

async function headersWith(
  secret: Promise<string>,
  kind: ProviderOptions['kind'],
): Promise<Readonly<Record<string, string>>> {
  return kind === 'project'
    ? { 'project-access-token': await secret }
    : { authorization: `Bearer ${await secret}` };
}

function deploymentIn({ unresolved }: Found<RailwayEstate>): PlaceRef | undefined {
  return unresolved.find(({ type }) => type === 'deployment');
}

/** Logs hold what a program writes, and they are reached by an id that no list has. */
function notPlaced({ effects }: Reading, id: string): Reading {
  const found = `Expected a deployment of which Railway says where it is, found ${id.slice(0, 64)}.`;
  const reason = { code: 'unknown-statement', message: found, position: null } as const;
  return { kind: 'could-not-tell', effects, reason };
}
