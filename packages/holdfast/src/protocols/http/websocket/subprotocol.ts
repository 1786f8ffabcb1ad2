/**
 * The two ways of GraphQL over WebSocket: `graphql-transport-ws` (the protocol of the library graphql-ws)
 * and the older `graphql-ws` (that of subscriptions-transport-ws). Bytes to messages and back, no socket.
 *
 * A message of an agent is read as strictly as a body: what has two meanings, or a word that its
 * subprotocol does not have, is no message. What goes on is written anew, around the payload as it came.
 */
import { membersOf } from '../../../languages/json/json-members.ts';
import { isObject, type Json, readJson } from '../../../languages/json/json-text.ts';
import { JSON_DEPTH_MAX, SOCKET_ID_CHARS_MAX } from '../../../model/limits.ts';
import type { Refusal } from '../../../pipeline/exchange.ts';

export const SUBPROTOCOLS = ['graphql-transport-ws', 'graphql-ws'] as const;
export type Subprotocol = (typeof SUBPROTOCOLS)[number];

/** What an agent says. */
export type AgentMessage =
  | { readonly kind: 'init'; readonly payload: Json }
  /** `payload`: the text of a JSON object, as it was written. */
  | { readonly kind: 'start'; readonly id: string; readonly payload: string }
  | { readonly kind: 'stop'; readonly id: string }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  | { readonly kind: 'goodbye' }
  | { readonly kind: 'unreadable'; readonly why: string };

/** What a provider says. */
export type ProviderMessage =
  /** `payload`: its text; null: none. */
  | { readonly kind: 'ack'; readonly payload: string | null }
  | { readonly kind: 'turned-away' }
  | { readonly kind: 'result' | 'failed'; readonly id: string; readonly payload: string }
  | { readonly kind: 'complete'; readonly id: string }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  | { readonly kind: 'unreadable'; readonly why: string };

interface Words {
  readonly start: string;
  readonly stop: string;
  readonly result: string;
  readonly agent: ReadonlyMap<string, AgentMessage['kind']>;
  readonly provider: ReadonlyMap<string, ProviderMessage['kind']>;
}

const WORDS: Readonly<Record<Subprotocol, Words>> = {
  'graphql-transport-ws': {
    start: 'subscribe',
    stop: 'complete',
    result: 'next',
    agent: new Map<string, AgentMessage['kind']>([
      ['connection_init', 'init'],
      ['subscribe', 'start'],
      ['complete', 'stop'],
      ['ping', 'ping'],
      ['pong', 'pong'],
    ]),
    provider: new Map<string, ProviderMessage['kind']>([
      ['connection_ack', 'ack'],
      ['next', 'result'],
      ['error', 'failed'],
      ['complete', 'complete'],
      ['ping', 'ping'],
      ['pong', 'pong'],
    ]),
  },
  'graphql-ws': {
    start: 'start',
    stop: 'stop',
    result: 'data',
    agent: new Map<string, AgentMessage['kind']>([
      ['connection_init', 'init'],
      ['start', 'start'],
      ['stop', 'stop'],
      ['connection_terminate', 'goodbye'],
    ]),
    provider: new Map<string, ProviderMessage['kind']>([
      ['connection_ack', 'ack'],
      ['connection_error', 'turned-away'],
      ['data', 'result'],
      ['error', 'failed'],
      ['complete', 'complete'],
      // A sign of life.
      ['ka', 'pong'],
    ]),
  },
};

const KEYS = new Set(['type', 'id', 'payload']);

