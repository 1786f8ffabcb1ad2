/**
 * A REST request as a call of the catalogue: path, then method, then query and body. What has no row is
 * `unknown`; what could be read in two ways is not read.
 *
 * HEAD is read as the GET that it asks the head of. OPTIONS changes nothing anywhere (RFC 9110 section
 * 9.3.7). A method that is named in the query or in the body is an old way to send another one than the
 * request line says: not read.
 */

import { isObject, type Json, readJson } from '../../languages/json/json-text.ts';
import type { CouldNotTell, Effect, Reading } from '../../model/effect.ts';
import { METHOD_OVERRIDES } from '../../model/http-request.ts';
import { JSON_DEPTH_MAX } from '../../model/limits.ts';
import type { ProviderRequest } from '../provider.ts';
import { segmentsOf } from './path.ts';
import type { RestTable } from './table.ts';

export interface RestCall<Of> {
  readonly operation: Of;
  /** `DELETE /projects/{project_id}` */
  readonly verb: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** A name may stand several times in what only reads. */
  readonly query: ReadonlyMap<string, readonly string[]>;
  /** Undefined: none was sent. */
  readonly body: Json | undefined;
}

type NotRead = { readonly kind: 'could-not-tell'; readonly reason: CouldNotTell };

export type RestReading<Of> =
  | { readonly kind: 'call'; readonly call: RestCall<Of> }
  /** Nothing of the catalogue: one effect stands for it, `unknown` or, for OPTIONS, `read`. */
  | { readonly kind: 'other'; readonly effect: Effect }
  | NotRead;

export interface RestApi<Of> {
  readonly title: string;
  /** Before every path: `/api/v2`; '' when there is none. */
  readonly prefix: string;
  readonly table: RestTable<Of>;
  /** `METHOD /template` of what takes files: its row says all of it, and the body is not looked into. */
  readonly takesFiles?: ReadonlySet<string>;
}

const OVERRIDES: ReadonlySet<string> = new Set(['_method', ...METHOD_OVERRIDES]);

/** Never throws. */
export function readRest<Of>(api: RestApi<Of>, request: ProviderRequest): RestReading<Of> {
  const { method, path } = request;
  const isInside = path.startsWith(`${api.prefix}/`);
  const found = segmentsOf(isInside ? path.slice(api.prefix.length) : path);
  if (found.kind === 'could-not-tell') return found;
  if (method === 'OPTIONS') return optionsOf(request);
  const row = isInside
    ? api.table.find(method === 'HEAD' ? 'GET' : method, found.segments)
    : ({ kind: 'not-found' } as const);
  if (row.kind === 'ambiguous') {
    return unread('ambiguous', `Expected ${row.expected} in this case, found another.`);
  }
  if (row.kind === 'not-found') {
    const why = `${method} ${path.slice(0, 100)} is not in the catalogue of ${api.title}`;
    return { kind: 'other', effect: bare('unknown', method, why) };
  }
  const query = queryOf(request.search, isSafe(method));
  if ('kind' in query) return query;
  const { operation, parameters, template } = row;
  const verb = `${method} ${template}`;
  const body = api.takesFiles?.has(verb) ? undefined : bodyOf(request);
  if (body !== undefined && 'kind' in body) return body;
  return { kind: 'call', call: { operation, verb, parameters, query, body: body?.value } };
}

/** What is known of a request that is no call of the catalogue: it says nothing of places either. */
export function readingWithoutCall(rest: Exclude<RestReading<never>, { kind: 'call' }>): Reading {
  return rest.kind === 'other'
    ? { kind: 'understood', effects: [rest.effect] }
    : { ...rest, effects: [] };
}

/** Unless it carries something: what asks for nothing needs no body, and no other method. */
function optionsOf(request: ProviderRequest): RestReading<never> {
  const query = queryOf(request.search, true);
  if ('kind' in query) return query;
  if (request.body.length === 0) {
    return { kind: 'other', effect: bare('read', 'OPTIONS', null) };
  }
  return unread('ambiguous', 'Expected OPTIONS without a body, found one.');
}

