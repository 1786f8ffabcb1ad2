/**
 * Fly: one provider with two APIs on two hosts, GraphQL (`/graphql`) and Machines (`/v1/...`). Which one a
 * request is for is said by its path, never by the host it came for, so that what is judged is what is
 * sent.
 */
import { GraphqlReader } from '../../languages/graphql/reader.ts';
import { requestsOf } from '../../languages/graphql/request.ts';
import { isHarmless, type Reading } from '../../model/effect.ts';
import type { Outcome } from '../../model/outcome.ts';
import { actOf, outcomeOfGraphql } from '../acting.ts';
import { Asking } from '../asking.ts';
import { Inventory, narrowedByPath, type Whereabouts } from '../inventory.ts';
import type {
  Provider,
  ProviderAct,
  ProviderAnswer,
  ProviderOptions,
  ProviderRefusal,
  ProviderRequest,
} from '../provider.ts';
import { tableOf } from '../rest/entries.ts';
import { readingWithoutCall, readRest } from '../rest/reading.ts';
import { MACHINES } from './catalogue/operations.ts';
import { type FlyEstate, takeEstate, toldOf } from './estate.ts';
import { type FlyReading, readFlyGraphql, readFlyMachines } from './reading.ts';

const CALLED = { title: 'Fly', name: 'fly' };
const GRAPHQL = '/graphql';
const API = { title: 'Fly', prefix: '/v1', table: tableOf(MACHINES) };

export class FlyProvider implements Provider {
  readonly name = 'fly';
  readonly hosts = ['api.fly.io', 'api.machines.dev'] as const;
  readonly credentialHeaders = ['authorization'];
  readonly origin: string;
  readonly #options: ProviderOptions;
  readonly #reader = new GraphqlReader();
  readonly #inventory: Inventory<FlyEstate>;

  constructor(options: ProviderOptions) {
    const { clock } = options;
    this.origin = options.origin ?? `https://${this.hosts[0]}`;
    this.#options = options;
    const asking = new Asking({ called: CALLED, clock, credential: () => this.credential() });
    this.#inventory = new Inventory({
      clock,
      take: () => takeEstate(asking, `${this.origin}${GRAPHQL}`, clock.now()),
      reachOf: narrowedByPath,
    });
  }

  originOf(path: string): string {
    if (this.#options.origin !== null || path === GRAPHQL) return this.origin;
    return `https://${this.hosts[1]}`;
  }

  async read(request: ProviderRequest): Promise<ProviderAct> {
    const { placeOf } = this.#options;
    const { reading, places } = this.#readingOf(request);
    const where = await this.#inventory.find(places, isHarmless(reading));
    const told = toldWhole(reading, where);
    return actOf({ called: CALLED, placeOf, reading: told, where, evidence: [] });
  }

  /** A macaroon (`fm2_...`) goes under a scheme of its own; an older token as a bearer. */
  async credential(): Promise<Readonly<Record<string, string>>> {
    const secret = await this.#options.secret();
    const scheme = /^fm\d[a-z]?_/.test(secret) ? 'FlyV1' : 'Bearer';
    return { authorization: `${scheme} ${secret}` };
  }

  /** In the shape of both: GraphQL has `errors`, Machines has `error`. */
  refusal({ code, message, detail, hint }: ProviderRefusal): ProviderAnswer {
    const words = `${message} ${detail} ${hint}`;
    const errors = [{ message: words, extensions: { code } }];
    return {
      status: 403,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ errors, data: null, error: words }),
    };
  }

  outcomeOf(status: number, body: Buffer): Outcome {
    const outcome = outcomeOfGraphql(CALLED, status, body.toString('utf8'));
    if (outcome.kind === 'done') this.#inventory.forget();
    return outcome;
  }

  #readingOf(request: ProviderRequest): FlyReading {
    const { method, path, search, mediaType, body } = request;
    if (path === GRAPHQL) {
      const found = requestsOf({ method, mediaType, search, body });
      if (found.kind === 'could-not-tell') return readFlyGraphql([found]);
      return readFlyGraphql(found.requests.map((one) => this.#reader.read(one)));
    }
    const rest = readRest(API, request);
    if (rest.kind === 'call') return readFlyMachines(rest.call);
    return { reading: readingWithoutCall(rest), places: [] };
  }
}

/** What destroys, with what hangs on the apps it reaches. */
function toldWhole(reading: Reading, where: Whereabouts<FlyEstate>): Reading {
  if (where.environments.length === 0) return reading;
  const words = where.environments.map(toldOf).join('; ');
  const effects = reading.effects.map((one) =>
    one.kind === 'destroy' ? { ...one, why: `${one.why ?? ''}: ${words}` } : one,
  );
  return { ...reading, effects };
}
