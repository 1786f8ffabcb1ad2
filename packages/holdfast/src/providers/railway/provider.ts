/**
 * Railway. A request is read (GraphQL, then the catalogue), placed (the inventory) and, where it would
 * destroy, told in full: which volume of which environment, which service, which backups die with it.
 *
 * What it will not do: believe an id's owner on the agent's word, call something harmless because
 * Railway could not be asked, or put a credential anywhere but on the way out.
 */
import type { GraphqlReading } from '../../languages/graphql/graphql-reading.ts';
import { GraphqlReader } from '../../languages/graphql/reader.ts';
import { requestsOf } from '../../languages/graphql/request.ts';
import { type Effect, isHarmless, type Reading } from '../../model/effect.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { TargetFacts } from '../../model/target.ts';
import type {
  DeclaredPlace,
  Provider,
  ProviderAct,
  ProviderAnswer,
  ProviderOptions,
  ProviderRefusal,
  ProviderRequest,
} from '../provider.ts';
import { RailwayApi } from './api.ts';
import { Evidence } from './evidence.ts';
import { Inventory, type Whereabouts } from './inventory.ts';
import { readRailway } from './reading.ts';

/** A name that no target has: what is not placed counts as sealed. */
const NOWHERE = 'railway (not found)';
const ACCOUNT = 'railway (account)';
const PATH = '/graphql/v2';

export class RailwayProvider implements Provider {
  readonly name = 'railway';
  readonly hosts = ['backboard.railway.com', 'backboard.railway.app'] as const;
  readonly credentialHeaders = ['authorization', 'project-access-token', 'team-access-token'];
  readonly origin: string;
  readonly #options: ProviderOptions;
  readonly #reader = new GraphqlReader();
  readonly #inventory: Inventory;
  readonly #evidence: Evidence;

  constructor(options: ProviderOptions) {
    const { clock, kind } = options;
    const origin = options.origin ?? `https://${this.hosts[0]}`;
    this.origin = origin;
    this.#options = options;
    const api = new RailwayApi({ clock, origin, credential: () => this.credential() });
    this.#inventory = new Inventory({ api, clock, kind });
    this.#evidence = new Evidence({ api, databaseOf: options.databaseOf });
  }

  async read(request: ProviderRequest): Promise<ProviderAct> {
    const readings = this.#readingsOf(request);
    const { reading, places, lookups } = readRailway(readings);
    if (isHarmless(reading)) {
      const where = await this.#inventory.find(places, true);
      return this.#act(reading, where, []);
    }
    const found = await this.#evidence.lookUp(reading, lookups);
    const where = await this.#inventory.find(places, false);
    const told = await this.#evidence.tell(found.reading, where, (environment) => {
      const declared = this.#declared(where).find(({ id }) => id === environment);
      return declared?.place?.target ?? null;
    });
    // What is staged is not in the text: the approval is for what was found there.
    return this.#act(told, where, found.acts);
  }

  async credential(): Promise<Readonly<Record<string, string>>> {
    const secret = await this.#options.secret();
    return this.#options.kind === 'project'
      ? { 'project-access-token': secret }
      : { authorization: `Bearer ${secret}` };
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

  /** An answer with errors and a good status did not do what was asked; in part it may have. */
  outcomeOf(status: number, body: Buffer): Outcome {
    const text = body.toString('utf8');
    if (status >= 500) return { kind: 'unknown', reason: `Railway answered ${status}` };
    if (status >= 400) return { kind: 'failed', code: String(status), message: text.slice(0, 500) };
    const message = firstError(text);
    if (message !== null) return { kind: 'failed', code: 'errors', message };
    this.#inventory.forget();
    return { kind: 'done', tag: String(status), transaction: 'ended' };
  }

  #act(reading: Reading, where: Whereabouts, evidence: readonly Uint8Array[]): ProviderAct {
    const worst = worstOf(reading);
    const reason =
      worst === null ? 'it only reads' : `Railway takes ${worst.verb} back by no operation`;
    return {
      reading,
      place: this.#placeOf(where, worst === null),
      reaches: this.#declared(where).flatMap(({ place }) => (place === null ? [] : [place])),
      reversal: { kind: 'none', reason },
      evidence,
    };
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

  #declared(where: Whereabouts): readonly {
    readonly id: string;
    readonly name: string;
    readonly place: DeclaredPlace | null;
  }[] {
    const { placeOf } = this.#options;
    return where.environments.map(({ id, name, projectId, projectName }) => {
      const place =
        placeOf(projectId, id) ??
        placeOf(projectName, name) ??
        placeOf(projectName, id) ??
        placeOf(projectId, name);
      return { id, name: `${name} of ${projectName}`, place };
    });
  }

  /** The strictest of all that it may reach stands for it. */
  #placeOf(where: Whereabouts, isRead: boolean): TargetFacts {
    const searchPath: readonly string[] = [];
    const { unresolved, takenAt, trouble } = where;
    const [lost] = unresolved;
    if (lost !== undefined) {
      const why = trouble === null ? '' : ` (${trouble})`;
      const how = `${lost.type} ${lost.id.slice(0, 64)} was not found at Railway${why}`;
      return { asked: NOWHERE, searchPath, how };
    }
    const declared = this.#declared(where);
    const [first] = declared;
    if (first === undefined) {
      return { asked: ACCOUNT, searchPath, ...(isRead ? {} : { how: 'it names no environment' }) };
    }
    const undeclared = declared.find(({ place }) => place === null);
    const strictest = declared.reduce((most, one) =>
      (one.place?.strictness ?? Infinity) > (most.place?.strictness ?? Infinity) ? one : most,
    );
    const seen = declared.map(({ name }) => name).join(' and ');
    const how = `found in ${seen}, by Holdfast's own list of ${takenAt?.toISOString() ?? 'no time'}`;
    const asked =
      (undeclared ?? strictest).place?.target ?? `railway ${(undeclared ?? strictest).name}`;
    return { asked, searchPath, how };
  }
}

function worstOf(reading: Reading): Effect | null {
  const order = ['destroy', 'unknown', 'execute', 'grant', 'reshape', 'write'];
  const found = reading.effects.filter(({ kind }) => kind !== 'read');
  return found.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))[0] ?? null;
}

function firstError(text: string): string | null {
  try {
    const answers: unknown = JSON.parse(text);
    for (const one of Array.isArray(answers) ? answers : [answers]) {
      const message = one?.errors?.[0]?.message;
      if (message !== undefined) return String(message).slice(0, 500);
    }
    return null;
  } catch {
    return text.includes('"errors"')
      ? 'an answer with errors, too long to be looked at whole'
      : null;
  }
}
