/**
 * Asks the API, same-origin, with the session's cookies and the page's own secret. Every failure is a
 * `Problem` with its three parts. When the API wants a newer proof that the person is there, whoever
 * registered is asked for it, and the request is sent once more; nothing else is ever repeated here.
 */
import type { Routes } from '../../../holdfast/src/api/contract/index.ts';
import { queryText } from '../lib/filters.ts';
import { attendedHeaders } from './attended.ts';
import { forgetPage, keepPage, keptPage, pageHeaders, storageTrouble } from './page-secret.ts';
import { Problem } from './problem.ts';
import { PLACES, type PlaceName } from './routes.ts';

type OutputOf<S> = S extends { readonly _zod: { readonly output: infer O } } ? O : never;
type InputOf<S> = S extends { readonly _zod: { readonly input: infer I } } ? I : never;

/** What comes back from a route, as the contract says. */
export type Answer<N extends PlaceName> = OutputOf<Routes[N]['answer']>;
export type Body<N extends PlaceName> = InputOf<Routes[N]['body']>;
export type Query<N extends PlaceName> = InputOf<Routes[N]['query']>;

export interface Given<N extends PlaceName> {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Query<N>;
  readonly body?: Body<N>;
  readonly signal?: AbortSignal;
}

type Prove = () => Promise<boolean>;
let prove: Prove | null = null;

/** Who asks the person for a newer proof; resolves to whether they gave it. */
export function onProofWanted(asker: Prove | null): void {
  prove = asker;
}

let signedOut: () => void = () => undefined;

/** What is done when the API no longer knows the session. */
export function onSignedOut(done: () => void): void {
  signedOut = done;
}

export async function ask<N extends PlaceName>(name: N, given: Given<N> = {}): Promise<Answer<N>> {
  const opens = /^(signIn|join)\./.test(name);
  // Before a link is used up, or a finger laid on a sensor for nothing.
  const trouble = opens ? storageTrouble() : null;
  if (trouble !== null) throw trouble;
  const shown = keptPage();
  try {
    const answer = await send<Answer<N>>(PLACES[name], given);
    const page = opens ? textIn(answer, 'page') : null;
    if (page !== null) keepPage(page);
    if (name === 'session.close' || (name === 'session.show' && isNobody(answer))) {
      forgetPage(shown);
    }
    return answer;
  } catch (error) {
    if (error instanceof Problem && error.isSignedOut) signedOut();
    const isWanted = error instanceof Problem && error.wantsProof && !name.startsWith('session.');
    if (!isWanted || prove === null || !(await prove())) throw error;
    return send(PLACES[name], given);
  }
}

function textIn(answer: unknown, name: string): string | null {
  if (typeof answer !== 'object' || answer === null) return null;
  const value: unknown = Reflect.get(answer, name);
  return typeof value === 'string' ? value : null;
}

function isNobody(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && Reflect.get(answer, 'person') === null;
}

export interface Sent {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: object;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** `place`: `GET /v1/holds/:id`. */
export async function send<T>(
  place: string,
  { params = {}, query = {}, body, signal }: Sent,
): Promise<T> {
  const [method = 'GET', path = '/'] = place.split(' ');
  const filled = path.replaceAll(/:(\w+)/g, (_, key: string) =>
    encodeURIComponent(params[key] ?? ''),
  );
  const response = await fetch(`${filled}${queryText(Object.fromEntries(Object.entries(query)))}`, {
    method,
    credentials: 'same-origin',
    headers: {
      accept: 'application/json, application/problem+json',
      ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
      ...pageHeaders(),
      ...attendedHeaders(),
    },
    ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted === true) throw error;
    throw Problem.noAnswer();
  });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw Problem.ofAnswer(response.status, answer);
  return answer;
}
