/**
 * The variables of one place (a service in an environment, or shared by all of it) as they stand, read
 * whole or not at all. As they are written, not as they are rendered: a reference to another service must
 * come back as a reference.
 *
 * Railway is asked twice in one request: for the values, and for the list of variables with who sealed
 * them. A value of a sealed one is handed out to nobody, so it could not be set again; and where the two
 * do not agree, it is not known what there is.
 */
import { z } from 'zod';
import { HoldfastError } from '../../../model/errors.ts';
import { RAILWAY_VARIABLES_MAX } from '../../../model/limits.ts';
import type { RailwayApi } from '../api.ts';

export interface VariablePlace {
  readonly projectId: string;
  readonly environmentId: string;
  /** Null: shared by all services of the environment. */
  readonly serviceId: string | null;
}

/** What Railway adds by itself: nobody set it, and no replacement removes it. */
const OWN = /^RAILWAY_/;

const QUERY = `query HoldfastState($projectId: String!, $environmentId: String!, $serviceId: String) {
  variables(projectId: $projectId, environmentId: $environmentId, serviceId: $serviceId, unrendered: true)
  environment(id: $environmentId, projectId: $projectId) {
    variables(first: ${RAILWAY_VARIABLES_MAX}) {
      edges { node { name serviceId isSealed } } pageInfo { hasNextPage } } } }`;
const listed = z.object({
  name: z.string(),
  serviceId: z.string().nullish(),
  isSealed: z.boolean(),
});
const answer = z.object({
  // Not as a record: a variable may be called __proto__.
  variables: z.custom<Readonly<Record<string, unknown>>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  ),
  environment: z.object({
    variables: z.object({
      edges: z.array(z.object({ node: listed })),
      pageInfo: z.object({ hasNextPage: z.boolean() }),
    }),
  }),
});

export class Variables {
  readonly #values = new Map<string, string>();
  /** Why a name's value is not known. */
  readonly #unknown = new Map<string, string>();
  readonly #own = new Set<string>();

  private constructor(said: z.infer<typeof answer>, { serviceId }: VariablePlace) {
    const values = new Map(Object.entries(said.variables));
    const { edges, pageInfo } = said.environment.variables;
    if (pageInfo.hasNextPage) throw notWhole(`more than ${RAILWAY_VARIABLES_MAX} variables`);
    for (const { node } of edges) {
      if ((node.serviceId ?? null) !== serviceId) continue;
      const { isSealed, name } = node;
      const value = values.get(name);
      if (isSealed) this.#unknown.set(name, 'it is sealed, and nobody can read it');
      else if (typeof value === 'string') this.#values.set(name, value);
      else this.#unknown.set(name, 'Railway hands its value out to nobody');
    }
    for (const name of values.keys()) {
      if (this.#values.has(name) || this.#unknown.has(name)) continue;
      if (OWN.test(name)) this.#own.add(name);
      else this.#unknown.set(name, 'Railway has a value for it and lists no such variable');
    }
  }

  /** Rejects when Railway does not answer, or has more than it lists. */
  static async at(api: RailwayApi, place: VariablePlace): Promise<Variables> {
    return new Variables(await api.ask(QUERY, { ...place }, answer, 'needed'), place);
  }

  /** Null: there is none of that name. Throws when it is not known. */
  valueOf(name: string): string | null {
    const why = this.#own.has(name) ? 'Railway itself has a value for it' : this.#unknown.get(name);
    if (why !== undefined) throw notWhole(`variable ${name}: ${why}`);
    return this.#values.get(name) ?? null;
  }

  /** All that a replacement may remove. Throws when the value of one is not known. */
  names(): readonly string[] {
    const [unknown] = this.#unknown;
    if (unknown !== undefined) throw notWhole(`variable ${unknown[0]}: ${unknown[1]}`);
    return [...this.#values.keys()];
  }
}

export function notWhole(found: string): HoldfastError {
  return new HoldfastError('HF_UNSUPPORTED', {
    expected: 'a state that can be read whole, and set again',
    found,
    hint: 'What cannot be taken back is held for people.',
  });
}
