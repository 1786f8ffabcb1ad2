/**
 * Neon: the management API. A request is read (method and path, then the body where it can say more),
 * placed by an inventory of branches, and told in full where it would destroy.
 *
 * What it will not do: take a branch for harmless by its name, believe a path whose ids do not fit
 * together, or call something harmless because Neon could not be asked.
 */
import { type Effect, isHarmless, type Reading } from '../../model/effect.ts';
import type { Outcome } from '../../model/outcome.ts';
import { actOf, outcomeByStatus } from '../acting.ts';
import { Asking } from '../asking.ts';
import { Inventory, narrowedByPath, type Whereabouts } from '../inventory.ts';
import { declaredIn } from '../placing.ts';
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
import { OPERATIONS } from './catalogue/operations.ts';
import { type NeonEstate, takeEstate, toldOf } from './estate.ts';
import { type CallReading, readNeonCall } from './reading.ts';

const CALLED = { title: 'Neon', name: 'neon' };
const API = { title: 'Neon', prefix: '/api/v2', table: tableOf(OPERATIONS) };

export class NeonProvider implements Provider {
  readonly name = 'neon';
  readonly hosts = ['console.neon.tech'] as const;
  readonly credentialHeaders = ['authorization', 'cookie'];
  readonly origin: string;
  readonly #options: ProviderOptions;
  readonly #inventory: Inventory<NeonEstate>;

  constructor(options: ProviderOptions) {
    const { clock } = options;
    const origin = options.origin ?? `https://${this.hosts[0]}`;
    this.origin = origin;
    this.#options = options;
    const asking = new Asking({ called: CALLED, clock, credential: () => this.credential() });
    this.#inventory = new Inventory({
      clock,
      take: () => takeEstate(asking, `${origin}${API.prefix}`, clock.now()),
      reachOf: narrowedByPath,
    });
  }

  async read(request: ProviderRequest): Promise<ProviderAct> {
    const { placeOf } = this.#options;
    const { reading, places } = readingOf(request);
    const where = await this.#inventory.find(places, isHarmless(reading));
    const told = await this.#told(reading, where);
    return actOf({ called: CALLED, placeOf, reading: told, where, evidence: [] });
  }

  async credential(): Promise<Readonly<Record<string, string>>> {
    return { authorization: `Bearer ${await this.#options.secret()}` };
  }

  /** The shape of Neon’s own errors. */
  refusal({ code, message, detail, hint }: ProviderRefusal): ProviderAnswer {
    return {
      status: 403,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ code, message: `${message} ${detail} ${hint}` }),
    };
  }

  outcomeOf(status: number, body: Buffer): Outcome {
    const outcome = outcomeByStatus(CALLED, status, body.toString('utf8'));
    if (outcome.kind === 'done') this.#inventory.forget();
    return outcome;
  }

  /** What would go, with what hangs on it. */
  async #told(reading: Reading, where: Whereabouts<NeonEstate>): Promise<Reading> {
    if (where.environments.length === 0) return reading;
    const words = where.environments.map(toldOf).join('; ');
    const effects: Effect[] = [];
    for (const one of reading.effects) {
      if (one.kind !== 'destroy') effects.push(one);
      else
        effects.push({ ...one, why: `${one.why ?? ''}: ${words}${await this.#held(one, where)}` });
    }
    return { ...reading, effects };
  }

  async #held({ object }: Effect, where: Whereabouts<NeonEstate>): Promise<string> {
    if (object?.type !== 'database') return '';
    for (const { place } of declaredIn(where, this.#options.placeOf)) {
      if (place === null) continue;
      const found = await this.#options.databaseOf(place.target, object.name).catch(() => null);
      if (found !== null) return `; ${found}`;
    }
    return '';
  }
}

function readingOf(request: ProviderRequest): {
  readonly reading: Reading;
  readonly places: CallReading['places'];
} {
  const rest = readRest(API, request);
  if (rest.kind !== 'call') return { reading: readingWithoutCall(rest), places: [] };
  const { effects, places } = readNeonCall(rest.call);
  return { reading: { kind: 'understood', effects }, places };
}
