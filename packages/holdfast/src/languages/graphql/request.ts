/**
 * An HTTP request as the operations it asks for (GraphQL over HTTP, draft of 2025): where the document
 * stands hangs on method, query string, body and what the sender calls the body. Servers differ in
 * what they take, so every place is looked at, whatever the content type says: the request that wiped
 * a production volume called its JSON a form.
 *
 * The rule: exactly one place holds documents, and it has one meaning; else it is not read. A document
 * that is only named (a hash, an id) is not there to be read.
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { CouldNotTell } from '../../model/effect.ts';
import { GRAPHQL_BATCH_MAX, JSON_DEPTH_MAX } from '../../model/limits.ts';
import { isObject, type Json, readJson, readJsonText } from '../json/json-text.ts';
import { type GraphqlRequest, unread } from './graphql-reading.ts';

/** As much of an HTTP request as the meaning of its GraphQL can hang on. */
export interface GraphqlOverHttp {
  /** Upper case. */
  readonly method: string;
  /** Without parameters, lower case; '' when none was sent. */
  readonly mediaType: string;
  /** Behind the `?`, as it was sent; '' when there is none. */
  readonly search: string;
  /** Decoded: no content encoding is left. */
  readonly body: Uint8Array;
}

type NotRead = { readonly kind: 'could-not-tell'; readonly reason: CouldNotTell };

export type GraphqlRequests =
  | {
      readonly kind: 'requests';
      readonly requests: readonly GraphqlRequest[];
      /** It was an array: each runs, and is answered, by itself. */
      readonly isBatch: boolean;
    }
  | NotRead;

/** Keys of a request object; any other may name a document that is kept elsewhere. */
const KEYS = new Set(['query', 'variables', 'operationName', 'extensions']);
const EXTENSIONS = new Set(['persistedQuery', 'clientLibrary']);
const NOTHING = {};

/** Never throws. */
export function requestsOf(http: GraphqlOverHttp): GraphqlRequests {
  const { method, mediaType, search, body } = http;
  if (method !== 'GET' && method !== 'POST') {
    return unread('unknown-statement', `Expected GET or POST, found ${method}.`);
  }
  const hasSearch = search !== '' && search !== '?';
  if (body.length === 0) return hasSearch ? ofParams(search) : nothing();
  if (hasSearch) {
    return unread('ambiguous', 'Expected a document in the body or the URL, found words in both.');
  }
  if (method === 'GET') return unread('ambiguous', 'Expected GET without a body, found one.');
  if (mediaType.startsWith('multipart/')) {
    return unread('unknown-statement', 'Expected a document in JSON, found a multipart body.');
  }
  return bodyOf(mediaType, body);
}

function bodyOf(mediaType: string, body: Uint8Array): GraphqlRequests {
  const json = readJson(body, JSON_DEPTH_MAX);
  if (json.kind === 'json') {
    return isFormToo(mediaType, body)
      ? unread('ambiguous', 'Expected JSON or a form, found a body that is both.')
      : ofJson(json.value);
  }
  if (json.reason.code !== 'syntax-error') return json;
  if (!isUtf8(body)) return unread('invalid-utf8', 'Expected UTF-8, found other bytes.');
  const text = Buffer.from(body).toString('utf8');
  if (mediaType === 'application/graphql') {
    return requests([{ query: text, variables: NOTHING, operationName: null }], false);
  }
  if (mediaType === 'application/x-www-form-urlencoded') return ofParams(text);
  return json;
}

/**
 * JSON in which a form is hidden (`{"query":"{ a } #&query=mutation..."}`): a server that goes by what the
 * body is called runs another document than one that tries JSON first.
 */
function isFormToo(mediaType: string, body: Uint8Array): boolean {
  if (mediaType !== '' && mediaType !== 'application/x-www-form-urlencoded') return false;
  const fields = new URLSearchParams(Buffer.from(body).toString('utf8'));
  return [...KEYS].some((name) => fields.has(name));
}

function ofJson(value: Json): GraphqlRequests {
  if (!Array.isArray(value)) return one(value);
  if (value.length === 0) return nothing();
  if (value.length > GRAPHQL_BATCH_MAX) {
    const found = `${value.length}`;
    return unread('too-large', `Expected at most ${GRAPHQL_BATCH_MAX} requests, found ${found}.`);
  }
  const found: GraphqlRequest[] = [];
  for (const item of value) {
    const request = requestOf(item);
    if ('kind' in request) return request;
    found.push(request);
  }
  return requests(found, true);
}