/** Never throws. */
export function agentMessage(subprotocol: Subprotocol, bytes: Uint8Array): AgentMessage {
  const json = readJson(bytes, JSON_DEPTH_MAX);
  if (json.kind === 'could-not-tell') {
    // The parser's own words repeat what it was given, and that may be a credential.
    const isNoJson = json.reason.code === 'syntax-error';
    return unreadable(isNoJson ? 'Expected JSON, found something else.' : json.reason.message);
  }
  const { value } = json;
  if (!isObject(value)) return unreadable('Expected an object, found another value.');
  const other = Object.keys(value).find((key) => !KEYS.has(key));
  if (other !== undefined) {
    return unreadable(
      `Expected type, id and payload, found ${JSON.stringify(other.slice(0, 50))}.`,
    );
  }
  const { type, id, payload = null } = value;
  const kind = typeof type === 'string' ? WORDS[subprotocol].agent.get(type) : undefined;
  switch (kind) {
    case 'init':
      if (payload === null || isObject(payload)) return { kind, payload };
      return unreadable('Expected the payload to be an object, found another value.');
    case 'start':
    case 'stop':
      if (typeof id !== 'string' || id === '' || id.length > SOCKET_ID_CHARS_MAX) {
        return unreadable(
          `Expected an id of 1 to ${SOCKET_ID_CHARS_MAX} characters, found another.`,
        );
      }
      if (kind === 'stop') return { kind, id };
      return startOf(id, payload, bytes);
    case 'ping':
    case 'pong':
    case 'goodbye':
      return { kind };
    default:
      return unreadable(`Expected a word of ${subprotocol}, found another.`);
  }
}

function startOf(id: string, payload: Json, bytes: Uint8Array): AgentMessage {
  const text = isObject(payload) ? membersOf(textOf(bytes))?.get('payload') : undefined;
  if (text !== undefined) return { kind: 'start', id, payload: text };
  return unreadable('Expected the payload to be an object, found another value.');
}

/**
 * Not judged, only told apart. Never throws; of what it does not need to look at, it says nothing.
 */
export function providerMessage(subprotocol: Subprotocol, bytes: Uint8Array): ProviderMessage {
  const text = textOf(bytes);
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    return unreadable('Expected JSON, found something else.');
  }
  const members = isObject(value) ? membersOf(text) : null;
  if (!isObject(value) || members === null) return unreadable('Expected an object, found none.');
  const { type, id } = value;
  const kind = typeof type === 'string' ? WORDS[subprotocol].provider.get(type) : undefined;
  const payload = members.get('payload') ?? null;
  switch (kind) {
    case 'ack':
      return { kind, payload };
    case 'result':
    case 'failed':
      if (typeof id !== 'string' || payload === null) break;
      return { kind, id, payload };
    case 'complete':
      if (typeof id !== 'string') break;
      return { kind, id };
    case 'turned-away':
    case 'ping':
    case 'pong':
      return { kind };
    default:
      break;
  }
  return unreadable(`Expected a message of ${subprotocol}, found another.`);
}

export const INIT = '{"type":"connection_init"}';
export const PONG = '{"type":"pong"}';

export function ackOf(payload: string | null): string {
  return payload === null
    ? '{"type":"connection_ack"}'
    : `{"type":"connection_ack","payload":${payload}}`;
}

export function startWith(subprotocol: Subprotocol, id: string, payload: string): string {
  return written(WORDS[subprotocol].start, id, payload);
}

export function stopWith(subprotocol: Subprotocol, id: string): string {
  return written(WORDS[subprotocol].stop, id, null);
}

export function resultWith(subprotocol: Subprotocol, id: string, payload: string): string {
  return written(WORDS[subprotocol].result, id, payload);
}

export function failedWith(id: string, payload: string): string {
  return written('error', id, payload);
}

export function completeWith(id: string): string {
  return written('complete', id, null);
}

/** Ends the operation: a list of errors in the newer subprotocol, one error in the older. */
export function refusalWith(subprotocol: Subprotocol, id: string, refusal: Refusal): string {
  const { code, message, detail, hint } = refusal;
  const error = { message: `${message} ${detail} ${hint}`, extensions: { code, detail, hint } };
  return failedWith(id, JSON.stringify(subprotocol === 'graphql-ws' ? error : [error]));
}

function written(type: string, id: string, payload: string | null): string {
  const rest = payload === null ? '' : `,"payload":${payload}`;
  return `{"id":${JSON.stringify(id)},"type":"${type}"${rest}}`;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function unreadable(why: string): { readonly kind: 'unreadable'; readonly why: string } {
  return { kind: 'unreadable', why };
}
