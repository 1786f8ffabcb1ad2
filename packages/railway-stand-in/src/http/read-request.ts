/**
 * From an HTTP request to GraphQL requests, as generously as a server may: any content type that holds
 * JSON, forms, `application/graphql`, compressed bodies, and the last of two equal JSON keys. What it
 * reads is what runs. It shares no code with the gateway that stands in front of it.
 */
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import { isObject, type JsonObject, objectOf } from '../graphql/json.ts';

export interface Incoming {
  readonly method: string;
  /** Path and query string, as they were sent. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface GraphqlRequest {
  readonly query: string;
  readonly variables: JsonObject;
  readonly operationName: string | null;
}

export type Requests =
  | { readonly kind: 'requests'; readonly list: readonly GraphqlRequest[]; readonly batch: boolean }
  | { readonly kind: 'unreadable'; readonly status: number; readonly message: string };

export interface ReadingRules {
  readonly batching: boolean;
  readonly get: boolean;
}

const INFLATED_BYTES_MAX = 32 * 1024 * 1024;

export function readRequest(incoming: Incoming, rules: ReadingRules): Requests {
  if (incoming.method === 'GET') {
    if (!rules.get) return unreadable(405, 'Use POST.');
    const at = incoming.target.indexOf('?');
    return ofForm(at < 0 ? '' : incoming.target.slice(at + 1));
  }
  if (incoming.method !== 'POST') return unreadable(405, 'Use POST.');
  const body = inflated(incoming);
  if (body === null) return unreadable(400, 'The body could not be decompressed.');
  // As body parsers do: a mark at the start is no part of it, and wrong bytes are replaced.
  const text = new TextDecoder('utf-8').decode(body);
  const type = (incoming.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/graphql') return one({ query: text });
  const json = parsed(text);
  if (json !== undefined) return ofJson(json, rules);
  if (type === 'application/x-www-form-urlencoded') return ofForm(text);
  return unreadable(400, 'The body is no JSON.');
}

function inflated({ headers, body }: Incoming): Buffer | null {
  const codings = (headers['content-encoding'] ?? '')
    .split(',')
    .map((one) => one.trim().toLowerCase())
    .filter((one) => one !== '' && one !== 'identity');
  const options = { maxOutputLength: INFLATED_BYTES_MAX };
  try {
    return codings.reduceRight((bytes, coding) => {
      switch (coding) {
        case 'gzip':
        case 'x-gzip':
          return gunzipSync(bytes, options);
        case 'br':
          return brotliDecompressSync(bytes, options);
        case 'deflate':
          // Both kinds are called so; the first byte of the wrapped kind says 8 (RFC 1950).
          return ((bytes[0] ?? 0) & 0x0f) === 8
            ? inflateSync(bytes, options)
            : inflateRawSync(bytes, options);
        default:
          throw new Error(`no such coding: ${coding}`);
      }
    }, body);
  } catch {
    return null;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ofJson(json: unknown, rules: ReadingRules): Requests {
  if (!Array.isArray(json)) return one(json);
  if (!rules.batching) return unreadable(400, 'Operation batching is not enabled.');
  const list: GraphqlRequest[] = [];
  for (const item of json) {
    const requests = one(item);
    if (requests.kind === 'unreadable') return requests;
    list.push(...requests.list);
  }
  if (list.length === 0) return unreadable(400, 'The batch is empty.');
  return { kind: 'requests', list, batch: true };
}

/** Of two equal names the first, as URLSearchParams.get has it. */
function ofForm(text: string): Requests {
  const form = new URLSearchParams(text);
  return one({
    query: form.get('query'),
    variables: form.get('variables'),
    operationName: form.get('operationName'),
  });
}

/** The object that holds one request, from a body or from a message of a WebSocket. */
export function one(fields: unknown): Requests {
  if (!isObject(fields)) return unreadable(400, 'The body is no GraphQL request.');
  const { query, operationName } = fields;
  if (typeof query !== 'string' || query === '') {
    const isHash = isObject(fields['extensions']);
    return unreadable(isHash ? 200 : 400, isHash ? 'PersistedQueryNotFound' : 'There is no query.');
  }
  const variables = variablesOf(fields['variables']);
  if (variables === null) return unreadable(400, 'Variables must be an object.');
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string') {
    return unreadable(400, 'The name of an operation must be a string.');
  }
  const name = operationName || null;
  return { kind: 'requests', list: [{ query, variables, operationName: name }], batch: false };
}

function variablesOf(value: unknown): JsonObject | null {
  if (value === undefined || value === null || value === '') return objectOf([]);
  const inside = typeof value === 'string' ? parsed(value) : value;
  if (inside === null) return objectOf([]);
  return isObject(inside) ? objectOf(Object.entries(inside)) : null;
}

function unreadable(status: number, message: string): Requests {
  return { kind: 'unreadable', status, message };
}