function one(value: Json): GraphqlRequests {
  const request = requestOf(value);
  return 'kind' in request ? request : requests([request], false);
}

function requestOf(value: Json): GraphqlRequest | NotRead {
  if (!isObject(value)) {
    return unread('syntax-error', 'Expected an object with a query, found another value.');
  }
  const other = Object.keys(value).find((key) => !KEYS.has(key) && value[key] !== null);
  if (other !== undefined) {
    const found = JSON.stringify(other.slice(0, 100));
    return unread('unknown-statement', `Expected query and variables only, found ${found}.`);
  }
  const { query, operationName = null, extensions = null } = value;
  const variables = variablesOf(value['variables'] ?? null);
  if ('kind' in variables) return variables.not;
  if (operationName !== null && typeof operationName !== 'string') {
    return unread('ambiguous', 'Expected operationName to be a string, found another value.');
  }
  const named = namedElsewhere(query, extensions);
  if (named !== null) return named;
  if (typeof query !== 'string') {
    return unread('syntax-error', 'Expected query to be a string, found another value.');
  }
  // Servers differ on the empty name: none, or one that no operation has.
  const name = operationName === '' ? null : operationName;
  return { query, variables: variables.values, operationName: name };
}

type Variables =
  | { readonly values: { readonly [name: string]: Json } }
  | { readonly kind: 'not'; readonly not: NotRead };

/** Some clients send variables as a text with JSON in it, and some servers open it. */
function variablesOf(value: Json): Variables {
  if (value === null) return { values: NOTHING };
  if (isObject(value)) return { values: value };
  if (typeof value !== 'string') {
    const not = unread('ambiguous', 'Expected variables to be an object, found another value.');
    return { kind: 'not', not };
  }
  if (value === '') return { values: NOTHING };
  const inside = readJsonText(value, JSON_DEPTH_MAX);
  if (inside.kind === 'could-not-tell') return { kind: 'not', not: inside };
  if (inside.value === null) return { values: NOTHING };
  if (isObject(inside.value)) return { values: inside.value };
  const not = unread('ambiguous', 'Expected variables to be an object, found another value.');
  return { kind: 'not', not };
}

/** A hash beside a text that it is not the hash of: the server may know another text for it. */
function namedElsewhere(query: Json | undefined, extensions: Json): NotRead | null {
  if (extensions === null) return null;
  if (!isObject(extensions)) {
    return unread('ambiguous', 'Expected extensions to be an object, found another value.');
  }
  const other = Object.keys(extensions).find((key) => !EXTENSIONS.has(key));
  if (other !== undefined) {
    const found = JSON.stringify(other.slice(0, 100));
    return unread('unknown-statement', `Expected known extensions, found ${found}.`);
  }
  const { persistedQuery = null } = extensions;
  if (persistedQuery === null) return null;
  if (typeof query !== 'string' || query === '') {
    return unread('unknown-statement', 'Expected the text of the query, found only its hash.');
  }
  const hash = isObject(persistedQuery) ? persistedQuery['sha256Hash'] : undefined;
  if (hash === createHash('sha256').update(query).digest('hex')) return null;
  return unread('ambiguous', 'Expected the hash of the query, found another.');
}

/**
 * A query string or a form, in which variables and extensions are JSON in a text. Not read: a name
 * twice, or bytes that are no UTF-8.
 */
function ofParams(text: string): GraphqlRequests {
  try {
    decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return unread('invalid-utf8', 'Expected UTF-8 behind the percent signs, found other bytes.');
  }
  const fields = new Map<string, Json>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (fields.has(name)) {
      const found = JSON.stringify(name.slice(0, 100));
      return unread('ambiguous', `Expected each name once, found ${found} twice.`);
    }
    const inside =
      name === 'extensions' && value !== '' ? readJsonText(value, JSON_DEPTH_MAX) : null;
    if (inside?.kind === 'could-not-tell') return inside;
    fields.set(name, inside === null ? value : inside.value);
  }
  return one(Object.fromEntries(fields));
}

function nothing(): NotRead {
  return unread('syntax-error', 'Expected a GraphQL document, found none.');
}

function requests(list: readonly GraphqlRequest[], isBatch: boolean): GraphqlRequests {
  return { kind: 'requests', requests: list, isBatch };
}
