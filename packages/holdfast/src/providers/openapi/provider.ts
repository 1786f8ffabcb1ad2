/**
 * Any API that a user describes by an OpenAPI 3 file: the operations are the file's, what they do is by
 * method and by the user's rules (`description.ts`). All of it is one place, because nothing is known of
 * what its ids mean.
 *
 * What it will not do: take an operation for harmless because the file calls it so, or a path that is not
 * in the file for anything but unknown.
 */
import { API_PLACE } from '../../config/config.ts';
import { isHarmless, type Reading } from '../../model/effect.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Outcome } from '../../model/outcome.ts';
import { actOf, outcomeByStatus } from '../acting.ts';
import { effectOf } from '../catalogue.ts';
import type {
  Provider,
  ProviderAct,
  ProviderAnswer,
  ProviderOptions,
  ProviderRefusal,
  ProviderRequest,
} from '../provider.ts';
import { namedBy, type RestApi, readingWithoutCall, readRest } from '../rest/reading.ts';
import { type Described, describe } from './description.ts';

export class OpenapiProvider implements Provider {
  readonly name: string;
  readonly hosts: readonly [string, ...string[]];
  readonly credentialHeaders: readonly string[];
  readonly origin: string;
  readonly #options: ProviderOptions;
  readonly #described: Described;
  readonly #api: RestApi<Parameters<typeof effectOf>[1]>;

  /** Throws HF_CONFIG_INVALID for a description that cannot be enforced. */
  constructor(options: ProviderOptions) {
    const { description, origin } = options;
    if (description === null) throw without('a file that describes it (openapi: PATH)');
    const described = describe(description);
    const at = origin ?? described.origin;
    if (at === null) throw without('url in holdfast.yaml, or a server in the description');
    if (URL.parse(at)?.protocol === 'http:' && origin === null) {
      throw without('a server with https');
    }
    this.name = description.name;
    this.origin = at;
    this.hosts = [new URL(described.origin ?? at).hostname];
    this.credentialHeaders = described.credential.all;
    this.#options = options;
    this.#described = described;
    this.#api = { title: this.name, prefix: described.prefix, table: described.table };
  }

  async read(request: ProviderRequest): Promise<ProviderAct> {
    const reading = this.#readingOf(request);
    const { name } = this;
    const act = actOf({
      called: { title: name, name },
      placeOf: this.#options.placeOf,
      reading,
      where: {
        environments: [{ id: API_PLACE, name: API_PLACE, projectId: name, projectName: name }],
        byCall: [[API_PLACE]],
        unresolved: [],
        estate: null,
        trouble: null,
        isOld: false,
      },
      evidence: [],
    });
    const how = isHarmless(reading) ? {} : { how: `all of ${name} is one place` };
    return { ...act, place: { asked: act.place.asked, searchPath: [], ...how } };
  }

  async credential(): Promise<Readonly<Record<string, string>>> {
    const { before, header } = this.#described.credential;
    return { [header]: `${before}${await this.#options.secret()}` };
  }

  /** In several shapes at once, since it is not known which one its clients look for. */
  refusal({ code, message, detail, hint }: ProviderRefusal): ProviderAnswer {
    const words = `${message} ${detail} ${hint}`;
    return {
      status: 403,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ message: words, code, error: { code, message: words } }),
    };
  }

  outcomeOf(status: number, body: Buffer): Outcome {
    return outcomeByStatus({ title: this.name, name: this.name }, status, body.toString('utf8'));
  }

  #readingOf(request: ProviderRequest): Reading {
    const rest = readRest(this.#api, request);
    if (rest.kind !== 'call') return readingWithoutCall(rest);
    const { call } = rest;
    const effect = effectOf(call.verb, call.operation, namedBy(call.operation.names, call));
    return { kind: 'understood', effects: [effect] };
  }
}

function without(expected: string): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', {
    expected,
    found: 'none',
    hint: 'Correct it under providers in holdfast.yaml.',
  });
}