function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function queryOf(search: string, mayRepeat: boolean): RestCall<never>['query'] | NotRead {
  const query = new Map<string, string[]>();
  if (search === '' || search === '?') return query;
  try {
    decodeURIComponent(search.replaceAll('+', ' '));
  } catch {
    return unread('invalid-utf8', 'Expected UTF-8 behind the percent signs, found other bytes.');
  }
  for (const [name, value] of new URLSearchParams(search)) {
    if (isOverride(name)) return overridden(name);
    const known = query.get(name);
    if (known === undefined) query.set(name, [value]);
    else if (mayRepeat) known.push(value);
    else {
      const shown = JSON.stringify(name.slice(0, 100));
      return unread('ambiguous', `Expected each name once in the query, found ${shown} twice.`);
    }
  }
  return query;
}

function bodyOf({
  method,
  mediaType,
  body,
}: ProviderRequest): { readonly value: Json } | NotRead | undefined {
  if (body.length === 0) return undefined;
  if (isSafe(method)) return unread('ambiguous', `Expected ${method} without a body, found one.`);
  // The same bytes as a form are another text, in which there may be a method.
  if (mediaType !== '' && !/^application\/([a-z0-9.-]+\+)?json$/.test(mediaType)) {
    return unread('ambiguous', `Expected a body that is called JSON, found ${mediaType}.`);
  }
  const json = readJson(body, JSON_DEPTH_MAX);
  if (json.kind === 'could-not-tell') return json;
  const twice = alikeIn(json.value);
  if (twice !== null) {
    const shown = JSON.stringify(twice.slice(0, 100));
    return unread('ambiguous', `Expected each key once whatever its case, found ${shown} twice.`);
  }
  if (isObject(json.value)) {
    const named = Object.keys(json.value).find(isOverride);
    if (named !== undefined) return overridden(named);
  }
  return { value: json.value };
}

/**
 * Keys that differ in case only are one key to some servers (Go's encoding/json), which then take the
 * last. The fold is theirs: the long s and the Kelvin sign are letters too.
 */
function foldedOf(key: string): string {
  return key.toUpperCase().toLowerCase();
}

function alikeIn(value: Json): string | null {
  if (Array.isArray(value)) {
    for (const one of value) {
      const found = alikeIn(one);
      if (found !== null) return found;
    }
    return null;
  }
  if (!isObject(value)) return null;
  const seen = new Set<string>();
  for (const [key, inside] of Object.entries(value)) {
    const folded = foldedOf(key);
    if (seen.has(folded)) return key;
    seen.add(folded);
    const found = alikeIn(inside);
    if (found !== null) return found;
  }
  return null;
}

/** `_method[]` is `_method` too, where brackets make lists. */
function isOverride(name: string): boolean {
  const [bare = name] = name.split('[');
  return OVERRIDES.has(foldedOf(bare));
}

function overridden(name: string): NotRead {
  return unread('ambiguous', `Expected the method in the request line only, found ${name}.`);
}

function bare(kind: Effect['kind'], verb: string, why: string | null): Effect {
  const reach = kind === 'read' ? 'none' : 'unknown';
  return { kind, verb, object: null, reach, additive: false, why };
}

function unread(code: CouldNotTell['code'], message: string): NotRead {
  return { kind: 'could-not-tell', reason: { code, message, position: null } };
}

/** A text at a path of keys in the body, whatever their case; null when there is none. */
export function textIn(body: Json | undefined, ...path: readonly string[]): string | null {
  const value = valueIn(body, ...path);
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : null;
}

/** `path`: keys in lower case. */
export function valueIn(body: Json | undefined, ...path: readonly string[]): Json | undefined {
  let value: Json | undefined = body;
  for (const key of path) {
    if (!isObject(value)) return undefined;
    const name = Object.keys(value).find((one) => foldedOf(one) === key);
    if (name === undefined) return undefined;
    value = value[name];
  }
  return value;
}

/** Said with any value that is not a plain no: what one server takes for false, another does not. */
export function isSaid(values: readonly string[] | undefined): boolean {
  return values !== undefined && !values.every((value) => value === 'false');
}

/** By a row's `names`: a `{name}` of the path, or `body.` and a path of keys. */
export function namedBy(names: string | null, call: RestCall<unknown>): string {
  if (names === null) return '';
  if (!names.startsWith('body.')) return call.parameters.get(names) ?? '';
  return textIn(call.body, ...names.slice('body.'.length).split('.')) ?? '';
}
